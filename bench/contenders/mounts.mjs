/** As many tools as wanted: a server's own, ten mounts' (`wide`), or at the bottom of five nested mounts (`deep`). */
import { FastMCP } from '../../dist/index.js'
import { z } from 'zod'

const MOUNTS = 10
const LEVELS = 5

export function toolNamed(name) {
  return {
    name,
    description: `Adds two numbers, as ${name}`,
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: ({ a, b }) => String(a + b),
  }
}

function make(name) {
  return new FastMCP({ name, version: '1.0.0' })
}

/** Gives the server, and the one whose own tools it shows last. */
export function composed(shape, names) {
  const server = make('bench')
  if (shape === 'own') {
    for (const name of names) server.addTool(toolNamed(name))
    return { server, last: server }
  }
  if (shape === 'wide') {
    const children = Array.from({ length: MOUNTS }, (_, index) => make(`child ${index}`))
    for (const [index, name] of names.entries())
      children[Math.floor((index * MOUNTS) / names.length)].addTool(toolNamed(name))
    for (const [index, child] of children.entries()) server.mount(`m${index}`, child)
    return { server, last: children.at(-1) }
  }
  let last = server
  for (let level = 0; level < LEVELS; level++) {
    const child = make(`level ${level}`)
    last.mount('m', child)
    last = child
  }
  for (const name of names) last.addTool(toolNamed(name))
  return { server, last }
}
