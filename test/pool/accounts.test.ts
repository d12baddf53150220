import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/core/account.ts'
import { classify } from '../../src/core/failure-table.ts'
import { parseMapping } from '../../src/core/model.ts'
import { LiveAccounts } from '../../src/pool/accounts.ts'
import { pairsMax } from '../../src/pool/pairs.ts'
import { pastFailuresMax } from '../../src/pool/live-account.ts'
import { account, accountId, clientModel, keyId, poolId, upstreamName } from '../support/accounts.ts'
import { credential, LivePool } from '../support/live-pool.ts'
import { answer, failure } from '../support/signals.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import type { Renewal } from '../../src/ports/pool.ts'

const quota = answer(429, { code: 'usage_limit_reached', resetsInSeconds: 604_800 })
const overload = answer(503, { code: 'server_is_overloaded' })
const dead = answer(401, { code: 'invalid_api_key' })
const week = 604_800_000

describe('a lease', () => {
  // F8
  test('is never given beyond the concurrency of its account', async () => {
    const pool = new LivePool([account('a', { concurrency: 2 })])
    const [first] = [await pool.lease('a'), await pool.lease('a')]
    expect(await pool.accounts.lease(pool.candidate('a'))).toBeNull()
    first?.give()
    first?.give()
    expect(pool.accounts.find(accountId('a'))?.inFlight).toBe(1)
  })

  test('is not given on an account that is gone', async () => {
    const pool = new LivePool([account('a'), account('b')])
    const before = pool.candidate('a')
    pool.configure([account('b')])
    expect(await pool.accounts.lease(before)).toBeNull()
  })

  // A1
  test('carries the name that the mapping yields now, whatever it yielded when the candidate was made', async () => {
    const pool = new LivePool()
    const before = pool.candidate('a')
    pool.configure([account('a', { mapping: parseMapping({ 'gpt-5.5': 'new-name' }, false) })])
    expect((await pool.accounts.lease(before))?.model).toBe('new-name')
  })

  test('is not given to a turn that waited while the mapping lost its model', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    const first = await pool.lease('a')
    const waited = pool.accounts.wait({ key: keyId('k'), wants: pool.candidates(), deadlineMs: pool.clock.now() + 5000, signal: new AbortController().signal })
    pool.configure([account('a', { concurrency: 1, mapping: parseMapping({ other: 'x' }, true) })])
    first.give()
    await pool.clock.advance(5000)
    expect(await waited).toEqual({ kind: 'too-late' })
  })
})

describe('what a failure does', () => {
  test('to the account: all of its models rest', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(quota, pool.clock.now()))
    expect(pool.candidates()[0]?.standing).toMatchObject({ kind: 'cooling', untilMs: pool.clock.now() + week })
    expect(pool.accounts.candidates([poolId('default')], clientModel('other'))[0]?.standing.kind).toBe('cooling')
  })

  // B10 B31
  test('to the pair: the other models of the account stay ready', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(overload, pool.clock.now()))
    expect(pool.standing('a')).toBe('cooling')
    expect(pool.accounts.candidates([poolId('default')], clientModel('other'))[0]?.standing.kind).toBe('ready')
  })

  test('to nobody, where it is the fault of the request', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(answer(400, { message: 'bad' }), pool.clock.now()))
    expect(pool.standing('a')).toBe('ready')
    expect(pool.accounts.find(accountId('a'))?.pastFailures).toHaveLength(1)
  })

  test('is shown to the operator, the last eight', async () => {
    const pool = new LivePool()
    for (let i = 0; i < 12; i++) await pool.fail('a', classify(answer(400, { code: `c${i}` }), pool.clock.now()))
    const kept = pool.accounts.find(accountId('a'))?.pastFailures ?? []
    expect(kept).toHaveLength(pastFailuresMax)
    expect(kept.map(({ code }) => code)).toEqual(['c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'c10', 'c11'])
  })

  // B28
  test('is undone by no success of a stream that began before it', async () => {
    const pool = new LivePool()
    const startedAtMs = pool.clock.now()
    const older = await pool.lease('a')
    await pool.clock.advance(1000)
    await pool.fail('a', classify(quota, pool.clock.now()))
    await pool.clock.advance(1000)
    pool.accounts.succeeded(older, startedAtMs)
    expect(pool.standing('a')).toBe('cooling')
  })

  // B2
  test('asks for a probe at the third forbidden, and retires the account only when that fails too', async () => {
    const pool = new LivePool()
    const forbidden = answer(403, { message: 'no' })
    for (let i = 0; i < 3; i++) {
      await pool.fail('a', classify(forbidden, pool.clock.now()))
      expect(pool.suspects).toHaveLength(i === 2 ? 1 : 0)
      await pool.clock.advance(600_000)
    }
    expect(pool.standing('a')).toBe('ready')
    pool.accounts.retire(accountId('a'), { kind: 'forbidden', status: 403, code: null })
    expect(pool.standing('a')).toBe('retired')
  })

  test('of a pair is remembered for a bounded number of pairs', async () => {
    const pool = new LivePool([account('a', { concurrency: 1 })])
    const failure = classify(overload, pool.clock.now())
    for (let i = 0; i <= pairsMax; i++) {
      const [candidate] = pool.accounts.candidates([poolId('default')], clientModel(`m${i}`))
      const lease = candidate === undefined ? null : await pool.accounts.lease(candidate)
      if (lease !== null) pool.accounts.failed(lease, failure, pool.clock.now())
      lease?.give()
    }
    expect(pool.accounts.find(accountId('a'))?.pairs.size).toBe(pairsMax)
    expect(pool.accounts.candidates([poolId('default')], clientModel('m0'))[0]?.standing.kind).toBe('ready')
  })
})

