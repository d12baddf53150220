import { describe, expect, test } from 'vitest'
import { FailoverBudget } from '../../src/pool/budget.ts'
import { poolId } from '../support/accounts.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const pool = poolId('p')

function allowed(budget: FailoverBudget, tries: number, percent = 20): number {
  return Array.from({ length: tries }, () => budget.allow(pool, percent)).filter(Boolean).length
}

describe('the failover budget of a pool', () => {
  // B29
  test.each([
    ['none of the last minute leaves ten', 0, 20, 10],
    ['a hundred turns leave a fifth of them more', 100, 20, 30],
    ['at 100 percent each turn may fail over once', 100, 100, 110],
  ])('%s', (_, turns, percent, expected) => {
    const budget = new FailoverBudget(new VirtualClock())
    for (let i = 0; i < turns; i++) budget.countTurn(pool)
    expect(allowed(budget, 1000, percent)).toBe(expected)
  })

  test('forgets after a minute', async () => {
    const clock = new VirtualClock()
    const budget = new FailoverBudget(clock)
    expect(allowed(budget, 20)).toBe(10)
    await clock.advance(59_000)
    expect(allowed(budget, 20)).toBe(0)
    await clock.advance(2000)
    expect(allowed(budget, 20)).toBe(10)
  })

  test('is each pool its own', () => {
    const budget = new FailoverBudget(new VirtualClock())
    allowed(budget, 20)
    expect(budget.allow(poolId('q'), 20)).toBe(true)
  })
})
