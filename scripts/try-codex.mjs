// @ts-check
// Codex CLI and the official SDK, unmodified, at work in one session each while the account that serves them runs dry. By hand: `npm run try:codex`.
// Codex calls home, so all of it runs in a network namespace that holds nothing but loopback; only the installation of Codex is done outside of it.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OpenAI } from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { createGateway } from '../src/index.ts'
import { createLog } from '../src/observe/log.ts'
import { startSimulator } from '../src/simulator/server.ts'
import { Codex, within } from './codex.mjs'

/** @typedef {import('../src/simulator/server.ts').Simulator} Simulator */
/** @typedef {{ url: string, simulator: Simulator, folder: string }} Place */

const codexVersion = '0.169.0'
const key = 'tk-try-codex-0123456789'
const installation = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), `turnout-try-codex-${codexVersion}`)
const inside = '--inside'

/** What one of the clients was asked, and what it printed. */
class Trial {
  #wrong = 0
  /** @param {string} who @param {string} said */
  tell(who, said) {
    console.log(`${who.padEnd(7)}| ${said}`)
  }
  /** @param {string} what @param {boolean} holds */
  check(what, holds) {
    if (!holds) this.#wrong++
    console.log(`${holds ? 'ok     ' : 'WRONG  '}| ${what}`)
  }
  get wrong() {
    return this.#wrong
  }
}

/** Installs Codex where it is not, and does the rest where nothing but loopback can be reached. */
function outside() {
  const there = spawnSync(join(installation, 'node_modules', '.bin', 'codex'), ['--version'], { encoding: 'utf8' })
  if (there.status !== 0) {
    console.log(`installing @openai/codex ${codexVersion} below ${installation}`)
    mkdirSync(installation, { recursive: true })
    const installed = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', installation, `@openai/codex@${codexVersion}`], { stdio: 'inherit' })
    if (installed.status !== 0) {
      console.error('Codex could not be installed from the npm registry; without it there is nothing to try.')
      return 1
    }
  }
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const script = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), inside]
  const ran = spawnSync('unshare', ['--net', ...asRoot, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...script], { stdio: 'inherit' })
  if (ran.error === undefined) return ran.status ?? 1
  console.error(`A network namespace is needed, made by unshare (util-linux) and ip (iproute2), on Linux: ${ran.error.message}`)
  return 1
}

async function tryAll() {
  const trial = new Trial()
  await before(trial, (place) => trySdk(trial, place))
  await before(trial, (place) => tryCodex(trial, place))
  console.log(trial.wrong === 0 ? 'Both clients worked through it.' : `${trial.wrong} things went wrong.`)
  return trial.wrong === 0 ? 0 : 1
}

