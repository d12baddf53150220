import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock, systemDice } from '../../src/lib/clock.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const day = 24 * 60 * 60 * 1000

describe('the clock of the system', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('tells the time since the epoch', () => {
    vi.setSystemTime(1_763_700_000_000)
    expect(systemClock.now()).toBe(1_763_700_000_000)
  })

  // 24.8 days is the longest that a timer of Node can wait.
  it.for([1, 30_000, day, 24 * day, 25 * day, 100 * day, 400 * day])('rings once after %s ms, and not before', (ms) => {
    const ring = vi.fn<() => void>()
    systemClock.after(ms, ring)
    vi.advanceTimersByTime(ms - 1)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(ring).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(500 * day)
    expect(ring).toHaveBeenCalledOnce()
  })

  it.for([0, -1])('rings after %s ms, but not in the current tick', (ms) => {
    const ring = vi.fn<() => void>()
    systemClock.after(ms, ring)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(ring).toHaveBeenCalledOnce()
  })

  it.for([10, 30 * day, 60 * day])('does not ring when %s ms are taken back, at first or on the way', (ms) => {
    const ring = vi.fn<() => void>()
    const first = systemClock.after(ms, ring)
    first()
    first()
    const onTheWay = systemClock.after(ms, ring)
    vi.advanceTimersByTime(ms - 1)
    onTheWay()
    vi.advanceTimersByTime(200 * day)
    expect(ring).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the dice of the system', () => {
  it('fall in [0, 1)', () => {
    const rolls = Array.from({ length: 1000 }, () => systemDice())
    expect(rolls.every((roll) => roll >= 0 && roll < 1)).toBe(true)
  })
})

describe('the virtual clock', () => {
  const rung = (clock: VirtualClock) => {
    const rings: string[] = []
    return { rings, ring: (name: string) => () => rings.push(`${name} at ${clock.now()}`) }
  }

  it('moves only when told to', async () => {
    const clock = new VirtualClock(1000)
    expect(clock.now()).toBe(1000)
    await clock.advance(500)
    expect(clock.now()).toBe(1500)
  })

  it('rings in the order of time, those of one moment in the order in which they were set', async () => {
    const clock = new VirtualClock(0)
    const { rings, ring } = rung(clock)
    clock.after(20, ring('c'))
    clock.after(10, ring('a'))
    clock.after(10, ring('b'))
    clock.after(21, ring('late'))
    expect(clock.nextAtMs).toBe(10)
    await clock.advance(20)
    expect(rings).toEqual(['a at 10', 'b at 10', 'c at 20'])
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(rings).toHaveLength(4)
    expect(clock.nextAtMs).toBeNull()
  })

  it('rings what is set on the way, when it falls due', async () => {
    const clock = new VirtualClock(0)
    const { rings, ring } = rung(clock)
    clock.after(10, () => {
      clock.after(5, ring('inner'))
      void Promise.resolve().then(() => clock.after(0, ring('at once')))
    })
    clock.after(12, ring('outer'))
    await clock.advance(100)
    expect(rings).toEqual(['at once at 10', 'outer at 12', 'inner at 15'])
    expect(clock.now()).toBe(100)
  })

  it('does not ring what was taken back', async () => {
    const clock = new VirtualClock(0)
    const { rings, ring } = rung(clock)
    const takeBack = clock.after(10, ring('a'))
    takeBack()
    takeBack()
    await clock.advance(100)
    expect(rings).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
