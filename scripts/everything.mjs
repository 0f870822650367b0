import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Serve the everything server while something is done with its URL. */
export async function withEverythingServer(use) {
  const port = await freePort()
  const server = spawn(process.execPath, ['--import', 'tsx', 'test/conformance/everything-server.ts'], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  })
  try {
    await healthy(`http://localhost:${port}/health`)
    return await use(`http://localhost:${port}/mcp`)
  } finally {
    server.kill()
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

async function healthy(url) {
  for (let tries = 0; tries < 100; tries++) {
    const answered = await fetch(url).catch(() => undefined)
    if (answered?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Nothing answers at ${url}`)
}
