import { describe, expect, test } from 'vitest'
import { inWords, isLone, namedMax, route, type Candidate, type Choice, type Standing } from '../../src/core/route.ts'
import { accountId, candidate, wish } from '../support/accounts.ts'
import { now } from '../support/signals.ts'

const why = { kind: 'quota', status: 429, code: 'usage_limit_reached' } as const
const cooling = (untilMs = now + 60_000): Standing => ({ kind: 'cooling', untilMs, why })
const retired: Standing = { kind: 'retired', why: { kind: 'credential', status: 401, code: 'invalid_api_key' } }

const chosen = (choice: Choice) => (choice.kind === 'use' ? choice.candidate.account.id : choice.kind)
const because = (choice: Choice) => (choice.kind === 'use' ? choice.because : null)
const notChosen = (choice: Choice) => (choice.kind === 'use' ? Object.fromEntries(choice.notChosen.map(({ account, why: said }) => [account, said])) : null)
/** How often each account is chosen over evenly spread dice. */
const shares = (candidates: readonly Candidate[], w = wish()) => {
  const counts: Record<string, number> = {}
  for (let i = 0; i < 600; i++) {
    const name = chosen(route(candidates, w, (i + 0.5) / 600))
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe('among those who are ready', () => {
  // F1
  test('the lowest priority number comes first', () => {
    const two = [candidate('second', { account: { priority: 20 } }), candidate('first', { account: { priority: 10 } })]
    expect(shares(two)).toEqual({ first: 600 })
    expect(because(route(two, wish(), 0))).toBe('priority 10, the best that is ready')
  })

  test('the first pool that has any comes before priorities', () => {
    const two = [candidate('spare', { poolRank: 1, account: { priority: 1 } }), candidate('own', { poolRank: 0, account: { priority: 99 } })]
    expect(shares(two)).toEqual({ own: 600 })
  })

  // F1
  test('of two of one priority the less loaded for its weight is chosen', () => {
    const even = [candidate('a', { inFlight: 3 }), candidate('b', { inFlight: 2 })]
    expect(shares(even)).toEqual({ b: 600 })
    const weighted = [candidate('a', { inFlight: 3, account: { weight: 2 } }), candidate('b', { inFlight: 2 })]
    expect(shares(weighted)).toEqual({ a: 600 })
    expect(because(route(weighted, wish(), 0.3))).toBe('priority 10, least loaded')
  })

  test('of two that are loaded the same either is chosen', () => {
    expect(shares([candidate('a'), candidate('b')])).toEqual({ a: 300, b: 300 })
  })

  test('every two of many are compared as often', () => {
    const three = [candidate('a', { inFlight: 0 }), candidate('b', { inFlight: 1 }), candidate('c', { inFlight: 2 })]
    expect(shares(three)).toEqual({ a: 400, b: 200 })
  })

  test.each([0, 0.999_999_999_999_999_9])('dice of %d choose one of the group', (dice) => {
    expect(['a', 'b', 'c']).toContain(chosen(route([candidate('a'), candidate('b'), candidate('c')], wish(), dice)))
  })

  test('weight 0 means: never choose', () => {
    expect(chosen(route([candidate('a', { account: { weight: 0 } })], wish(), 0))).toBe('nobody')
    expect(shares([candidate('a', { account: { weight: 0 } }), candidate('b', { inFlight: 9 })])).toEqual({ b: 600 })
  })
})

describe('in a pool that prefers by the reset of windows', () => {
  const at = (name: string, inMs: number, differing = {}) => candidate(name, { resetsAtMs: now + inMs, ...differing })

  test('the account whose window is reset soonest is chosen, whatever is warm and whoever is busy', () => {
    const group = [at('a', 5000), at('b', 1000, { inFlight: 9 }), candidate('c')]
    expect(shares(group, wish({ affinity: 'dialogue' }))).toEqual({ b: 600 })
    expect(because(route(group, wish(), 0))).toBe(`priority 10, its window resets soonest, at ${new Date(now + 1000).toISOString()}`)
  })

  test('priority, health and a pin go before it', () => {
    expect(shares([at('a', 1000, { account: { priority: 20 } }), at('b', 5000)])).toEqual({ b: 600 })
    expect(shares([at('a', 1000, { standing: cooling() }), at('b', 5000)])).toEqual({ b: 600 })
    expect(shares([at('a', 1000), at('b', 5000)], wish({ pin: accountId('b') }))).toEqual({ b: 600 })
  })
})

describe('those who cannot be chosen now', () => {
  // F2
  test('a full account is skipped', () => expect(shares([candidate('a', { free: false }), candidate('b', { inFlight: 9 })])).toEqual({ b: 600 }))

  test('one that another turn is finding out about is skipped', () => {
    expect(shares([candidate('a', { standing: { kind: 'proving' } }), candidate('b')])).toEqual({ b: 600 })
  })

  test.each<[title: string, standing: Standing]>([
    ['cooling', cooling()],
    ['retired', retired],
    ['disabled', { kind: 'disabled' }],
    ['unmapped', { kind: 'unmapped' }],
  ])('one that is %s is skipped, however preferred', (_title, standing) => {
    const a = candidate('a', { standing, account: { priority: 1 } })
    expect(shares([a, candidate('b')], wish({ pin: accountId('a'), affinity: 'x' }))).toEqual({ b: 600 })
  })

  test('one that failed in this turn is skipped', () => {
    expect(shares([candidate('a'), candidate('b', { inFlight: 9 })], wish({ tried: new Set([accountId('a')]) }))).toEqual({ b: 600 })
  })
})

describe('when none is open', () => {
  // F2
  test('those who have no room are waited for, and the resting ones with them', () => {
    const all = [candidate('full', { free: false }), candidate('resting', { standing: cooling() }), candidate('gone', { standing: retired })]
    const choice = route(all, wish(), 0)
    expect(choice).toEqual({ kind: 'full', wants: all.slice(0, 2) })
  })

  test('one that is being found out about is waited for', () => {
    const all = [candidate('a', { standing: { kind: 'proving' } })]
    expect(route(all, wish(), 0)).toEqual({ kind: 'full', wants: all })
  })

  // B18
  test('of those who rest the soonest says how long', () => {
    const all = [candidate('a', { standing: cooling(now + 9000) }), candidate('b', { standing: cooling(now + 4000) }), candidate('c', { standing: retired })]
    expect(route(all, wish(), 0)).toEqual({ kind: 'cooling', wants: all.slice(0, 2), soonestMs: now + 4000 })
  })

  test.each<[title: string, candidates: Candidate[], w: ReturnType<typeof wish>, says: string]>([
    ['no accounts at all serve nothing', [], wish(), 'not-served'],
    ['accounts that do not map the model do not serve it', [candidate('a', { model: null, standing: { kind: 'unmapped' } })], wish(), 'not-served'],
    [
      'retired and disabled accounts are out of service',
      [candidate('a', { standing: retired }), candidate('b', { standing: { kind: 'disabled' } })],
      wish(),
      'out-of-service',
    ],
    ['an account that failed in this turn was tried', [candidate('a')], wish({ tried: new Set([accountId('a')]) }), 'tried'],
    ['so it was while another one is retired', [candidate('a'), candidate('b', { standing: retired })], wish({ tried: new Set([accountId('a')]) }), 'tried'],
    ['an owner that is not among the accounts is gone', [candidate('a')], wish({ owner: accountId('z') }), 'owner-gone'],
    ['an owner that is retired is out of service', [candidate('a'), candidate('z', { standing: retired })], wish({ owner: accountId('z') }), 'out-of-service'],
  ])('%s', (_title, candidates, w, says) => {
    expect(route(candidates, w, 0)).toEqual({ kind: 'nobody', why: says })
  })
})

describe('the owner of what the question builds on', () => {
  const owner = wish({ owner: accountId('z') })

  // E10
  test('is chosen however loaded and however far down', () => {
    const all = [candidate('a'), candidate('z', { inFlight: 9, poolRank: 3, account: { priority: 99 } })]
    expect(shares(all, owner)).toEqual({ z: 600 })
    expect(notChosen(route(all, owner, 0))).toEqual({ a: 'another account holds the answer that this one continues' })
  })

  test('is waited for when it is full, and no other is', () => {
    const z = candidate('z', { free: false })
    expect(route([candidate('a'), z], owner, 0)).toEqual({ kind: 'full', wants: [z] })
  })

  test('is waited for when it rests', () => {
    const z = candidate('z', { standing: cooling(now + 5) })
    expect(route([candidate('a'), z], owner, 0)).toEqual({ kind: 'cooling', wants: [z], soonestMs: now + 5 })
  })

  test('stands before a pin', () => {
    expect(chosen(route([candidate('a'), candidate('z')], { ...owner, pin: accountId('a') }, 0))).toBe('z')
  })
})

describe('an account that is tried once more', () => {
  const again = wish({ again: accountId('z'), pin: accountId('a') })

  test('is chosen, and no other, whatever a pin says', () => {
    const all = [candidate('a'), candidate('z', { account: { priority: 99 } })]
    expect(shares(all, again)).toEqual({ z: 600 })
    expect(notChosen(route(all, again, 0))).toEqual({ a: 'another account is tried once more' })
  })

  test('is waited for when the slot that it has just given back is not free yet', () => {
    const z = candidate('z', { free: false })
    expect(route([candidate('a'), z], again, 0)).toEqual({ kind: 'full', wants: [z] })
  })
})

describe('a pin', () => {
  const pin = wish({ pin: accountId('z'), affinity: 'x' })

  test('is taken when its account is ready and free', () => {
    const choice = route([candidate('a'), candidate('z', { inFlight: 9 })], pin, 0)
    expect(chosen(choice)).toBe('z')
    expect(because(choice)).toBe('the turn before was served by it')
  })

  // F3
  test('is not waited for while its account rests', () => expect(shares([candidate('a'), candidate('z', { standing: cooling() })], pin)).toEqual({ a: 600 }))
  test('is not waited for while its account is full', () => expect(shares([candidate('a'), candidate('z', { free: false })], pin)).toEqual({ a: 600 }))
  test('of an account that is not there does nothing', () => expect(shares([candidate('a')], pin)).toEqual({ a: 600 }))
})

describe('accounts whose upstream failed in this turn', () => {
  const shared = { baseUrl: 'https://one.test/v1' }
  const unwell = wish({ unwell: new Set([shared.baseUrl]) })

  test('come after all others, however preferred', () => {
    const all = [candidate('a', { account: { ...shared, priority: 1 } }), candidate('b', { poolRank: 1, inFlight: 9 })]
    expect(shares(all, unwell)).toEqual({ b: 600 })
    expect(notChosen(route(all, unwell, 0))).toEqual({ a: 'its upstream failed in this turn' })
  })

  test('are chosen when there are no others', () => {
    const all = [candidate('a', { account: shared }), candidate('b', { account: shared })]
    expect(shares(all, unwell)).toEqual({ a: 300, b: 300 })
  })
})

describe('why the others were not chosen', () => {
  // F6
  test('is said of each', () => {
    const all = [
      candidate('chosen', { account: { priority: 1 } }),
      candidate('worse', { account: { priority: 2 } }),
      candidate('later', { poolRank: 1 }),
      candidate('resting', { standing: cooling(Date.UTC(2026, 10, 22)) }),
      candidate('gone', { standing: retired }),
      candidate('off', { standing: { kind: 'disabled' } }),
      candidate('other', { standing: { kind: 'unmapped' }, model: null }),
      candidate('never', { account: { weight: 0 } }),
      candidate('full', { free: false }),
    ]
    expect(notChosen(route(all, wish(), 0))).toEqual({
      worse: 'priority 2',
      later: 'in a later pool',
      resting: 'cooling until 2026-11-22T00:00:00.000Z: quota 429 usage_limit_reached',
      gone: 'retired: credential 401 invalid_api_key',
      off: 'disabled by the operator',
      other: 'does not serve this model',
      never: 'weight 0',
      full: 'full',
    })
  })

  test('is said of those that failed, are being tried, or were merely less preferred', () => {
    const all = [candidate('chosen'), candidate('failed'), candidate('busy', { inFlight: 5 }), candidate('trying', { standing: { kind: 'proving' } })]
    expect(notChosen(route(all, wish({ tried: new Set([accountId('failed')]) }), 0.1))).toEqual({
      failed: 'failed in this turn',
      busy: 'another was preferred',
      trying: 'rested, and another turn is trying it',
    })
  })

  // F6
  test('names eight at most and counts the rest by reason', () => {
    const many = Array.from({ length: 50 }, (_, i) => candidate(`a${i}`, { inFlight: i, standing: i % 2 === 0 ? { kind: 'ready' } : cooling(now + i) }))
    const choice = route([candidate('chosen', { account: { priority: 1 } }), ...many], wish(), 0)
    const said = choice.kind === 'use' ? choice.notChosen : []
    expect(said.filter(({ account }) => account !== null)).toHaveLength(namedMax)
    expect(said.slice(namedMax)).toEqual([
      { account: null, why: 'priority 10', count: 21 },
      { account: null, why: 'cooling', count: 21 },
    ])
    expect(said.reduce((sum, { count }) => sum + count, 0)).toBe(50)
  })
})

describe('a lone account', () => {
  // B19
  test.each<[title: string, candidates: Candidate[], lone: boolean]>([
    ['is the only one there is', [candidate('a')], true],
    ['is the only one in service', [candidate('a'), candidate('b', { standing: retired }), candidate('c', { account: { weight: 0 } })], true],
    ['is not lone beside one that rests', [candidate('a'), candidate('b', { standing: cooling() })], false],
    ['is not lone beside one that is full', [candidate('a'), candidate('b', { free: false })], false],
    ['is lone beside one that does not serve the model', [candidate('a'), candidate('b', { standing: { kind: 'unmapped' } })], true],
  ])('%s', (_title, candidates, lone) => {
    expect(isLone(candidates, wish())).toBe(lone)
    expect(isLone(candidates, wish({ tried: new Set([accountId('a')]) }))).toBe(lone)
  })

  test('an owner is lone among many', () => expect(isLone([candidate('a'), candidate('z')], wish({ owner: accountId('z') }))).toBe(true))
})

test('a reason is told without what is not known', () => {
  expect(inWords({ kind: 'network', status: null, code: null })).toBe('network')
  expect(inWords(why)).toBe('quota 429 usage_limit_reached')
})

describe('an account that does not speak the client’s dialect', () => {
  const foreign = (name: string, more: Parameters<typeof candidate>[1] = {}) => candidate(name, { speech: 'translated', ...more })

  test('is not asked where one that does is ready, whatever their priorities', () => {
    const two = [foreign('abroad', { account: { priority: 1 } }), candidate('home', { account: { priority: 99 } })]
    expect(shares(two)).toEqual({ home: 600 })
    expect(notChosen(route(two, wish(), 0))).toEqual({ abroad: 'would have to be asked by translation' })
  })

  test('is not stayed with either', () => {
    expect(chosen(route([foreign('abroad'), candidate('home')], wish({ pin: accountId('abroad') }), 0))).toBe('home')
  })

  test.each<[why: string, native: Partial<Candidate>]>([
    ['rest', { standing: cooling() }],
    ['are full', { free: false }],
    ['are out of service', { standing: retired }],
  ])('is asked where all that do %s', (_why, native) => {
    expect(
      chosen(route([candidate('home', { standing: native.standing ?? { kind: 'ready' }, free: native.free ?? true }), foreign('abroad')], wish(), 0)),
    ).toBe('abroad')
  })

  test('is of no use where it has no words for the question', () => {
    const mute = candidate('mute', { speech: 'none' })
    expect(route([mute], wish(), 0)).toEqual({ kind: 'nobody', why: 'not-spoken' })
    expect(chosen(route([mute, candidate('home', { standing: cooling() })], wish(), 0))).toBe('cooling')
    expect(notChosen(route([mute, candidate('home')], wish(), 0))).toEqual({ mute: 'does not speak what the question is written in' })
  })
})
