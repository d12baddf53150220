import { describe, expect, test } from 'vitest'
import type { Failure, FailureKind } from '../../src/core/failure.ts'
import {
  afterFailure,
  afterProof,
  afterSuccess,
  forbiddenWindowMs,
  fresh,
  isKept,
  jitterMsMax,
  keptMs,
  retired,
  revived,
  strikesMax,
  takenBack,
  type Condition,
} from '../../src/core/health.ts'
import { failure, now } from '../support/signals.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const never = () => 0

const fail = (condition: Condition, kind: FailureKind, atMs: number, differing: Partial<Failure> = {}) =>
  afterFailure(condition, failure(kind, differing), atMs, never).condition
const failing = (kind: FailureKind, times: number, apartMs = 0): Condition => {
  let condition = fresh
  for (let i = 0; i < times; i++) condition = fail(condition, kind, now + i * apartMs)
  return condition
}
/** How long the rest is that began last; zero when it rests not at all. */
const restMs = ({ health }: Condition) => (health.kind === 'cooling' ? health.untilMs - health.sinceMs : health.kind === 'ready' ? 0 : Infinity)
/** The rests that one failure after the other brings, each after the rest before it is over. */
const rests = (kind: FailureKind, times: number) => {
  let condition = fresh
  let atMs = now
  return Array.from({ length: times }, () => {
    condition = fail(condition, kind, atMs)
    const lastMs = restMs(condition)
    atMs += lastMs + 1
    return lastMs
  })
}

describe('how long the blamed one rests when no reset is stated', () => {
  // B1 B2 B5 B6 B10 B12
  test.each<[kind: FailureKind, title: string, restsMs: number[]]>([
    ['quota', 'ten minutes, doubling to five hours', [10, 20, 40, 80, 160, 300, 300].map((m) => m * minute)],
    ['rate', 'five seconds, doubling to five minutes', [5, 10, 20, 40, 80, 160, 300, 300].map((s) => s * second)],
    ['overload', 'ten seconds, growing by half to a minute', [10, 15, 22.5, 33.75, 50.625, 60, 60].map((s) => s * second)],
    ['model', 'thirty minutes', [30, 30, 30].map((m) => m * minute)],
    ['edge-block', 'thirty seconds', [30, 30, 30].map((s) => s * second)],
    ['silent', 'thirty seconds at once', [30, 30, 30].map((s) => s * second)],
    ['forbidden', 'ten minutes', [10, 10, 10].map((m) => m * minute)],
    ['credential', 'a minute, doubling, and the third retires', [minute, 2 * minute, Infinity]],
    ['server', 'from the third in a row five seconds, doubling to a minute', [0, 0, 5, 10, 20, 40, 60, 60].map((s) => s * second)],
    ['network', 'as the server', [0, 0, 5, 10].map((s) => s * second)],
    ['broken-stream', 'as the server', [0, 0, 5, 10].map((s) => s * second)],
    ['request', 'not at all', [0, 0, 0]],
    ['lost-continuation', 'not at all', [0, 0, 0]],
    ['foreign-state', 'not at all', [0, 0, 0]],
    ['transport', 'not at all', [0, 0, 0]],
  ])('%s: %s', (kind, _title, restsMs) => {
    expect(rests(kind, restsMs.length)).toEqual(restsMs)
  })

  test('server, network and broken stream count together', () => {
    expect(restMs(fail(fail(fail(fresh, 'server', now), 'network', now), 'broken-stream', now))).toBe(5 * second)
  })

  test('failures of other kinds do not count together', () => {
    expect(restMs(fail(fail(fail(fresh, 'server', now), 'overload', now), 'server', now + hour))).toBe(10 * second)
  })

  test('a page of the edge is no strike', () => expect(failing('edge-block', 3).strikes).toEqual([]))
  test('what is the request’s own leaves everything as it was', () => expect(fail(fresh, 'request', now)).toBe(fresh))
  test('strikes are bounded', () => expect(failing('rate', 100).strikes).toHaveLength(strikesMax))
})

