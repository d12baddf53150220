import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limitsOf, nanoUsdOf, noLimits, usdText, writtenLimits } from '../../src/core/key.ts'

const none = { concurrency: null, sessions: null, requests_per_minute: null, tokens_per_minute: null, usd_per_day: null, usd_per_month: null }

describe('the limits of a key', () => {
  it('are none where none is written', () => expect(limitsOf(none)).toEqual(noLimits))

  it('are written as they were read, to the nanodollar', () => {
    const micro = fc.integer({ min: 0, max: 1_000_000_000_000 }).map((amount) => amount / 1_000_000)
    fc.assert(
      fc.property(micro, micro, (day, month) => {
        const written = { ...none, usd_per_day: day, usd_per_month: month }
        expect(writtenLimits(limitsOf(written))).toEqual(written)
      }),
    )
  })
})

describe('an amount of dollars', () => {
  it.each([
    [0, '0.00'],
    [0.1, '0.10'],
    [50, '50.00'],
    [0.000_000_001, '0.000000001'],
    [1.005, '1.005'],
    [1_000_000, '1000000.00'],
  ])('of %d is written %s', (usd, text) => expect(usdText(nanoUsdOf(usd))).toBe(text))
})
