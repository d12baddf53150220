// @ts-check
import { exhaust, within } from '../trial.mjs'

/** @typedef {import('./client.mjs').Client} Client */
/** @typedef {import('./client.mjs').Dialect} Dialect */
/** @typedef {import('../trial.mjs').Place} Place */
/** One client, in one form, before accounts that speak one dialect. @typedef {{ client: Client, form: import('./client.mjs').Form, upstream: Dialect }} Row */
/** What was wrong with one of the three; null: nothing. @typedef {string | null} Wrong */

/** How long a client may take for one of its turns, its own start included. Unit: milliseconds. */
const turnMsMax = 40_000
/** Where each dialect is spoken. */
const paths = { responses: '/v1/responses', chat: '/v1/chat/completions', messages: '/v1/messages' }

/**
 * What comes of the first turn, of one that calls a tool, and of one whose account runs dry.
 * @param {Row} row @param {Place} place @param {number} endMs when there must be an end of all of it @returns {Promise<Wrong[]>}
 */
export async function judged({ client, form, upstream }, place, endMs) {
  const leftMs = () => Math.max(1, Math.min(turnMsMax, endMs - performance.now()))
  /** @type {import('./client.mjs').Dialogue} */
  let dialogue
  try {
    dialogue = await within(client.open(place, form), leftMs())
  } catch (error) {
    return [reason(error), 'not tried', 'not tried']
  }
  const scene = { client, upstream, place, dialogue, leftMs }
  try {
    const plain = await turn(scene, { words: 'hello there', heard: ['key-first'], moves: false })
    const tool = await turn(scene, { ...client.calling, moves: false })
    exhaust(place.simulator, 'first')
    return [plain, tool, await turn(scene, { words: 'and now?', heard: ['key-second'], moves: true })]
  } finally {
    await dialogue.close()
  }
}

/** @typedef {{ client: Client, upstream: Dialect, place: Place, dialogue: import('./client.mjs').Dialogue, leftMs: () => number }} Scene */

/** @param {Scene} scene @param {{ words: string, heard: readonly string[], moves: boolean }} asked @returns {Promise<Wrong>} */
async function turn({ client, upstream, place, dialogue, leftMs }, { words, heard, moves }) {
  const earlier = { turns: (await place.turns()).length, requests: place.simulator.received().length }
  try {
    const said = await within(dialogue.turn(words), leftMs())
    const unheard = heard.filter((one) => !said.includes(one))
    if (unheard.length > 0) return `"${unheard.join('" and "')}" was to be heard, and what came was: ${said === '' ? 'nothing' : said}`
  } catch (error) {
    return reason(error)
  }
  const turns = (await place.turns()).slice(earlier.turns)
  const asked = place.simulator.received().slice(earlier.requests)
  return misrecorded(turns, client, moves) ?? misled(asked, upstream)
}

/** What is wrong with the gateway's own record. @param {readonly any[]} turns @param {Client} client @param {boolean} moves @returns {Wrong} */
function misrecorded(turns, { speaks, transport }, moves) {
  if (turns.length === 0) return 'it is not on the books'
  const wrong = turns.find((one) => one.outcome !== 'completed' || one.endpoint !== speaks || one.transport !== transport)
  if (wrong !== undefined) return `the books say: ${wrong.endpoint} over ${wrong.transport}, ${wrong.outcome} ${wrong.code ?? ''}`
  const told = turns.map((one) => one.attempts.map((/** @type {any} */ attempt) => `${attempt.account} ${attempt.failure ?? attempt.outcome}`).join(', then '))
  const moved = told.filter((one) => one === 'first quota, then second completed').length
  const stayed = told.filter((one) => one === (moves ? 'second completed' : 'first completed')).length
  const isAsWanted = moved === (moves ? 1 : 0) && moved + stayed === told.length
  return isAsWanted ? null : `the books say: ${told.join('; ')}`
}

/** Whether an upstream was asked in another dialect than its own. @param {readonly import('../../src/simulator/received.ts').Received[]} asked @param {Dialect} upstream @returns {Wrong} */
function misled(asked, upstream) {
  const turns = asked.filter((one) => one.method === 'POST' || one.kind === 'frame')
  if (turns.length === 0) return 'no upstream was asked'
  const wrong = turns.find((one) => one.path.split('?')[0] !== paths[upstream])
  return wrong === undefined ? null : `its upstream was asked ${wrong.method} ${wrong.path}`
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error)
}
