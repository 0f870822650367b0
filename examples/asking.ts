/** Asking the user, the model and for the roots in the middle of a call: the same code for both eras. */
import assert from 'node:assert/strict'
import { FastMCP, inputRequired } from 'fastmesh'
import { z } from 'zod'
import { connect } from './connect.js'

let looked = 0
const server = new FastMCP({ name: 'Asking', version: '1.0.0' })
  .addTool({
    name: 'remove',
    parameters: z.object({ path: z.string() }),
    execute: async ({ path }, { elicit, sample, listRoots, once }) => {
      // A 2026-07-28 client is answered with the question, and what follows runs when it comes back:
      // what must not happen twice goes into `once`.
      const size = await once('size', () => ++looked * 100)
      const answer = await elicit({
        message: `Delete ${path} (${size} bytes)?`,
        schema: z.object({ sure: z.boolean(), reason: z.string().default('none given') }),
      })
      if (answer.action !== 'accept' || !answer.content.sure) return 'kept'
      const [roots, farewell] = await Promise.all([
        listRoots(),
        sample({ messages: `Say goodbye to ${path}`, maxTokens: 20 }),
      ])
      return `${farewell.text} (${roots[0]?.uri ?? 'nowhere'}, ${answer.content.reason})`
    },
  })
  .addTool({
    name: 'greet',
    // The explicit style: return the questions, and be called again with the answers.
    execute: (_args, { inputResponses, requestState }) =>
      inputResponses === undefined
        ? inputRequired({
            inputRequests: {
              name: inputRequired.elicit({ message: 'Your name?', schema: z.object({ name: z.string() }) }),
            },
            requestState: { greeting: 'Hello' },
          })
        : `${(requestState as { greeting: string }).greeting}, ${JSON.stringify(inputResponses['name']?.content)}`,
  })

for (const era of ['legacy', 'auto'] as const) {
  const asked: string[] = []
  const client = await connect(server, era, { elicitation: {}, sampling: {}, roots: {} })
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message)
    const content = params.message === 'Your name?' ? { name: 'Ann' } : { sure: true }
    return { action: 'accept', content }
  })
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    model: 'example',
    content: { type: 'text', text: 'Farewell' },
  }))
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///srv' }] }))

  looked = 0
  const removed = await client.callTool({ name: 'remove', arguments: { path: '/srv/old.txt' } })
  assert.deepEqual(removed.content, [{ type: 'text', text: 'Farewell (file:///srv, none given)' }])
  const greeted = await client.callTool({ name: 'greet', arguments: {} })
  assert.deepEqual(greeted.content, [{ type: 'text', text: 'Hello, {"name":"Ann"}' }])
  assert.deepEqual(asked, ['Delete /srv/old.txt (100 bytes)?', 'Your name?'])
  await client.close()
}

// A client that cannot be asked is told what it lacks.
const plain = await connect(server)
await assert.rejects(plain.callTool({ name: 'remove', arguments: { path: '/x' } }), { code: -32021 })
await plain.close()
