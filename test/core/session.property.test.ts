import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { meanings } from '../../src/core/failure-table.ts'
import type { FailureKind } from '../../src/core/failure.ts'
import { refusal } from '../../src/core/refusal.ts'
import {
  defaultLane,
  inFlightMax,
  namedLanesMax,
  newSession,
  opening,
  step,
  waitingMax,
  type Effect,
  type Event,
  type Incoming,
  type Session,
  type Ticket,
  type Timer,
  type TurnEnd,
} from '../../src/core/session.ts'
import {
  asks,
  clientGone,
  clientStuck,
  drain,
  ended,
  failed,
  ignoredFrame,
  inWords,
  keyRevoked,
  passesOn,
  served,
  strayBegan,
  told,
  updates,
} from '../support/session-play.ts'

/** What may happen, before it is known whether it can: `pick` chooses among what runs, or what is armed, when its time has come. */
type Happening =
  | { readonly kind: 'asks'; readonly lane: string; readonly model: string | null; readonly times: number }
  | { readonly kind: 'asks-in-many'; readonly first: number; readonly lanes: number }
  | { readonly kind: 'updates'; readonly model: string | null }
  | { readonly kind: 'passes-on' }
  | { readonly kind: 'ends'; readonly pick: number; readonly end: TurnEnd; readonly times: number }
  | { readonly kind: 'stray'; readonly pick: number }
  | { readonly kind: 'rings'; readonly pick: number }
  | { readonly kind: 'plain'; readonly event: Event }

const account = fc.constantFrom('a', 'b', 'c')
const model = fc.constantFrom(null, 'gpt-4o', 'gpt-5.5')
const someLane = fc.nat(39).map((at) => `l${at}`)
const lane = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(defaultLane, 'l0', 'l1') }, { weight: 1, arbitrary: someLane })
const failureKind = fc.constantFrom(...(Object.keys(meanings) as FailureKind[]))
const few = fc.integer({ min: 1, max: 4 })
const bad = (close: 1003 | 1008 | null): Event => ({
  kind: 'frame',
  frame: { kind: 'refused', refusal: refusal('invalid_json', 'Not JSON.'), lane: null, close },
})

const end: fc.Arbitrary<TurnEnd> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom<TurnEnd>({ kind: 'answered' }, { kind: 'told' }) },
  { weight: 4, arbitrary: fc.constantFrom(400, 429, 500, 503).map((status): TurnEnd => ({ kind: 'unserved', status })) },
  { weight: 1, arbitrary: fc.constant<TurnEnd>({ kind: 'blocked', message: 'Not here.' }) },
)
/** What a session lives through. */
const plain: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: account.map(served) },
  { weight: 3, arbitrary: fc.tuple(account, failureKind).map(([by, kind]) => failed(by, kind)) },
  { weight: 1, arbitrary: fc.constantFrom(ignoredFrame, bad(null)) },
)
/** What it ends by. */
const last = fc.constantFrom<Event>(bad(1003), bad(1008), keyRevoked, clientStuck, clientGone, drain)
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ kind: fc.constant('asks' as const), lane, model, times: fc.constantFrom(1, 2, 3, waitingMax + 3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('asks-in-many' as const), first: fc.nat(39), lanes: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 24, arbitrary: fc.record({ kind: fc.constant('ends' as const), pick: fc.nat(50), end, times: few }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('updates' as const), model }) },
  { weight: 4, arbitrary: fc.constant<Happening>({ kind: 'passes-on' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stray' as const), pick: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rings' as const), pick: fc.nat(2) }) },
  { weight: 14, arbitrary: plain.map((event): Happening => ({ kind: 'plain', event })) },
  { weight: 2, arbitrary: last.map((event): Happening => ({ kind: 'plain', event })) },
)
const history = fc.array(happening, { maxLength: 60, size: 'max' })

/** One event, what it led to, and what was so before it by the effects alone: nothing here is taken from the reducer's own state. */
interface Moment {
  readonly event: Event
  readonly session: Session
  readonly before: Session
  readonly effects: readonly Effect[]
  readonly seen: Seen
}

/** What whoever carries out the effects knows. */
interface Seen {
  /** Lanes where a turn runs. */
  readonly running: ReadonlySet<string>
  /** Questions that came and of which nothing was heard yet, in the order in which they came. */
  readonly waiting: ReadonlyMap<Ticket, string>
  readonly armed: ReadonlySet<Timer>
  readonly isClosed: boolean
}

const atFirst: Seen = { running: new Set(), waiting: new Map(), armed: new Set(opening.flatMap((e) => (e.kind === 'arm' ? [e.timer] : []))), isClosed: false }

