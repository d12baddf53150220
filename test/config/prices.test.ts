import { describe, expect, it } from 'vitest'
import { masked } from '../../src/config/masked.ts'
import { priceTable } from '../../src/config/prices.ts'
import { accountId } from '../support/accounts.ts'
import { asked } from '../support/prices.ts'
import { base, configurationOf, problemsOf } from './files.ts'

const withPrices = (...lines: readonly string[]): string => `${base}prices:\n${lines.map((line) => `  - { ${line} }\n`).join('')}`

/** What a request is priced at under these prices. */
function priceOf(lines: readonly string[], ...of: Parameters<typeof asked>): string | null {
  return priceTable(configurationOf(withPrices(...lines)).prices).find(asked(...of))?.text ?? null
}

describe("the operator's prices", () => {
  it('may be none: the price list holds', () => {
    expect(priceTable(configurationOf(base).prices).find(asked('gpt-5.5'))?.text).toBe('5/0.5/5/30')
  })
  it('stand over the price list, whole: what they do not say is not taken from it', () => {
    expect(priceOf(['model: gpt-5.5, input: 4, output: 20'], 'gpt-5.5')).toBe('4/4/4/20')
    expect(priceOf(['model: gpt-5.5, input: 4, output: 20'], 'gpt-5.5', { tier: 'flex' })).toBeNull()
    expect(priceOf(['model: gpt-5.5, input: 4, output: 20'], 'gpt-5.4')).toBe('2.5/0.25/2.5/15')
  })
  it('may be nothing at all', () => expect(priceOf(['model: "*", input: 0, output: 0'], 'gpt-5.5')).toBe('0/0/0/0'))
  it('may be for some accounts, and then come before those for all', () => {
    const lines = ['model: m, input: 1, output: 2', 'model: "*", accounts: [a], input: 3, output: 4']
    expect(priceOf(lines, 'm')).toBe('3/3/3/4')
    expect(priceOf(lines, 'm', { account: accountId('b') })).toBe('1/1/1/2')
  })
  it('begin when they say; until then the list holds', () => {
    const lines = ['model: gpt-5.5, from: "2027-01-01T00:00:00Z", input: 4, output: 20']
    expect(priceOf(lines, 'gpt-5.5')).toBe('5/0.5/5/30')
    expect(priceOf(lines, 'gpt-5.5', { atMs: Date.UTC(2027, 0, 1) })).toBe('4/4/4/20')
  })
  it('say what caches, long requests and tiers cost', () => {
    const lines = [
      'model: m, input: 1.25, cached: 0.125, written: 1.5, output: 10, long: [{ above: 1000, input: 2.5, cached: 0.25, output: 15 }],' +
        ' tiers: [{ tier: flex, multiple: 0.3 }, { tier: priority, input: 3, cached: 1, output: 30, long: [{ above: 2000, output: 40 }] }]',
    ]
    expect(priceOf(lines, 'm')).toBe('1.25/0.125/1.5/10')
    expect(priceOf(lines, 'm', { inputTokens: 1001 })).toBe('2.5/0.25/1.5/15')
    expect(priceOf(lines, 'm', { tier: 'flex' })).toBe('0.375/0.0375/0.45/3')
    expect(priceOf(lines, 'm', { tier: 'fast', inputTokens: 1001 })).toBe('3/1/3/30')
    expect(priceOf(lines, 'm', { tier: 'fast', inputTokens: 2001 })).toBe('3/1/3/40')
  })
  it('say what an hour in a cache costs; where they do not, it is what others cost', () => {
    const lines = [
      'model: m, input: 4, cached: 0.2, written: 5, written_1h: 8, output: 20, long: [{ above: 1000, written_1h: 16 }],' +
        ' tiers: [{ tier: flex, multiple: 0.5 }, { tier: priority, input: 8, written_1h: 16, output: 40, long: [{ above: 1000, written_1h: 32 }] }]',
    ]
    expect(priceOf(lines, 'm')).toBe('4/0.2/5+8/20')
    expect(priceOf(lines, 'm', { inputTokens: 1001 })).toBe('4/0.2/5+16/20')
    expect(priceOf(lines, 'm', { tier: 'flex' })).toBe('2/0.1/2.5+4/10')
    expect(priceOf(lines, 'm', { tier: 'fast' })).toBe('8/8/8+16/40')
    expect(priceOf(lines, 'm', { tier: 'fast', inputTokens: 1001 })).toBe('8/8/8+32/40')
    expect(priceOf(['model: m, input: 4, written: 5, output: 20'], 'm')).toBe('4/4/5/20')
  })
  it('are shown by check as they were written', () => {
    const text = withPrices('model: m, from: "2027-01-01T00:00:00Z", input: 0.125, output: 1, tiers: [{ tier: flex, multiple: 0.5 }]')
    expect(configurationOf(masked(configurationOf(text))).prices).toEqual(configurationOf(text).prices)
  })
})

