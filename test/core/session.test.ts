import { describe, expect, test } from 'vitest'
import { meanings } from '../../src/core/failure-table.ts'
import type { FailureKind } from '../../src/core/failure.ts'
import type { RefusalCode } from '../../src/core/refusal.ts'
import { closeCode, closeReason, inFlightMax, isIdle, namedLanesMax, opening, waitingMax, type Event } from '../../src/core/session.ts'
import {
  answered,
  asks,
  badFrame,
  blocked,
  clientGone,
  clientStuck,
  closing,
  deeds,
  drain,
  failed,
  ignoredFrame,
  inWords,
  keyRevoked,
  passesOn,
  play,
  rang,
  served,
  strayBegan,
  timing,
  told,
  unserved,
  updates,
} from '../support/session-play.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)
/** A first turn, answered: what comes after it comes between turns. */
const oneTurn: readonly Event[] = [asks(0, 'gpt-4o'), served('main'), answered()]
/** As many turns as may run, each in a lane of its own: l0, l1, ... */
const asManyAsRun: readonly Event[] = upTo(inFlightMax).map((at) => asks(at, 'gpt-4o', `l${at}`))

describe('the first frame of a session', () => {
  test('has its time from the opening on', () => expect(opening.map(inWords)).toEqual(['arm first-frame']))

  test.each<[title: string, frame: Event]>([
    ['a question', asks(1, 'gpt-4o')],
    ['an update', updates(1)],
    ['a frame to pass on', passesOn(1)],
    ['one that is ignored', ignoredFrame],
    ['one that is refused', badFrame('duplicate_member', null)],
  ])('stops that time when it is %s', (_title, frame) => expect(timing(frame)).toContain('disarm first-frame'))

  // E15
  test.each<[title: string, event: Event, deeds: string[]]>([
    ['too late is told so, and the session ends', rang('first-frame'), ['tell 408 request_timeout', 'close 1008']],
    ['that names no model is told so, and the session ends', asks(1), ['drop 1', 'tell 400 invalid_body', 'close 1008']],
    ['that is not JSON is told so, and the session ends', badFrame('invalid_json', 1008), ['tell 400 invalid_json', 'close 1008']],
    ['that is binary is told so, and the session ends', badFrame('invalid_body', 1003), ['tell 400 invalid_body', 'close 1003']],
    ['with a member that stands twice is told so, and the session stays', badFrame('duplicate_member', null), ['tell 400 duplicate_member']],
  ])('%s', (_title, event, then) => expect(deeds(event)).toEqual(then))

  test.each<[title: string, earlier: Event[]]>([
    ['one that is ignored', [ignoredFrame]],
    ['an update without a model', [updates(1)]],
    ['one that was refused', [badFrame('background_not_supported', null)]],
  ])('may be %s, but the first question must name a model all the same', (_title, earlier) => {
    expect(deeds(...earlier, asks(9))).toEqual(['drop 9', 'tell 400 invalid_body', 'close 1008'])
  })

  test('that names no model is told which member is missing', () => {
    expect(play([asks(1)]).effects).toContainEqual(expect.objectContaining({ kind: 'tell', refusal: expect.objectContaining({ param: 'model' }) }))
  })

  test('that came in time cannot be late', () => expect(deeds(updates(1, 'gpt-4o'), rang('first-frame'))).toEqual([]))
})

