/** What the conformance suite wants of tools and prompts that ask the client, in both eras and both styles. */
import { setTimeout as delay } from 'node:timers/promises'
import { inputRequired, type FastMCP } from 'fastmesh'
import { z } from 'zod'

const NAME_FORM = { message: 'What is your name?', schema: z.object({ name: z.string() }) }

/** Choices in every form that the protocol has for them. */
const CHOICES = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: {
      type: 'string',
      oneOf: [
        { const: 'value1', title: 'First Option' },
        { const: 'value2', title: 'Second Option' },
      ],
    },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2'], enumNames: ['Option One', 'Option Two'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2'] } },
    titledMulti: {
      type: 'array',
      items: {
        anyOf: [
          { const: 'value1', title: 'First Choice' },
          { const: 'value2', title: 'Second Choice' },
        ],
      },
    },
  },
}

export function addAsking(server: FastMCP): void {
  addPushed(server)
  addAwaited(server)
  addReturned(server)
}

/** What clients up to 2025-11-25 are asked. */
function addPushed(server: FastMCP): void {
  server.addTool({
    name: 'test_sampling',
    description: 'Asks the model of the client',
    parameters: z.object({ prompt: z.string() }),
    execute: async ({ prompt }, { sample }) =>
      `LLM response: ${(await sample({ messages: prompt, maxTokens: 100 })).text}`,
  })
  server.addTool({
    name: 'test_elicitation',
    description: 'Asks the user',
    parameters: z.object({ message: z.string() }),
    execute: async ({ message }, { elicit }) => {
      const schema = z.object({ username: z.string(), email: z.string() })
      const { action, content } = await elicit({ message, schema })
      return `User response: action=${action}, content=${JSON.stringify(content)}`
    },
  })
  server.addTool({
    name: 'test_elicitation_sep1034_defaults',
    description: 'Asks the user, with defaults',
    execute: async (_args, { elicit }) => {
      const schema = {
        type: 'object',
        properties: {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        },
      }
      const { action, content } = await elicit({ message: 'Please confirm', schema })
      return `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`
    },
  })
  server.addTool({
    name: 'test_elicitation_sep1330_enums',
    description: 'Asks the user to choose',
    execute: async (_args, { elicit }) => {
      const { action } = await elicit({ message: 'Please choose', schema: CHOICES })
      return `Elicitation completed: action=${action}`
    },
  })
  server.addTool({
    name: 'test_reconnection',
    description: 'Has the client hang up and come back',
    execute: async (_args, { closeStream }) => {
      closeStream()
      await delay(100)
      return 'Reconnection test completed'
    },
  })
}

/** What awaits its answers, under keys that the suite knows. */
function addAwaited(server: FastMCP): void {
  server.addTool({
    name: 'test_input_required_result_elicitation',
    description: 'Asks for a name',
    execute: async (_args, { elicit }) => {
      const answer = await elicit({ key: 'user_name', ...NAME_FORM })
      return `Hello, ${answer.content?.name ?? 'stranger'}!`
    },
  })
  server.addTool({
    name: 'test_input_required_result_sampling',
    description: 'Asks the model of the client',
    execute: async (_args, { sample }) =>
      (await sample({ key: 'capital_question', messages: 'What is the capital of France?', maxTokens: 100 }))
        .text,
  })
  server.addTool({
    name: 'test_input_required_result_multi_round',
    description: 'Asks for one thing after the other',
    execute: async (_args, { elicit }) => {
      const name = await elicit({ key: 'step1', ...NAME_FORM })
      const schema = z.object({ color: z.string() })
      const color = await elicit({ key: 'step2', message: 'What is your favourite colour?', schema })
      return `${name.content?.name ?? 'Somebody'} likes ${color.content?.color ?? 'no colour'}`
    },
  })
  server.addPrompt({
    name: 'test_input_required_result_prompt',
    description: 'Asks before it is made',
    load: async (_args, { elicit }) => {
      const schema = z.object({ context: z.string() })
      const answer = await elicit({ key: 'user_context', message: 'In what context?', schema })
      return `The context is ${answer.content?.context ?? 'unknown'}`
    },
  })
}

/** What returns its questions. */
function addReturned(server: FastMCP): void {
  const confirm = inputRequired.elicit({
    message: 'Please confirm',
    schema: z.object({ ok: z.boolean() }),
  })
  server.addTool({
    name: 'test_input_required_result_list_roots',
    description: 'Asks for the roots',
    execute: (_args, { inputResponses }) => {
      const roots = inputResponses?.['client_roots']?.roots
      if (roots === undefined)
        return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
      return `There are ${roots.length} roots`
    },
  })
  for (const name of [
    'test_input_required_result_request_state',
    'test_input_required_result_tampered_state',
  ])
    server.addTool({
      name,
      description: 'Asks, and remembers something meanwhile',
      execute: (_args, { inputResponses, requestState }) => {
        if (inputResponses?.['confirm'] === undefined)
          return inputRequired({ inputRequests: { confirm }, requestState: { remembered: 'state' } })
        return (requestState as { remembered?: string }).remembered === 'state' ? 'state-ok' : 'state-lost'
      },
    })
  server.addTool({
    name: 'test_input_required_result_multiple_inputs',
    description: 'Asks for several things at once',
    execute: (_args, { inputResponses }) => {
      const inputRequests = {
        user_name: inputRequired.elicit(NAME_FORM),
        greeting: inputRequired.sample({ messages: 'Generate a greeting', maxTokens: 50 }),
        client_roots: inputRequired.listRoots(),
      }
      const isComplete = Object.keys(inputRequests).every((key) => inputResponses?.[key] !== undefined)
      return isComplete ? 'Got it all' : inputRequired({ inputRequests, requestState: 'asked' })
    },
  })
  server.addTool({
    name: 'test_input_required_result_capabilities',
    description: 'Asks for what the client can give',
    execute: (_args, { client, inputResponses }) => {
      if (inputResponses !== undefined) return 'Got it'
      const { sampling, elicitation } = client.capabilities
      if (sampling !== undefined)
        return inputRequired({ inputRequests: { greeting: inputRequired.sample({ messages: 'Greet me' }) } })
      if (elicitation !== undefined) return inputRequired({ inputRequests: { confirm } })
      return 'The client can be asked for nothing'
    },
  })
}
