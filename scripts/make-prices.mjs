// Writes src/core/bundled-prices.ts anew, from the price list of @pydantic/genai-prices and from what that list does not say: node scripts/make-prices.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findProvider } from '@pydantic/genai-prices'

const target = fileURLToPath(new URL('../src/core/bundled-prices.ts', import.meta.url))
const providers = ['openai', 'anthropic']

/**
 * What tiers cost, as multiples of the default's prices: the list has no tiers. Sources: openai.com/api-priority-processing and the fast, flex and ultrafast pages
 * of the API's documentation; platform.claude.com/docs/en/build-with-claude/fast-mode, whose multiples are of all prices, those of caches included (protocols.md 9.3).
 * A model and tier that do not stand here have no known price.
 */
const half = '1/2'
const tiers = {
  'claude-opus-4-6': { priority: '6/1' },
  'claude-opus-4-7': { priority: '6/1' },
  'claude-opus-4-8': { priority: '2/1' },
  'claude-opus-5': { priority: '2/1' },
  'claude-opus-5-5': { priority: '2/1' },
  'gpt-4.1': { priority: '7/4' },
  'gpt-4.1-mini': { priority: '7/4' },
  'gpt-4.1-nano': { priority: '2/1' },
  'gpt-4o': { priority: '17/10' },
  'gpt-4o-2024-05-13': { priority: '7/4' },
  'gpt-4o-mini': { priority: '5/3' },
  'gpt-5': { flex: half, priority: '2/1' },
  'gpt-5-mini': { flex: half, priority: '9/5' },
  'gpt-5-nano': { flex: half },
  'gpt-5.1': { flex: half, priority: '2/1' },
  'gpt-5.2': { flex: half, priority: '2/1' },
  'gpt-5.4': { flex: half, priority: '2/1' },
  'gpt-5.4-mini': { flex: half, priority: '2/1' },
  'gpt-5.4-nano': { flex: half },
  'gpt-5.4-pro': { flex: half },
  'gpt-5.5': { flex: half, priority: '5/2' },
  'gpt-5.5-pro': { flex: half },
  'gpt-5.6-luna': { flex: half, priority: '2/1' },
  'gpt-5.6-sol': { flex: half, priority: '2/1' },
  'gpt-5.6-terra': { flex: half, priority: '2/1' },
  'gpt-6-astra': { flex: half, priority: '2/1', ultrafast: '6/1' },
  'gpt-6-luna': { flex: half },
  'gpt-6-sol': { flex: half },
  'gpt-6.1-sol': { flex: half, priority: '2/1' },
  o3: { flex: half, priority: '7/4' },
  'o4-mini': { flex: half, priority: '20/11' },
}

/** Models that the list does not have yet. Source: the model's page in the API's documentation. */
const additions = [
  {
    id: 'gpt-6.1-sol',
    match: { or: [{ equals: 'gpt-6.1-sol' }, { regex: '^gpt-6\\.1-sol-\\d{4}-\\d{2}-\\d{2}$' }] },
    prices: {
      input_mtok: { base: 2, tiers: [{ start: 272000, price: 4 }] },
      cache_read_mtok: { base: 0.1, tiers: [{ start: 272000, price: 0.2 }] },
      cache_write_mtok: { base: 2.5, tiers: [{ start: 272000, price: 5 }] },
      output_mtok: { base: 10, tiers: [{ start: 272000, price: 15 }] },
    },
  },
]

const members = ['input_mtok', 'cache_read_mtok', 'cache_write_mtok', 'cache_write_1h_mtok', 'output_mtok']

/** The rows of the table, as text; what they mean stands at the top of the file that they are written to. */
export function priceLines() {
  const listed = providers.flatMap((id) => findProvider({ providerId: id })?.models ?? [])
  const known = new Set(listed.map(({ id }) => id))
  const models = [...listed, ...additions.filter(({ id }) => !known.has(id))]
  const strangers = Object.keys(tiers).filter((id) => !models.some((model) => model.id === id))
  if (strangers.length > 0) throw new Error(`tiers of models that are not in the list: ${strangers.join(', ')}`)
  return models.filter(hasOnePrice).flatMap((model) => periods(model).map(({ from, prices }) => line(model, from, prices)))
}

/**
 * Usage says how many tokens there were, not how many of them were sound or pictures: where those cost otherwise, the model's price is unknown. So it is where
 * everybody may serve the model: each host has its own.
 */
function hasOnePrice(model) {
  if (/audio|realtime|transcribe|tts|image|^gpt-oss/.test(model.id)) return false
  return periods(model).every(
    ({ prices }) => prices.input_mtok !== undefined && prices.output_mtok !== undefined && !Object.keys(prices).some((name) => /audio|image/.test(name)),
  )
}

function periods({ id, prices }) {
  if (!Array.isArray(prices)) return [{ from: '-', prices }]
  return prices.map(({ constraint, prices: those }) => {
    if (constraint !== undefined && constraint.type !== 'start_date') throw new Error(`${id}: prices that depend on ${constraint.type} are not understood`)
    return { from: constraint?.start_date ?? '-', prices: those }
  })
}

function line({ id, match }, from, prices) {
  const thresholds = [...new Set(members.flatMap((name) => (prices[name]?.tiers ?? []).map(({ start }) => start)))].sort((a, b) => a - b)
  const long = thresholds.map((above) => `>${above} ${rates((name) => prices[name]?.tiers?.find(({ start }) => start === above)?.price)}`)
  const multiples = Object.entries(tiers[id] ?? {}).map(([tier, by]) => `${tier} ${by}`)
  return [namesOf(match).join(' '), from, [rates((name) => prices[name]?.base ?? prices[name]), ...long].join(', '), multiples.join(', ')].join(' | ').trimEnd()
}

/** One row's prices. @param priceOf by the list's name of them, undefined where it is not stated. */
function rates(priceOf) {
  const [input, cached, written, written1h, output] = members.map(priceOf)
  return [usd(input), usd(cached), written1h === undefined ? usd(written) : `${usd(written)}+${usd(written1h)}`, usd(output)].join(' ')
}

function usd(price) {
  if (price === undefined) return '-'
  if (Math.round(price * 1e6) / 1e6 !== price) throw new Error(`${price} USD per million tokens is not a whole number of picodollars per token`)
  return String(price)
}

/** How the table writes a match. What only looks into the middle of a name is left out: it would price names that nobody has seen. */
function namesOf(match) {
  if ('or' in match) return [...new Set(match.or.flatMap(namesOf))]
  if ('equals' in match) return [match.equals]
  if ('starts_with' in match) return [`${match.starts_with}*`]
  if ('contains' in match) return []
  const dated = /^\^(.*)-\\d\{(?:4\}-\\d\{2\}-\\d\{2|8)\}\$$/.exec(match.regex ?? '')
  if (dated === null) throw new Error(`this match is not understood: ${JSON.stringify(match)}`)
  return [`${dated[1].replaceAll('\\', '')}-${match.regex.includes('{8}') ? 'YYYYMMDD' : 'YYYY-MM-DD'}`]
}

/** The whole file. */
export function pricesFile() {
  const { devDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return `/**
 * The price list that Turnout comes with: models | from when on | prices, and those of longer requests | tiers. Prices are dollars per million tokens of input,
 * cache reads, cache writes (behind a \`+\` those that are kept for an hour) and output; \`-\` is not stated. Source: @pydantic/genai-prices ${devDependencies['@pydantic/genai-prices']}, and for tiers its maker,
 * scripts/make-prices.mjs.
 */
export const bundledPrices = \`
${priceLines().join('\n')}
\`
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, pricesFile())