// D5 D6 D7
describe('the model of a session', () => {
  test.each<[title: string, events: Event[], start: string]>([
    ['is what a question names', [asks(1, 'gpt-4o')], 'start 1 as gpt-4o'],
    ['is what an earlier question named, for one that names none', [...oneTurn, asks(1)], 'start 1 as gpt-4o'],
    ['is what the last question to start named', [...oneTurn, asks(1, 'gpt-5.5'), answered(), asks(2)], 'start 2 as gpt-5.5'],
    ['is what the last question to start named, in whatever lane', [...oneTurn, asks(1, 'gpt-5.5', 'b'), asks(2)], 'start 2 as gpt-5.5'],
    ['is what an update names', [...oneTurn, updates(1, 'gpt-5.5'), asks(2)], 'start 2 as gpt-5.5'],
    ['may come from an update alone', [updates(1, 'gpt-5.5'), asks(2)], 'start 2 as gpt-5.5'],
    ['stays under an update that names none', [...oneTurn, updates(1), asks(2)], 'start 2 as gpt-4o'],
    ['stays under a frame of another type, whatever stands in it', [...oneTurn, passesOn(1), asks(2)], 'start 2 as gpt-4o'],
    ['stays under a frame that is refused', [...oneTurn, badFrame('duplicate_member', null), asks(2)], 'start 2 as gpt-4o'],
    ['yields to what a question names itself', [...oneTurn, updates(1, 'gpt-5.5'), asks(2, 'o9')], 'start 2 as o9'],
    [
      'is asked when a turn starts: an update is heard by the turns that wait',
      [asks(0, 'gpt-4o'), asks(1), updates(2, 'gpt-5.5'), answered()],
      'start 1 as gpt-5.5',
    ],
    [
      'is asked when a turn starts: the turn before it may have named another',
      [asks(0, 'gpt-4o'), asks(1, 'o9'), asks(2), answered(), answered()],
      'start 2 as o9',
    ],
    ['is not yet what a turn that still waits names', [asks(0, 'gpt-4o'), asks(1, 'o9'), asks(2, null, 'b')], 'start 2 as gpt-4o in b'],
  ])('%s', (_title, events, start) => expect(deeds(...events)).toEqual([start]))

  test('is kept for upstream sockets that are still to be opened: every update is kept', () => {
    expect(deeds(...oneTurn, updates(1, 'gpt-5.5'))).toEqual(['keep 1'])
    expect(deeds(...oneTurn, updates(1))).toEqual(['keep 1'])
  })
})

// D8
describe('a frame', () => {
  test('of a type that only an upstream knows is passed on, also while a turn runs', () => {
    expect(deeds(...oneTurn, passesOn(1))).toEqual(['forward 1'])
    expect(deeds(asks(0, 'gpt-4o'), passesOn(1))).toEqual(['forward 1'])
  })

  test('that is ignored has no answer', () => expect(deeds(...oneTurn, ignoredFrame)).toEqual([]))

  test.each<[title: string, code: RefusalCode, close: 1003 | 1008]>([
    ['binary', 'invalid_body', 1003],
    ['not JSON', 'invalid_json', 1008],
    ['not an object', 'invalid_body', 1008],
  ])('that is %s gets an error event, then ends the session', (_title, code, close) => {
    expect(deeds(...oneTurn, badFrame(code, close))).toEqual([`tell 400 ${code}`, `close ${close}`])
  })

  test.each<RefusalCode>(['duplicate_member', 'background_not_supported', 'invalid_body', 'invalid_stream_id'])(
    'refused as %s gets an error event, and the session stays',
    (code) => {
      expect(deeds(...oneTurn, badFrame(code, null))).toEqual([`tell 400 ${code}`])
      expect(deeds(...oneTurn, badFrame(code, null), asks(2))).toEqual(['start 2 as gpt-4o'])
    },
  )

  test('that is refused is answered in its lane', () => {
    expect(deeds(...oneTurn, badFrame('background_not_supported', null, 'b'))).toEqual(['tell 400 background_not_supported in b'])
  })

  test('that ends the session ends what runs and what waits, and what waits is told so', () => {
    const events = [asks(1, 'gpt-4o'), asks(2), asks(3, null, 'b'), asks(4, null, 'b'), badFrame('invalid_json', 1008)]
    expect(deeds(...events)).toEqual([
      'tell 400 invalid_json',
      'cancel by client',
      'drop 2',
      'tell 400 invalid_body',
      'drop 4',
      'tell 400 invalid_body in b',
      'close 1008',
    ])
  })

  test('is not heard any more once the session has closed: it is dropped', () => {
    const over = [...oneTurn, drain]
    expect(deeds(...over, asks(1, 'gpt-4o'))).toEqual(['drop 1'])
    expect(deeds(...over, updates(1, 'gpt-4o'))).toEqual(['drop 1'])
    expect(deeds(...over, passesOn(1))).toEqual(['drop 1'])
    expect(deeds(...over, ignoredFrame)).toEqual([])
    expect(deeds(...over, badFrame('invalid_json', 1008))).toEqual([])
  })
})

