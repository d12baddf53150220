import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import type { KeyId } from '../../src/core/ids.ts'
import { noLimits, type KeyLimits } from '../../src/core/key.ts'
import { Budgets, type Hold } from '../../src/server/budgets.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { caller } from './support.ts'

const usd = 1_000_000_000n
const noonMs = Date.UTC(2026, 10, 30, 12)
const hourMs = 3_600_000
const key = (limits: Partial<KeyLimits>, name = 'laptop') => caller(name, { limits: { ...noLimits, ...limits } })
const aDay = key({ nanoUsdPerDay: usd })
const aMonth = key({ nanoUsdPerMonth: 10n * usd })

function begin(startMs = noonMs) {
  const clock = new VirtualClock(startMs)
  return { clock, budgets: new Budgets(clock) }
}

function held(budgets: Budgets, of = aDay, expected = 0n): Hold {
  const held = budgets.hold(of, expected)
  if (held.kind === 'refused') throw new Error(held.refusal.message)
  return held.hold
}

describe('a budget', () => {
  it('that is spent refuses what comes next, and says when the next day begins', () => {
    const { budgets } = begin()
    held(budgets).settle(usd)
    expect(budgets.hold(aDay, 0n)).toMatchObject({
      refusal: {
        code: 'insufficient_quota',
        retryAfterMs: null,
        message: 'This key has spent its budget of 1.00 USD a day; the next day begins at 2026-12-01T00:00:00.000Z.',
      },
    })
    expect(budgets.hold(key({ nanoUsdPerDay: usd }, 'other'), 0n)).toMatchObject({ kind: 'held' })
  })

  it('of which anything is left lets one more turn begin, whatever that will come to', () => {
    const { budgets } = begin()
    held(budgets).settle(usd - 1n)
    expect(budgets.hold(aDay, 100n * usd)).toMatchObject({ kind: 'held' })
  })

  it('of nothing lets nothing begin', () => {
    expect(begin().budgets.hold(key({ nanoUsdPerDay: 0n }), 0n)).toMatchObject({ refusal: { code: 'insufficient_quota' } })
  })

  it('that running turns hold is not spent: whoever comes is told to try again, and may when one has ended for less', () => {
    const { budgets } = begin()
    const first = held(budgets, aDay, usd / 2n)
    held(budgets, aDay, usd / 2n)
    expect(budgets.hold(aDay, 1n)).toMatchObject({ refusal: { code: 'rate_limit_exceeded', retryAfterMs: 1000 } })
    first.settle(1000n)
    expect(budgets.hold(aDay, 1n)).toMatchObject({ kind: 'held' })
  })

  it('of a day is new at midnight in UTC, and the one of a month with the month', async () => {
    const { clock, budgets } = begin(Date.UTC(2026, 10, 29, 12))
    held(budgets).settle(usd)
    held(budgets, aMonth).settle(9n * usd)
    expect(budgets.hold(aDay, 0n)).toMatchObject({ kind: 'refused' })
    expect(budgets.hold(aMonth, 0n)).toMatchObject({ kind: 'refused' })
    await clock.advance(12 * hourMs)
    expect(budgets.hold(aDay, 0n)).toMatchObject({ kind: 'held' })
    expect(budgets.hold(aMonth, 0n)).toMatchObject({ refusal: { message: expect.stringContaining('the next month begins at 2026-12-01T00:00:00.000Z') } })
    await clock.advance(24 * hourMs)
    expect(budgets.hold(aMonth, 0n)).toMatchObject({ kind: 'held' })
  })

  it('is spent in the day in which a turn began', async () => {
    const { clock, budgets } = begin(Date.UTC(2026, 10, 29, 23, 59))
    const late = held(budgets, aDay, usd)
    await clock.advance(hourMs)
    expect(budgets.hold(aDay, 0n)).toMatchObject({ kind: 'held' })
    late.settle(2n * usd)
    expect(budgets.hold(aDay, 0n)).toMatchObject({ kind: 'held' })
  })

  it('is spent by what an upstream began by itself', () => {
    const { budgets } = begin()
    held(budgets).settle(usd)
    budgets.follow('laptop' as KeyId).settle(usd)
    expect(budgets.hold(key({ nanoUsdPerDay: 2n * usd }), 0n)).toMatchObject({ kind: 'refused' })
    expect(budgets.hold(key({ nanoUsdPerDay: 2n * usd + 1n }), 0n)).toMatchObject({ kind: 'held' })
  })

  it('knows after a restart what the books say', async () => {
    const { budgets } = begin()
    const asked: number[] = []
    await budgets.recall({
      since: async (ms) => {
        asked.push(ms)
        return [{ key: 'laptop' as KeyId, nanoUsd: ms === Date.UTC(2026, 10, 1) ? 10n * usd : usd / 2n }]
      },
    })
    expect(new Set(asked)).toEqual(new Set([Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 30)]))
    expect(budgets.hold(aMonth, 0n)).toMatchObject({ refusal: { code: 'insufficient_quota' } })
    expect(budgets.hold(aDay, 0n)).toMatchObject({ kind: 'held' })
  })

  it('lets nobody begin once it is spent, and always lets one begin while something is left and nothing runs', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('begin' as const), expected: fc.bigInt(0n, usd) }),
      fc.record({ kind: fc.constant('end' as const), actual: fc.bigInt(0n, usd) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { budgets } = begin()
        const running: Hold[] = []
        let spent = 0n
        for (const one of steps) {
          if (one.kind === 'begin') {
            const held = budgets.hold(aDay, one.expected)
            if (spent >= usd) expect(held).toMatchObject({ refusal: { code: 'insufficient_quota' } })
            else if (running.length === 0) expect(held.kind).toBe('held')
            if (held.kind === 'held') running.push(held.hold)
          } else {
            const hold = running.shift()
            hold?.settle(one.actual)
            if (hold !== undefined) spent += one.actual
          }
        }
      }),
    )
  })
})
