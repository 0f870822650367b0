import { watch, type FSWatcher } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ChangeHub,
  defineResource,
  type Change,
  type Component,
  type ComponentKind,
  type Provider,
  type Unsubscribe,
} from 'fastmesh'

interface File {
  readonly component: Component<'resource'>
  readonly changedAt: number
}

/** The files of a folder as resources: `folder://name`, as they are at any time. */
export class FolderProvider implements Provider {
  readonly #folder: string
  readonly #changes = new ChangeHub()
  /** By URI; none before the folder was first read. */
  #files: ReadonlyMap<string, File> | undefined
  #watcher: FSWatcher | undefined
  /** What is being read, or was last. */
  #scan: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async list<K extends ComponentKind>(kind: K): Promise<readonly Component<K>[]> {
    if (kind !== 'resource') return []
    await this.#opened()
    const components: readonly Component[] = [...(this.#files ?? new Map<string, File>()).values()].map(
      ({ component }) => component,
    )
    return components as readonly Component<K>[]
  }

  async find<K extends ComponentKind>(kind: K, key: string): Promise<Component<K> | undefined> {
    if (kind !== 'resource') return undefined
    await this.#opened()
    const component: Component | undefined = this.#files?.get(key)?.component
    return component as Component<K> | undefined
  }

  subscribe(listener: (change: Change) => void): Unsubscribe {
    this.#opened().catch(() => undefined)
    return this.#changes.subscribe(listener)
  }

  close(): Promise<void> {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#scan = undefined
    this.#files = undefined
    return Promise.resolve()
  }

  #opened(): Promise<void> {
    this.#watcher ??= watch(this.#folder, () => {
      this.#rescan().catch(() => undefined)
    }).unref()
    return (this.#scan ??= this.#read())
  }

  /** One after the other: what is read later is what counts. */
  #rescan(): Promise<void> {
    return (this.#scan = (this.#scan ?? Promise.resolve()).catch(() => undefined).then(() => this.#read()))
  }

  async #read(): Promise<void> {
    const before = this.#files
    const files = new Map<string, File>()
    for (const name of (await readdir(this.#folder)).sort()) {
      const { mtimeMs: changedAt } = await stat(join(this.#folder, name))
      const uri = `folder://${name}`
      files.set(uri, { component: before?.get(uri)?.component ?? this.#resource(uri, name), changedAt })
    }
    this.#files = files
    if (before === undefined) return
    if ([...files.keys()].join() !== [...before.keys()].join())
      this.#changes.emit({ type: 'listChanged', kind: 'resource' })
    for (const [uri, { changedAt }] of files)
      if (before.has(uri) && before.get(uri)?.changedAt !== changedAt)
        this.#changes.emit({ type: 'resourceUpdated', uri })
  }

  #resource(uri: string, name: string): Component<'resource'> {
    return defineResource({ uri, name, load: () => readFile(join(this.#folder, name), 'utf8') })
  }
}
