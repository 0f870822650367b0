/** A server of the official SDK v1 on stdio that speaks outside of calls, and asks its client to open pages. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

const mcp = new McpServer({ name: 'outspoken', version: '1.0.0' }, { capabilities: { logging: {} } })
const { server } = mcp
const heard: string[] = []
const page = (elicitationId: string) => ({
  mode: 'url' as const,
  message: 'Sign in',
  url: 'https://example.com/sign-in',
  elicitationId,
})

server.oninitialized = () => {
  void server.sendLoggingMessage({ level: 'error', data: 'ready' })
  void server.notification({ method: 'notifications/vendor/ready', params: { by: 'outspoken' } })
}
const Said = z.object({
  method: z.literal('notifications/vendor/said'),
  params: z.object({ text: z.string() }),
})
server.setNotificationHandler(Said as never, ({ params }: z.infer<typeof Said>) => {
  heard.push(params.text)
})

mcp.registerTool('heard', {}, () => ({ content: [{ type: 'text', text: heard.join() }] }))
mcp.registerTool('page', {}, async () => {
  const { action } = await server.elicitInput(page('the-page'))
  await server.createElicitationCompletionNotifier('the-page')()
  return { content: [{ type: 'text', text: action }] }
})
mcp.registerTool('page-first', {}, () => {
  setTimeout(() => void server.createElicitationCompletionNotifier('first-page')(), 100)
  throw new UrlElicitationRequiredError([page('first-page')])
})
await mcp.connect(new StdioServerTransport())
