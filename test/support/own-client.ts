/** Our own client, closed after the test. */
import { Client, type ClientTarget } from 'fastmesh'
import { onCleanup } from './clients.js'

export async function connected(target: ClientTarget, options: object = {}): Promise<Client> {
  const client = await Client.connect(target, options)
  onCleanup(() => client.close())
  return client
}
