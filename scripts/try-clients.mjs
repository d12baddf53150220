// @ts-check
// Unmodified clients, each with one turn, one tool call and one turn during which its account runs dry, before upstreams that speak its dialect and before upstreams
// that speak another. By hand: `npm run try:clients`, or `npm run try:clients -- langchain` for those whose name holds that word.
import { codexPackage } from './codex.mjs'
import { before, offline, reachesOutside } from './trial.mjs'
import { agents, agentsPackages } from './try-clients/agents.mjs'
import { ai, aiPackages } from './try-clients/ai.mjs'
import { anthropic } from './try-clients/anthropic.mjs'
import { claudeCode, claudeCodePackages } from './try-clients/claude-code.mjs'
import { codexCli } from './try-clients/codex-cli.mjs'
import { judged } from './try-clients/judge.mjs'
import { langchain, langchainPackages } from './try-clients/langchain.mjs'
import { openai } from './try-clients/openai.mjs'

/** @typedef {import('./try-clients/judge.mjs').Row} Row */

const packages = { ...aiPackages, ...agentsPackages, ...langchainPackages, ...claudeCodePackages, ...codexPackage }
/** What is not tried by then is not tried. Unit: milliseconds. */
const allMsMax = 8 * 60_000
const cells = ['one turn', 'tool call', 'failover']

/** @type {readonly Row[]} */
const rows = [...openai, ...anthropic, ...ai, ...agents, ...langchain, ...claudeCode, ...codexCli].flatMap((client) =>
  client.forms.flatMap((form) => client.upstreams.map((upstream) => ({ client, form, upstream }))),
)

/** @param {string[]} words of which a client's name is to hold one */
async function tryAll(words) {
  if (await reachesOutside()) throw new Error('more than loopback can be reached from here')
  const wanted = rows.filter(({ client }) => words.length === 0 || words.some((word) => client.name.toLowerCase().includes(word.toLowerCase())))
  const endMs = performance.now() + allMsMax
  /** @type {unknown[]} */
  const strays = []
  process.on('unhandledRejection', (stray) => strays.push(stray))
  console.log(line(['client', 'speaks', 'form', 'upstream', ...cells, '']))
  let wrong = 0
  for (const row of wanted) {
    const found = performance.now() > endMs ? cells.map(() => 'out of time') : await tried(row, endMs)
    const faults = found
      .flatMap((fault, at) => (fault === null ? [] : `${cells[at]}: ${brief(fault)}`))
      .concat(strays.splice(0).map((stray) => `stray: ${brief(String(stray))}`))
    if (faults.length > 0) wrong++
    const { client, form, upstream } = row
    const judgements = found.map((fault) => (fault === null ? 'ok' : 'WRONG'))
    console.log(line([client.name, client.speaks, client.transport === 'websocket' ? 'websocket' : form, upstream, ...judgements, faults.join(' | ') || 'ok']))
  }
  console.log(wrong === 0 ? `All ${wanted.length} rows are ok.` : `${wrong} of ${wanted.length} rows went wrong.`)
  return wrong === 0 && wanted.length > 0 ? 0 : 1
}

/** @param {Row} row @param {number} endMs */
async function tried(row, endMs) {
  const { upstream } = row
  const models = upstream === 'messages' ? { 'gpt-5.5': 'claude-opus-4-8' } : { 'claude-opus-4-8': 'gpt-5.5' }
  /** @type {readonly (string | null)[]} */
  let found = cells.map(() => 'not tried')
  try {
    await before({ dialects: [upstream], models }, async (place) => {
      found = await judged(row, place, endMs)
    })
  } catch (error) {
    found = found.with(0, `${found[0] ?? 'ok, but'}: ${String(error)}`)
  }
  return found
}

const widths = [Math.max(...rows.map(({ client }) => client.name.length)) + 1, 10, 10, 10, 9, 10, 9]

/** @param {readonly string[]} columns */
function line(columns) {
  return columns.map((column, at) => column.padEnd(widths[at] ?? 0)).join('| ')
}

/** @param {string} fault */
function brief(fault) {
  const flat = fault.replace(/\s+/g, ' ').trim()
  return flat.length <= 300 ? flat : `${flat.slice(0, 300)}…`
}

process.exitCode = await offline(import.meta.url, packages, tryAll)
// A client that was given up may still hold a connection.
process.exit()
