import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Entered } from '../../src/ports/limits.ts'
import { MemoryLimits } from '../../src/server/limits.ts'
import { caller } from './support.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const key = (concurrency: number | null, requestsPerMinute: number | null, name = 'laptop') =>
  caller(name, { limits: { concurrency, requestsPerMinute, sessions: null } })

function leave(entered: Entered): void {
  if (entered.kind === 'entered') entered.leave()
}

describe('turns at once', () => {
  it('are bounded by key, and one that ends makes room for one', async () => {
    const limits = new MemoryLimits()
    const first = await limits.enter(key(2, null))
    await limits.enter(key(2, null))
    const third = await limits.enter(key(2, null))
    expect(third).toMatchObject({ kind: 'refused', refusal: { code: 'rate_limit_exceeded', retryAfterMs: 1000 } })
    expect(await limits.enter(key(2, null, 'other'))).toMatchObject({ kind: 'entered' })
    leave(first)
    leave(first)
    expect(await limits.enter(key(2, null))).toMatchObject({ kind: 'entered' })
    expect(await limits.enter(key(2, null))).toMatchObject({ kind: 'refused' })
  })

  it('that come together do not take one place twice', async () => {
    const limits = new MemoryLimits()
    const entered = await Promise.all([1, 2, 3].map(() => limits.enter(key(2, 100))))
    expect(entered.map((each) => each.kind)).toEqual(['entered', 'entered', 'refused'])
  })

  it('are counted on while a reload changes the limit', async () => {
    const limits = new MemoryLimits()
    await limits.enter(key(null, null))
    await limits.enter(key(null, null))
    expect(await limits.enter(key(2, null))).toMatchObject({ kind: 'refused' })
    expect(await limits.enter(key(3, null))).toMatchObject({ kind: 'entered' })
  })
})

describe('turns a minute', () => {
  it('are bounded by key, and the wait is told', async () => {
    const limits = new MemoryLimits()
    leave(await limits.enter(key(null, 2)))
    await vi.advanceTimersByTimeAsync(20_000)
    leave(await limits.enter(key(null, 2)))
    const refused = await limits.enter(key(null, 2))
    expect(refused).toMatchObject({ kind: 'refused', refusal: { code: 'rate_limit_exceeded', retryAfterMs: 40_000 } })
    expect(await limits.enter(key(null, 2, 'other'))).toMatchObject({ kind: 'entered' })
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await limits.enter(key(null, 2))).toMatchObject({ kind: 'entered' })
  })

  it('that are refused take no place among those at once', async () => {
    const limits = new MemoryLimits()
    leave(await limits.enter(key(1, 1)))
    expect(await limits.enter(key(1, 1))).toMatchObject({ kind: 'refused' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await limits.enter(key(1, 1))).toMatchObject({ kind: 'entered' })
  })

  it('are counted on while a reload changes the limit', async () => {
    const limits = new MemoryLimits()
    leave(await limits.enter(key(null, 5)))
    leave(await limits.enter(key(null, 5)))
    expect(await limits.enter(key(null, 2))).toMatchObject({ kind: 'refused' })
    expect(await limits.enter(key(null, 5))).toMatchObject({ kind: 'entered' })
  })

  it('leave no timer that keeps a process alive', async () => {
    vi.useRealTimers()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await new MemoryLimits().enter(key(null, 2))
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before)
  })
})
