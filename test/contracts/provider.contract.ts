import { describe, expect, onTestFinished, test } from 'vitest'
import { keyOf, type Component } from '../../src/components/component.js'
import type { Caller } from '../../src/components/context.js'
import { defineResource } from '../../src/components/resource.js'
import { defineResourceTemplates } from '../../src/components/resource-template.js'
import { definePrompt } from '../../src/components/prompt.js'
import { defineTool } from '../../src/components/tool.js'
import { COMPONENT_KINDS, type ComponentKind } from '../../src/protocol/kinds.js'
import type { Provider } from '../../src/providers/provider.js'

const CALLER: Caller = { info: undefined, capabilities: {}, protocolVersion: '2026-07-28', era: '2026-07-28' }

/** A provider, and how what it provides is changed. */
export interface ProviderUnderTest {
  readonly provider: Provider
  /** What a component that was added under a name or URI is found by. Default: the same. */
  readonly outer?: (kind: ComponentKind, key: string) => string
  readonly add: <K extends ComponentKind>(kind: K, component: Component<K>) => void
  readonly remove: (kind: ComponentKind, key: string) => void
  readonly hide: (name: string) => void
  /** Resolves when what was changed can be seen, where that takes a while. */
  readonly settled?: () => Promise<void>
  /** Called when it is needed no more. */
  readonly end?: () => Promise<void>
}

/** Where a provider is not like most. */
interface Peculiarities {
  /** The kinds that it has. Default: all. */
  readonly kinds?: readonly ComponentKind[]
  /** Listed by their keys, rather than in the order of adding. */
  readonly isSorted?: boolean
}

const execute = () => ''
const load = () => 'loaded'
const COMPONENTS: { [K in ComponentKind]: (name: string) => [key: string, component: Component<K>] } = {
  tool: (name) => [name, defineTool({ name, execute })],
  resource: (name) => [`data://${name}`, defineResource({ uri: `data://${name}`, name, load })],
  resourceTemplate: (name) => {
    const uriTemplate = `data://${name}/{id}`
    return [uriTemplate, defineResourceTemplates({ uriTemplate, name, load })[0]!]
  },
  prompt: (name) => [name, definePrompt({ name, load })],
}

/** What every provider keeps to, wherever it has its components from. */
export function providerContract(
  name: string,
  make: () => ProviderUnderTest | Promise<ProviderUnderTest>,
  { kinds = COMPONENT_KINDS, isSorted = false }: Peculiarities = {},
): void {
  describe.each(kinds)(`${name} as a provider of a %s`, (kind) => {
    const make1 = (label: string) => COMPONENTS[kind](label) as [string, Component]
    const begin = async () => {
      const { outer = (_kind, key) => key, add, remove, hide, settled, end, provider } = await make()
      if (end !== undefined) onTestFinished(end)
      return {
        provider,
        outer: (key: string) => outer(kind, key),
        add: async (component: Component) => {
          add(kind, component)
          await settled?.()
        },
        remove: async (key: string) => {
          remove(kind, key)
          await settled?.()
        },
        hide: async (hidden: string) => {
          hide(hidden)
          await settled?.()
        },
      }
    }

    test('lists in one order, and finds what it lists', async () => {
      const { provider, add, outer } = await begin()
      const added = ['b', 'a', 'c'].map(make1)
      for (const [, component] of added) await add(component)
      const keys = added.map(([key]) => outer(key))
      const listed = await provider.list(kind, CALLER)
      expect(listed.map(keyOf)).toEqual(isSorted ? keys.toSorted() : keys)
      for (const component of listed) {
        const found = await provider.find(kind, keyOf(component), CALLER)
        expect(found?.definition).toEqual(component.definition)
      }
      expect(await provider.list(kind, undefined)).toEqual(listed)
    })

    test('knows nothing of names it was not given, whatever they are', async () => {
      const { provider, outer } = await begin()
      for (const key of ['nothing', '', '__proto__', 'constructor', 'toString']) {
        expect(await provider.find(kind, key, CALLER)).toBeUndefined()
        expect(await provider.find(kind, outer(key), CALLER)).toBeUndefined()
      }
      expect(await provider.list(kind, CALLER)).toEqual([])
    })

    test('says each change once, and no more after unsubscribing', async () => {
      const { provider, add, remove, hide } = await begin()
      let heard = 0
      const unsubscribe = provider.subscribe((change) => {
        if (change.type === 'listChanged' && change.kind === kind) heard += 1
      })
      const [key, component] = make1('it')
      await add(component)
      expect(heard).toBe(1)
      await hide('it')
      expect(heard).toBe(2)
      unsubscribe()
      await remove(key)
      expect(heard).toBe(2)
    })

    test('neither lists nor finds what is hidden or gone', async () => {
      const { provider, add, remove, hide, outer } = await begin()
      const [hiddenKey, hidden] = make1('hidden')
      const [goneKey, gone] = make1('gone')
      await add(hidden)
      await add(gone)
      expect(await provider.find(kind, outer(goneKey), CALLER)).toBeDefined()
      await hide('hidden')
      await remove(goneKey)
      expect(await provider.list(kind, CALLER)).toEqual([])
      expect(await provider.find(kind, outer(hiddenKey), CALLER)).toBeUndefined()
      expect(await provider.find(kind, outer(goneKey), CALLER)).toBeUndefined()
    })

    test('gives the same component for as long as it is the same', async () => {
      const { provider, add, outer } = await begin()
      const [key, component] = make1('it')
      await add(component)
      const [listed] = await provider.list(kind, CALLER)
      expect(await provider.find(kind, outer(key), CALLER)).toBe(listed)
      expect((await provider.list(kind, CALLER))[0]).toBe(listed)
    })

    test('tells everybody, though a listener throws', async () => {
      const { provider, add } = await begin()
      let heard = 0
      provider.subscribe(() => {
        throw new Error('mine')
      })
      provider.subscribe(() => (heard += 1))
      const [, component] = make1('it')
      await add(component).catch((error: unknown) => {
        expect(error).toMatchObject({ message: 'Listeners of a change failed' })
      })
      expect(heard).toBeGreaterThan(0)
    })
  })

  if (kinds.includes('resourceTemplate'))
    test(`${name} finds a resource by the template that gives it`, async () => {
      const { provider, add, hide, outer = (_kind, key) => key } = await make()
      add('resourceTemplate', COMPONENTS.resourceTemplate('users')[1])
      const uri = outer('resource', 'data://users/7')
      const found = await provider.find('resource', uri, CALLER)
      expect(found?.definition).toMatchObject({ uri, name: 'users' })
      expect(found?.template).toBe(outer('resourceTemplate', 'data://users/{id}'))
      const template = await provider.find('resourceTemplate', found!.template!, CALLER)
      expect(template?.at?.(uri)?.definition).toEqual(found?.definition)
      hide('users')
      expect(await provider.find('resource', uri, CALLER)).toBeUndefined()
    })
}
