/** See to it that every TypeScript block in the README and the docs compiles against the sources. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = new URL('../.cache/docs/', import.meta.url)
const BLOCK = /^```ts\n([\s\S]*?)^```$/gm

rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER, { recursive: true })
const pages = ['README.md', ...readdirSync(new URL('../docs', import.meta.url)).map((name) => `docs/${name}`)]
let blocks = 0
for (const page of pages.filter((name) => name.endsWith('.md'))) {
  const text = readFileSync(new URL(`../${page}`, import.meta.url), 'utf8')
  for (const [, code] of text.matchAll(BLOCK)) {
    const name = `${page.replaceAll(/\W/g, '-')}-${++blocks}.ts`
    writeFileSync(new URL(name, FOLDER), `${code}\nexport {}\n`)
  }
}
writeFileSync(
  new URL('tsconfig.json', FOLDER),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '../..' },
    include: ['*.ts'],
  }),
)
try {
  execFileSync('npx', ['tsc', '--noEmit', '-p', fileURLToPath(FOLDER)], {
    cwd: ROOT,
    stdio: 'pipe',
    encoding: 'utf8',
  })
} catch (error) {
  console.error(error.stdout)
  process.exit(1)
}
console.log(`${blocks} code blocks in ${pages.length} pages compile`)
