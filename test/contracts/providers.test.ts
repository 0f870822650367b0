import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { FolderProvider } from '../../examples/folder/provider.js'
import { keyOf } from '../../src/components/component.js'
import { Composition } from '../../src/composition.js'
import { withDefaults } from '../../src/options.js'
import type { Provider } from '../../src/providers/provider.js'
import { LocalProvider } from '../../src/providers/local.js'
import { snapshot } from '../../src/providers/snapshot.js'
import { KINDS, type ComponentKind } from '../../src/protocol/kinds.js'
import { Namespace } from '../../src/providers/transforms/namespace.js'
import { providerContract, type ProviderUnderTest } from './provider.contract.js'

const composition = (): Composition =>
  new Composition(withDefaults({ name: 'contract', version: '1.0.0' }), undefined)

/** What is changed in `inner` is seen in `outer`, under prefixes, the outermost first. */
function through(
  outer: Composition,
  inner: Composition,
  prefixes: readonly string[] = [],
): ProviderUnderTest {
  const spaces = prefixes.map((prefix) => new Namespace(prefix))
  return {
    provider: outer.provider,
    outer: (kind, key) => spaces.reduceRight((within, space) => space.outerKey(kind, within), key),
    add: (kind, component) => {
      inner.add(kind, [component])
    },
    remove: (kind, key) => {
      inner.remove(kind, key)
    },
    hide: (name) => {
      inner.show({ names: [name] }, false)
    },
  }
}

function local(own: LocalProvider, provider: Provider = own): ProviderUnderTest {
  return {
    provider,
    add: (kind, component) => own.add(kind, [component]),
    remove: (kind, key) => own.remove(kind, key),
    hide: (name) => own.show({ names: [name] }, false),
  }
}

providerContract('LocalProvider', () => local(new LocalProvider()))

providerContract('a snapshot', async () => local(await snapshot(new LocalProvider())))

providerContract('a server', () => {
  const server = composition()
  return through(server, server)
})

providerContract('a server with a mount', () => {
  const [outer, inner] = [composition(), composition()]
  outer.mount(inner, 'in')
  return through(outer, inner, ['in'])
})

providerContract('a server with a mount without a prefix', () => {
  const [outer, inner] = [composition(), composition()]
  outer.mount(inner, undefined)
  return through(outer, inner)
})

providerContract('a server with mounts within mounts', () => {
  const servers = [composition(), composition(), composition(), composition()] as const
  servers[0].mount(servers[1], 'a')
  servers[1].mount(servers[2], undefined)
  servers[2].mount(servers[3], 'b_c')
  return through(servers[0], servers[3], ['a', 'b_c'])
})

providerContract('a server with middleware and transforms', () => {
  const [outer, inner] = [composition(), composition()]
  inner.use(undefined, async (_run, next) => next())
  inner.transform(({ definition }) => ({ description: `Seen: ${definition.description}` }))
  inner.transform({ tools: { unheardOf: { name: 'heardOf' } } })
  outer.mount(inner, 'in')
  return through(outer, inner, ['in'])
})

providerContract('a server with a provider added', () => {
  const outer = composition()
  const provider = new LocalProvider()
  outer.addProvider(provider, 'in')
  return {
    ...local(provider, outer.provider),
    outer: (kind, key) => new Namespace('in').outerKey(kind, key),
  }
})

providerContract('a server that is shown in other names', () => {
  const server = composition()
  const isNamed = (kind: ComponentKind) => KINDS[kind].key === 'name'
  server.transform(({ kind, key }) => (isNamed(kind) ? { name: `my_${key}` } : undefined))
  return {
    ...through(server, server),
    outer: (kind, key) => (isNamed(kind) ? `my_${key}` : key),
  }
})

providerContract(
  "an example's provider, the files of a folder",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fastmesh-'))
    const provider = new FolderProvider(folder)
    await provider.list('resource')
    const names = new Set<string>()
    const nameIn = (key: string) => key.slice(key.indexOf('://') + 3)
    const take = (name: string): void => {
      names.delete(name)
      rmSync(join(folder, name), { force: true })
    }
    return {
      provider,
      outer: (_kind, key) => `folder://${nameIn(key)}`,
      add: (_kind, component) => {
        names.add(nameIn(keyOf(component)))
        writeFileSync(join(folder, nameIn(keyOf(component))), '')
      },
      remove: (_kind, key) => {
        take(nameIn(key))
      },
      hide: take,
      settled: () =>
        expect
          .poll(async () => (await provider.list('resource')).map(({ definition }) => definition.name))
          .toEqual([...names].sort()),
      end: async () => {
        await provider.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
  { kinds: ['resource'], isSorted: true },
)
