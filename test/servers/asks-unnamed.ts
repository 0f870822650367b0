/** A server of the official SDK v1 on stdio that asks for roots as soon as it may, and within calls that run side by side. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'

const server = new McpServer({ name: 'asks', version: '1.0.0' })
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

let rootsKnown: (roots: string) => void = () => undefined
const roots = new Promise<string>((resolve) => (rootsKnown = resolve))
server.server.oninitialized = () => {
  server.server.listRoots().then(
    (listed) => rootsKnown(listed.roots.map(({ uri }) => uri).join()),
    (error: unknown) => rootsKnown(`refused: ${String(error)}`),
  )
}

let secondBegan: () => void = () => undefined
const second = new Promise<void>((resolve) => (secondBegan = resolve))
let firstAsked: () => void = () => undefined
const first = new Promise<void>((resolve) => (firstAsked = resolve))

server.registerTool('roots', {}, async () => text(await roots))
server.registerTool('first', {}, async () => {
  await second
  const answer = server.server.elicitInput({
    message: 'Go on?',
    requestedSchema: { type: 'object', properties: {} },
  })
  firstAsked()
  return text((await answer).action)
})
server.registerTool('second', {}, async () => {
  secondBegan()
  await first
  return text('over')
})
await server.connect(new StdioServerTransport())
