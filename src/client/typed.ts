import type { JsonObject } from '../protocol/types.js'

/** A server's type, as far as clients are concerned: `typeof server` of any `FastMCP`. */
interface Offering {
  readonly '~offers': { readonly tools: object; readonly prompts: object }
}

type Offered<App, Kind extends 'tools' | 'prompts'> = App extends Offering ? App['~offers'][Kind] : never

/** The names of a server's tools; any text where the server's type is not known. */
export type ToolName<App> = App extends Offering ? keyof Offered<App, 'tools'> & string : string

/** What a tool takes. */
export type ToolInput<App, Name extends string> = App extends Offering
  ? Offered<App, 'tools'>[Name & keyof Offered<App, 'tools'>] extends { input: infer Input }
    ? Input
    : never
  : JsonObject

/** What a tool gives, as structured content. */
export type ToolOutput<App, Name extends string> = App extends Offering
  ? Offered<App, 'tools'>[Name & keyof Offered<App, 'tools'>] extends { output: infer Output }
    ? Output
    : never
  : unknown

/** The names of a server's prompts. */
export type PromptName<App> = App extends Offering ? keyof Offered<App, 'prompts'> & string : string

/** The arguments of a prompt. */
export type PromptInput<App, Name extends string> = App extends Offering
  ? Offered<App, 'prompts'>[Name & keyof Offered<App, 'prompts'>]
  : Record<string, string>

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- what is given where nothing is
type None = {}

/** Arguments that may be left out where none is required, and then the options. */
export type Given<Input, Options> = None extends Input
  ? [args?: Input, options?: Options]
  : [args: Input, options?: Options]
