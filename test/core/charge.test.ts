import { describe, expect, test } from 'vitest'
import { billOf, charge, type Bill, type Served, type Used } from '../../src/core/charge.ts'
import type { UpstreamModel } from '../../src/core/ids.ts'
import { picoUsdOf, PriceTable } from '../../src/core/price.ts'
import { noUsage, type Usage } from '../../src/core/usage.ts'
import { accountId } from '../support/accounts.ts'
import { bundled, priceRow, rates } from '../support/prices.ts'

/** A thousandth of a cent per token: 1 dollar per million in, 2 out. */
const table = new PriceTable([[priceRow(['m'])]])

const tokens = (inputTokens: number, outputTokens: number, more: Partial<Usage> = {}): Usage => ({ ...noUsage, inputTokens, outputTokens, ...more })

function bill(used: Used, more: Partial<Served & { readonly table: PriceTable }> = {}): Bill {
  const { table: prices = table, ...rest } = more
  return billOf({ account: accountId('a'), model: 'm' as UpstreamModel, paidBy: 'use', atMs: Date.UTC(2026, 10, 21), used, ...rest }, prices)
}
const known = (usage: Usage, more: Parameters<typeof bill>[1] = {}): Bill => bill({ kind: 'known', usage, tier: null }, more)
const guessed = (inputTokens: number, outputTokens: number, more: Parameters<typeof bill>[1] = {}): Bill =>
  bill({ kind: 'guessed', inputTokens, outputTokens, tier: null }, more)
const nothing = bill({ kind: 'nothing' })
const unknownModel = { model: 'stranger' as UpstreamModel }
const covered = { paidBy: 'subscription' } as const

// G4
describe('every token is billed at one rate', () => {
  const sol = { table: bundled, model: 'gpt-5.6-sol' as UpstreamModel }
  test.each<readonly [title: string, usage: Usage, tier: string | null, nanoUsd: bigint]>([
    ['input and output', tokens(1000, 100), null, 4_000_000n + 2_000_000n],
    ['cache reads are inside input', tokens(1000, 0, { cachedTokens: 800 }), null, 200n * 4000n + 800n * 400n],
    ['cache writes are inside input', tokens(1000, 0, { cachedTokens: 500, cacheWriteTokens: 300 }), null, 200n * 4000n + 500n * 400n + 300n * 5000n],
    [
      'cache writes that are kept for an hour cost no more where nobody says so',
      tokens(300, 0, { cacheWriteTokens: 300, longCacheWriteTokens: 300 }),
      null,
      300n * 5000n,
    ],
    ['reasoning is inside output', tokens(0, 100, { reasoningTokens: 90 }), null, 2_000_000n],
    ['flex is half', tokens(1000, 100), 'flex', 3_000_000n],
    ['fast is priority, and double', tokens(1000, 100, { cachedTokens: 1000 }), 'fast', 800_000n + 4_000_000n],
    [
      'a long request, cached tokens counted, is long for all of its tokens',
      tokens(300_000, 1000, { cachedTokens: 299_000 }),
      null,
      8_000_000n + 239_200_000n + 30_000_000n,
    ],
  ])('%s', (_title, usage, tier, nanoUsd) => {
    expect(charge([bill({ kind: 'known', usage, tier }, sol)])).toEqual({ nanoUsd, estimatedNanoUsd: null, notionalNanoUsd: null })
  })

  const opus = { table: bundled, model: 'claude-opus-5-5' as UpstreamModel }
  const cached = { cachedTokens: 500, cacheWriteTokens: 300, longCacheWriteTokens: 100 }
  test.each<readonly [title: string, usage: Usage, tier: string | null, nanoUsd: bigint]>([
    ['at a rate of its own', tokens(1000, 10, cached), null, 200n * 4000n + 500n * 200n + 200n * 5000n + 100n * 8000n + 10n * 20_000n],
    ['at that of its tier', tokens(1000, 10, cached), 'fast', 2n * (200n * 4000n + 500n * 200n + 200n * 5000n + 100n * 8000n + 10n * 20_000n)],
    ['at that alone, where all is kept for long', tokens(300, 0, { cacheWriteTokens: 300, longCacheWriteTokens: 300 }), null, 300n * 8000n],
    ['at none, where none is', tokens(300, 0, { cacheWriteTokens: 300 }), null, 300n * 5000n],
  ])('what Anthropic keeps in a cache for an hour %s', (_title, usage, tier, nanoUsd) => {
    expect(charge([bill({ kind: 'known', usage, tier }, opus)])).toEqual({ nanoUsd, estimatedNanoUsd: null, notionalNanoUsd: null })
  })

  test('and its prices are told to the books', () => {
    expect(known(tokens(1, 1))).toMatchObject({ kind: 'known', price: '1/1/1/2' })
  })
})