describe('an account that is set right', () => {
  // B24
  test('by hand is ready at once', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(dead, pool.clock.now()))
    expect(pool.standing('a')).toBe('retired')
    expect(pool.accounts.reset(accountId('a'))).toBe(true)
    expect(pool.standing('a')).toBe('ready')
    expect(pool.accounts.reset(accountId('nobody'))).toBe(false)
  })

  // B24
  test('by another credential is ready at once', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(dead, pool.clock.now()))
    pool.configure([account('a', { priority: 5 })])
    expect(pool.standing('a')).toBe('retired')
    pool.configure([account('a', { generation: 'g2' })])
    expect(pool.standing('a')).toBe('ready')
  })

  test('by another credential is not blamed for what the old one did', async () => {
    const pool = new LivePool()
    const lease = await pool.lease('a')
    pool.configure([account('a', { generation: 'g2' })])
    pool.accounts.failed(lease, classify(dead, pool.clock.now()), pool.clock.now())
    expect(pool.standing('a')).toBe('ready')
  })

  test('by a probe that went well is tried by one turn first', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(dead, pool.clock.now()))
    pool.accounts.revive(accountId('a'))
    const lease = await pool.lease('a')
    expect(pool.standing('a')).toBe('proving')
    pool.accounts.proved(lease, pool.clock.now())
    expect(pool.standing('a')).toBe('ready')
  })

  test('is left out of service while the operator says so', async () => {
    const pool = new LivePool()
    pool.accounts.setEnabled(accountId('a'), false)
    expect(pool.standing('a')).toBe('disabled')
    expect(await pool.accounts.lease(pool.candidate('a'))).toBeNull()
    pool.accounts.setEnabled(accountId('a'), true)
    expect(pool.standing('a')).toBe('ready')
  })
})

describe('over a restart', () => {
  // B24
  test('retirements and long rests are kept, short ones are not', async () => {
    const pool = new LivePool([account('a'), account('b'), account('c')])
    await pool.fail('a', classify(dead, pool.clock.now()))
    await pool.fail('b', classify(quota, pool.clock.now()))
    await pool.fail('c', classify(answer(429), pool.clock.now()))
    const again = new LivePool([account('a'), account('b'), account('c')])
    again.accounts.recall(pool.kept)
    expect(['a', 'b', 'c'].map((name) => again.standing(name))).toEqual(['retired', 'cooling', 'ready'])
  })

  test('a pair that rests long is kept', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(answer(404, { code: 'model_not_found' }), pool.clock.now()))
    const again = new LivePool()
    again.accounts.recall(pool.kept)
    expect(again.standing('a')).toBe('cooling')
    expect(again.accounts.candidates([poolId('default')], clientModel('other'))[0]?.standing.kind).toBe('ready')
  })

  test('what was learnt with another credential is void, what the operator said is not', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(dead, pool.clock.now()))
    pool.accounts.setEnabled(accountId('a'), false)
    const again = new LivePool([account('a', { generation: 'g2' })])
    again.accounts.recall(pool.kept)
    expect(again.standing('a')).toBe('disabled')
    again.accounts.setEnabled(accountId('a'), true)
    expect(again.standing('a')).toBe('ready')
  })
})

