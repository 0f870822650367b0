/** Runs the check in Bun, Deno or Node: `run-check.mjs URL`. */
import * as fastmesh from 'fastmesh'
import { check } from './check.mjs'

const [url] = globalThis.process.argv.slice(2)
globalThis.process.stdout.write(`${(await check(fastmesh, url)).join(', ')}\n`)
globalThis.process.exit(0)
