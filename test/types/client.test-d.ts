import { Client, FastMCP } from 'fastmesh'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const weather = new FastMCP({ name: 'weather', version: '1.0.0' })
  .addTool({
    name: 'get_forecast',
    parameters: z.object({ city: z.string(), days: z.number().default(1) }),
    outputSchema: z.object({ celsius: z.number() }),
    execute: () => ({ celsius: 7 }),
  })
  .addPrompt({ name: 'ask', arguments: [{ name: 'city', required: true }, { name: 'tone' }], load: () => '' })
export const main = new FastMCP({ name: 'main', version: '1.0.0' })
  .addTool({ name: 'add', parameters: z.object({ a: z.number() }), execute: ({ a }) => a })
  .addTool({ name: 'bare', execute: () => undefined })
  .mount('outer', new FastMCP({ name: 'outer', version: '1.0.0' }).mount('weather', weather))

type App = typeof main

declare const client: Client<App>
declare const untyped: Client

/** Checked by the compiler, and never run. */
declare function compiled<T>(check: () => Promise<T>): { data: T }

test('a client knows the tools, arguments and results of its server, through mounts as well', () => {
  const { data: forecast } = compiled(() => client.callTool('outer_weather_get_forecast', { city: 'London' }))
  expectTypeOf(forecast.data).toEqualTypeOf<{ celsius: number }>()
  expectTypeOf(client.callTool<'add'>)
    .parameter(1)
    .toEqualTypeOf<{ a: number }>()
  compiled(() => client.callTool('bare'))
  compiled(() => client.callTool('add', { a: 1 }, { timeoutMs: 1 }))
  // @ts-expect-error -- there is no such tool
  compiled(() => client.callTool('weather_get_forecast', { city: 'London' }))
  // @ts-expect-error -- an argument is missing
  compiled(() => client.callTool('add', {}))
  // @ts-expect-error -- arguments are missing
  compiled(() => client.callTool('add'))
  // @ts-expect-error -- a number, not a text
  compiled(() => client.callTool('add', { a: '1' }))
})

test('a client knows the prompts of its server', () => {
  compiled(() => client.getPrompt('outer_weather_ask', { city: 'London' }))
  // @ts-expect-error -- a required argument is missing
  compiled(() => client.getPrompt('outer_weather_ask', { tone: 'kind' }))
  // @ts-expect-error -- there is no such prompt
  compiled(() => client.getPrompt('none'))
})

test('without a type, names are texts and results unknown', () => {
  const { data: anything } = compiled(() => untyped.callTool('anything', { at: ['all'] }))
  expectTypeOf(anything.data).toBeUnknown()
  expectTypeOf(Client.connect<App>).returns.resolves.toEqualTypeOf<Client<App>>()
})
