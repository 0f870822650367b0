/** A server on `mcp-framework`, over stdio: the framework finds components in the folder `dist` beside this file. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MCPServer } from 'mcp-framework'

const basePath = fileURLToPath(new URL('dist', import.meta.url))
mkdirSync(join(basePath, 'tools'), { recursive: true })
mkdirSync(join(basePath, 'prompts'), { recursive: true })
writeFileSync(
  join(basePath, 'tools', 'AddTool.js'),
  `import { MCPTool } from 'mcp-framework'
import { z } from 'zod'

export default class AddTool extends MCPTool {
  name = 'add'
  description = 'Adds two numbers'
  schema = z.object({ a: z.number().describe('One'), b: z.number().describe('Other') })
  async execute({ a, b }) {
    if (a === 0) throw new Error('this tool fails')
    return String(a + b)
  }
}
`,
)
writeFileSync(
  join(basePath, 'prompts', 'GreetPrompt.js'),
  `import { MCPPrompt } from 'mcp-framework'
import { z } from 'zod'

export default class GreetPrompt extends MCPPrompt {
  name = 'greet'
  description = 'Greets'
  schema = { who: { type: z.string(), description: 'Whom', required: true } }
  async generateMessages({ who }) {
    return [{ role: 'user', content: { type: 'text', text: 'Hello ' + who } }]
  }
}
`,
)
await new MCPServer({ name: 'framework', version: '6.5.4', basePath }).start()
