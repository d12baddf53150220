import { describe, expect, test } from 'vitest'
import { afterFailure, fresh, held, renewed, type Condition, type Why } from '../../src/core/health.ts'
import { next, type Situation, type Tried } from '../../src/core/failover.ts'
import { classify } from '../../src/core/failure-table.ts'
import { accountId } from '../support/accounts.ts'
import { failure, now, plain, silent } from '../support/signals.ts'

const why: Why = { kind: 'credential', status: 503, code: null, advice: 'tried again soon' }
const after = (condition: Condition, kind: 'credential' | 'quota', differing = {}): Condition =>
  afterFailure(condition, failure(kind, differing), now, () => 0).condition

describe('a renewed credential', () => {
  test('ends a rest, strikes and a retirement that the old one brought', () => {
    expect(renewed(after(fresh, 'credential'))).toEqual(fresh)
    expect(renewed(after(fresh, 'credential', { final: true }))).toEqual(fresh)
  })

  test('ends no rest of another kind: the account is the same', () => {
    const resting = after(after(fresh, 'credential'), 'quota', { resetAtMs: now + 7 * 24 * 3_600_000 })
    expect(renewed(resting).health).toEqual(resting.health)
    expect(renewed(resting).strikes.map(({ kind }) => kind)).toEqual(['quota'])
  })
})

describe('an account that is held', () => {
  test('rests until then without a strike, and is tried by one turn first', () => {
    expect(held(fresh, why, now, now + 5000)).toEqual({
      health: { kind: 'cooling', sinceMs: now, untilMs: now + 5000, stated: false, why },
      strikes: [],
      proven: false,
    })
  })

  test('rests no shorter for it, and stays retired', () => {
    const resting = after(fresh, 'quota', { resetAtMs: now + 60_000 })
    expect(held(resting, why, now, now + 5000)).toBe(resting)
    const gone = after(fresh, 'credential', { final: true })
    expect(held(gone, why, now, now + 5000)).toBe(gone)
  })
})

describe('a turn whose account’s credential was renewed', () => {
  const tried = (name: string, signal: Tried['signal'] = plain.credential): Tried => ({
    account: accountId(name),
    baseUrl: 'x',
    atMs: now,
    signal,
    failure: classify(signal, now),
  })
  const goes = (attempts: readonly Tried[], differing: Partial<Situation> = {}) =>
    next({
      tried: attempts,
      bounds: { accountsPerTurn: 4, lastAttemptMs: 240_000 },
      elapsedMs: 0,
      lone: false,
      leavesTrace: false,
      credential: 'renewed',
      sentForeign: false,
      session: null,
      dice: 0,
      ...differing,
    })
  const same = { kind: 'same', afterMs: 0, as: 'refreshed', budgeted: false }
  const another = { kind: 'another', budgeted: false }

  // B7
  test('asks the same account once more, and only once', () => {
    expect(goes([tried('a')])).toEqual(same)
    expect(goes([tried('a'), tried('a')])).toEqual(another)
    expect(goes([tried('a'), tried('a'), tried('b')])).toEqual(same)
  })

  test('goes to another where nothing was renewed', () => expect(goes([tried('a')], { credential: 'as-it-was' })).toEqual(another))

  test('keeps the bounds of a turn', () => {
    expect(goes([tried('a')], { elapsedMs: 240_001 }).kind).toBe('stop')
    expect(goes([tried('a', silent('head')), tried('b')]).kind).toBe('stop')
    expect(goes(Array.from({ length: 8 }, (_, nth) => tried(String(nth)))).kind).toBe('stop')
  })
})
