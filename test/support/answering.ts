/** Have an official client answer what a server asks. */
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { OfficialClient } from './clients.js'

type Params = Record<string, unknown>

export interface Answers {
  readonly elicit?: (params: Params) => object | Promise<object>
  readonly sample?: (params: Params) => object | Promise<object>
  readonly roots?: () => object[]
}

/** What a client must declare to give those answers. */
export function capabilitiesFor({ elicit, sample, roots }: Answers): object {
  return {
    ...(elicit === undefined ? {} : { elicitation: { form: {}, url: {} } }),
    ...(sample === undefined ? {} : { sampling: {} }),
    ...(roots === undefined ? {} : { roots: { listChanged: true } }),
  }
}

export function answering(client: OfficialClient, { elicit, sample, roots }: Answers): OfficialClient {
  const v1 = client as unknown
  if (v1 instanceof ClientV1) {
    if (elicit)
      v1.setRequestHandler(ElicitRequestSchema, async ({ params }) => (await elicit(params)) as never)
    if (sample)
      v1.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => (await sample(params)) as never)
    if (roots) v1.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots() }) as never)
    return client
  }
  if (elicit)
    client.setRequestHandler('elicitation/create', async ({ params }) => (await elicit(params)) as never)
  if (sample)
    client.setRequestHandler('sampling/createMessage', async ({ params }) => (await sample(params)) as never)
  if (roots) client.setRequestHandler('roots/list', () => ({ roots: roots() }) as never)
  return client
}
