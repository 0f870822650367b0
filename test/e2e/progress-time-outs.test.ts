/** Progress of a server extends the time-out of a request, whether or not it is passed on. */
import { FastMCP } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { serve } from '../support/clients.js'
import { ERA_PAIRS } from '../support/hostile-upstream.js'
import { connected } from '../support/own-client.js'

const TIMEOUT_MS = 600

/** Its tool reports every 50 ms for three times as long as its callers wait for silence to end. */
function reporting(): FastMCP {
  return new FastMCP({ name: 'upstream', version: '1.0.0' })
    .addTool({
      name: 'reports',
      execute: async (_args, { reportProgress, signal }) => {
        for (let progress = 1; progress <= (3 * TIMEOUT_MS) / 50 && !signal.aborted; progress++) {
          await reportProgress({ progress })
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        return 'done'
      },
    })
    .addTool({ name: 'silent', execute: () => new Promise(() => undefined) })
}

describe.each(ERA_PAIRS)('$front → $behind', ({ front, behind }) => {
  test('a client that asks for no progress › waits as long as there is some', async () => {
    const proxy = FastMCP.asProxy(await serve(reporting()), {
      name: 'proxy',
      era: behind,
      timeoutMs: TIMEOUT_MS,
    })
    const client = await connected(await serve(proxy), { era: front })
    const [reports, silent] = await Promise.all([
      client.callTool('reports', {}, { throwOnError: false }),
      client.callTool('silent', {}, { throwOnError: false }),
    ])
    expect(reports.data).toBe('done')
    expect(silent).toMatchObject({ isError: true })
  })

  test('a client without a proxy › waits as long as there is some', async () => {
    const client = await connected(await serve(reporting()), { era: front, timeoutMs: TIMEOUT_MS })
    expect((await client.callTool('reports')).data).toBe('done')
    await expect(client.callTool('silent')).rejects.toMatchObject({ name: 'RequestTimeoutError' })
  })
})
