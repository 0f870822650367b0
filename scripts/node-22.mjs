import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HOME = fileURLToPath(new URL('../.cache/node-22', import.meta.url))

/** The path of a Node that is at least 22: this one, or one installed from npm beside the project's own packages. */
export function node22() {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const path = join(HOME, 'node_modules/node/bin/node')
  if (!existsSync(path)) install('node@22')
  return path
}

/** Install a package beside Node 22, where it cannot get in the way of the project's own; gives its folder. */
export function besideNode22(name, version) {
  const folder = join(HOME, 'node_modules', name)
  if (!existsSync(folder)) install(`${name}@${version}`)
  return folder
}

function install(spec) {
  const args = ['install', '--prefix', HOME, '--no-audit', '--no-fund', '--loglevel=error', spec]
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`Could not install ${spec}`)
}
