import { UserError } from '../errors.js'
import { nodeModule } from '../runtime/node-modules.js'

/** A path leads out of where it has to stay. */
export class UnsafePathError extends UserError {
  constructor() {
    super('The path leads out of where files are served from')
    this.name = 'UnsafePathError'
  }
}

/**
 * The absolute path of a file below `root`, given by somebody who is not trusted: `..`, absolute
 * paths, NUL and symbolic links must not lead out of it. What is not there yet may be named, as
 * long as what is there of its path stays inside. Who may change the file system meanwhile can
 * still put a link in its place.
 * @throws UnsafePathError for a path that leads out.
 */
export async function safePath(root: string, path: string): Promise<string> {
  const paths = nodeModule('node:path', INSTEAD)
  const isForeign = path.includes('\0') || paths.isAbsolute(path) || /^[A-Za-z]:|\\/.test(path)
  const target = paths.resolve(root, path)
  if (isForeign || !isInside(paths.resolve(root), target)) throw new UnsafePathError()
  const base = await nodeModule('node:fs/promises', INSTEAD).realpath(root)
  if (!isInside(base, await realOf(target))) throw new UnsafePathError()
  return target
}

const INSTEAD = 'check the path yourself'

function isInside(base: string, target: string): boolean {
  const paths = nodeModule('node:path', INSTEAD)
  const way = paths.relative(base, target)
  return way === '' || (way !== '..' && !way.startsWith(`..${paths.sep}`) && !paths.isAbsolute(way))
}

/** Where a path really leads: of what is not there, where it would be. */
async function realOf(path: string): Promise<string> {
  const { realpath, lstat } = nodeModule('node:fs/promises', INSTEAD)
  const paths = nodeModule('node:path', INSTEAD)
  try {
    return await realpath(path)
  } catch (error) {
    const parent = paths.dirname(path)
    const { code } = error as { code?: unknown }
    if (code === 'ELOOP') throw new UnsafePathError()
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || parent === path) throw error
    const stats = await lstat(path).catch(() => undefined)
    // A link that leads nowhere could be made to lead anywhere.
    if (stats !== undefined) throw new UnsafePathError()
    return paths.join(await realOf(parent), paths.basename(path))
  }
}
