import { describe, expect, test } from 'vitest'
import { keyOf, type Component } from '../../src/components/component.js'
import type { Caller } from '../../src/components/context.js'
import { defineResource } from '../../src/components/resource.js'
import { defineResourceTemplates } from '../../src/components/resource-template.js'
import { definePrompt } from '../../src/components/prompt.js'
import { defineTool } from '../../src/components/tool.js'
import { COMPONENT_KINDS, type ComponentKind } from '../../src/protocol/kinds.js'
import type { Change } from '../../src/providers/changes.js'
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
): void {
  describe.each(COMPONENT_KINDS)(`${name} as a provider of a %s`, (kind) => {
    const make1 = (label: string) => COMPONENTS[kind](label) as [string, Component]
    const begin = async () => {
      const { outer = (_kind: ComponentKind, key: string) => key, ...others } = await make()
      return { ...others, outer: (key: string) => outer(kind, key) }
    }

    test('lists in the order of adding, and finds what it lists', async () => {
      const { provider, add, outer } = await begin()
      const added = ['b', 'a', 'c'].map(make1)
      for (const [, component] of added) add(kind, component)
      const listed = await provider.list(kind, CALLER)
      expect(listed.map(keyOf)).toEqual(added.map(([key]) => outer(key)))
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
      const heard: Change[] = []
      const unsubscribe = provider.subscribe((change) => heard.push(change))
      const [key, component] = make1('it')
      add(kind, component)
      hide('it')
      expect(heard.filter((change) => change.type === 'listChanged')).toEqual([
        { type: 'listChanged', kind },
        { type: 'listChanged', kind },
      ])
      unsubscribe()
      remove(kind, key)
      expect(heard).toHaveLength(2)
    })

    test('neither lists nor finds what is hidden or gone', async () => {
      const { provider, add, remove, hide, outer } = await begin()
      const [hiddenKey, hidden] = make1('hidden')
      const [goneKey, gone] = make1('gone')
      add(kind, hidden)
      add(kind, gone)
      expect(await provider.find(kind, outer(goneKey), CALLER)).toBeDefined()
      hide('hidden')
      remove(kind, goneKey)
      expect(await provider.list(kind, CALLER)).toEqual([])
      expect(await provider.find(kind, outer(hiddenKey), CALLER)).toBeUndefined()
      expect(await provider.find(kind, outer(goneKey), CALLER)).toBeUndefined()
    })

    test('gives the same component for as long as it is the same', async () => {
      const { provider, add, outer } = await begin()
      const [key, component] = make1('it')
      add(kind, component)
      const [listed] = await provider.list(kind, CALLER)
      expect(await provider.find(kind, outer(key), CALLER)).toBe(listed)
      expect((await provider.list(kind, CALLER))[0]).toBe(listed)
    })

    test('harms nobody when a listener throws', async () => {
      const { provider, add } = await begin()
      let heard = 0
      provider.subscribe(() => {
        throw new Error('mine')
      })
      provider.subscribe(() => (heard += 1))
      const [, component] = make1('it')
      expect(() => add(kind, component)).toThrow(`Listeners of a change failed`)
      expect(heard).toBe(1)
    })
  })

  test(`${name} finds a resource by the template that gives it`, async () => {
    const { provider, add, hide, outer = (_kind: ComponentKind, key: string) => key } = await make()
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
