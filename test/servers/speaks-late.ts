/** A server of the official SDK v1 on stdio, whose tool `late` logs and asks half a second after it was called, whatever became of the call. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'

const server = new McpServer({ name: 'late', version: '1.0.0' }, { capabilities: { logging: {} } })
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const asked: string[] = []

server.registerTool('late', {}, async () => {
  await pause(500)
  await server.server.sendLoggingMessage({ level: 'error', data: 'the secret of the first caller' })
  const requestedSchema = { type: 'object' as const, properties: {} }
  const { action } = await server.server
    .elicitInput({ message: 'the question of the first caller', requestedSchema })
    .catch((error: unknown) => ({ action: `refused: ${String(error)}` }))
  asked.push(action)
  return { content: [{ type: 'text', text: action }] }
})
server.registerTool('wait', {}, async () => {
  await pause(1000)
  return { content: [{ type: 'text', text: `${process.pid} ${asked.join()}` }] }
})
await server.connect(new StdioServerTransport())
