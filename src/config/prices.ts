import type { AccountId } from '../core/ids.ts'
import { bundledRows } from '../core/price-list.ts'
import { picoUsdOf, PriceTable, type Fraction, type LongRates, type PriceRow, type Rates, type TierPrice } from '../core/price.ts'
import type { Configuration } from './schema.ts'

type PriceSetting = Configuration['prices'][number]
type TierSetting = PriceSetting['tiers'][number]

/** The operator's prices for single accounts, then those for all, then the list that Turnout comes with. */
export function priceTable(prices: readonly PriceSetting[]): PriceTable {
  const ofAccounts = prices.filter(({ accounts }) => accounts.length > 0)
  const ofAll = prices.filter(({ accounts }) => accounts.length === 0)
  return new PriceTable([ofAccounts.map(rowOf), ofAll.map(rowOf), bundledRows()])
}

function rowOf({ model, accounts, from, long, tiers, ...rates }: PriceSetting): PriceRow {
  return {
    models: [model],
    accounts: accounts.length === 0 ? null : (accounts as AccountId[]),
    fromMs: from ?? Number.NEGATIVE_INFINITY,
    rates: ratesOf(rates),
    long: long.map(longOf),
    tiers: new Map(tiers.map((tier) => [tier.tier, tierOf(tier)])),
  }
}

/** `agree.ts` sees to it that a tier has either a multiple or both prices. */
function tierOf({ multiple, input = 0, output = 0, cached, written, written_1h, long }: TierSetting): TierPrice {
  if (multiple !== undefined) return { kind: 'multiple', by: fractionOf(multiple) }
  return { kind: 'rates', rates: ratesOf({ input, cached, written, written_1h, output }), long: long.map(longOf) }
}

interface Prices {
  readonly input: number
  readonly cached?: number | undefined
  readonly written?: number | undefined
  readonly written_1h?: number | undefined
  readonly output: number
}

function ratesOf({ input, cached, written, written_1h: written1h, output }: Prices): Rates {
  return { input: picoUsdOf(input), cached: optional(cached), written: optional(written), written1h: optional(written1h), output: picoUsdOf(output) }
}

function longOf({ above, input, cached, written, written_1h: written1h, output }: PriceSetting['long'][number]): LongRates {
  return { above, input: optional(input), cached: optional(cached), written: optional(written), written1h: optional(written1h), output: optional(output) }
}

function optional(usd: number | undefined): bigint | null {
  return usd === undefined ? null : picoUsdOf(usd)
}

const million = 1_000_000

function fractionOf(multiple: number): Fraction {
  const over = Math.round(multiple * million)
  const common = divisor(over, million)
  return { over: BigInt(over / common), under: BigInt(million / common) }
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
