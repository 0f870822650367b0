/** Prompts with required, optional and enumerated arguments, completed and filled in. */
import assert from 'node:assert/strict'
import { FastMCP } from 'fastmesh'
import { connect } from './connect.js'

const server = new FastMCP({ name: 'Prompts', version: '1.0.0' })
  .addPrompt({
    name: 'review',
    description: 'Review code',
    arguments: [
      { name: 'code', required: true },
      { name: 'tone', enum: ['kind', 'strict'] },
    ],
    load: ({ code, tone }) => `Review this, be ${tone ?? 'yourself'}:\n${code}`,
  })
  .addPrompt({
    name: 'interview',
    load: () => [
      { role: 'assistant', content: 'What brings you here?' },
      { role: 'user', content: 'I would like to learn.' },
    ],
  })

const client = await connect(server)
const review = await client.getPrompt({ name: 'review', arguments: { code: 'x = 1', tone: 'kind' } })
assert.deepEqual(review.messages, [
  { role: 'user', content: { type: 'text', text: 'Review this, be kind:\nx = 1' } },
])
const interview = await client.getPrompt({ name: 'interview' })
assert.deepEqual(
  interview.messages.map(({ role }) => role),
  ['assistant', 'user'],
)
await assert.rejects(client.getPrompt({ name: 'review' }), /needs the argument code/)
const ref = { type: 'ref/prompt', name: 'review' } as const
assert.deepEqual((await client.complete({ ref, argument: { name: 'tone', value: 's' } })).completion.values, [
  'strict',
])
await client.close()