// E19
describe('a lane', () => {
  test('runs one turn at a time: a second question waits for its turn', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2))).toEqual([])
    expect(deeds(asks(1, 'gpt-4o'), asks(2), answered())).toEqual(['start 2 as gpt-4o'])
  })

  test.each<[how: string, end: Event]>([
    ['was answered', answered()],
    ['ended in an error of its own', told()],
  ])('goes on with the next when a turn %s', (_how, end) => expect(deeds(asks(1, 'gpt-4o'), asks(2), end)).toEqual(['start 2 as gpt-4o']))

  test('is first in, first out', () => {
    const three = [asks(1, 'gpt-4o'), asks(2), asks(3), asks(4)]
    expect([deeds(...three, answered()), deeds(...three, answered(), answered()), deeds(...three, answered(), answered(), answered())]).toEqual([
      ['start 2 as gpt-4o'],
      ['start 3 as gpt-4o'],
      ['start 4 as gpt-4o'],
    ])
  })

  test('does not wait for another', () => expect(deeds(asks(1, 'gpt-4o'), asks(2, null, 'b'))).toEqual(['start 2 as gpt-4o in b']))

  test(`lets ${waitingMax} turns wait; one more is refused, and the session stays`, () => {
    const full = [asks(0, 'gpt-4o'), ...upTo(waitingMax).map((at) => asks(1 + at))]
    expect(deeds(...full)).toEqual([])
    expect(deeds(...full, asks(99))).toEqual(['drop 99', 'tell 429 queue_full'])
    expect(deeds(...full, asks(99), answered())).toEqual(['start 1 as gpt-4o'])
    expect(deeds(...full, answered(), asks(99))).toEqual([])
  })

  test('that is full is told in its own name, and others are not full with it', () => {
    const full = [asks(0, 'gpt-4o', 'b'), ...upTo(waitingMax).map((at) => asks(1 + at, null, 'b'))]
    expect(deeds(...full, asks(99, null, 'b'))).toEqual(['drop 99', 'tell 429 queue_full in b'])
    expect(deeds(...full, asks(99))).toEqual(['start 99 as gpt-4o'])
  })
})

describe('the lanes of a session', () => {
  test(`run ${inFlightMax} turns at once; one more waits until one of them is over`, () => {
    expect(deeds(...asManyAsRun)).toEqual(['start 15 as gpt-4o in l15'])
    expect(deeds(...asManyAsRun, asks(99))).toEqual([])
    expect(deeds(...asManyAsRun, asks(99), answered('l3'))).toEqual(['start 99 as gpt-4o'])
  })

  test('take turns in the order in which their questions came', () => {
    const events = [...asManyAsRun, asks(21, null, 'late'), asks(22, null, 'l3'), asks(23, null, 'later'), asks(24, null, 'l0')]
    expect(deeds(...events, answered('l3'))).toEqual(['start 21 as gpt-4o in late'])
    expect(deeds(...events, answered('l3'), answered('l0'))).toEqual(['start 22 as gpt-4o in l3'])
    expect(deeds(...events, answered('l3'), answered('l0'), answered('l1'))).toEqual(['start 23 as gpt-4o in later'])
  })

  test('are not held up by a question whose own lane is busy', () => {
    expect(deeds(...asManyAsRun, asks(21, null, 'l0'), asks(22, null, 'b'), answered('l1'))).toEqual(['start 22 as gpt-4o in b'])
  })

  describe(`with a name are ${namedLanesMax} in a session's life`, () => {
    const all = upTo(namedLanesMax).flatMap((at) => [asks(at, 'gpt-4o', `l${at}`), answered(`l${at}`)])

    test('the last of them runs', () => expect(deeds(...all.slice(0, -1))).toEqual(['start 31 as gpt-4o in l31']))
    test('one more is refused, and the session stays', () => {
      expect(deeds(...all, asks(99, null, 'new'))).toEqual(['drop 99', 'tell 400 websocket_stream_limit_reached in new'])
      expect(deeds(...all, asks(99, null, 'new'), asks(100, null, 'new'))).toEqual(['drop 100', 'tell 400 websocket_stream_limit_reached in new'])
    })
    test('one that is open may be used again', () => expect(deeds(...all, asks(99, null, 'l0'))).toEqual(['start 99 as gpt-4o in l0']))
    test('the one without a name does not count', () => {
      expect(deeds(...all, asks(99))).toEqual(['start 99 as gpt-4o'])
      expect(deeds(...oneTurn, ...all.slice(0, -1))).toEqual(['start 31 as gpt-4o in l31'])
    })
    test('one whose first question was refused was not opened', () => {
      const events = [...all.slice(0, -2), asks(97, null, 'l0'), ...upTo(waitingMax).map((at) => asks(100 + at, null, 'l0')), asks(98, null, 'l0')]
      expect(deeds(...events, asks(99, null, 'new'))).toEqual(['start 99 as gpt-4o in new'])
    })
  })
})

