/**
 * A client that knows its server's tools: names, arguments and results are checked by the
 * compiler. It answers what the server asks, hears of the log and of progress, and subscribes.
 */
import assert from 'node:assert/strict'
import { Client, FastMCP, ToolError } from 'fastmesh'
import { z } from 'zod'

let temperature = 7
const weather = new FastMCP({ name: 'Weather', version: '1.0.0' })
  .addTool({
    name: 'forecast',
    parameters: z.object({ city: z.string() }),
    outputSchema: z.object({ celsius: z.number() }),
    execute: async ({ city }, { elicit, log, reportProgress }) => {
      log.info('asked for a forecast', { city })
      await reportProgress({ progress: 1, total: 2 })
      const answer = await elicit({ message: `Really ${city}?`, schema: z.object({ sure: z.boolean() }) })
      if (answer.action !== 'accept' || !answer.content.sure) throw new Error('never mind')
      return { celsius: temperature }
    },
  })
  .addTool({
    name: 'change',
    execute: (_args, { notifyResourceUpdated }) => {
      temperature += 1
      notifyResourceUpdated('weather://now')
    },
  })
  .addResource({ uri: 'weather://now', name: 'now', load: () => String(temperature) })

const { url } = await weather.start({ httpStream: { port: 0, host: '127.0.0.1' } })

const logged: unknown[] = []
await using client = await Client.connect<typeof weather>(url, {
  elicitation: () => ({ action: 'accept', content: { sure: true } }),
  onLog: ({ data }) => logged.push(data),
})

const reports: number[] = []
const forecast = await client.callTool(
  'forecast',
  { city: 'London' },
  { timeoutMs: 5000, onProgress: ({ progress }) => reports.push(progress) },
)
assert.equal(forecast.data.celsius, 7)
assert.deepEqual(logged[0], { message: 'asked for a forecast', context: { city: 'London' } })
assert.equal(reports[0], 1)

const updated = new Promise(
  (resolve) => void client.subscribe('weather://now', resolve).then(() => client.callTool('change')),
)
assert.equal(await updated, 'weather://now')
assert.deepEqual((await client.readResource('weather://now')).contents, [{ uri: 'weather://now', text: '8' }])

// A tool that fails throws, unless it is told not to.
const unsure = new Client<typeof weather>(url, { elicitation: () => ({ action: 'decline' }) })
await assert.rejects(unsure.callTool('forecast', { city: 'Paris' }), ToolError)
await unsure.close()

await weather.stop()
