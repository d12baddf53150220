// @ts-check
// Codex CLI and the official SDK, unmodified, at work in one session each while the account that serves them runs dry. By hand: `npm run try:codex`.
// Codex calls home, so all of it runs in a network namespace that holds nothing but loopback; only the installation of Codex is done outside of it.
import { OpenAI } from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { codexPackage, startCodex } from './codex.mjs'
import { before, exhaust, key, offline, reachesOutside, within } from './trial.mjs'

/** @typedef {import('./trial.mjs').Place} Place */

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

async function tryAll() {
  const trial = new Trial()
  const line = (/** @type {string} */ line) => tellTurn(trial, line)
  await before({ line }, (place) => trySdk(trial, place))
  await before({ line }, (place) => tryCodex(trial, place))
  console.log(trial.wrong === 0 ? 'Both clients worked through it.' : `${trial.wrong} things went wrong.`)
  return trial.wrong === 0 ? 0 : 1
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
  runDry(trial, simulator, 'first')
  const called = await turn(said('call:look_up once more'))
  trial.check('the SDK saw one ordinary answer, and another account gave it', called.output.length > 0)
  const told = await turn(answerOf(called))
  trial.check('its tool was answered', told.output_text?.includes('42') ?? JSON.stringify(told.output).includes('42'))
  socket.close()
}

/** @param {Trial} trial @param {Place} place */
async function tryCodex(trial, place) {
  const { simulator } = place
  trial.tell('', `Codex CLI ${codexPackage['@openai/codex']}, its app server`)
  trial.check('nothing but loopback can be reached', !(await reachesOutside()))
  const codex = await startCodex(place, (said, who = 'codex') => trial.tell(who, said))
  try {
    trial.check('a first turn', await codex.turn('hello there'))
    trial.check('a tool was run', (await codex.turn('call:exec_command({"cmd":"echo the tool ran"}) please')) && codex.said.includes('the tool ran'))
    runDry(trial, simulator, 'first')
    trial.check('a turn after its account had run dry', await codex.turn('and now?'))
    trial.check('another account answered', codex.said.includes('key-second'))
    trial.check(
      'a tool on the other account',
      (await codex.turn('call:exec_command({"cmd":"echo it ran again"}) please')) && codex.said.includes('it ran again'),
    )
  } finally {
    await codex.stop()
  }
  const turns = simulator.received().filter((one) => one.method !== 'GET')
  trial.check(`all ${turns.length} questions went over WebSocket`, turns.length > 6 && turns.every((one) => one.transport === 'websocket'))
}

/** @param {Trial} trial @param {import('./trial.mjs').Simulator} simulator @param {string} account */
function runDry(trial, simulator, account) {
  trial.tell('', `the account "${account}" runs dry`)
  exhaust(simulator, account)
}

process.exitCode = await offline(import.meta.url, codexPackage, tryAll)