// E1 E2 E3 E4
describe('the pin of a session', () => {
  const pinOf = (...events: Event[]) => play(events).session.pin
  const kinds = Object.keys(meanings) as FailureKind[]
  const releasing: readonly FailureKind[] = ['credential', 'quota', 'forbidden', 'rate', 'model', 'silent']

  test('is nobody before a turn was served', () => expect(pinOf(asks(1, 'gpt-4o'))).toBe(null))
  test('is the account that served', () => expect(pinOf(asks(1, 'gpt-4o'), served('main'))).toBe('main'))
  test('is the account that served last', () => expect(pinOf(...oneTurn, asks(1), served('backup'))).toBe('backup'))

  test.each(kinds.filter((kind) => releasing.includes(kind)))(
    'is released by a failure of kind %s, and with it the upstream socket of that account',
    (kind) => {
      expect(deeds(...oneTurn, asks(1), failed('main', kind))).toEqual(['release main'])
      expect(pinOf(...oneTurn, asks(1), failed('main', kind))).toBe(null)
    },
  )

  test.each(kinds.filter((kind) => !releasing.includes(kind)))('stays under a failure of kind %s', (kind) => {
    expect(deeds(...oneTurn, asks(1), failed('main', kind))).toEqual([])
    expect(pinOf(...oneTurn, asks(1), failed('main', kind))).toBe('main')
  })

  test('stays when another account fails, whose own socket is let go', () => {
    expect(pinOf(...oneTurn, asks(1), failed('backup', 'quota'))).toBe('main')
    expect(deeds(...oneTurn, asks(1), failed('backup', 'quota'))).toEqual(['release backup'])
  })

  test('moves to who served after it failed', () => expect(pinOf(...oneTurn, asks(1), failed('main', 'quota'), served('backup'))).toBe('backup'))

  test('and the session survive a request error', () => {
    const events = [...oneTurn, asks(1), failed('main', 'request'), told()]
    expect(deeds(...events)).toEqual([])
    expect(pinOf(...events)).toBe('main')
    expect(deeds(...events, asks(2))).toEqual(['start 2 as gpt-4o'])
  })
})

// E14
describe('a turn that no account could serve', () => {
  test.each<[status: number, code: number]>([
    [408, 1013],
    [429, 1013],
    [503, 1013],
    [504, 1013],
    [500, 1011],
    [502, 1011],
    [400, 1008],
    [401, 1008],
    [403, 1008],
    [404, 1008],
  ])('told as %i closes the session with %i, when it was the first', (status, code) => {
    expect(deeds(asks(1, 'gpt-4o'), unserved(status))).toEqual([`close ${code}`])
    expect(closeCode(status)).toBe(code)
  })

  test.each<[title: string, earlier: Event[]]>([
    ['an answered turn', oneTurn.slice()],
    ['a turn whose request was at fault', [asks(0, 'gpt-4o'), told()]],
  ])('leaves the session open after %s', (_title, earlier) => {
    expect(deeds(...earlier, asks(1), unserved(503))).toEqual([])
    expect(deeds(...earlier, asks(1), unserved(503), asks(2))).toEqual(['start 2 as gpt-4o'])
    expect(deeds(...earlier, asks(1), asks(2), unserved(503))).toEqual(['start 2 as gpt-4o'])
  })

  test('leaves the session open when it had begun to be served in another lane', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2, null, 'b'), served('main'), unserved(503), unserved(503, 'b'))).toEqual([])
  })

  test('tells those that waited behind it, before the session closes', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2), asks(3), unserved(500))).toEqual([
      'drop 2',
      'tell 429 no_account_ready',
      'drop 3',
      'tell 429 no_account_ready',
      'close 1011',
    ])
  })

  test('leaves the session to first turns that still run in other lanes; the last of them decides', () => {
    const two = [asks(1, 'gpt-4o'), asks(2, null, 'b')]
    expect(deeds(...two, unserved(503))).toEqual([])
    expect(deeds(...two, unserved(503), unserved(502, 'b'))).toEqual(['close 1011'])
    expect(deeds(...two, unserved(503), answered('b'))).toEqual([])
  })
})

