/** A proxy that is stopped, or unmounted, gets its connections back. */
import { FastMCP, type EraName } from 'fastmesh'
import { describe, expect, test } from 'vitest'
import { onCleanup, serve } from '../support/clients.js'
import { echoServer } from '../support/echo-server.js'
import { connected } from '../support/own-client.js'

const ERAS: readonly EraName[] = ['2025-11-25', '2026-07-28']

describe.each(ERAS)('a proxy of a server of %s over HTTP', (era) => {
  test('› answers again when it is started again', async () => {
    const proxy = FastMCP.asProxy(await serve(echoServer()), { era })
    for (let round = 0; round < 3; round++) {
      const { url } = await proxy.start({ httpStream: { port: 0, host: '127.0.0.1' } })
      const client = await connected(url, { era })
      expect((await client.callTool('plain')).data).toBe('plain')
      await client.close()
      await proxy.stop()
    }
  })

  test('› answers again when it is mounted again, within one session', async () => {
    const proxy = FastMCP.asProxy(await serve(echoServer()), { era, maxConnections: 2 })
    const main = new FastMCP({ name: 'main', version: '1.0.0' }).mount('m', proxy)
    onCleanup(() => main.stop())
    const client = await connected(await serve(main), { era: '2025-11-25' })
    for (let round = 0; round < 4; round++) {
      expect((await client.callTool('m_plain')).data).toBe('plain')
      main.unmount('m')
      main.mount('m', proxy)
    }
  })
})
