import { describe, expect, test } from 'vitest'
import { bundledRows } from '../../src/core/price-list.ts'
import { picoUsdOf, PriceTable, type PriceRow } from '../../src/core/price.ts'
import { accountId } from '../support/accounts.ts'
import { asked, bundled, priceRow, rates } from '../support/prices.ts'

const day = (text: string): number => Date.parse(text)
const textOf = (rows: readonly PriceRow[], ...of: Parameters<typeof asked>): string | null => new PriceTable([rows]).find(asked(...of))?.text ?? null

describe('a price', () => {
  test('is in whole picodollars per token, as exact as dollars per million tokens with six digits are', () => {
    expect([0, 0.000001, 0.039, 0.1, 3.125, 12.5, 1_000_000].map(picoUsdOf)).toEqual([0n, 1n, 39_000n, 100_000n, 3_125_000n, 12_500_000n, 1_000_000_000_000n])
  })

  test('of a cache is that of input where nothing else is said', () => {
    expect(textOf([priceRow(['m'], { rates: rates(5, 30) })], 'm')).toBe('5/5/5/30')
    expect(textOf([priceRow(['m'], { rates: rates(5, 30, { cached: 0.5, written: 6.25 }) })], 'm')).toBe('5/0.5/6.25/30')
  })

  test.each<readonly [title: string, more: Parameters<typeof rates>[2], text: string]>([
    ['is told beside that of others', { written: 6.25, written1h: 10 }, '5/5/6.25+10/30'],
    ['is that of others where nothing else is said', { written: 6.25 }, '5/5/6.25/30'],
    ['is not told where it is the same', { written: 6.25, written1h: 6.25 }, '5/5/6.25/30'],
    ['may be the only one that is said', { written1h: 10 }, '5/5/5+10/30'],
    ['may be nothing', { written1h: 0 }, '5/5/5+0/30'],
  ])('of what a cache keeps for an hour %s', (_title, more, text) => {
    expect(textOf([priceRow(['m'], { rates: rates(5, 30, more) })], 'm')).toBe(text)
  })

  test('is unknown where no row has the model', () => {
    expect(textOf([priceRow(['m'])], 'n')).toBeNull()
  })
})

describe('which row holds', () => {
  const cheap = { rates: rates(1, 1) }
  const dear = { rates: rates(9, 9) }
  test.each<readonly [title: string, rows: readonly PriceRow[], model: string, text: string | null]>([
    ['the exact name, before a prefix', [priceRow(['gpt-*'], cheap), priceRow(['gpt-5'], dear)], 'gpt-5', '9/9/9/9'],
    ['the longest prefix', [priceRow(['*'], cheap), priceRow(['gpt-5*'], dear), priceRow(['gpt-*'], cheap)], 'gpt-5-mini', '9/9/9/9'],
    ['a prefix fits its own end', [priceRow(['gpt-5*'], dear)], 'gpt-5', '9/9/9/9'],
    ['a lone * fits every model', [priceRow(['*'], dear)], 'whatever', '9/9/9/9'],
    ['a prefix fits nothing shorter', [priceRow(['gpt-5-*'], dear)], 'gpt-5', null],
    ['a name fits no longer one', [priceRow(['gpt-5'], dear)], 'gpt-5-mini', null],
    ['a dated name fits any date', [priceRow(['gpt-6-YYYY-MM-DD'], dear)], 'gpt-6-2027-01-31', '9/9/9/9'],
    ['and any date without dashes', [priceRow(['claude-5-YYYYMMDD'], dear)], 'claude-5-20270131', '9/9/9/9'],
    ['but nothing else', [priceRow(['gpt-6-YYYY-MM-DD'], dear)], 'gpt-6-mini', null],
  ])('%s', (_title, rows, model, text) => {
    expect(textOf(rows, model)).toBe(text)
  })

  test('earlier layers win, also by a prefix over an exact name', () => {
    const table = new PriceTable([[priceRow(['gpt-*'], dear)], [priceRow(['gpt-5'], cheap)]])
    expect(table.find(asked('gpt-5'))?.text).toBe('9/9/9/9')
  })

  test('a row for some accounts holds for no other', () => {
    const table = new PriceTable([[priceRow(['m'], { ...dear, accounts: [accountId('b')] })], [priceRow(['m'], cheap)]])
    expect(table.find(asked('m', { account: accountId('b') }))?.text).toBe('9/9/9/9')
    expect(table.find(asked('m'))?.text).toBe('1/1/1/1')
  })

  test('is the one that was valid when the request began', () => {
    const rows = [
      priceRow(['m'], cheap),
      priceRow(['m'], { ...dear, fromMs: day('2026-08-21') }),
      priceRow(['m'], { rates: rates(3, 3), fromMs: day('2027-01-01') }),
    ]
    const at = (text: string): string | null => textOf(rows, 'm', { atMs: day(text) })
    expect([at('2026-08-20T23:59:59.999Z'), at('2026-08-21'), at('2026-12-31T23:59:59.999Z'), at('2027-01-01')]).toEqual([
      '1/1/1/1',
      '9/9/9/9',
      '9/9/9/9',
      '3/3/3/3',
    ])
  })

  test('before a price of the operator begins, what is below it holds', () => {
    const table = new PriceTable([[priceRow(['m'], { ...dear, fromMs: day('2027-01-01') })], [priceRow(['*'], cheap)]])
    expect(table.find(asked('m'))?.text).toBe('1/1/1/1')
    expect(table.find(asked('m', { atMs: day('2027-01-01') }))?.text).toBe('9/9/9/9')
  })

  test('stays what it was for names that were asked for, however many others came meanwhile', () => {
    const table = new PriceTable([[priceRow(['m'], dear)]])
    const before = table.find(asked('m'))
    for (let n = 0; n < 3000; n += 1) expect(table.find(asked(`stranger-${n}`))).toBeNull()
    expect(table.find(asked('m'))).toBe(before)
  })
})