/** What is known after the event itself, before its effects. */
function hear(seen: Seen, event: Event): Seen {
  switch (event.kind) {
    case 'frame':
      return event.frame.kind === 'create' ? { ...seen, waiting: new Map(seen.waiting).set(event.frame.ticket, event.frame.lane) } : seen
    case 'stray-began':
      return { ...seen, running: new Set(seen.running).add(event.lane) }
    case 'turn-over':
      return { ...seen, running: new Set([...seen.running].filter((name) => name !== event.lane)) }
    case 'rang':
      return { ...seen, armed: new Set([...seen.armed].filter((timer) => timer !== event.timer)) }
    case 'client-gone':
      return { ...seen, isClosed: true }
    case 'attempt-failed':
    case 'served':
    case 'key-revoked':
    case 'client-stuck':
    case 'drain':
      return seen
  }
}

function see(seen: Seen, effect: Effect): Seen {
  switch (effect.kind) {
    case 'start':
      return { ...seen, running: new Set(seen.running).add(effect.lane), waiting: without(seen.waiting, effect.ticket) }
    case 'drop':
      return { ...seen, waiting: without(seen.waiting, effect.ticket) }
    case 'arm':
      return { ...seen, armed: new Set(seen.armed).add(effect.timer) }
    case 'disarm':
      return { ...seen, armed: new Set([...seen.armed].filter((timer) => timer !== effect.timer)) }
    case 'close':
      return { ...seen, isClosed: true }
    case 'forward':
    case 'keep-update':
    case 'tell':
    case 'release':
    case 'cancel':
      return seen
  }
}

const without = (waiting: ReadonlyMap<Ticket, string>, ticket: Ticket): ReadonlyMap<Ticket, string> =>
  new Map([...waiting].filter(([other]) => other !== ticket))

const after = ({ seen, event, effects }: Moment): Seen => effects.reduce(see, hear(seen, event))

/** A session under way: an event is made of a happening when its time has come, and of one that cannot be none is made. */
class Course {
  readonly moments: Moment[] = []
  #session: Session = newSession
  #seen: Seen = atFirst
  #tickets = 0

  get seen(): Seen {
    return this.#seen
  }

