import type { AccountId, UpstreamModel } from '../../src/core/ids.ts'
import { bundledRows } from '../../src/core/price-list.ts'
import { picoUsdOf, PriceTable, type Priced, type PriceRow, type Rates } from '../../src/core/price.ts'

/** The price list that Turnout comes with, and nothing over it. */
export const bundled = new PriceTable([bundledRows()])

/** Dollars per million tokens. */
export function rates(input: number, output: number, more: { readonly cached?: number; readonly written?: number; readonly written1h?: number } = {}): Rates {
  const optional = (usd: number | undefined): bigint | null => (usd === undefined ? null : picoUsdOf(usd))
  const { cached, written, written1h } = more
  return { input: picoUsdOf(input), cached: optional(cached), written: optional(written), written1h: optional(written1h), output: picoUsdOf(output) }
}

/** A row of a price list: a dollar per million tokens in, two out, unless it says otherwise. */
export function priceRow(models: readonly string[], more: Partial<PriceRow> = {}): PriceRow {
  return { models, accounts: null, fromMs: Number.NEGATIVE_INFINITY, rates: rates(1, 2), long: [], tiers: new Map(), ...more }
}

/** A short request of today, at the upstream's default tier, by the account `a`. */
export function asked(model: string, more: Partial<Omit<Priced, 'model'>> = {}): Priced {
  return { account: 'a' as AccountId, tier: null, inputTokens: 1000, atMs: Date.UTC(2026, 10, 21), ...more, model: model as UpstreamModel }
}