// D3 D9
describe('a turn that the policy blocks', () => {
  test('ends the session with 1008', () => expect(deeds(asks(1, 'gpt-4o'), blocked())).toEqual(['close 1008']))
  test('ends it on any turn', () => expect(deeds(...oneTurn, asks(1), blocked())).toEqual(['close 1008']))
  test('gives its message as the reason', () => expect(closing(asks(1, 'gpt-4o'), blocked('', 'No fast lane here.'))?.reason).toBe('No fast lane here.'))
  test('gives no more of its message than a reason holds', () => {
    expect(closing(asks(1, 'gpt-4o'), blocked('', 'ü'.repeat(90)))?.reason).toBe('ü'.repeat(61))
  })

  test('lets what runs in other lanes end first, for as long as the grace lasts', () => {
    const events = [asks(1, 'gpt-4o'), asks(2, null, 'b'), blocked()]
    expect(deeds(...events)).toEqual([])
    expect(timing(...events)).toEqual(['arm grace'])
    expect(deeds(...events, answered('b'))).toEqual(['close 1008'])
    expect(deeds(...events, rang('grace'))).toEqual(['cancel by shutdown'])
    expect(deeds(...events, rang('grace'), told('b'))).toEqual(['close 1008'])
  })

  test('tells what waits, in every lane, that it will not begin', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2), asks(3, null, 'b'), asks(4, null, 'b'), blocked())).toEqual([
      'drop 2',
      'tell 403 policy_violation',
      'drop 4',
      'tell 403 policy_violation in b',
    ])
  })

  test('is why a question that comes while others end is refused', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2, null, 'b'), blocked(), asks(3))).toEqual(['drop 3', 'tell 403 policy_violation'])
  })
})

// E23
describe('a drain', () => {
  test('between turns is a bare close', () => expect(deeds(...oneTurn, drain)).toEqual(['close 1012']))
  test('before the first frame is a bare close', () => expect(deeds(drain)).toEqual(['close 1012']))

  test('lets what runs end, for as long as the grace lasts', () => {
    const events = [asks(1, 'gpt-4o'), asks(2, null, 'b'), drain]
    expect(deeds(...events)).toEqual([])
    expect(timing(...events)).toEqual(['arm grace'])
    expect(deeds(...events, answered())).toEqual([])
    expect(deeds(...events, answered(), answered('b'))).toEqual(['close 1012'])
  })

  test('cancels what runs longer, and closes when that has ended', () => {
    const events = [asks(1, 'gpt-4o'), drain, rang('grace')]
    expect(deeds(...events)).toEqual(['cancel by shutdown'])
    expect(deeds(...events, told())).toEqual(['close 1012'])
  })

  test('tells what waits, and what still comes, that it will not begin', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2), drain)).toEqual(['drop 2', 'tell 503 shutting_down'])
    expect(deeds(asks(1, 'gpt-4o'), drain, asks(2, null, 'b'))).toEqual(['drop 2', 'tell 503 shutting_down in b'])
  })

  test('still passes on what a running turn may need, and keeps updates', () => {
    expect(deeds(asks(1, 'gpt-4o'), drain, passesOn(2))).toEqual(['forward 2'])
    expect(deeds(asks(1, 'gpt-4o'), drain, updates(2, 'o9'))).toEqual(['keep 2'])
  })

  test('twice is a drain', () => {
    expect(timing(asks(1, 'gpt-4o'), drain, drain)).toEqual([])
    expect(deeds(asks(1, 'gpt-4o'), drain, drain, answered())).toEqual(['close 1012'])
  })

  test('says how the session closes, even if its first turn is then served by nobody, or blocked', () => {
    expect(deeds(asks(1, 'gpt-4o'), drain, unserved(503))).toEqual(['close 1012'])
    expect(deeds(asks(1, 'gpt-4o'), drain, blocked())).toEqual(['close 1012'])
  })

  test('does not change how a session closes that is ending already', () => {
    expect(deeds(asks(1, 'gpt-4o'), asks(2, null, 'b'), blocked(), drain, answered('b'))).toEqual(['close 1008'])
  })
})