describe('a stated reset', () => {
  const stating = (condition: Condition, atMs: number, resetAtMs: number) => fail(condition, 'quota', atMs, { resetAtMs })

  // B3
  test('is how long it rests', () => {
    expect(stating(fresh, now, now + 168 * hour).health).toEqual({
      kind: 'cooling',
      sinceMs: now,
      untilMs: now + 168 * hour,
      stated: true,
      why: { kind: 'quota', status: 429, code: 'insufficient_quota' },
    })
  })

  test('that is past by the time it is heeded makes no rest', () => {
    expect(stating(fresh, now, now).health).toEqual({ kind: 'ready' })
    expect(stating(fresh, now, now - 5).health).toEqual({ kind: 'ready' })
  })

  // B28
  test('outlives the good end of an older stream', () => {
    const cooling = stating(fresh, now, now + 168 * hour)
    expect(afterSuccess(cooling, now - minute, now + minute).health).toEqual(cooling.health)
  })

  test('outlives the good end of a younger one too', () => {
    const cooling = stating(fresh, now, now + 168 * hour)
    expect(afterSuccess(cooling, now + 1, now + minute).health).toEqual(cooling.health)
  })

  test('is not shortened by a rest that is learnt later', () => {
    const cooling = fail(stating(fresh, now, now + 168 * hour), 'forbidden', now + minute)
    expect(cooling.health).toMatchObject({ untilMs: now + 168 * hour, stated: true, why: { kind: 'quota' } })
  })

  test('within a longer rest keeps a success from ending that', () => {
    const both = stating(fail(fresh, 'forbidden', now), now + second, now + 5 * minute)
    expect(both.health).toMatchObject({ untilMs: now + 10 * minute, why: { kind: 'forbidden' } })
    expect(afterSuccess(both, now + 2 * second, now + 3 * second).health).toEqual(both.health)
  })

  test('that is over does not make the next rest a stated one', () => {
    const next = fail(stating(fresh, now, now + minute), 'rate', now + hour)
    expect(next.health).toMatchObject({ stated: false })
  })

  // B24
  test('is kept over a restart when it is longer than ten minutes', () => {
    expect(isKept(stating(fresh, now, now + keptMs))).toBe(false)
    expect(isKept(stating(fresh, now, now + keptMs + 1))).toBe(true)
    expect(isKept(fresh)).toBe(false)
  })
})

describe('jitter', () => {
  const until = (restOfMs: number, dice: number) => {
    const { health } = afterFailure(fresh, failure('quota', { resetAtMs: now + restOfMs }), now, () => dice).condition
    return health.kind === 'cooling' ? health.untilMs - now : null
  }

  test('adds up to a tenth of the rest', () => {
    expect(until(100 * second, 0)).toBe(100 * second)
    expect(until(100 * second, 0.5)).toBe(105 * second)
    expect(until(100 * second, 0.999_999)).toBe(110 * second)
  })

  test('adds a minute at most', () => expect(until(168 * hour, 0.999_999_9)).toBe(168 * hour + jitterMsMax))
})

describe('a success', () => {
  test('leaves the one who is well as it is', () => expect(afterSuccess(fresh, now, now)).toBe(fresh))

  test('forgives the strikes that are older than its start, and no others', () => {
    const struck = failing('server', 2, minute)
    expect(afterSuccess(struck, now + 1, now + hour).strikes).toEqual([{ kind: 'server', atMs: now + minute }])
    expect(afterSuccess(struck, now, now + hour).strikes).toHaveLength(2)
  })

  test('that began after the rest did ends it, where no reset was stated', () => {
    expect(afterSuccess(fail(fresh, 'overload', now), now + 1, now + 2)).toEqual(fresh)
  })

  test('that began before the rest proves nothing', () => {
    const cooling = fail(fresh, 'overload', now)
    expect(afterSuccess(cooling, now - 1, now + hour)).toEqual(cooling)
  })

  test('that began between two failures proves nothing of the second', () => {
    const cooling = fail(fail(fresh, 'quota', now), 'rate', now + 2 * second)
    expect(cooling.health).toMatchObject({ sinceMs: now })
    expect(afterSuccess(cooling, now + second, now + 3 * second).health).toEqual(cooling.health)
  })

  test('makes the count begin anew', () => {
    const recovered = afterSuccess(failing('overload', 3), now + 1, now + hour)
    expect(restMs(fail(recovered, 'overload', now + hour))).toBe(10 * second)
  })
})

