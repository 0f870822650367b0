/** Calls a tool of the server at `process.argv[2]` twice, and prints what came of it. */
import { Client } from 'fastmesh'

try {
  await using client = await Client.connect(process.argv[2] ?? '', { era: '2026-07-28' })
  const answers = [await client.callTool('plain'), await client.callTool('plain')]
  console.log(answers.map(({ data }) => data).join())
} catch (error) {
  const { message, cause } = error as Error
  console.log(`${message}: ${(cause as { code?: string }).code}`)
}
