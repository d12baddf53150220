import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FailureKind, Signal } from '../../src/core/failure.ts'
import { classify } from '../../src/core/failure-table.ts'
import { next, type Next, type Situation, type Tried } from '../../src/core/failover.ts'
import { accountId } from '../support/accounts.ts'
import { answer, ended, now, page, plain, silent, told, unreachable } from '../support/signals.ts'

const tried = (name: string, signal: Signal): Tried => ({
  account: accountId(name),
  baseUrl: `https://${name}.test/v1`,
  atMs: now,
  signal,
  failure: classify(signal, now),
})
/** Attempts on `a`, `b`, `c`, ... in turn. */
const inTurn = (...signals: readonly Signal[]): Tried[] => signals.map((signal, i) => tried(String.fromCodePoint(97 + i), signal))
const onOne = (...signals: readonly Signal[]): Tried[] => signals.map((signal) => tried('a', signal))

const situation = (attempts: readonly Tried[], differing: Partial<Situation> = {}): Situation => ({
  tried: attempts,
  bounds: { accountsPerTurn: 4, lastAttemptMs: 240_000 },
  elapsedMs: 0,
  lone: false,
  leavesTrace: false,
  credential: 'as-it-was',
  sentForeign: false,
  session: null,
  dice: 0,
  ...differing,
})

const another = (budgeted: boolean): Next => ({ kind: 'another', budgeted })
const stop: Next = { kind: 'stop', takeBack: false }
const kinds = Object.keys(plain) as FailureKind[]
const first = (kind: FailureKind, differing: Partial<Situation> = {}) => next(situation(inTurn(plain[kind]), differing))

describe('after a first failure', () => {
  // B5 B8 B12 B29
  const verdicts: Readonly<Record<FailureKind, Next>> = {
    credential: another(false),
    quota: another(false),
    forbidden: another(false),
    'edge-block': another(true),
    rate: another(false),
    model: another(false),
    overload: another(true),
    server: another(true),
    network: another(true),
    silent: another(true),
    transport: stop,
    'lost-continuation': stop,
    'foreign-state': stop,
    request: stop,
    'broken-stream': another(true),
  }

  test.each(kinds)('of kind %s the turn goes on as the table says', (kind) => expect(first(kind)).toEqual(verdicts[kind]))

  test('an upstream’s failure is counted against the budget, an account’s is not', () => {
    expect(first('overload')).toMatchObject({ budgeted: true })
    expect(first('quota')).toMatchObject({ budgeted: false })
  })

  test('nothing tried is nothing to go on from', () => expect(next(situation([]))).toEqual(stop))
})

