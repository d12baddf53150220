import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { noLimits, type KeyLimits } from '../../src/core/key.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { nothingSpent, type Entered, type Seat, type Spent } from '../../src/ports/limits.ts'
import { MemoryLimits } from '../../src/server/limits.ts'
import { caller } from './support.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const start = () => new MemoryLimits(systemClock)
const key = (limits: Partial<KeyLimits>, name = 'laptop') => caller(name, { limits: { ...noLimits, ...limits } })
const tokens = (count: number): Spent => ({ tokens: count, nanoUsd: 0n })

function leave(entered: Entered, spent: Spent = nothingSpent): void {
  if (entered.kind === 'entered') entered.leave(spent)
}

async function seated(entering: Promise<Entered>): Promise<Seat> {
  const entered = await entering
  if (entered.kind === 'refused') throw new Error(entered.refusal.message)
  return entered
}

describe('turns at once', () => {
  it('are bounded by key, and one that ends makes room for one', async () => {
    const limits = start()
    const first = await limits.enter(key({ concurrency: 2 }), nothingSpent)
    await limits.enter(key({ concurrency: 2 }), nothingSpent)
    const third = await limits.enter(key({ concurrency: 2 }), nothingSpent)
    expect(third).toMatchObject({ kind: 'refused', refusal: { code: 'rate_limit_exceeded', retryAfterMs: 1000 } })
    expect(await limits.enter(key({ concurrency: 2 }, 'other'), nothingSpent)).toMatchObject({ kind: 'entered' })
    leave(first)
    leave(first)
    expect(await limits.enter(key({ concurrency: 2 }), nothingSpent)).toMatchObject({ kind: 'entered' })
    expect(await limits.enter(key({ concurrency: 2 }), nothingSpent)).toMatchObject({ kind: 'refused' })
  })

  it('that come together do not take one place twice', async () => {
    const limits = start()
    const entered = await Promise.all([1, 2, 3].map(() => limits.enter(key({ concurrency: 2, requestsPerMinute: 100 }), nothingSpent)))
    expect(entered.map((each) => each.kind)).toEqual(['entered', 'entered', 'refused'])
  })

  it('are counted on while a reload changes the limit', async () => {
    const limits = start()
    await limits.enter(key({}), nothingSpent)
    await limits.enter(key({}), nothingSpent)
    expect(await limits.enter(key({ concurrency: 2 }), nothingSpent)).toMatchObject({ kind: 'refused' })
    expect(await limits.enter(key({ concurrency: 3 }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })

  it('that an upstream begins by itself are counted, and refused by no limit', async () => {
    const limits = start()
    await limits.enter(key({ concurrency: 1 }), nothingSpent)
    const adopted = limits.adopt(key({ concurrency: 1 }))
    expect(await limits.enter(key({ concurrency: 2 }), nothingSpent)).toMatchObject({ kind: 'refused' })
    adopted.leave(nothingSpent)
    expect(await limits.enter(key({ concurrency: 2 }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })
})

describe('turns a minute', () => {
  it('are bounded by key, and the wait is told', async () => {
    const limits = start()
    leave(await limits.enter(key({ requestsPerMinute: 2 }), nothingSpent))
    await vi.advanceTimersByTimeAsync(20_000)
    leave(await limits.enter(key({ requestsPerMinute: 2 }), nothingSpent))
    const refused = await limits.enter(key({ requestsPerMinute: 2 }), nothingSpent)
    expect(refused).toMatchObject({ kind: 'refused', refusal: { code: 'rate_limit_exceeded', retryAfterMs: 40_000 } })
    expect(await limits.enter(key({ requestsPerMinute: 2 }, 'other'), nothingSpent)).toMatchObject({ kind: 'entered' })
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await limits.enter(key({ requestsPerMinute: 2 }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })

  it('that are refused take no place among those at once', async () => {
    const limits = start()
    leave(await limits.enter(key({ concurrency: 1, requestsPerMinute: 1 }), nothingSpent))
    expect(await limits.enter(key({ concurrency: 1, requestsPerMinute: 1 }), nothingSpent)).toMatchObject({ kind: 'refused' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await limits.enter(key({ concurrency: 1, requestsPerMinute: 1 }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })

  it('are counted on while a reload changes the limit', async () => {
    const limits = start()
    leave(await limits.enter(key({ requestsPerMinute: 5 }), nothingSpent))
    leave(await limits.enter(key({ requestsPerMinute: 5 }), nothingSpent))
    expect(await limits.enter(key({ requestsPerMinute: 2 }), nothingSpent)).toMatchObject({ kind: 'refused' })
    expect(await limits.enter(key({ requestsPerMinute: 5 }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })

  it('leave no timer that keeps a process alive', async () => {
    vi.useRealTimers()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await start().enter(key({ requestsPerMinute: 2, tokensPerMinute: 2 }), nothingSpent)
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before)
  })
})

describe('tokens a minute', () => {
  const limited = key({ tokensPerMinute: 1000 })

  it('are bounded by key, and the wait is told', async () => {
    const limits = start()
    leave(await limits.enter(limited, tokens(100)), tokens(1200))
    await vi.advanceTimersByTimeAsync(15_000)
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'refused', refusal: { code: 'rate_limit_exceeded', retryAfterMs: 45_000 } })
    expect(await limits.enter(key({ tokensPerMinute: 1000 }, 'other'), tokens(1))).toMatchObject({ kind: 'entered' })
    await vi.advanceTimersByTimeAsync(45_000)
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'entered' })
  })

  it('are held by turns that run, and given back where they came to less', async () => {
    const limits = start()
    const large = await seated(limits.enter(limited, tokens(5000)))
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'refused' })
    large.leave(tokens(900))
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'entered' })
  })

  it('that a refused turn was expected to take are given back', async () => {
    const limits = start()
    leave(await limits.enter(key({ tokensPerMinute: 1000, requestsPerMinute: 1 }), tokens(10)), tokens(10))
    for (let tries = 0; tries < 3; tries++) {
      expect(await limits.enter(key({ tokensPerMinute: 1000, requestsPerMinute: 1 }), tokens(900))).toMatchObject({ kind: 'refused' })
    }
    expect(await limits.enter(limited, tokens(900))).toMatchObject({ kind: 'entered' })
  })

  it('and money that a refused turn was expected to take are given back', async () => {
    const limits = start()
    const money = { requestsPerMinute: 1, nanoUsdPerDay: 1000n }
    leave(await limits.enter(key(money), nothingSpent))
    for (let tries = 0; tries < 3; tries++) {
      expect(await limits.enter(key(money), { tokens: 0, nanoUsd: 600n })).toMatchObject({ refusal: { message: 'This key may begin 1 turns a minute.' } })
    }
    expect(await limits.enter(key({ nanoUsdPerDay: 1000n }), nothingSpent)).toMatchObject({ kind: 'entered' })
  })

  it('of a long turn count when it ends, and are not given back to a later minute', async () => {
    const limits = start()
    const long = await seated(limits.enter(limited, tokens(500)))
    const wide = await seated(limits.enter(limited, tokens(400)))
    await vi.advanceTimersByTimeAsync(61_000)
    long.leave(tokens(1600))
    wide.leave(tokens(0))
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'refused' })
  })

  it('of turns that an upstream began by itself count', async () => {
    const limits = start()
    limits.adopt(limited).leave(tokens(1000))
    expect(await limits.enter(limited, tokens(1))).toMatchObject({ kind: 'refused' })
  })
})
