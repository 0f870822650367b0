import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^#http-client$/,
        replacement: new URL('src/client/http/undici-http-client.ts', import.meta.url).pathname,
      },
      { find: /^fastmesh$/, replacement: new URL('src/index.ts', import.meta.url).pathname },
      { find: /^fastmesh\/auth$/, replacement: new URL('src/auth/index.ts', import.meta.url).pathname },
      {
        find: /^fastmesh\/middleware$/,
        replacement: new URL('src/middleware/index.ts', import.meta.url).pathname,
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup/wire-check.ts'],
    env: { FASTMESH_STATE_KEY: 'a key that all the servers of the tests share' },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    typecheck: { include: ['test/types/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
  },
})