describe('the bounds of a turn', () => {
  test('no attempt starts after the last moment for one', () => {
    expect(first('quota', { elapsedMs: 240_000 })).toEqual(another(false))
    expect(first('quota', { elapsedMs: 240_001 })).toEqual(stop)
  })

  test('nor after a pause that would end behind it', () => {
    expect(first('server', { lone: true, elapsedMs: 239_800 })).toMatchObject({ kind: 'same', afterMs: 200 })
    expect(first('server', { lone: true, elapsedMs: 239_801 })).toEqual(stop)
  })

  test('the fourth account is the last', () => {
    const quota = plain.quota
    expect(next(situation(inTurn(quota, quota, quota)))).toEqual(another(false))
    expect(next(situation(inTurn(quota, quota, quota, quota)))).toEqual(stop)
  })

  // B20
  test('the same account twice counts once', () => {
    const attempts = [tried('a', plain.quota), tried('b', plain.quota), tried('c', plain.quota), tried('a', plain.quota)]
    expect(next(situation(attempts))).toEqual(another(false))
  })

  test('attempts end, whatever fails and however often the same accounts are taken', () => {
    const signals = fc.constantFrom<Signal>(
      ...Object.values(plain),
      told({ code: 'server_is_overloaded' }),
      unreachable('reset', 'handed-over'),
      silent('next-event'),
      silent('whole-answer'),
    )
    const attempt = fc.record({ account: fc.nat(5), signal: signals })
    fc.assert(
      fc.property(fc.infiniteStream(attempt), fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.boolean(), (stream, accountsPerTurn, lone, sentForeign) => {
        const attempts: Tried[] = []
        let ambiguous = 0
        for (const { account, signal } of stream) {
          attempts.push(tried(`a${lone ? 0 : account}`, signal))
          if (ambiguous > 0) ambiguous++
          else if (attempts.at(-1)?.failure.ambiguous === true) ambiguous = 1
          expect(attempts.length).toBeLessThanOrEqual(accountsPerTurn + 4)
          // B27: the ambiguous one and one further.
          expect(ambiguous).toBeLessThanOrEqual(2)
          const then = next(situation(attempts, { bounds: { accountsPerTurn, lastAttemptMs: 240_000 }, lone, sentForeign }))
          if (then.kind === 'stop') return
          if (then.kind === 'same') expect(then.afterMs).toBeLessThanOrEqual(1500)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a request that may have been served', () => {
  // B15 B27
  const handed = unreachable('reset', 'handed-over')
  test.each<[title: string, signal: Signal]>([
    ['reset after it was handed over', handed],
    ['not answered in time', silent('head')],
    ['silent before its first event', silent('first-event')],
    ['silent while its events are held', silent('next-event')],
    ['cut before its end', ended],
  ])('%s, is tried once more', (_title, signal) => {
    expect(next(situation(inTurn(signal)))).toEqual(another(true))
    expect(next(situation(inTurn(plain.quota, plain.quota, signal)))).toEqual(another(true))
  })

  test.each(kinds)('is not tried a third time when the second failed with %s', (kind) => {
    expect(next(situation(inTurn(ended, plain[kind]), { sentForeign: true }))).toEqual(stop)
  })

  test('is not tried again where sending it twice leaves a trace', () => {
    for (const signal of [handed, silent(), ended]) expect(next(situation(inTurn(signal), { leavesTrace: true }))).toEqual(stop)
    expect(next(situation(inTurn(plain.quota, ended), { leavesTrace: true }))).toEqual(stop)
  })

  test('is not tried again when a whole answer took too long', () => {
    expect(next(situation(inTurn(silent('whole-answer'))))).toEqual(stop)
  })

  test('is not tried again on itself by a lone account after that one time', () => {
    expect(next(situation(onOne(handed), { lone: true }))).toMatchObject({ kind: 'same' })
    expect(next(situation(onOne(handed, handed), { lone: true }))).toEqual(stop)
  })

  test.each<[title: string, signal: Signal]>([
    ['a 429', plain.rate],
    ['a 500', plain.server],
    ['a refused connection', plain.network],
    ['a failure inside a 200', told({ code: 'server_error' })],
  ])('%s is no such request, not even where a trace would be left', (_title, signal) => {
    expect(next(situation(inTurn(signal, signal), { leavesTrace: true }))).toMatchObject({ kind: 'another' })
  })
})

describe('forbidden', () => {
  const forbidden = plain.forbidden
  const takeBack: Next = { kind: 'stop', takeBack: true }

  // B2
  test('by a second account is the request’s: nobody else is asked, and it is taken back', () => {
    expect(next(situation(inTurn(forbidden, forbidden)))).toEqual(takeBack)
    expect(next(situation(inTurn(forbidden, plain.quota, forbidden)))).toEqual(takeBack)
  })

  test('is so too when the turn could not go on anyway', () => {
    expect(next(situation(inTurn(forbidden, forbidden), { elapsedMs: 300_000 }))).toEqual(takeBack)
    expect(next(situation(inTurn(forbidden, ended, forbidden)))).toEqual(takeBack)
    expect(next(situation(inTurn(plain.quota, plain.quota, forbidden, forbidden)))).toEqual(takeBack)
  })

  test('by the same account twice is not', () => {
    expect(next(situation([tried('a', forbidden), tried('b', plain.quota), tried('a', forbidden)]))).toEqual(another(false))
  })

  test('followed by another kind is not', () => expect(next(situation(inTurn(forbidden, plain.quota)))).toEqual(another(false)))
})

describe('a lone account', () => {
  // B19
  test.each<FailureKind>(['server', 'network', 'overload'])('is tried again on itself twice after %s, with a pause before each', (kind) => {
    const signal = plain[kind]
    const waits = [1, 2, 3].map((times) => next(situation(onOne(...Array.from({ length: times }, () => signal)), { lone: true })))
    expect(waits).toEqual([
      { kind: 'same', afterMs: 200, as: 'it-is', budgeted: true },
      { kind: 'same', afterMs: 1000, as: 'it-is', budgeted: true },
      another(true),
    ])
  })

  test('pauses up to half as long again', () => {
    expect(first('server', { lone: true, dice: 0.999 })).toMatchObject({ afterMs: 300 })
    expect(next(situation(onOne(plain.server, plain.server), { lone: true, dice: 0.999 }))).toMatchObject({ afterMs: 1500 })
  })

  test.each<FailureKind>(['quota', 'credential', 'rate', 'model', 'silent', 'broken-stream', 'edge-block', 'forbidden'])(
    'is not tried again on itself after %s',
    (kind) => {
      expect(first(kind, { lone: true })).toMatchObject({ kind: 'another' })
    },
  )

  test('among others is not tried again on itself', () => expect(first('server')).toEqual(another(true)))
})

describe('reasoning that another account sealed', () => {
  const foreign = plain['foreign-state']
  const again: Next = { kind: 'same', afterMs: 0, as: 'own-sealed-only', budgeted: false }

  // E9
  test('is left out, and the same account asked again, once', () => {
    expect(next(situation(inTurn(foreign), { sentForeign: true }))).toEqual(again)
    expect(next(situation(onOne(foreign, foreign), { sentForeign: true }))).toEqual(stop)
    expect(next(situation([tried('a', foreign), tried('a', plain.quota), tried('b', foreign)], { sentForeign: true }))).toEqual(stop)
  })

  test('that was not sent cannot be left out', () => expect(next(situation(inTurn(foreign)))).toEqual(stop))
})

// B13 B26 B32
test.each<[title: string, signal: Signal, then: Next]>([
  ['a 200 that says failed is overload before output and moves', told({ code: 'server_is_overloaded' }), another(true)],
  ['a base URL that leads nowhere moves', page(404), another(true)],
  ['a 404 with JSON stops', answer(404, { message: 'no' }), stop],
])('%s', (_title, signal, then) => expect(next(situation(inTurn(signal)))).toEqual(then))
