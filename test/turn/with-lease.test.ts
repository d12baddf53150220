import { describe, expect, test } from 'vitest'
import { Cancelled } from '../../src/turn/cancel.ts'
import { pause, withLease } from '../../src/turn/with-lease.ts'
import { LivePool } from '../support/live-pool.ts'
import { accountId } from '../support/accounts.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'

const inFlight = (pool: LivePool) => pool.accounts.find(accountId('a'))?.inFlight

describe('a lent lease', () => {
  test('is back when the upstream is done, and whoever used it need not wait for that', async () => {
    const pool = new LivePool()
    let done: () => void = () => {}
    const upstreamDone = new Promise<void>((resolve) => (done = resolve))
    expect(await withLease(await pool.lease('a'), () => Promise.resolve({ value: 1, upstreamDone }))).toBe(1)
    expect(inFlight(pool)).toBe(1)
    done()
    await settled()
    expect(inFlight(pool)).toBe(0)
  })

  test('is back at once when its use throws', async () => {
    const pool = new LivePool()
    await expect(withLease(await pool.lease('a'), () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(inFlight(pool)).toBe(0)
  })
})

describe('a pause', () => {
  test('ends after its time', async () => {
    const clock = new VirtualClock()
    const pausing = pause(clock, 200, new AbortController().signal)
    await clock.advance(200)
    await pausing
    expect(clock.pending).toBe(0)
  })

  test('ends at once when the turn is called off', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const pausing = pause(clock, 200, controller.signal)
    controller.abort(new Cancelled('shutdown'))
    await expect(pausing).rejects.toThrow('cancelled by shutdown')
    expect(clock.pending).toBe(0)
  })
})
