import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    auth: 'src/auth/index.ts',
    middleware: 'src/middleware/index.ts',
    'undici-http-client': 'src/client/http/undici-http-client.ts',
    'fetch-http-client': 'src/client/http/fetch-http-client.ts',
    'no-node-server': 'src/runtime/no-node-server.ts',
  },
  external: ['#http-client', '#node-server'],
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  splitting: true,
  treeshake: true,
  sourcemap: true,
  clean: true,
  // The declaration bundler sets an option that TypeScript 6 warns of.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
})
