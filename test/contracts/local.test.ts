import { LocalProvider } from '../../src/providers/local.js'
import { providerContract } from './provider.contract.js'

providerContract('LocalProvider', () => {
  const provider = new LocalProvider()
  return {
    provider,
    add: (kind, component) => provider.add(kind, [component]),
    remove: (kind, key) => provider.remove(kind, key),
    hide: (name) => provider.show({ names: [name] }, false),
  }
})