describe('the first output of an answer', () => {
  test('proves the one who rested, and forgives no strike', () => {
    const rested = fail(fresh, 'overload', now)
    expect(rested.proven).toBe(false)
    expect(afterProof(rested, now + 11 * second, now + 12 * second)).toEqual({ health: { kind: 'ready' }, strikes: rested.strikes, proven: true })
  })

  test('proves nothing of one who is retired', () => {
    const gone = fail(fresh, 'credential', now, { final: true })
    expect(afterProof(gone, now + 1, now + 2)).toBe(gone)
  })
})

describe('a credential', () => {
  // B6
  test('that is named as dead is retired at once', () => {
    expect(fail(fresh, 'credential', now, { final: true, code: 'token_invalidated' }).health).toEqual({
      kind: 'retired',
      sinceMs: now,
      why: { kind: 'credential', status: 401, code: 'token_invalidated' },
    })
  })

  test('that is refused three times is retired', () => expect(failing('credential', 3).health.kind).toBe('retired'))

  test('that worked in between is not', () => {
    const worked = afterSuccess(failing('credential', 2), now + 1, now + hour)
    expect(fail(worked, 'credential', now + hour).health).toMatchObject({ kind: 'cooling', untilMs: now + hour + minute })
  })

  // B24
  test('once retired stays so over successes and failures, and over a restart', () => {
    const gone = fail(fresh, 'credential', now, { final: true })
    expect(afterSuccess(gone, now + 1, now + 2).health).toEqual(gone.health)
    expect(fail(gone, 'quota', now + 1)).toBe(gone)
    expect(isKept(gone)).toBe(true)
  })

  test('that a probe finds good may be tried by one turn first', () => {
    const gone = fail(fresh, 'credential', now, { final: true })
    expect(revived(gone)).toEqual({ health: { kind: 'ready' }, strikes: [], proven: false })
    expect(revived(fresh)).toBe(fresh)
  })
})

describe('forbidden', () => {
  const third = (apartMs: number) => {
    let condition = fresh
    let probe = false
    for (let i = 0; i < 3; i++) ({ condition, probe } = afterFailure(condition, failure('forbidden'), now + i * apartMs, never))
    return { condition, probe }
  }

  // B2
  test('the third within 180 minutes asks for a probe, and rests meanwhile', () => {
    const { condition, probe } = third(80 * minute)
    expect(probe).toBe(true)
    expect(condition.health.kind).toBe('cooling')
  })

  test('the third asks for none when the first is 180 minutes ago', () => expect(third(forbiddenWindowMs / 2).probe).toBe(false))
  test('the second asks for none', () => expect(afterFailure(failing('forbidden', 1), failure('forbidden'), now, never).probe).toBe(false))

  test('a probe that fails too retires', () => {
    const { condition } = third(minute)
    const why = { kind: 'forbidden', status: 403, code: null } as const
    expect(retired(condition.strikes, why, now).health).toEqual({ kind: 'retired', sinceMs: now, why })
  })

  // B2
  test('taken back leaves neither strike nor rest', () => {
    expect(takenBack(fail(fresh, 'forbidden', now), now)).toEqual(fresh)
  })

  test('taken back leaves the strikes of other moments and other kinds', () => {
    const struck = fail(fail(fail(fresh, 'forbidden', now - hour), 'quota', now), 'forbidden', now)
    expect(takenBack(struck, now).strikes).toEqual([
      { kind: 'forbidden', atMs: now - hour },
      { kind: 'quota', atMs: now },
    ])
  })

  test('taken back leaves the rest of another failure', () => {
    const cooling = fail(fail(fresh, 'quota', now, { resetAtMs: now + hour }), 'forbidden', now + 1)
    expect(takenBack(cooling, now + 1).health).toEqual(cooling.health)
  })

  test('taken back does not wake what a stated reset still holds', () => {
    const cooling = fail(fail(fresh, 'quota', now, { resetAtMs: now + minute }), 'forbidden', now + 1)
    expect(takenBack(cooling, now + 1).health).toMatchObject({ kind: 'cooling', stated: true })
  })
})
