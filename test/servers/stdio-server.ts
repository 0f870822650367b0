/** A server for tests of stdio, with tools that do what tools should not. */
import { setTimeout as delay } from 'node:timers/promises'
import { FastMCP } from 'fastmesh'
import { z } from 'zod'

const server = new FastMCP({ name: 'stdio', version: '1.0.0' })
  .addTool({ name: 'echo', parameters: z.object({ text: z.string() }), execute: ({ text }) => text })
  .addTool({
    name: 'noisy',
    execute: () => {
      console.log('a stray console.log')
      process.stdout.write('a stray write')
      return 'quiet'
    },
  })
  .addTool({
    name: 'slow',
    parameters: z.object({ ms: z.number() }),
    execute: async ({ ms }, { signal, log }) => {
      log.info('started')
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms)
        signal.addEventListener('abort', () => {
          clearTimeout(timer)
          console.error('aborted')
          reject(signal.reason as Error)
        })
      })
      return 'waited'
    },
  })
  .addTool({
    name: 'grow',
    execute: () => {
      server.addTool({ name: `grown_${Date.now()}`, execute: () => '' })
      return 'grown'
    },
  })
  .addTool({
    name: 'throws',
    execute: () => {
      throw new Error('hunter2')
    },
  })
  .addTool({
    name: 'progress',
    execute: async (_args, { reportProgress }) => {
      for (let progress = 1; progress <= 3; progress++) {
        await reportProgress({ progress, total: 3 })
        // The official clients miss what reaches them in one piece with the answer.
        await delay(50)
      }
      return 'done'
    },
  })
  .addTool({ name: 'large', execute: () => 'x'.repeat(1_000_000) })

// What user code leaves open must not keep the process when its client has gone.
setInterval(() => {}, 1000)
await server.start()