describe('rounding', () => {
  // A picodollar a token in; a nanodollar is a thousand.
  const pico = { table: new PriceTable([[priceRow(['m'], { rates: { ...rates(0, 0), input: 1n } })]]) }
  test.each([
    [499, 0n],
    [500, 1n],
    [1499, 1n],
    [1500, 2n],
  ])('%i picodollars', (inputTokens, nanoUsd) => {
    expect(charge([known(tokens(inputTokens, 0), pico)]).nanoUsd).toBe(nanoUsd)
  })

  test('is done once for the whole turn', () => {
    expect(charge([known(tokens(400, 0), pico), known(tokens(400, 0), pico)]).nanoUsd).toBe(1n)
  })

  test('is of the exact sum, also of prices in fractions', () => {
    const thirds = new PriceTable([
      [priceRow(['m'], { rates: { ...rates(0, 0), input: 1n }, tiers: new Map([['flex', { kind: 'multiple', by: { over: 1n, under: 3n } }]]) })],
    ])
    const third = (inputTokens: number): Bill => bill({ kind: 'known', usage: tokens(inputTokens, 0), tier: 'flex' }, { table: thirds })
    expect(charge([third(1499)]).nanoUsd).toBe(0n)
    expect(charge([third(1500)]).nanoUsd).toBe(1n)
    expect(charge([third(1499), known(tokens(1, 0), { table: thirds })]).nanoUsd).toBe(1n)
  })
})

// G4
describe('a turn whose cost is not known', () => {
  test.each<readonly [title: string, bills: readonly Bill[], nanoUsd: bigint | null, estimated: bigint | null]>([
    ['was never tried: it costs nothing', [], 0n, null],
    ['was refused by every upstream: it costs nothing', [nothing, nothing], 0n, null],
    ['used nothing at all: it costs nothing, whatever the price', [known(noUsage, unknownModel)], 0n, null],
    ['has no price: unknown, and no estimate', [known(tokens(10, 10), unknownModel)], null, null],
    [
      'has no price for its tier: unknown, and an estimate at what such tiers usually cost',
      [bill({ kind: 'known', usage: tokens(10, 10), tier: 'priority' })],
      null,
      60_000n,
    ],
    ['told no usage: unknown, and an estimate', [guessed(10, 10)], null, 30_000n],
    ['told no usage and has no price: unknown', [guessed(10, 10, unknownModel)], null, null],
    ['told no usage in an earlier attempt: what is known, and an estimate of the rest', [guessed(10, 0), known(tokens(100, 0))], 100_000n, 10_000n],
    ['told usage in an earlier attempt only: all of it is estimate', [known(tokens(100, 0)), guessed(10, 0)], null, 110_000n],
    ['was cut off, and then refused: unknown', [guessed(10, 0), nothing], null, 10_000n],
    ['has no price in one attempt: unknown, and what is known is the estimate', [known(tokens(100, 0)), known(tokens(10, 0), unknownModel)], null, 100_000n],
    ['failed with usage, and was answered: both', [known(tokens(100, 0)), known(tokens(10, 10))], 130_000n, null],
    ['used more than exists: malformed, so unknown', [known(tokens(Number.MAX_SAFE_INTEGER, 0))], null, null],
  ])('%s', (_title, bills, nanoUsd, estimatedNanoUsd) => {
    expect(charge(bills)).toEqual({ nanoUsd, estimatedNanoUsd, notionalNanoUsd: null })
  })
})

describe('what a subscription covers', () => {
  test.each<readonly [title: string, bills: readonly Bill[], nanoUsd: bigint | null, estimated: bigint | null, notional: bigint | null]>([
    ['costs no money, and is valued by the price list', [known(tokens(10, 0), covered)], 0n, null, 10_000n],
    ['is apart from what was paid for before it', [known(tokens(100, 0)), known(tokens(10, 0), covered)], 100_000n, null, 10_000n],
    ['has no value where its usage is unknown, and is no estimate', [guessed(10, 0, covered)], 0n, null, null],
    ['has no value where its price is unknown', [known(tokens(10, 0), { ...covered, ...unknownModel })], 0n, null, null],
    ['leaves what was paid for before it an estimate', [guessed(5, 0), known(tokens(10, 0), covered)], 0n, 5000n, 10_000n],
  ])('%s', (_title, bills, nanoUsd, estimatedNanoUsd, notionalNanoUsd) => {
    expect(charge(bills)).toEqual({ nanoUsd, estimatedNanoUsd, notionalNanoUsd })
  })
})

test('prices with six digits are exact', () => {
  const fine = { table: new PriceTable([[priceRow(['m'], { rates: { ...rates(0, 0), input: picoUsdOf(0.000001) } })]]) }
  expect(charge([known(tokens(1_000_000_000, 0), fine)]).nanoUsd).toBe(1_000_000n)
})
