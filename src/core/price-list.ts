import { assert } from '../lib/assert.ts'
import { bundledPrices } from './bundled-prices.ts'
import { picoUsdOf, type Fraction, type LongRates, type PriceRow, type Rates, type TierPrice } from './price.ts'

let parsed: readonly PriceRow[] | null = null

/** The rows of the price list that Turnout comes with. */
export function bundledRows(): readonly PriceRow[] {
  parsed ??= bundledPrices.trim().split('\n').map(rowOf)
  return parsed
}

/** `models | from | rates, >N rates … | tier n/m, …`: see `bundled-prices.ts`. */
function rowOf(line: string): PriceRow {
  const [models = '', from = '', prices = '', tiers = ''] = line.split('|').map((part) => part.trim())
  const [rates = '', ...long] = prices.split(', ')
  return {
    models: models.split(' '),
    accounts: null,
    fromMs: from === '-' ? Number.NEGATIVE_INFINITY : Date.parse(from),
    rates: ratesOf(rates.split(' ')),
    long: long.map(longOf),
    tiers: new Map(tiers === '' ? [] : tiers.split(', ').map(tierOf)),
  }
}

function ratesOf(prices: readonly string[]): Rates {
  const { input, output, ...caches } = pricesOf(prices)
  assert(input !== null && output !== null, 'a price list says what reading and writing cost')
  return { input, ...caches, output }
}

function longOf(text: string): LongRates {
  const [above = '', ...prices] = text.split(' ')
  return { above: Number(above.slice(1)), ...pricesOf(prices) }
}

function pricesOf([input, cached, writes = '', output]: readonly string[]): Omit<LongRates, 'above'> {
  const [written, written1h] = writes.split('+')
  return { input: pico(input), cached: pico(cached), written: pico(written), written1h: pico(written1h), output: pico(output) }
}

function tierOf(text: string): readonly [string, TierPrice] {
  const [tier = '', multiple = ''] = text.split(' ')
  return [tier, { kind: 'multiple', by: fractionOf(multiple) }]
}

function fractionOf(text: string): Fraction {
  const [over = '', under = ''] = text.split('/')
  return { over: BigInt(over), under: BigInt(under) }
}

function pico(usd: string | undefined): bigint | null {
  return usd === undefined || usd === '-' ? null : picoUsdOf(Number(usd))
}
