import { expect, test } from 'vitest'
import { FastMCP } from 'fastmesh'
import { NAME, rawTo } from '../support/echo-server.js'

test.each([{}, { asProxy: true }])(
  'a client cut off in a call through mounts (%j) ends that call',
  async (options) => {
    let hearAbort: () => void = () => {}
    const aborted = new Promise<void>((resolve) => (hearAbort = resolve))
    const child = new FastMCP(NAME).addTool({
      name: 'wait',
      execute: async (_args, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        hearAbort()
      },
    })
    const main = new FastMCP(NAME).mount('m', new FastMCP(NAME).mount('c', child, options))
    const connection = await rawTo(main)
    connection.post2026('tools/call', { name: 'm_c_wait', arguments: {} })
    await expect.poll(() => main.status().requests).toBe(1)
    connection.destroy()
    await aborted
    await expect.poll(() => [main.status().requests, child.status().requests]).toEqual([0, 0])
    await main.stop()
    expect(child.sessions).toEqual([])
  },
)