describe('prices that cannot be', () => {
  const cases: readonly (readonly [title: string, lines: readonly string[], problem: string])[] = [
    [
      'lack what writing costs',
      ['model: m, input: 1'],
      't.yaml:4:5: prices[0].output is missing: expected US dollars from 0 to 1000000, with at most 6 digits behind the point',
    ],
    [
      'are finer than a picodollar per token',
      ['model: m, input: 0.0000001, output: 1'],
      't.yaml:4:24: prices[0].input is 1e-7: expected US dollars from 0 to 1000000, with at most 6 digits behind the point',
    ],
    [
      'are negative',
      ['model: m, input: -1, output: 1'],
      't.yaml:4:24: prices[0].input is -1: expected US dollars from 0 to 1000000, with at most 6 digits behind the point',
    ],
    [
      'name no account',
      ['model: m, accounts: [b], input: 1, output: 1'],
      't.yaml:4:28: prices[0].accounts[0] names no account of this file: expected the name of one',
    ],
    [
      'stand twice',
      ['model: m, input: 1, output: 1', 'model: m, input: 2, output: 2'],
      't.yaml:5:14: prices[1].model has a price already, in prices[0]: expected another model, other accounts or another "from"',
    ],
    [
      'stand twice for an account',
      ['model: m, accounts: [a], input: 1, output: 1', 'model: m, accounts: [a], input: 2, output: 2'],
      't.yaml:5:14: prices[1].model has a price already, in prices[0]: expected another model, other accounts or another "from"',
    ],
    [
      'begin at no moment',
      ['model: m, from: tomorrow, input: 1, output: 1'],
      't.yaml:4:23: prices[0].from is "tomorrow": expected a moment in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z, or null',
    ],
    [
      'have a tier twice',
      ['model: m, input: 1, output: 1, tiers: [{ tier: flex, multiple: 1 }, { tier: flex, multiple: 2 }]'],
      't.yaml:4:83: prices[0].tiers[1].tier stands twice: expected each tier once',
    ],
    [
      'have a tier without a price',
      ['model: m, input: 1, output: 1, tiers: [{ tier: flex, input: 1 }]'],
      't.yaml:4:46: prices[0].tiers[0] has no price: expected multiple, or input and output',
    ],
    [
      'have a tier with two',
      ['model: m, input: 1, output: 1, tiers: [{ tier: flex, multiple: 2, input: 1, output: 1 }]'],
      't.yaml:4:46: prices[0].tiers[0] has both a multiple and prices of its own: expected one of them',
    ],
    [
      'have a tier with a multiple and a price of an hour in a cache',
      ['model: m, input: 1, output: 1, tiers: [{ tier: flex, multiple: 2, written_1h: 1 }]'],
      't.yaml:4:46: prices[0].tiers[0] has both a multiple and prices of its own: expected one of them',
    ],
    [
      'are finer than a picodollar for an hour in a cache',
      ['model: m, input: 1, output: 1, written_1h: 0.0000001'],
      't.yaml:4:50: prices[0].written_1h is 1e-7: expected US dollars from 0 to 1000000, with at most 6 digits behind the point',
    ],
    [
      'have a bound twice',
      ['model: m, input: 1, output: 1, long: [{ above: 10, input: 1 }, { above: 10, input: 2 }]'],
      't.yaml:4:79: prices[0].long[1].above stands twice (10): expected each number of tokens once',
    ],
    [
      'have an unknown tier',
      ['model: m, input: 1, output: 1, tiers: [{ tier: fast, multiple: 1 }]'],
      't.yaml:4:54: prices[0].tiers[0].tier is "fast": expected flex, priority, ultrafast or scale',
    ],
  ]
  it.each(cases)('%s', (_title, lines, problem) => expect(problemsOf(withPrices(...lines))).toEqual([problem]))

  it('do not clash where they begin at another time, or are for other accounts', () => {
    expect(
      problemsOf(
        withPrices(
          'model: m, input: 1, output: 1',
          'model: m, from: "2027-01-01T00:00:00Z", input: 2, output: 2',
          'model: m, accounts: [a], input: 3, output: 3',
        ),
      ),
    ).toEqual([])
  })
})
