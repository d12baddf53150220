import type { AccountId, UpstreamModel } from './ids.ts'
import { bookedTier } from './tier.ts'

/** What tokens cost. Unit: whole picodollars per token, which are millionths of a dollar per million tokens. */
export interface Rates {
  readonly input: bigint
  /** Read from a cache; null: as `input`. Too much is the better mistake: nobody spends what he was not given. */
  readonly cached: bigint | null
  /** Written to a cache; null: as `input`. */
  readonly written: bigint | null
  /** Written to a cache that keeps it for an hour or longer; null: as `written`. */
  readonly written1h: bigint | null
  /** Reasoning is inside. */
  readonly output: bigint
}

/** Rates of a whole request whose input, cached tokens among it, is larger than `above` tokens. Null: as in a shorter one. */
export interface LongRates {
  readonly above: number
  readonly input: bigint | null
  readonly cached: bigint | null
  readonly written: bigint | null
  readonly written1h: bigint | null
  readonly output: bigint | null
}

export interface Fraction {
  readonly over: bigint
  readonly under: bigint
}

/** What a service tier costs: so many times what the row says, or rates of its own. */
export type TierPrice =
  | { readonly kind: 'multiple'; readonly by: Fraction }
  | { readonly kind: 'rates'; readonly rates: Rates; readonly long: readonly LongRates[] }

/** One row of a price list. */
export interface PriceRow {
  /** Upstream models: exact, with a `*` at the end, or ending in `-YYYY-MM-DD` or `-YYYYMMDD` for any date. */
  readonly models: readonly string[]
  /** Null: every account. */
  readonly accounts: readonly AccountId[] | null
  /** Requests that began before are not priced by this row. */
  readonly fromMs: number
  readonly rates: Rates
  readonly long: readonly LongRates[]
  /** By normalised word. A tier that is not named has no known price; the upstream's default needs no name. */
  readonly tiers: ReadonlyMap<string, TierPrice>
}

/** What one request is priced at: picodollars per token, each a numerator over `under`. */
export interface Price {
  readonly above: number
  readonly input: bigint
  readonly cached: bigint
  readonly written: bigint
  readonly written1h: bigint
  readonly output: bigint
  readonly under: bigint
  /**
   * For the books, since price lists change: dollars per million tokens of input, cache reads, cache writes and output, as in `5/0.5/5/30`. Cache writes are two
   * numbers where those that are kept for an hour cost otherwise, as in `4/0.2/5+8/20`.
   */
  readonly text: string
}

/** One request, as far as its price depends on it. */
export interface Priced {
  readonly account: AccountId
  readonly model: UpstreamModel
  /** As the upstream served it, else as it was sent; null: the upstream's default. */
  readonly tier: string | null
  /** Cached tokens among them. */
  readonly inputTokens: number
  /** When the request began. */
  readonly atMs: number
}

const once: Fraction = { over: 1n, under: 1n }

const picoPerUsdPerMillion = 1_000_000

/** @param usd dollars per million tokens, at most six digits behind the point and at most a million dollars: up to there the result is exact. */
export function picoUsdOf(usd: number): bigint {
  return BigInt(Math.round(usd * picoPerUsdPerMillion))
}

/** Other words for the upstream's default. */
const defaults: ReadonlySet<string> = new Set(['default', 'standard', 'auto'])

/** What tiers usually cost, for estimates alone: an estimate is not to be smaller because a price is unknown. */
const usual: Readonly<Record<string, Fraction>> = { priority: { over: 2n, under: 1n }, ultrafast: { over: 6n, under: 1n } }

/** Names are remembered up to this many for each account; then all are looked up afresh. */
const namesMax = 1000

/**
 * All prices that one configuration knows. Looking up a model is a walk over the rows, done once per name; after that a price costs a few map look-ups. Earlier
 * layers win; in a layer the exact name does, then the longest prefix, then, of those that have begun, the latest.
 */
export class PriceTable {
  readonly #layers: readonly (readonly Entry[])[]
  /** Accounts that some row names: all others see one and the same list. */
  readonly #named: ReadonlySet<AccountId>
  readonly #found = new Map<AccountId | null, Map<string, readonly Entry[]>>()

  constructor(layers: readonly (readonly PriceRow[])[]) {
    this.#layers = layers.map((rows) => rows.map((row) => new Entry(row)))
    this.#named = new Set(layers.flatMap((rows) => rows.flatMap((row) => row.accounts ?? [])))
  }

  /** Null: nobody said what this costs. */
  find({ account, model, tier, inputTokens, atMs }: Priced): Price | null {
    const ladder = this.#entry(account, model, atMs)?.ladder(tierWord(tier))
    return ladder === undefined ? null : rung(ladder, inputTokens)
  }