test('a model that an account does not serve makes it no candidate for a lease', () => {
  const pool = new LivePool()
  pool.accounts.configure(
    [{ account: account('a', { mapping: { exact: new Map([['x', 'y']]), wildcards: [], onlyMapped: true } }), credential }],
    [{ id: poolId('default'), accounts: [accountId('a')] }],
  )
  expect(pool.accounts.candidates([poolId('default')], clientModel('z'))[0]).toMatchObject({ model: null, standing: { kind: 'unmapped' } })
  expect(pool.accounts.candidates([poolId('default')], clientModel('x'))[0]).toMatchObject({ model: upstreamName('y'), standing: { kind: 'ready' } })
})

describe('a credential that was renewed', () => {
  const carrying = (accessToken: string): Credential => ({ kind: 'oauth', accessToken, accountId: null })
  const set = async (renew: () => Promise<Renewal> = async () => 'renewed') => {
    const clock = new VirtualClock()
    const accounts = new LiveAccounts({ clock, dice: () => 0, bounds: () => ({ waiting: 1, waitingPerKey: 1 }), keep: () => {}, suspect: () => {}, renew })
    accounts.configure([{ account: account('a'), credential: carrying('old') }], [{ id: poolId('default'), accounts: [accountId('a')] }])
    const lend = async () => {
      const [candidate] = accounts.candidates([poolId('default')], clientModel('gpt-5.5'))
      const lease = candidate === undefined ? null : await accounts.lease(candidate)
      if (lease === null) throw new Error('the account is full')
      return lease
    }
    return { clock, accounts, lend, health: () => accounts.find(accountId('a'))?.self.condition.health.kind }
  }
  const { signal } = new AbortController()

  // B28
  test('is not to blame for what the old one is refused for, whatever it is named', async () => {
    const { clock, accounts, lend, health } = await set()
    const old = await lend()
    accounts.renewed(accountId('a'), carrying('new'))
    accounts.failed(old, failure('credential', { final: true }), clock.now())
    expect(health()).toBe('ready')
    expect(accounts.find(accountId('a'))?.pastFailures).toEqual([])
    accounts.failed(old, failure('quota', { resetAtMs: clock.now() + 5000 }), clock.now())
    expect(health()).toBe('cooling')
  })

  // B28
  test('is not renewed again for a lease that carries the old one', async () => {
    let asked = 0
    const { accounts, lend } = await set(async () => (asked++, 'failed'))
    const old = await lend()
    accounts.renewed(accountId('a'), carrying('new'))
    expect(await accounts.renew(old, signal)).toBe('renewed')
    expect(asked).toBe(0)
    expect(await accounts.renew(await lend(), signal)).toBe('failed')
    expect(asked).toBe(1)
  })

  test('is carried by every lease from then on, and the account is as it was', async () => {
    const { accounts, lend } = await set()
    accounts.renewed(accountId('a'), carrying('new'))
    expect((await lend()).credential).toEqual(carrying('new'))
    expect(accounts.find(accountId('a'))?.account.generation).toBe('g1')
  })

  test('is waited for by whoever is not called off', async () => {
    const { accounts, lend } = await set(() => new Promise(() => {}))
    const controller = new AbortController()
    const waiting = accounts.renew(await lend(), controller.signal)
    controller.abort(new Error('the client has gone'))
    await expect(waiting).rejects.toThrow('the client has gone')
  })

  test('is nothing that an API key has', async () => {
    const pool = new LivePool()
    expect(await pool.accounts.renew(await pool.lease('a'), signal)).toBe('none')
  })
})