// G4
describe('a service tier', () => {
  const row = priceRow(['m'], {
    rates: rates(3, 10, { cached: 0.3 }),
    tiers: new Map([
      ['flex', { kind: 'multiple', by: { over: 1n, under: 2n } }],
      ['priority', { kind: 'multiple', by: { over: 5n, under: 3n } }],
      ['ultrafast', { kind: 'rates', rates: rates(60, 300), long: [] }],
    ]),
  })
  test.each([
    ['none', null, '3/0.3/3/10'],
    ['the default, in any of its words', 'default', '3/0.3/3/10'],
    ['standard', 'standard', '3/0.3/3/10'],
    ['auto', 'auto', '3/0.3/3/10'],
    ['flex', 'flex', '1.5/0.15/1.5/5'],
    ['priority, in thirds', 'priority', '5/0.5/5/~16.666666666666'],
    ['fast, which is priority', ' Fast ', '5/0.5/5/~16.666666666666'],
    ['one with prices of its own', 'ultrafast', '60/60/60/300'],
    ['one that nobody priced', 'scale', null],
    ['one that nobody knows', 'turbo', null],
  ])('%s', (_title, tier, text) => {
    expect(textOf([row], 'm', { tier })).toBe(text)
  })

  test.each([
    ['priority', '6/6/6/8'],
    ['ultrafast', '18/18/18/24'],
    ['flex', '3/3/3/4'],
    ['turbo', '3/3/3/4'],
  ])('is guessed, for estimates alone, where its price is unknown: %s', (tier, text) => {
    const table = new PriceTable([[priceRow(['m'], { rates: rates(3, 4) })]])
    expect(table.find(asked('m', { tier }))).toBeNull()
    expect(table.guess(asked('m', { tier }))?.text).toBe(text)
    expect(table.guess(asked('stranger', { tier }))).toBeNull()
  })
})

// G4
describe('a long request', () => {
  const long = { above: 272_000, input: picoUsdOf(8), cached: picoUsdOf(0.8), written: null, written1h: null, output: picoUsdOf(30) }
  const tiers: PriceRow['tiers'] = new Map([
    ['priority', { kind: 'multiple', by: { over: 2n, under: 1n } }],
    ['flex', { kind: 'rates', rates: rates(1, 1), long: [] }],
    ['ultrafast', { kind: 'rates', rates: rates(5, 5), long: [{ ...long, above: 1000 }] }],
  ])
  const row = priceRow(['m'], { rates: rates(4, 20, { cached: 0.4, written: 5 }), long: [long, { ...long, above: 500_000, input: null }], tiers })
  test.each([
    ['at the bound is short', 272_000, null, '4/0.4/5/20'],
    ['above it pays for all of its tokens; what is not stated stays', 272_001, null, '8/0.8/5/30'],
    ['above the next bound pays by that one', 500_001, null, '4/0.8/5/30'],
    ['is multiplied with its tier', 272_001, 'priority', '16/1.6/10/60'],
    ['pays as a short one where a tier has prices of its own', 272_001, 'flex', '1/1/1/1'],
    ['pays what such a tier says of it', 1001, 'ultrafast', '8/0.8/8/30'],
  ])('%s', (_title, inputTokens, tier, text) => {
    expect(textOf([row], 'm', { inputTokens, tier })).toBe(text)
  })

  test.each([
    ['what it says', { written: picoUsdOf(12.5), written1h: picoUsdOf(20) }, '8/0.8/12.5+20/30', '16/1.6/25+40/60'],
    ['what a short one pays, where it does not say', { written: picoUsdOf(7) }, '8/0.8/7+10/30', '16/1.6/14+20/60'],
  ])('pays for what a cache keeps for an hour %s', (_title, more, text, fast) => {
    const hourly = { ...row, rates: rates(4, 20, { written: 5, written1h: 10 }), long: [{ ...long, ...more }] }
    expect(textOf([hourly], 'm', { inputTokens: 272_001 })).toBe(text)
    expect(textOf([hourly], 'm', { inputTokens: 272_001, tier: 'priority' })).toBe(fast)
  })
})