  happen(it: Happening): void {
    switch (it.kind) {
      case 'asks':
        for (let n = 0; n < it.times; n++) this.take(asks(this.#tickets++, it.model, it.lane))
        return
      case 'asks-in-many':
        for (let n = 0; n < it.lanes; n++) this.take(asks(this.#tickets++, 'gpt-4o', `l${(it.first + n) % 40}`))
        return
      case 'updates':
        return this.take(updates(this.#tickets++, it.model))
      case 'passes-on':
        return this.take(passesOn(this.#tickets++))
      case 'ends':
        for (let n = 0; n < it.times; n++) this.#among([...this.#seen.running], it.pick, (name) => ended(it.end, name))
        return
      case 'stray':
        // An upstream answers only in lanes that a question has opened.
        return this.#among(
          this.#session.lanes.map(({ name }) => name),
          it.pick,
          strayBegan,
        )
      case 'rings':
        return this.#among([...this.#seen.armed], it.pick, (timer) => ({ kind: 'rang', timer }))
      case 'plain':
        return this.take(it.event)
    }
  }

  take(event: Event): void {
    const [session, effects] = step(this.#session, event)
    const moment = { event, before: this.#session, session, effects, seen: this.#seen }
    this.moments.push(moment)
    this.#session = session
    this.#seen = after(moment)
  }

  #among<T>(all: readonly T[], pick: number, event: (one: T) => Event): void {
    const one = all[pick % Math.max(1, all.length)]
    if (one !== undefined) this.take(event(one))
  }
}

function courseOf(happenings: readonly Happening[]): Course {
  const course = new Course()
  for (const it of happenings) course.happen(it)
  return course
}

/** Whatever happened, then the end of all of it. */
function wholeCourseOf(happenings: readonly Happening[]): Course {
  const course = courseOf(happenings)
  course.take(drain)
  for (const name of course.seen.running) course.take(told(name))
  return course
}

const always = (holds: (moments: readonly Moment[]) => void) =>
  fc.assert(
    fc.property(history, (happenings) => holds(courseOf(happenings).moments)),
    { numRuns: 150 },
  )
const toItsEnd = (holds: (moments: readonly Moment[]) => void) =>
  fc.assert(
    fc.property(history, (happenings) => holds(wholeCourseOf(happenings).moments)),
    { numRuns: 150 },
  )

const effectsOf = (moments: readonly Moment[]): Effect[] => moments.flatMap(({ effects }) => effects)
const ticketIn = (event: Event): Ticket | null => (event.kind === 'frame' && 'ticket' in event.frame ? event.frame.ticket : null)
/** With these it is of no use to say anything any more. */
const isDeaf = (event: Event): boolean => event.kind === 'client-gone' || event.kind === 'client-stuck'

test('the histories reach every bound, and every way to end', () => {
  const reached = new Set<string>()
  for (const happenings of fc.sample(history, { numRuns: 300, seed: 1 })) {
    for (const { event, effects } of wholeCourseOf(happenings).moments) {
      for (const effect of effects) {
        if (effect.kind === 'tell' || effect.kind === 'close') reached.add(inWords(effect).replace(/ in .*/, ''))
        if (effect.kind === 'cancel') reached.add(`${event.kind}: ${inWords(effect)}`)
      }
    }
  }
  expect([...reached]).toEqual(
    expect.arrayContaining([
      'tell 400 websocket_stream_limit_reached',
      'tell 429 queue_full',
      'tell 429 no_account_ready',
      'tell 401 invalid_api_key',
      'tell 403 policy_violation',
      'tell 408 request_timeout',
      'tell 503 shutting_down',
      'rang: cancel by shutdown',
      'client-gone: cancel by client',
      'client-stuck: cancel by client',
      ...[1003, 1008, 1011, 1012, 1013].map((code) => `close ${code}`),
    ]),
  )
})

test('every frame that came is started, passed on, kept or dropped, once; none is forgotten', () => {
  const proper: Readonly<Record<string, string>> = { create: 'start', update: 'keep-update', forwarded: 'forward' }
  toItsEnd((moments) => {
    const fates = new Map<Ticket, { readonly of: Incoming['kind']; readonly fate: string[] }>()
    const unknown: Ticket[] = []
    for (const { event, effects } of moments) {
      const ticket = ticketIn(event)
      if (ticket !== null && event.kind === 'frame') fates.set(ticket, { of: event.frame.kind, fate: [] })
      for (const effect of effects) {
        if (!('ticket' in effect)) continue
        const known = fates.get(effect.ticket)
        if (known === undefined) unknown.push(effect.ticket)
        else known.fate.push(effect.kind)
      }
    }
    const improper = [...fates.values()].filter(({ of, fate }) => fate.length !== 1 || (fate[0] !== 'drop' && fate[0] !== proper[of]))
    expect({ improper, unknown }).toEqual({ improper: [], unknown: [] })
  })
})

test('a frame of which nothing was heard waits in its lane', () => {
  always((moments) => {
    for (const moment of moments) {
      const held = moment.session.lanes.flatMap(({ name, waiting }) => waiting.map(({ ticket }) => [ticket, name] as const))
      expect(new Map(held)).toEqual(after(moment).waiting)
    }
  })
})

test('a lane runs one turn at a time, a session as many as it may', () => {
  always((moments) => {
    for (const { seen, event, effects } of moments) {
      let now = hear(seen, event)
      for (const effect of effects) {
        if (effect.kind === 'start') {
          expect(now.running).not.toContain(effect.lane)
          expect(now.running.size).toBeLessThan(inFlightMax)
        }
        now = see(now, effect)
      }
    }
  })
})

test('no lane has more turns that wait, and no session more lanes with a name, than it may', () => {
  always((moments) => {
    const lanes = new Set<string>()
    for (const moment of moments) {
      const { waiting } = after(moment)
      for (const name of new Set(waiting.values())) expect([...waiting.values()].filter((other) => other === name).length).toBeLessThanOrEqual(waitingMax)
      for (const effect of moment.effects) if (effect.kind === 'start' && effect.lane !== defaultLane) lanes.add(effect.lane)
      for (const name of waiting.values()) if (name !== defaultLane) lanes.add(name)
    }
    expect(lanes.size).toBeLessThanOrEqual(namedLanesMax)
  })
})

test('who starts came before everyone else who might have started', () => {
  always((moments) => {
    for (const { seen, event, effects } of moments) {
      let now = hear(seen, event)
      for (const effect of effects) {
        if (effect.kind === 'start') {
          const mayStart = [...now.waiting].filter(([, name]) => !now.running.has(name)).map(([ticket]) => ticket)
          expect(effect.ticket).toBe(mayStart[0])
        }
        now = see(now, effect)
      }
    }
  })
})

test('in an open session nobody waits who could run', () => {
  always((moments) => {
    for (const moment of moments) {
      const now = after(moment)
      if (moment.session.phase !== 'open' || now.running.size >= inFlightMax) continue
      expect([...now.waiting].filter(([, name]) => !now.running.has(name))).toEqual([])
    }
  })
})

test('a turn asks for the model that it names, else for the last that an update or a turn that started named', () => {
  always((moments) => {
    const named = new Map<Ticket, string | null>()
    let last: string | null = null
    for (const { event, effects } of moments) {
      if (event.kind === 'frame' && event.frame.kind === 'create') named.set(event.frame.ticket, event.frame.model)
      if (event.kind === 'frame' && event.frame.kind === 'update') last = event.frame.model ?? last
      for (const effect of effects) {
        if (effect.kind !== 'start') continue
        expect(effect.model).toBe(named.get(effect.ticket) ?? last)
        last = effect.model
      }
    }
  })
})

test('a session closes once, and then nothing but drops follows', () => {
  toItsEnd((moments) => {
    const gone = moments.findIndex(({ event, seen }) => event.kind === 'client-gone' && !seen.isClosed)
    const effects = effectsOf(moments)
    const closes = effects.filter((effect) => effect.kind === 'close')
    expect(closes).toHaveLength(gone === -1 ? 1 : 0)
    const afterwards = gone === -1 ? effects.slice(effects.findIndex((effect) => effect.kind === 'close') + 1) : effectsOf(moments.slice(gone + 1))
    expect(afterwards.filter((effect) => effect.kind !== 'drop')).toEqual([])
  })
})

test('a question that will not be asked is told so in its lane, unless nobody listens any more', () => {
  toItsEnd((moments) => {
    const laneOf = new Map<Ticket, string>()
    for (const { event, effects, seen } of moments) {
      if (event.kind === 'frame' && event.frame.kind === 'create') laneOf.set(event.frame.ticket, event.frame.lane)
      if (seen.isClosed || isDeaf(event)) continue
      for (const [at, effect] of effects.entries()) {
        if (effect.kind === 'drop') expect(effects[at + 1]).toMatchObject({ kind: 'tell', lane: laneOf.get(effect.ticket) })
      }
    }
  })
})

test('a close that breaks off what runs says why first; one between turns, or at the end of them, says nothing more', () => {
  toItsEnd((moments) => {
    for (const { event, effects, seen } of moments) {
      if (seen.isClosed || isDeaf(event) || !effects.some((effect) => effect.kind === 'close')) continue
      const words = effects.map((effect) => effect.kind)
      const isBare = !words.includes('tell')
      const breaksOff = hear(seen, event).running.size > 0
      if (breaksOff) expect(words.indexOf('tell')).toBeLessThan(words.indexOf('cancel'))
      if (breaksOff) expect(isBare).toBe(false)
      if (event.kind === 'drain' || (event.kind === 'rang' && event.timer !== 'first-frame')) expect(isBare).toBe(true)
    }
  })
})

test('the time for the first frame runs until there is one, the time between turns when an open session rests, the grace when it ends', () => {
  always((moments) => {
    let hasHeard = false
    let graceRang = false
    for (const moment of moments) {
      const { armed, running, waiting, isClosed } = after(moment)
      hasHeard ||= moment.event.kind === 'frame'
      graceRang ||= moment.event.kind === 'rang' && moment.event.timer === 'grace'
      const isEnding = moment.session.phase === 'ending'
      expect(armed.has('first-frame')).toBe(!isClosed && !hasHeard)
      expect(armed.has('idle')).toBe(!isClosed && hasHeard && !isEnding && running.size === 0 && waiting.size === 0)
      expect(armed.has('grace')).toBe(isEnding && !graceRang)
    }
  })
})

test('a session that ends starts nothing, and closes with its last turn', () => {
  toItsEnd((moments) => {
    for (const moment of moments) {
      if (moment.before.phase === 'ending') expect(moment.effects.filter((effect) => effect.kind === 'start')).toEqual([])
      if (moment.session.phase !== 'ending') continue
      expect(after(moment).running.size).toBeGreaterThan(0)
      expect(after(moment).waiting.size).toBe(0)
    }
    expect(moments.at(-1)?.session.phase).toBe('closed')
  })
})

test('the pin is the account that served last, unless it has failed since in a way that releases it', () => {
  always((moments) => {
    let pin: string | null = null
    for (const { event, seen, session, effects } of moments) {
      if (event.kind === 'served' && !seen.isClosed) pin = event.account
      if (event.kind === 'attempt-failed' && !seen.isClosed && meanings[event.failure].pin === 'release') {
        if (pin === event.account) pin = null
        expect(effects).toEqual([{ kind: 'release', account: event.account }])
      }
      expect(session.pin).toBe(pin)
    }
  })
})

test('a step changes nothing of the state that it was given', () => {
  always((moments) => {
    for (const { before, event, effects } of moments) expect(step(before, event)[1]).toEqual(effects)
    expect(newSession.lanes.length).toBe(0)
  })
})
