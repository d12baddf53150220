// @ts-check
import { codexPackage, startCodex } from '../codex.mjs'

/** @typedef {import('./client.mjs').Client} Client */

/** @type {readonly Client[]} */
export const codexCli = [
  {
    name: `Codex CLI ${codexPackage['@openai/codex']}`,
    speaks: 'responses',
    forms: ['streamed'],
    upstreams: ['responses', 'messages'],
    // What its tool prints is told to the model behind a few lines about how it ran.
    calling: { words: 'call:exec_command({"cmd":"echo the tool ran"}) please', heard: [': the tool ran', 'The tool said:'] },
    transport: 'websocket',
    open,
  },
]

/** @type {Client['open']} */
async function open(place) {
  /** @type {string[]} */
  let errors = []
  const codex = await startCodex(place, (said, who) => {
    if (who === undefined && said.startsWith('{')) errors.push(said)
  })
  const turn = async (/** @type {string} */ text) => {
    errors = []
    if (await codex.turn(text)) return codex.said
    throw new Error(errors.join('; ') || 'the turn was not completed')
  }
  return { turn, close: () => codex.stop() }
}
