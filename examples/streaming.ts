/** Progress, logs and streamed results, in both protocol eras. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

const server = new FastMCP({ name: 'Streaming', version: '1.0.0' })
  .addTool({
    name: 'bake',
    execute: async (_args, { reportProgress, log }) => {
      for (const [step, message] of ['mixing', 'kneading', 'baking'].entries()) {
        await reportProgress({ progress: step + 1, total: 3, message })
        log.info(message)
      }
      return 'bread'
    },
  })
  .addTool({
    name: 'tell',
    annotations: { streamingHint: true },
    execute: async function* () {
      for (const word of ['Once ', 'upon ', 'a ', 'time']) yield word
    },
  })

for (const era of ['legacy', 'auto'] as const) {
  const client = await connect(server, era)
  const steps: string[] = []
  const onprogress = ({ message }: { message?: string | undefined }) => void steps.push(message ?? '')
  const bread = await client.callTool({ name: 'bake', arguments: {} }, { onprogress })
  assert.deepEqual(bread.content, [{ type: 'text', text: 'bread' }])
  assert.deepEqual(steps.splice(0), ['mixing', 'kneading', 'baking'])

  const tale = await client.callTool({ name: 'tell', arguments: {} }, { onprogress })
  assert.deepEqual(steps, ['Once ', 'upon ', 'a ', 'time'])
  assert.deepEqual(tale.content, [{ type: 'text', text: 'Once upon a time' }])
  await client.close()
}