  /** For estimates: where the tier's price is unknown, what such a tier usually costs. Null: not even the model's price is known. */
  guess(priced: Priced): Price | null {
    const found = this.find(priced)
    if (found !== null) return found
    const { account, model, tier, inputTokens, atMs } = priced
    const row = this.#entry(account, model, atMs)?.row
    return row === undefined ? null : rung(ladderOf(row.rates, row.long, usual[tierWord(tier)] ?? once), inputTokens)
  }

  #entry(account: AccountId, model: string, atMs: number): Entry | undefined {
    return this.#entries(this.#named.has(account) ? account : null, model).find((entry) => entry.row.fromMs <= atMs)
  }

  #entries(account: AccountId | null, model: string): readonly Entry[] {
    const names = this.#found.get(account) ?? new Map<string, readonly Entry[]>()
    const known = names.get(model)
    if (known !== undefined) return known
    const entries = this.#layers.flatMap((layer) => matching(layer, account, model))
    if (names.size >= namesMax) names.clear()
    names.set(model, entries)
    this.#found.set(account, names)
    return entries
  }
}

/** A row whose prices are worked out at their first use. */
class Entry {
  readonly row: PriceRow
  #ladders: ReadonlyMap<string, readonly Price[]> | null = null

  constructor(row: PriceRow) {
    this.row = row
  }

  ladder(tier: string): readonly Price[] | undefined {
    this.#ladders ??= laddersOf(this.row)
    return this.#ladders.get(tier)
  }
}

function matching(layer: readonly Entry[], account: AccountId | null, model: string): readonly Entry[] {
  return layer
    .filter(({ row: { accounts } }) => accounts === null || (account !== null && accounts.includes(account)))
    .map((entry) => ({ entry, fit: fitOf(entry.row, model) }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => (a.fit === b.fit ? b.entry.row.fromMs - a.entry.row.fromMs : b.fit - a.fit))
    .map(({ entry }) => entry)
}

/** How well a row fits a model: not at all (0), by a prefix, or by its whole name. */
function fitOf({ models }: PriceRow, model: string): number {
  const snapshot = model.replace(/-\d{4}-\d\d-\d\d$/, '-YYYY-MM-DD').replace(/-\d{8}$/, '-YYYYMMDD')
  return Math.max(
    0,
    ...models.map((name) => {
      if (name === model || name === snapshot) return Infinity
      return name.endsWith('*') && model.startsWith(name.slice(0, -1)) ? name.length : 0
    }),
  )
}

function tierWord(tier: string | null): string {
  const word = bookedTier(tier)
  return word === null || defaults.has(word) ? '' : word
}

function laddersOf({ rates, long, tiers }: PriceRow): ReadonlyMap<string, readonly Price[]> {
  const ladders = new Map([['', ladderOf(rates, long, once)]])
  for (const [tier, price] of tiers) {
    ladders.set(tier, price.kind === 'multiple' ? ladderOf(rates, long, price.by) : ladderOf(price.rates, price.long, once))
  }
  return ladders
}

/** The prices of requests of every length, longest first. */
function ladderOf(rates: Rates, long: readonly LongRates[], by: Fraction): readonly Price[] {
  const rungs = long.map((above) => priceOf(above.above, overlaid(rates, above), by))
  return [...rungs.sort((a, b) => b.above - a.above), priceOf(-1, rates, by)]
}

function rung(ladder: readonly Price[], inputTokens: number): Price | null {
  return ladder.find(({ above }) => inputTokens > above) ?? null
}

function overlaid(rates: Rates, long: LongRates): Rates {
  return {
    input: long.input ?? rates.input,
    cached: long.cached ?? rates.cached,
    written: long.written ?? rates.written,
    written1h: long.written1h ?? rates.written1h,
    output: long.output ?? rates.output,
  }
}

function priceOf(above: number, rates: Rates, { over, under }: Fraction): Price {
  const input = rates.input * over
  const cached = (rates.cached ?? rates.input) * over
  const written = (rates.written ?? rates.input) * over
  const written1h = (rates.written1h ?? rates.written ?? rates.input) * over
  const output = rates.output * over
  const usd = (pico: bigint): string => usdPerMillionText({ over: pico, under })
  const writes = written1h === written ? usd(written) : `${usd(written)}+${usd(written1h)}`
  return { above, input, cached, written, written1h, output, under, text: `${usd(input)}/${usd(cached)}/${writes}/${usd(output)}` }
}

const digits = 12

/** Exact where twelve digits behind the point are enough; else cut, with a `~` before it. */
function usdPerMillionText({ over, under }: Fraction): string {
  const scaled = over * 10n ** BigInt(digits)
  const divisor = under * BigInt(picoPerUsdPerMillion)
  const text = String(scaled / divisor).padStart(digits + 1, '0')
  const rest = text.slice(-digits).replace(/0+$/, '')
  return `${scaled % divisor === 0n ? '' : '~'}${text.slice(0, -digits)}${rest === '' ? '' : `.${rest}`}`
}
