import type { ComponentSource, Operations } from '../components/context.js'
import type { Component } from '../components/component.js'
import { InputRequired } from '../components/input-required.js'
import { invalidParams, ResourceNotFoundError } from '../errors.js'
import type { ParamsOf, ResultOf, RunKind } from '../protocol/kinds.js'
import type { Call } from './router.js'

/** What a call may do with the components of one source. What they throw is thrown. */
export function operationsOn(source: ComponentSource, call: Call): Operations {
  const { access, caller } = call
  return {
    callTool: async (name, args = {}) => {
      const tool = await access.find(source, 'tool', name, caller)
      if (tool === undefined) throw invalidParams(`Unknown tool: ${name}`)
      return run(tool, args, call)
    },
    readResource: async (uri) => {
      const resource = await access.find(source, 'resource', uri, caller)
      if (resource === undefined) throw new ResourceNotFoundError(uri)
      return run(resource, undefined, call)
    },
    getPrompt: async (name, args = {}) => {
      const prompt = await access.find(source, 'prompt', name, caller)
      if (prompt === undefined) throw invalidParams(`Unknown prompt: ${name}`)
      return run(prompt, args, call)
    },
  }
}

/** Run a component, and again for as long as it asks the client first. */
export async function run<K extends RunKind>(
  component: Component<K>,
  params: ParamsOf<K>,
  call: Call,
): Promise<ResultOf<K>> {
  call.access.admit(component, call.caller)
  const given = await component.invoke(params, call.context)
  return given instanceof InputRequired ? runAgain(given, component, params, call) : given
}

/** Have the client asked for what a component wants to know, and run it once more. */
export async function runAgain<K extends RunKind>(
  required: InputRequired,
  component: Component<K>,
  params: ParamsOf<K>,
  call: Call,
): Promise<ResultOf<K>> {
  await call.client.require(required)
  return run(component, params, call)
}