describe('the price list that Turnout comes with', () => {
  // The fixtures of protocols.md 9.2 and 9.3, and the tiers of openai.com/api-priority-processing.
  test.each([
    ['gpt-5.5', null, 1000, '5/0.5/5/30'],
    ['gpt-5.5', 'priority', 1000, '12.5/1.25/12.5/75'],
    ['gpt-5.5', 'flex', 1000, '2.5/0.25/2.5/15'],
    ['gpt-5.6-sol', null, 1000, '4/0.4/5/20'],
    ['gpt-5.6-sol', 'fast', 1000, '8/0.8/10/40'],
    ['gpt-5.6-sol', null, 272_001, '8/0.8/10/30'],
    ['gpt-5.6-sol', 'fast', 272_001, '16/1.6/20/60'],
    ['gpt-5.6-sol-2026-09-01', null, 1000, '4/0.4/5/20'],
    ['gpt-6.1-sol', null, 1000, '2/0.1/2.5/10'],
    ['gpt-6.1-sol', null, 272_000, '2/0.1/2.5/10'],
    ['gpt-6.1-sol', null, 272_001, '4/0.2/5/15'],
    ['gpt-6.1-sol', 'fast', 1000, '4/0.2/5/20'],
    ['gpt-6-astra', null, 1000, '10/1/12.5/50'],
    ['gpt-6-astra', 'ultrafast', 1000, '60/6/75/300'],
    ['gpt-6-sol', null, 1000, '2/0.2/2.5/10'],
    ['gpt-6-luna', null, 1000, '0.1/0.01/0.125/0.5'],
    ['gpt-4o-mini', 'priority', 1000, '0.25/0.125/0.25/1'],
    ['o4-mini', 'priority', 1000, '2/0.5/2/8'],
    ['gpt-4o-2024-05-13', 'priority', 1000, '8.75/8.75/8.75/26.25'],
    ['claude-opus-5-5', null, 1000, '4/0.2/5+8/20'],
    ['claude-opus-5-5-20260922', 'fast', 1000, '8/0.4/10+16/40'],
    ['claude-opus-5', 'fast', 1000, '10/1/12.5+20/50'],
    ['claude-opus-4-8', 'fast', 1000, '10/1/12.5+20/50'],
    ['claude-opus-4-6', 'fast', 1000, '30/3/37.5+60/150'],
    ['claude-sonnet-4-5', null, 200_001, '6/0.6/7.5+12/22.5'],
  ])('%s at %s, %i tokens in', (model, tier, inputTokens, text) => {
    expect(bundled.find(asked(model, { tier, inputTokens }))?.text).toBe(text)
  })

  test('knows no price of a fast mode that a model does not have', () => {
    expect(bundled.find(asked('claude-sonnet-5', { tier: 'fast' }))).toBeNull()
  })

  // platform.claude.com/docs/en/build-with-claude/prompt-caching: twice the price of input.
  test('says of each Claude model that has a cache what an hour in it costs: twice its input', () => {
    const written = bundledRows().filter(({ models, rates: { written: any } }) => any !== null && models.some((name) => name.startsWith('claude')))
    expect(written.length).toBeGreaterThan(15)
    for (const { models, rates: of, long: longer } of written) {
      expect([models, of.written1h]).toEqual([models, of.input * 2n])
      for (const { input, written1h } of longer) expect([models, written1h]).toEqual([models, input === null ? null : input * 2n])
    }
  })

  test('knows when a price was cut', () => {
    expect(bundled.find(asked('gpt-5.6-sol', { atMs: day('2026-08-20') }))?.text).toBe('5/0.5/6.25/30')
    expect(bundled.find(asked('gpt-5.6-sol', { atMs: day('2026-08-21') }))?.text).toBe('4/0.4/5/20')
  })

  test.each(['gpt-99', 'gpt-oss-120b', 'gpt-image-2', 'gpt-realtime-2', 'text-embedding-3-small'])('knows no price of %s', (model) => {
    expect(bundled.find(asked(model))).toBeNull()
  })

  test('has a price for reading and writing in every row, and each name and beginning once', () => {
    const seen = bundledRows().flatMap(({ models, fromMs }) => models.map((model) => `${model} ${fromMs}`))
    expect(new Set(seen).size).toBe(seen.length)
    expect(bundledRows().every((row) => row.rates.input > 0n && row.rates.output > 0n)).toBe(true)
  })
})
