/** A server on stdio that stops reading with its first call, and reads again when it gets SIGUSR2. */
const write = (message: object): void =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

let buffered = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  buffered += text
  for (let end = buffered.indexOf('\n'); end >= 0; end = buffered.indexOf('\n')) {
    answer(JSON.parse(buffered.slice(0, end)) as { id?: number; method: string })
    buffered = buffered.slice(end + 1)
  }
})

let hasStopped = false

function answer({ id, method }: { id?: number; method: string }): void {
  if (id === undefined) return
  if (method === 'initialize')
    write({
      id,
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: String(process.pid), version: '1' },
      },
    })
  else if (method === 'tools/list')
    write({ id, result: { tools: [{ name: 'take', inputSchema: { type: 'object' } }] } })
  else if (method === 'tools/call') {
    if (!hasStopped) process.stdin.pause()
    hasStopped = true
    write({ id, result: { content: [{ type: 'text', text: String(process.pid) }] } })
  } else write({ id, result: {} })
}

process.on('SIGUSR2', () => process.stdin.resume())
// A paused stdin would let the process end.
setInterval(() => undefined, 60_000)
