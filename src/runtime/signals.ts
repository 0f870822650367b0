const SIGNALS = ['SIGINT', 'SIGTERM'] as const

type Stop = () => Promise<void>

/** What is to stop before the process ends; the process is listened to while there is any. */
const stops = new Set<Stop>()
let isStopping = false

/** Stop something when the process is asked to end; gives what calls that off. Nothing happens where there are no signals. */
export function onSignals(stop: Stop): () => void {
  const process = processOf()
  if (process === undefined) return () => undefined
  if (stops.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
  stops.add(stop)
  return () => {
    stops.delete(stop)
    if (stops.size === 0 && !isStopping) for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

/** The first signal stops everything and ends the process, unless others listen too; a second ends it at once. */
function onSignal(signal: NodeJS.Signals): void {
  const process = processOf() as NodeJS.Process
  const isOurs = process.listenerCount(signal) === 1
  if (isStopping) process.exit(1)
  isStopping = true
  void Promise.allSettled([...stops].map((stop) => stop())).then(() => {
    isStopping = false
    for (const each of SIGNALS) process.off(each, onSignal)
    if (isOurs) process.exit(0)
  })
}

function processOf(): NodeJS.Process | undefined {
  const { process } = globalThis as { process?: NodeJS.Process }
  return typeof process?.on === 'function' ? process : undefined
}
