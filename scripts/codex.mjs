// @ts-check
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, installation, key, within } from './trial.mjs'

/** The package, and the version that is tried. */
export const codexPackage = { '@openai/codex': '0.169.0' }

/** Starts Codex's app server, with an empty home and this gateway as the only service that it knows. @param {import('./trial.mjs').Place} place @param {(said: string, who?: string) => void} tell */
export async function startCodex({ url, folder }, tell) {
  const home = join(folder, 'codex')
  mkdirSync(home)
  writeFileSync(join(home, 'config.toml'), configuration(url))
  const env = { PATH: process.env['PATH'], HOME: home, CODEX_HOME: home, CODEX_TRY_KEY: key }
  const codex = new Codex(spawn(join(installation, 'node_modules', '.bin', 'codex'), ['app-server'], { env, stdio: ['pipe', 'pipe', 'ignore'] }), tell)
  try {
    await codex.start(folder)
    return codex
  } catch (error) {
    await codex.stop()
    throw error
  }
}

/** @param {string} url */
function configuration(url) {
  return `model = "gpt-5.5"
model_provider = "turnout"
check_for_update_on_startup = false
[analytics]
enabled = false
[features]
plugins = false
apps = false
[model_providers.turnout]
name = "turnout"
base_url = "${url}/v1"
env_key = "CODEX_TRY_KEY"
wire_api = "responses"
supports_websockets = true
`
}

/** Codex as an editor drives it: requests and notifications, a line of JSON each. */
class Codex {
  /** @type {Map<number, (answer: any) => void>} */
  #asked = new Map()
  #ids = 0
  #thread = ''
  /** @type {(turn: any) => void} */
  #over = () => {}
  /** What it said in the last turn. */
  said = ''
  #process
  #tell

  /** @param {import('node:child_process').ChildProcessByStdio<import('node:stream').Writable, import('node:stream').Readable, null>} process @param {(said: string, who?: string) => void} tell */
  constructor(process, tell) {
    this.#process = process
    this.#tell = tell
    createInterface(process.stdout).on('line', (line) => this.#hear(JSON.parse(line)))
  }

  /** @param {string} folder */
  async start(folder) {
    await this.#ask('initialize', { clientInfo: { name: 'turnout-try', title: null, version: '1' }, capabilities: null })
    this.#say({ method: 'initialized' })
    const started = await this.#ask('thread/start', { cwd: folder, approvalPolicy: 'never', sandbox: 'danger-full-access' })
    this.#thread = started.thread.id
  }

  /** @param {string} text */
  async turn(text) {
    this.said = ''
    const over = new Promise((resolve) => (this.#over = resolve))
    this.#tell(text, 'user')
    await this.#ask('turn/start', { threadId: this.#thread, input: [{ type: 'text', text, text_elements: [] }] })
    const turn = await within(over)
    if (turn.error !== null) this.#tell(JSON.stringify(turn.error))
    return turn.status === 'completed'
  }

  async stop() {
    await ended(this.#process)
  }

  /** @param {string} method @param {object} params */
  async #ask(method, params) {
    const id = ++this.#ids
    const answered = new Promise((resolve) => this.#asked.set(id, resolve))
    this.#say({ id, method, params })
    const answer = await within(answered)
    if (answer.error !== undefined) throw new Error(`${method}: ${JSON.stringify(answer.error)}`)
    return answer.result
  }

  /** @param {object} message */
  #say(message) {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`)
  }

  /** @param {any} message */
  #hear(message) {
    if (message.id !== undefined && message.method === undefined) return this.#asked.get(message.id)?.(message)
    if (message.method === 'turn/completed') return this.#over(message.params.turn)
    if (message.method === 'error') return this.#tell(JSON.stringify(message.params))
    const item = message.method === 'item/completed' ? message.params.item : null
    const said =
      item?.type === 'agentMessage' ? item.text : item?.type === 'commandExecution' ? `ran ${item.command}: ${String(item.aggregatedOutput).trim()}` : null
    if (said === null) return
    this.said += said
    this.#tell(said)
  }
}
