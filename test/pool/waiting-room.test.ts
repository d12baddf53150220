import { describe, expect, test } from 'vitest'
import { Cancelled } from '../../src/turn/cancel.ts'
import { classify } from '../../src/core/failure-table.ts'
import type { Lease, Waited } from '../../src/ports/pool.ts'
import { account, keyId } from '../support/accounts.ts'
import { LivePool } from '../support/live-pool.ts'
import { answer } from '../support/signals.ts'
import { settled } from '../support/virtual-clock.ts'

const never = new AbortController().signal

function waiting(pool: LivePool, key: string, accounts: readonly string[] = ['a'], ms = 30_000, signal = never): Promise<Waited> {
  return pool.accounts.wait({ key: keyId(key), wants: accounts.map((name) => pool.candidate(name)), deadlineMs: pool.clock.now() + ms, signal })
}

function leaseOf(waited: Waited): Lease {
  if (waited.kind !== 'leased') throw new Error(waited.kind)
  return waited.lease
}

describe('who waits for a full account', () => {
  // F2
  test('is served when a slot comes back, first come first served', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    const held = await pool.lease('a')
    const order: string[] = []
    const first = waiting(pool, 'k').then((w) => (order.push('first'), leaseOf(w)))
    const second = waiting(pool, 'k').then((w) => (order.push('second'), leaseOf(w)))
    held.give()
    ;(await first).give()
    ;(await second).give()
    expect(order).toEqual(['first', 'second'])
    expect(pool.accounts.waiting).toBe(0)
  })

  // F2
  test('takes turns with other keys, so that a burst of one starves nobody', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    let held = await pool.lease('a')
    const order: string[] = []
    const waits = ['busy', 'busy', 'busy', 'quiet'].map(async (key) => {
      held = leaseOf(await waiting(pool, key))
      order.push(key)
    })
    for (let i = 0; i < waits.length; i++) {
      held.give()
      await settled()
    }
    await Promise.all(waits)
    expect(order).toEqual(['busy', 'quiet', 'busy', 'busy'])
  })

  test('is not overtaken by a newcomer', async () => {
    const pool = new LivePool([account('a', { concurrency: 2 })])
    const [held] = [await pool.lease('a'), await pool.lease('a')]
    const waited = waiting(pool, 'k')
    expect(pool.candidate('a').free).toBe(false)
    held?.give()
    expect(await pool.accounts.lease(pool.candidate('a'))).toBeNull()
    expect((await waited).kind).toBe('leased')
  })

  test('gives up at the deadline', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    await pool.lease('a')
    const waited = waiting(pool, 'k', ['a'], 30_000)
    await pool.clock.advance(29_999)
    expect(pool.accounts.waiting).toBe(1)
    await pool.clock.advance(1)
    expect(await waited).toEqual({ kind: 'too-late' })
    expect(pool.clock.pending).toBe(0)
  })

  test('leaves the queue when the turn is called off', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    await pool.lease('a')
    const controller = new AbortController()
    const waited = waiting(pool, 'k', ['a'], 30_000, controller.signal)
    controller.abort(new Cancelled('client'))
    await expect(waited).rejects.toThrow('cancelled by client')
    expect(pool.accounts.waiting).toBe(0)
    expect(pool.clock.pending).toBe(0)
  })

  test('is turned away beyond the bound of its key, and beyond that of all', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })], { waiting: 3, waitingPerKey: 2 })
    await pool.lease('a')
    void waiting(pool, 'k')
    void waiting(pool, 'k')
    expect(await waiting(pool, 'k')).toEqual({ kind: 'queue-full' })
    void waiting(pool, 'l')
    expect(await waiting(pool, 'm')).toEqual({ kind: 'queue-full' })
  })
})

describe('who waits for an account that rests', () => {
  const quota = (pool: LivePool) => classify(answer(429, { code: 'usage_limit_reached', resetsInSeconds: 5 }), pool.clock.now())

  // B18
  test('is served as soon as it is ready again', async () => {
    const pool = new LivePool()
    await pool.fail('a', quota(pool))
    const waited = waiting(pool, 'k', ['a'], 10_000)
    await pool.clock.advance(4999)
    expect(pool.accounts.waiting).toBe(1)
    await pool.clock.advance(1)
    expect((await waited).kind).toBe('leased')
  })

  // B30
  test('lets one turn find out, and follows its verdict', async () => {
    const pool = new LivePool()
    await pool.fail('a', quota(pool))
    const waits = Array.from({ length: 32 }, () => waiting(pool, 'k', ['a'], 10_000))
    const leases: Lease[] = []
    for (const wait of waits) void wait.then((w) => w.kind === 'leased' && leases.push(w.lease))
    await pool.clock.advance(5000)
    expect(leases).toHaveLength(1)
    expect(pool.standing('a')).toBe('proving')
    const [prober] = leases
    if (prober !== undefined) pool.accounts.proved(prober, pool.clock.now())
    await settled()
    expect(leases).toHaveLength(16)
  })

  // B30
  test('waits on when that one fails, and is told so at its deadline', async () => {
    const pool = new LivePool()
    await pool.fail('a', quota(pool))
    const waits = [waiting(pool, 'k', ['a'], 10_000), waiting(pool, 'k', ['a'], 9000)]
    await pool.clock.advance(5000)
    const prober = leaseOf((await waits[0]) ?? { kind: 'too-late' })
    pool.accounts.failed(prober, classify(answer(429, { code: 'usage_limit_reached', resetsInSeconds: 3600 }), pool.clock.now()), pool.clock.now())
    prober.give()
    await pool.clock.advance(4000)
    expect(await waits[1]).toEqual({ kind: 'too-late' })
  })
})