// H2
describe('a key that is revoked', () => {
  test('is told, then the session closes', () => expect(deeds(...oneTurn, keyRevoked)).toEqual(['tell 401 invalid_api_key', 'close 1008']))
  test('before the first frame is told too', () => expect(deeds(keyRevoked)).toEqual(['tell 401 invalid_api_key', 'close 1008']))

  test('lets what runs end, and tells what waits, and what still comes, that it will not begin', () => {
    const events = [asks(1, 'gpt-4o'), asks(2), keyRevoked]
    expect(deeds(...events)).toEqual(['tell 401 invalid_api_key', 'drop 2', 'tell 401 invalid_api_key'])
    expect(timing(...events)).toEqual(['arm grace'])
    expect(deeds(...events, asks(3))).toEqual(['drop 3', 'tell 401 invalid_api_key'])
    expect(deeds(...events, answered())).toEqual(['close 1008'])
  })

  test('is told again to each frame that asks for it while the session ends', () => {
    expect(deeds(asks(1, 'gpt-4o'), keyRevoked, keyRevoked)).toEqual(['tell 401 invalid_api_key'])
  })
})

// E15
describe('a session in which nothing runs', () => {
  test('has its time to ask from the end of its last turn on', () => expect(timing(...oneTurn)).toEqual(['arm idle']))

  test.each<[title: string, frame: Event]>([
    ['an update', updates(1, 'gpt-4o')],
    ['a frame to pass on', passesOn(1)],
    ['one that is ignored', ignoredFrame],
    ['one that is refused', badFrame('duplicate_member', null)],
  ])('is given that time anew by %s', (_title, frame) => {
    expect(timing(frame)).toEqual(['disarm first-frame', 'arm idle'])
    expect(timing(...oneTurn, frame)).toEqual(['arm idle'])
  })

  test('that is then asked has no such time any more', () => expect(timing(...oneTurn, asks(1))).toEqual(['disarm idle']))

  test('has that time only when every lane rests', () => {
    expect(timing(asks(1, 'gpt-4o'), asks(2, null, 'b'), answered())).toEqual([])
    expect(timing(asks(1, 'gpt-4o'), asks(2, null, 'b'), answered(), answered('b'))).toEqual(['arm idle'])
    expect(timing(asks(1, 'gpt-4o'), asks(2), answered())).toEqual([])
  })

  test('is given none by a frame that is refused while a turn runs', () => expect(timing(asks(1, 'gpt-4o'), badFrame('duplicate_member', null))).toEqual([]))

  test('for too long closes barely, with a reason that names the limit', () => {
    expect(deeds(...oneTurn, rang('idle'))).toEqual(['close 1008'])
    expect(closing(...oneTurn, rang('idle'))?.reason).toContain('times.session_idle')
  })

  test('is not closed by a time that rang too late', () => {
    expect(deeds(...oneTurn, asks(1), rang('idle'))).toEqual([])
    expect(deeds(rang('idle'))).toEqual([])
    expect(deeds(...oneTurn, rang('grace'))).toEqual([])
  })
})

// E16 E25
describe('a client that', () => {
  const busy = [asks(1, 'gpt-4o'), asks(2), asks(3, null, 'b')]

  test('has gone cancels what runs; what waits is dropped, and nobody is told', () => {
    expect(deeds(...busy, clientGone)).toEqual(['cancel by client', 'drop 2'])
  })

  test('takes nothing is closed with the reason; what runs is cancelled, what waits is dropped', () => {
    expect(deeds(...busy, clientStuck)).toEqual(['cancel by client', 'drop 2', 'close 1008'])
    expect(closing(...busy, clientStuck)?.reason).toBe('Nothing that was sent to you has been taken for too long.')
  })

  test('takes nothing between turns is closed', () => expect(deeds(...oneTurn, clientStuck)).toEqual(['close 1008']))

  test.each<[title: string, event: Event]>([
    ['has gone', clientGone],
    ['takes nothing', clientStuck],
  ])('%s leaves no time running', (_title, event) => {
    expect(timing(event)).toEqual(['disarm first-frame', 'disarm idle', 'disarm grace'])
  })

  test('has gone hears nothing of what ends afterwards', () => {
    expect(deeds(...busy, clientGone, answered())).toEqual([])
    expect(deeds(...busy, clientGone, unserved(503), clientStuck)).toEqual([])
    expect(deeds(...busy, clientGone, drain)).toEqual([])
  })
})

