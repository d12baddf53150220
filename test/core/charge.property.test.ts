import { expect, test } from 'vitest'
import { billOf, charge, type Bill, type Served } from '../../src/core/charge.ts'
import type { UpstreamModel } from '../../src/core/ids.ts'
import { bundledRows } from '../../src/core/price-list.ts'
import { PriceTable, type LongRates, type PriceRow, type Rates, type TierPrice } from '../../src/core/price.ts'
import { accountId } from '../support/accounts.ts'

/** So many turns are drawn; their seed is printed when one is charged wrongly. */
const turns = 1_000_000
const seed = 20_261_121

/** Small and fast; good enough to draw numbers. */
class Draw {
  #state = seed

  /** A whole number in [0, below). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  of<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new Error('nothing to draw from')
    return item
  }
}

const draw = new Draw()
const categories = ['input', 'cached', 'written', 'written1h', 'output'] as const
type Category = (typeof categories)[number]

const price = (): bigint => BigInt(draw.below(200_000_000))
const maybe = (): bigint | null => (draw.below(3) === 0 ? null : price())
const someRates = (): Rates => ({ input: price(), cached: maybe(), written: maybe(), written1h: maybe(), output: price() })
const someLong = (): readonly LongRates[] =>
  draw
    .of([[], [272_000], [128_000, 500_000]])
    .map((above) => ({ above, input: maybe(), cached: maybe(), written: maybe(), written1h: maybe(), output: maybe() }))
const someTier = (): TierPrice =>
  draw.below(3) === 0
    ? { kind: 'rates', rates: someRates(), long: someLong() }
    : { kind: 'multiple', by: { over: BigInt(1 + draw.below(40)), under: BigInt(1 + draw.below(30)) } }

function someRow(index: number): PriceRow {
  const tiers = new Map(['flex', 'priority', 'ultrafast'].filter(() => draw.below(2) === 0).map((tier) => [tier, someTier()]))
  return { models: [`m${index}`], accounts: null, fromMs: Number.NEGATIVE_INFINITY, rates: someRates(), long: someLong(), tiers }
}

const today = Date.UTC(2026, 10, 21)
const rows = [
  ...Array.from({ length: 100 }, (_, index) => someRow(index)),
  ...bundledRows().filter((row) => row.models.every((model) => !/\*|YYYY/.test(model))),
]
const table = new PriceTable([rows])
/** The row of each model that holds today. */
const rowOf = new Map(rows.flatMap((row) => (row.fromMs <= today ? row.models.map((model) => [model, row] as const) : [])))
const models = [...rowOf.keys(), 'stranger', 'another stranger']
const tiers = [null, null, 'default', 'auto', 'fast', 'priority', 'flex', 'ultrafast', 'turbo']

/** An exact fraction, not reduced; both parts whole. */
type Exact = readonly [over: bigint, under: bigint]
const plus = ([a, b]: Exact, [c, d]: Exact): Exact => (b === d ? [a + c, b] : [a * d + c * b, b * d])

/** `rate(b)` of the one formula (protocols.md 9.4), straight from the row. */
function rateOf(row: PriceRow, tier: TierPrice | null, total: number, category: Category): Exact {
  const own = tier?.kind === 'rates' ? tier : row
  const multiple: Exact = tier?.kind === 'multiple' ? [tier.by.over, tier.by.under] : [1n, 1n]
  const above = own.long
    .filter((long) => total > long.above)
    .reduce<LongRates | null>((top, long) => (top !== null && top.above > long.above ? top : long), null)
  const stated = (of: Category): bigint | null => above?.[of] ?? own.rates[of]
  const pico = stated(category) ?? (category === 'written1h' ? stated('written') : null) ?? above?.input ?? own.rates.input
  return [pico * multiple[0], multiple[1]]
}

/** In picodollars; null: there is no price. */
function exactCost(model: string, { used }: Served): Exact | null {
  const row = rowOf.get(model)
  if (used.kind !== 'known' || row === undefined) return null
  const { inputTokens, cachedTokens, cacheWriteTokens, longCacheWriteTokens, outputTokens } = used.usage
  const word = used.tier === 'fast' ? 'priority' : used.tier
  const isDefault = word === null || word === 'default' || word === 'auto'
  const tier = isDefault ? null : (row.tiers.get(word) ?? 'unknown')
  if (tier === 'unknown') return null
  const counts = {
    input: inputTokens - cachedTokens - cacheWriteTokens,
    cached: cachedTokens,
    written: cacheWriteTokens - longCacheWriteTokens,
    written1h: longCacheWriteTokens,
    output: outputTokens,
  }
  return categories.reduce<Exact>(
    (sum, category) => {
      const [over, under] = rateOf(row, tier, inputTokens, category)
      return plus(sum, [BigInt(counts[category]) * over, under])
    },
    [0n, 1n],
  )
}

/** The whole number that is nearest to `over / under`; of two, the greater. */
function halfUp([over, under]: Exact): bigint {
  const floor = over / under
  return (over - floor * under) * 2n >= under ? floor + 1n : floor
}

function someAttempt(model: string): Served {
  const inputTokens = draw.below(draw.of([10, 5000, 300_000, 1_000_000]))
  const cachedTokens = draw.below(inputTokens + 1)
  const cacheWriteTokens = draw.below(inputTokens - cachedTokens + 1)
  const longCacheWriteTokens = draw.below(2) === 0 ? 0 : draw.below(cacheWriteTokens + 1)
  const outputTokens = 1 + draw.below(draw.of([10, 2000, 100_000]))
  const usage = { inputTokens, cachedTokens, cacheWriteTokens, longCacheWriteTokens, outputTokens, reasoningTokens: draw.below(outputTokens) }
  return { account: accountId('a'), model: model as UpstreamModel, paidBy: 'use', atMs: today, used: { kind: 'known', usage, tier: draw.of(tiers) } }
}

// G3
test(`a million turns are charged what exact arithmetic says, to the nanodollar (seed ${seed})`, { timeout: 120_000 }, () => {
  let charged = 0n
  /** The exact sum over all attempts of charged turns, by denominator: there are not many. */
  const billed = new Map<bigint, bigint>()
  let unknown = 0
  for (let turn = 0; turn < turns; turn += 1) {
    const attempts = 1 + (draw.below(10) < 8 ? 0 : draw.below(3))
    const bills: Bill[] = []
    let exact: Exact | null = [0n, 1000n]
    for (let n = 0; n < attempts; n += 1) {
      const model = draw.of(models)
      const served = someAttempt(model)
      bills.push(billOf(served, table))
      const cost = exactCost(model, served)
      exact = exact === null || cost === null ? null : plus(exact, [cost[0], cost[1] * 1000n])
    }
    const { nanoUsd } = charge(bills)
    const expected = exact === null ? null : halfUp(exact)
    if (nanoUsd !== expected) expect({ turn, bills, nanoUsd }).toEqual({ turn, bills, nanoUsd: expected })
    if (nanoUsd === null) unknown += 1
    if (nanoUsd === null || exact === null) continue
    charged += nanoUsd
    billed.set(exact[1], (billed.get(exact[1]) ?? 0n) + exact[0])
  }
  const [over, under] = [...billed].map(([of, sum]): Exact => [sum, of]).reduce(plus, [0n, 1n])
  // Rounding is at most half a nanodollar a turn, and nearly as often down as up: what is exactly half goes up.
  expect(Math.abs(Number(charged - over / under))).toBeLessThan(turns / 100)
  expect(unknown).toBeGreaterThan(turns / 100)
  expect(unknown).toBeLessThan(turns / 2)
})
