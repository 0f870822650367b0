/** The ways in which our client sends requests on Node. */
import { Agent, fetch as undiciFetch } from 'undici'
import { onCleanup } from './clients.js'

/** The ways to send requests on Node; a dispatcher is closed after the test. */
export const WAYS = {
  undici: () => ({}),
  'a dispatcher': () => {
    const dispatcher = new Agent()
    onCleanup(() => dispatcher.close())
    return { dispatcher }
  },
  fetch: () => ({ fetch: undiciFetch as unknown as typeof fetch }),
}