// E18
describe('a response that the upstream began by itself', () => {
  test('runs in its lane: a question there waits for its end', () => {
    expect(deeds(...oneTurn, strayBegan(), asks(1))).toEqual([])
    expect(deeds(...oneTurn, strayBegan(), asks(1), answered())).toEqual(['start 1 as gpt-4o'])
  })

  test('holds up no other lane', () => expect(deeds(...oneTurn, strayBegan(), asks(1, null, 'b'))).toEqual(['start 1 as gpt-4o in b']))
  test('stops the time between turns, and its end begins it', () => {
    expect(timing(...oneTurn, strayBegan())).toEqual(['disarm idle'])
    expect(timing(...oneTurn, strayBegan(), answered())).toEqual(['arm idle'])
  })

  test('counts among those that run at once', () => {
    expect(deeds(...asManyAsRun.slice(0, -1), strayBegan(), asks(99, null, 'b'))).toEqual([])
  })

  test('ends with the turn of its lane when that is not over yet', () => {
    expect(deeds(asks(1, 'gpt-4o'), strayBegan(), asks(2), answered())).toEqual(['start 2 as gpt-4o'])
  })

  test('is waited for by a session that ends', () => {
    expect(deeds(...oneTurn, strayBegan(), drain)).toEqual([])
    expect(deeds(...oneTurn, strayBegan(), drain, answered())).toEqual(['close 1012'])
  })

  test('makes no model: a question that waited behind it and names none is told so, and the session stays', () => {
    expect(deeds(ignoredFrame, strayBegan(), asks(1), answered())).toEqual(['drop 1', 'tell 400 invalid_body'])
    expect(timing(ignoredFrame, strayBegan(), asks(1), answered())).toEqual(['arm idle'])
  })
})

describe('a closed session', () => {
  test('does nothing any more, whatever happens', () => {
    const all: Event[] = [
      answered(),
      strayBegan(),
      served('main'),
      failed('main', 'quota'),
      keyRevoked,
      rang('idle'),
      rang('grace'),
      clientGone,
      clientStuck,
      drain,
    ]
    for (const event of all) expect(play([...oneTurn, drain, event]).effects).toEqual([])
  })

  test('is idle when nothing runs any more', () => {
    expect(isIdle(play([asks(1, 'gpt-4o'), asks(2), clientGone]).session)).toBe(false)
    expect(isIdle(play([...oneTurn, drain]).session)).toBe(true)
  })
})

// D9
describe('a close reason', () => {
  const bytes = (text: string) => Buffer.byteLength(text)

  test.each<[title: string, events: Event[], reason: string]>([
    ['no frame came in time', [rang('first-frame')], 'No frame came in time after the session was opened.'],
    ['no turn came in time', [...oneTurn, rang('idle')], 'No turn came for as long as a session may be idle (times.session_idle).'],
    ['a frame could not be taken', [...oneTurn, badFrame('invalid_json', 1008)], 'This is refused as invalid_json.'],
    ['no account could serve', [asks(1, 'gpt-4o'), unserved(503)], 'No account could serve the first turn of this session.'],
    ['the key is revoked', [...oneTurn, keyRevoked], 'The key of this session is not valid any more.'],
    ['the gateway goes', [...oneTurn, drain], 'The gateway is shutting down.'],
    ['the policy forbids', [asks(1, 'gpt-4o'), asks(2, null, 'b'), blocked('', 'No fast lane here.'), answered('b')], 'No fast lane here.'],
  ])('says that %s', (_title, events, reason) => expect(closing(...events)?.reason).toBe(reason))

  test('says that no model was named', () => expect(closing(asks(1))?.reason).toMatch(/^`model` must be the name of a model/))

  test.each<[title: string, sentence: string, reason: string]>([
    ['is the sentence itself', 'Not here.', 'Not here.'],
    ['may be empty', '', ''],
    ['of 123 bytes is whole', 'a'.repeat(123), 'a'.repeat(123)],
    ['of one more is cut', 'a'.repeat(124), 'a'.repeat(123)],
    ['of 124 bytes in characters of two is cut before the last', 'ü'.repeat(62), 'ü'.repeat(61)],
    ['that a character of three bytes would fill is whole', `${'a'.repeat(120)}€`, `${'a'.repeat(120)}€`],
    ['is never cut within a character of three bytes', `${'a'.repeat(121)}€`, 'a'.repeat(121)],
    ['is never cut within a character of four bytes', `${'a'.repeat(120)}🚂!`, 'a'.repeat(120)],
    ['does not go on after a character that was too long', `${'a'.repeat(122)}€b`, 'a'.repeat(122)],
  ])('%s', (_title, sentence, reason) => {
    expect(closeReason(sentence)).toBe(reason)
    expect(bytes(reason)).toBeLessThanOrEqual(123)
  })
})
