/** Installs a server from npm into a folder of its own, once. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const INSTALL_MS = 300_000

/** Gives the folder, the version and the file to run. Throws where the server cannot be installed. */
export function install({ folder, packages, bin, file, own }, cache) {
  const home = join(cache, folder)
  const stamp = join(home, 'installed.json')
  const wanted = JSON.stringify(packages)
  mkdirSync(home, { recursive: true })
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }')
    npmInstall(home, packages)
    writeFileSync(stamp, wanted)
  }
  const [name] = packages.map((spec) => spec.replace(/(?<=.)@[^@/]*$/, ''))
  const manifest = JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8'))
  return {
    home,
    version: manifest.version,
    entry: own ? copied(own, home) : entryOf(manifest, home, bin, file),
  }
}

function npmInstall(home, packages) {
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, stderr } = spawnSync('npm', ['install', '--prefix', home, ...flags, ...packages], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: INSTALL_MS,
  })
  if (status !== 0) throw new Error(`npm install: ${stderr.split('\n')[0] ?? 'it took too long'}`)
}

/** Servers of this folder find their packages beside them. */
function copied(own, home) {
  const to = join(home, own)
  copyFileSync(fileURLToPath(new URL(`own/${own}`, import.meta.url)), to)
  return to
}

function entryOf({ name, bin: bins }, home, bin, file) {
  const path = file ?? (typeof bins === 'string' ? bins : bins[bin ?? Object.keys(bins)[0]])
  return join(home, 'node_modules', name, path)
}
