import { describe, expect, test } from 'vitest'
import type { Component } from '../../src/components/component.js'
import type { Caller } from '../../src/components/context.js'
import { defineResource } from '../../src/components/resource.js'
import { defineResourceTemplates } from '../../src/components/resource-template.js'
import { definePrompt } from '../../src/components/prompt.js'
import { defineTool } from '../../src/components/tool.js'
import { COMPONENT_KINDS, KINDS, type ComponentKind } from '../../src/protocol/kinds.js'
import type { Change } from '../../src/providers/changes.js'
import type { Provider } from '../../src/providers/provider.js'

const CALLER: Caller = { info: undefined, capabilities: {}, protocolVersion: '2026-07-28', era: '2026-07-28' }

/** A provider, and how what it provides is changed. */
export interface ProviderUnderTest {
  readonly provider: Provider
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
export function providerContract(name: string, make: () => ProviderUnderTest): void {
  describe.each(COMPONENT_KINDS)(`${name} as a provider of a %s`, (kind) => {
    const make1 = (label: string) => COMPONENTS[kind](label) as [string, Component]

    test('lists in the order of adding, and finds what it lists', async () => {
      const { provider, add } = make()
      const added = ['b', 'a', 'c'].map(make1)
      for (const [, component] of added) add(kind, component)
      const listed = await provider.list(kind, CALLER)
      expect(listed.map(({ definition }) => definition.name)).toEqual(['b', 'a', 'c'])
      for (const [key, component] of added)
        expect((await provider.find(kind, key, CALLER))?.definition).toEqual(component.definition)
    })

    test('knows nothing of names it was not given, whatever they are', async () => {
      const { provider } = make()
      for (const key of ['nothing', '', '__proto__', 'constructor', 'toString'])
        expect(await provider.find(kind, key, CALLER)).toBeUndefined()
      expect(await provider.list(kind, CALLER)).toEqual([])
    })

    test('says each change once, and no more after unsubscribing', () => {
      const { provider, add, remove, hide } = make()
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
      const { provider, add, remove, hide } = make()
      const [hiddenKey, hidden] = make1('hidden')
      const [goneKey, gone] = make1('gone')
      add(kind, hidden)
      add(kind, gone)
      hide('hidden')
      remove(kind, goneKey)
      expect(await provider.list(kind, CALLER)).toEqual([])
      expect(await provider.find(kind, hiddenKey, CALLER)).toBeUndefined()
      expect(await provider.find(kind, goneKey, CALLER)).toBeUndefined()
    })

    test('harms nobody when a listener throws', () => {
      const { provider, add } = make()
      let heard = 0
      provider.subscribe(() => {
        throw new Error('mine')
      })
      provider.subscribe(() => (heard += 1))
      const [, component] = make1('it')
      expect(() => add(kind, component)).toThrow(`Listeners of a change failed`)
      expect(heard).toBe(1)
      expect(KINDS[kind].label).toBeDefined()
    })
  })

  test(`${name} finds a resource by the template that gives it`, async () => {
    const { provider, add, hide } = make()
    add('resourceTemplate', COMPONENTS.resourceTemplate('users')[1])
    const found = await provider.find('resource', 'data://users/7', CALLER)
    expect(found?.definition).toMatchObject({ uri: 'data://users/7', name: 'users' })
    hide('users')
    expect(await provider.find('resource', 'data://users/7', CALLER)).toBeUndefined()
  })
}
