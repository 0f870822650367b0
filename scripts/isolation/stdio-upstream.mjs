/** A scripted upstream on stdio: `node stdio-upstream.mjs ERA PORT`, the port being where the harness hears of it. */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { Conversation } from './brain.mjs'

const [era, port] = process.argv.slice(2)
const harness = connect(Number(port), '127.0.0.1').setNoDelay(true)
harness.on('error', () => process.exit())
await new Promise((resolve) => harness.once('connect', resolve))

const report = (...what) => harness.write(`${JSON.stringify(what)}\n`)
const observer = {
  injected: (...what) => report('injected', ...what),
  foreign: (...what) => report('foreign', ...what),
}
process.stdout.on('error', () => undefined)
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const channel = { say, json: say, end: () => undefined }
const conversation = new Conversation({ era, tell: say, observer })
createInterface({ input: process.stdin }).on('line', (line) =>
  conversation.receive(JSON.parse(line), channel),
)
process.stdin.on('end', () => process.exit())