/** A gateway of its own, before two simulated accounts. @param {Trial} trial @param {(place: Place) => Promise<void>} work */
async function before(trial, work) {
  const simulator = await startSimulator()
  // Not below the system's folder for temporary files: Codex refuses to keep its helpers there.
  mkdirSync(installation, { recursive: true })
  const folder = mkdtempSync(join(installation, 'run-'))
  const file = join(folder, 'turnout.yaml')
  const account = (/** @type {string} */ name) => ({ name, upstream: 'simulator', base_url: simulator.url, credential: { api_key: `key-${name}` } })
  const accounts = [
    { ...account('first'), priority: 1 },
    { ...account('second'), priority: 2 },
  ]
  const pools = [{ name: 'all', accounts: ['first', 'second'] }]
  writeFileSync(
    file,
    JSON.stringify({ data: join(folder, 'data'), accounts, pools, keys: [{ name: 'try', key, pools: ['all'] }], admin: { token: `at-${key}` } }),
  )
  const log = createLog('info', { write: (/** @type {string} */ line) => tellTurn(trial, line) })
  const opened = await createGateway({ file, environment: {}, overrides: { host: '127.0.0.1', port: 0 }, log })
  if (opened.kind !== 'open') throw new Error(opened.sentences.join('\n'))
  try {
    await work({ url: opened.gateway.url, simulator, folder })
  } finally {
    await opened.gateway.drain()
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The gateway's own line about a turn: which accounts it took. @param {Trial} trial @param {string} line */
function tellTurn(trial, line) {
  const said = JSON.parse(line)
  if (said.msg === 'turn') trial.tell('gateway', `${said.outcome} by ${said.accounts.join(', then ')}`)
}

/** Two rounds with a tool, the account running dry between them. @param {Trial} trial @param {Place} place */
async function trySdk(trial, { url, simulator }) {
  trial.tell('', `The openai SDK's ResponsesWS`)
  const socket = new ResponsesWS(new OpenAI({ apiKey: key, baseURL: `${url}/v1` }))
  const tools = [{ type: /** @type {const} */ ('function'), name: 'look_up', strict: false, parameters: { type: 'object', properties: {} } }]
  /** @type {string | undefined} */
  let previous
  const turn = async (/** @type {import('openai/resources/responses/responses').ResponseInput} */ input) => {
    const over = Promise.withResolvers()
    const heard = (/** @type {any} */ event) => {
      if (event.type === 'response.completed') over.resolve(event.response)
      else if (event.type === 'error' || event.type === 'response.failed') over.reject(new Error(JSON.stringify(event)))
    }
    socket.on('event', heard)
    socket.on('error', over.reject)
    socket.send({
      type: 'response.create',
      model: 'gpt-5.5',
      store: false,
      tools,
      input,
      ...(previous === undefined ? {} : { previous_response_id: previous }),
    })
    const response = await within(over.promise)
    socket.off('event', heard)
    socket.off('error', over.reject)
    previous = response.id
    for (const item of response.output)
      trial.tell('sdk', item.type === 'function_call' ? `calls ${item.name}(${item.arguments})` : (item.content?.[0]?.text ?? item.type))
    return response
  }
  const said = (/** @type {string} */ text) => [{ type: /** @type {const} */ ('message'), role: /** @type {const} */ ('user'), content: text }]
  const answerOf = (/** @type {any} */ response) => [
    {
      type: /** @type {const} */ ('function_call_output'),
      call_id: response.output.find((/** @type {any} */ item) => item.type === 'function_call').call_id,
      output: '42',
    },
  ]
  await turn(answerOf(await turn(said('call:look_up please'))))
  exhaust(trial, simulator, 'first')
  const called = await turn(said('call:look_up once more'))
  trial.check('the SDK saw one ordinary answer, and another account gave it', called.output.length > 0)
  const told = await turn(answerOf(called))
  trial.check('its tool was answered', told.output_text?.includes('42') ?? JSON.stringify(told.output).includes('42'))
  socket.close()
}

/** @param {Trial} trial @param {Place} place */
async function tryCodex(trial, { url, simulator, folder }) {
  trial.tell('', `Codex CLI ${codexVersion}, its app server`)
  await fetchNothing(trial)
  const home = join(folder, 'home')
  mkdirSync(home)
  writeFileSync(join(home, 'config.toml'), configuration(url))
  const codex = new Codex(
    spawn(join(installation, 'node_modules', '.bin', 'codex'), ['app-server'], {
      env: { PATH: process.env['PATH'], HOME: home, CODEX_HOME: home, CODEX_TRY_KEY: key },
      stdio: ['pipe', 'pipe', 'ignore'],
    }),
    (said, who = 'codex') => trial.tell(who, said),
  )
  try {
    await codex.start(folder)
    trial.check('a first turn', await codex.turn('hello there'))
    trial.check('a tool was run', (await codex.turn('call:exec_command({"cmd":"echo the tool ran"}) please')) && codex.said.includes('the tool ran'))
    exhaust(trial, simulator, 'first')
    trial.check('a turn after its account had run dry', await codex.turn('and now?'))
    trial.check('another account answered', codex.said.includes('key-second'))
    trial.check(
      'a tool on the other account',
      (await codex.turn('call:exec_command({"cmd":"echo it ran again"}) please')) && codex.said.includes('it ran again'),
    )
  } finally {
    codex.stop()
  }
  const turns = simulator.received().filter((one) => one.method !== 'GET')
  trial.check(`all ${turns.length} questions went over WebSocket`, turns.length > 6 && turns.every((one) => one.transport === 'websocket'))
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

/** @param {Trial} trial @param {Simulator} simulator @param {string} account */
function exhaust(trial, simulator, account) {
  trial.tell('', `the account "${account}" runs dry`)
  simulator.set(`key-${account}`, { faults: [{ fault: 'quota', resetsInSeconds: 3600 }] })
}

/** Nothing but loopback can be reached here. @param {Trial} trial */
async function fetchNothing(trial) {
  const { connect } = await import('node:net')
  const reached = await new Promise((resolve) => {
    const socket = connect({ host: '192.0.2.1', port: 443, timeout: 1000 })
    socket.on('connect', () => resolve(true))
    socket.on('timeout', () => resolve(true))
    socket.on('error', () => resolve(false))
  })
  trial.check('nothing but loopback can be reached', !reached)
}

if (process.argv.includes(inside)) process.exitCode = await tryAll()
else process.exitCode = outside()
