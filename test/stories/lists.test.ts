import { describe, expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { ERAS } from '../support/clients.js'

const execute = () => ''
const tools = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `tool_${index}`, execute }))

describe.each(ERAS)('long lists ($era)', ({ connect }) => {
  const paged = () => new FastMCP({ name: 'test', version: '1.0.0', listPageSize: 3 }).addTools(tools(8))

  test('come in pages, each component once', async () => {
    const client = await connect(paged())
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor })
      pages.push(page.tools.map(({ name }) => name))
      cursor = page.nextCursor
    } while (cursor !== undefined && pages.length < 9)
    const all = pages.flat()
    expect(new Set(all).size).toBe(all.length)
    expect(all).toEqual(tools(8).map(({ name }) => name))
  })

  test('are not shifted by what is added or removed meanwhile', async () => {
    const server = paged()
    const client = await connect(server)
    const first = await request(client, 'tools/list', {})
    expect(first.tools.map(({ name }) => name)).toEqual(['tool_0', 'tool_1', 'tool_2'])
    server.removeTool('tool_0')
    const second = await request(client, 'tools/list', { cursor: first.nextCursor })
    expect(second.tools.map(({ name }) => name)).toEqual(['tool_3', 'tool_4', 'tool_5'])
    server.removeTool('tool_5')
    const third = await request(client, 'tools/list', { cursor: second.nextCursor })
    expect(third.tools.map(({ name }) => name)).toEqual(['tool_7'])
  })

  test.each([
    '',
    'x',
    'bm90IG91cnM',
    '%%%',
    btoa('["prompts/list",3,"tool_2"]'),
    btoa('["tools/list",-1,"a"]'),
  ])('refuse a cursor nobody issued (%j)', async (cursor) => {
    const client = await connect(paged())
    await expect(request(client, 'tools/list', { cursor })).rejects.toMatchObject({ code: -32602 })
  })

  test('need no cursor when they are short', async () => {
    const client = await connect(new FastMCP({ name: 'test', version: '1.0.0' }).addTools(tools(2)))
    expect(await request(client, 'tools/list', {})).not.toHaveProperty('nextCursor')
    await expect(request(client, 'tools/list', { cursor: 'x' })).rejects.toMatchObject({ code: -32602 })
    await expect(request(client, 'tools/list', { cursor: 5 })).rejects.toMatchObject({ code: -32602 })
  })
})

interface Listed {
  tools: { name: string }[]
  nextCursor?: string
}

/** One page, as the server gives it. */
async function request(client: unknown, method: string, params: object): Promise<Listed> {
  const any = { '~standard': { version: 1, vendor: 'any', validate: (value: unknown) => ({ value }) } }
  return (client as { request: (request: object, schema: object) => Promise<Listed> }).request(
    { method, params },
    any,
  )
}
