import type { FailureKind } from './failure.ts'
import { meanings } from './failure-table.ts'
import type { AccountId, ClientModel } from './ids.ts'
import { areIdle, laneOf, mayOpen, nextTurn, runningIn, waitingMax, withLane, withoutWaiting, type Lane, type Lanes, type Ticket } from './lanes.ts'
import type { Refusal } from './refusal.ts'
import { drained, endedByFrame, endedByPolicy, laneFull, lateFirst, modelMissing, revoked, tooManyLanes, unserved } from './session-refusals.ts'

export { defaultLane, inFlightMax, namedLanesMax, waitingMax, type Ticket } from './lanes.ts'

/** What one frame of the client came to, once it was read. */
export type Incoming =
  | { readonly kind: 'create'; readonly ticket: Ticket; readonly lane: string; readonly model: ClientModel | null }
  | { readonly kind: 'update'; readonly ticket: Ticket; readonly model: ClientModel | null }
  /** A frame that only an upstream's own socket can answer: of an unknown type, or a steer. */
  | { readonly kind: 'forwarded'; readonly ticket: Ticket }
  | { readonly kind: 'ignored' }
  /** `close`: the session ends for it, with this code. */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly lane: string | null; readonly close: 1003 | 1008 | null }

/** How a turn ended, as far as its session has to act on it. */
export type TurnEnd =
  | { readonly kind: 'answered' }
  /** The client was told an error: its request's own fault, or a refusal. The session goes on. */
  | { readonly kind: 'told' }
  /** No account could serve it, and the client was told so under this status. */
  | { readonly kind: 'unserved'; readonly status: number }
  /** The operator's policy forbids what it asked for. */
  | { readonly kind: 'blocked'; readonly message: string }

export type Event =
  | { readonly kind: 'frame'; readonly frame: Incoming }
  /** The response that the upstream began by itself on this lane is relayed as a turn. Where the lane's turn is not over yet, one `turn-over` ends both. */
  | { readonly kind: 'stray-began'; readonly lane: string }
  | { readonly kind: 'attempt-failed'; readonly account: AccountId; readonly failure: FailureKind }
  | { readonly kind: 'served'; readonly account: AccountId }
  | { readonly kind: 'turn-over'; readonly lane: string; readonly end: TurnEnd }
  /** Found out by a frame of this lane; null: by one of none. */
  | { readonly kind: 'key-revoked'; readonly lane: string | null }
  | { readonly kind: 'rang'; readonly timer: Timer }
  | { readonly kind: 'client-stuck' }
  | { readonly kind: 'client-gone' }
  | { readonly kind: 'drain' }

/** `first-frame`: the first must come. `idle`: the next turn must come. `grace`: running turns may end before the session does. */
export type Timer = 'first-frame' | 'idle' | 'grace'

export type Effect =
  | { readonly kind: 'start'; readonly ticket: Ticket; readonly lane: string; readonly model: ClientModel }
  /** Passes the frame on to the upstream, where one is there to take it. */
  | { readonly kind: 'forward'; readonly ticket: Ticket }
  /** Keeps the frame as the last word on the session, and passes it on. */
  | { readonly kind: 'keep-update'; readonly ticket: Ticket }
  /** The frame is not needed any more. */
  | { readonly kind: 'drop'; readonly ticket: Ticket }
  | { readonly kind: 'tell'; readonly refusal: Refusal; readonly lane: string | null }
  /** The account's upstream socket closes once its turns have ended. */
  | { readonly kind: 'release'; readonly account: AccountId }
  | { readonly kind: 'cancel'; readonly by: 'client' | 'shutdown' }
  | { readonly kind: 'arm' | 'disarm'; readonly timer: Timer }
  /** After everything that was said has been handed over. */
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }

/** A client's session: what it is called, whom it would like to stay with, and what runs in its lanes. */
export interface Session {
  /** `new`: no frame has come. `ending`: closes as soon as nothing runs. `closed`: nothing that still comes is heard. */
  readonly phase: 'new' | 'open' | 'ending' | 'closed'
  readonly model: ClientModel | null
  readonly pin: AccountId | null
  /** Whether a turn has ended in any way but that no account could serve it. */
  readonly hasServed: boolean
  readonly lanes: Lanes
  readonly came: number
  /** How it closes, once it is ending. */
  readonly farewell: Farewell | null
}

interface Farewell {
  readonly code: number
  readonly reason: string
  /** What the client is told of a turn that will not begin. */
  readonly unbegun: Refusal
}

export type Step = readonly [Session, readonly Effect[]]

export const newSession: Session = { phase: 'new', model: null, pin: null, hasServed: false, lanes: [], came: 0, farewell: null }

/** What a session that has just been accepted sets going. */
export const opening: readonly Effect[] = [{ kind: 'arm', timer: 'first-frame' }]

/** The whole behaviour of a session: state and event in, state and effects out. */
export function step(session: Session, event: Event): Step {
  if (session.phase === 'closed') return [session, event.kind === 'frame' ? droppedOf(event.frame) : []]
  switch (event.kind) {
    case 'frame':
      return received(session, event.frame)
    case 'stray-began':
      return [inLane(session, event.lane, { running: true }), [{ kind: 'disarm', timer: 'idle' }]]
    case 'attempt-failed':
      return failed(session, event.account, event.failure)
    case 'served':
      return [{ ...session, pin: event.account, hasServed: true }, []]
    case 'turn-over':
      return turnOver(session, event.lane, event.end)
    case 'key-revoked':
      return ending(session, { code: 1008, reason: revoked.message, tells: { refusal: revoked, lane: event.lane }, unbegun: revoked })
    case 'rang':
      return rang(session, event.timer)
    case 'client-stuck':
      return closed(session, { code: 1008, reason: 'Nothing that was sent to you has been taken for too long.', unbegun: null })
    case 'client-gone':
      return [over(session), [{ kind: 'cancel', by: 'client' }, ...letGo(session, null), ...silence]]
    case 'drain':
      return ending(session, { code: 1012, reason: 'The gateway is shutting down.', tells: null, unbegun: drained })
  }
}

/** Whether nothing runs and nothing waits. */
export function isIdle(session: Session): boolean {
  return areIdle(session.lanes)
}

function received(before: Session, frame: Incoming): Step {
  const isFirst = before.phase === 'new'
  const session: Session = isFirst ? { ...before, phase: 'open' } : before
  const heard: readonly Effect[] = isFirst ? [{ kind: 'disarm', timer: 'first-frame' }] : []
  switch (frame.kind) {
    case 'create':
      return before.farewell === null ? after(heard, create(session, frame)) : refused(session, frame, before.farewell.unbegun)
    case 'update':
      return [{ ...session, model: frame.model ?? session.model }, [...heard, { kind: 'keep-update', ticket: frame.ticket }, ...waitingAgain(session)]]
    case 'forwarded':
      return [session, [...heard, { kind: 'forward', ticket: frame.ticket }, ...waitingAgain(session)]]
    case 'ignored':
      return [session, [...heard, ...waitingAgain(session)]]
    case 'refused': {
      const tell: Effect = { kind: 'tell', refusal: frame.refusal, lane: frame.lane }
      if (frame.close === null) return [session, [...heard, tell, ...waitingAgain(session)]]
      return after([...heard, tell], closed(session, { code: frame.close, reason: frame.refusal.message, unbegun: endedByFrame }))
    }
  }
}

type Create = Extract<Incoming, { kind: 'create' }>

function create(session: Session, frame: Create): Step {
  const { lane: name, ticket } = frame
  if (frame.model === null && session.model === null && isIdle(session)) {
    const told = refused(session, frame, modelMissing)
    return after(told[1], closed(told[0], { code: 1008, reason: modelMissing.message, unbegun: null }))
  }
  if (!mayOpen(session.lanes, name)) return refused(session, frame, tooManyLanes)
  const { waiting } = laneOf(session.lanes, name)
  if (waiting.length >= waitingMax) return refused(session, frame, laneFull)
  const queued = inLane(session, name, { waiting: [...waiting, { ticket, model: frame.model, nth: session.came }] })
  return after([{ kind: 'disarm', timer: 'idle' }], startNext({ ...queued, came: session.came + 1 }))
}

/** Starts what may start: of the lanes where nothing runs, the frame that came first. */
function startNext(before: Session): Step {
  const effects: Effect[] = []
  let session = before
  for (let first = nextTurn(session.lanes); first !== null; first = nextTurn(session.lanes)) {
    const [{ name, waiting }, { ticket, model: named }] = first
    const model = named ?? session.model
    session = inLane(session, name, { running: model !== null, waiting: waiting.slice(1) })
    if (model === null) effects.push({ kind: 'drop', ticket }, { kind: 'tell', refusal: modelMissing, lane: name })
    else {
      session = { ...session, model }
      effects.push({ kind: 'start', ticket, lane: name, model })
    }
  }
  return [session, effects]
}

function turnOver(session: Session, name: string, end: TurnEnd): Step {
  const rested = inLane(session, name, { running: false })
  switch (end.kind) {
    case 'blocked':
      return ending(rested, { code: 1008, reason: end.message, tells: null, unbegun: endedByPolicy })
    case 'unserved': {
      if (session.hasServed || runningIn(rested.lanes) > 0) return goOn(rested)
      return ending(rested, { code: closeCode(end.status), reason: unserved.message, tells: null, unbegun: unserved })
    }
    case 'answered':
    case 'told':
      return goOn({ ...rested, hasServed: true })
  }
}

function goOn(session: Session): Step {
  const [next, effects] = startNext(session)
  if (!isIdle(next)) return [next, effects]
  if (next.farewell !== null) return closed(next, next.farewell)
  return [next, [...effects, { kind: 'arm', timer: 'idle' }]]
}

/** The failure table says whether the session still wishes to stay with the account. */
function failed(session: Session, account: AccountId, failure: FailureKind): Step {
  if (meanings[failure].pin === 'keep') return [session, []]
  return [{ ...session, pin: session.pin === account ? null : session.pin }, [{ kind: 'release', account }]]
}

function rang(session: Session, timer: Timer): Step {
  switch (timer) {
    case 'first-frame':
      if (session.phase !== 'new') return [session, []]
      return after([{ kind: 'tell', refusal: lateFirst, lane: null }], closed(session, { code: 1008, reason: lateFirst.message, unbegun: null }))
    case 'idle':
      if (session.phase !== 'open' || !isIdle(session)) return [session, []]
      return closed(session, { code: 1008, reason: 'No turn came for as long as a session may be idle (times.session_idle).', unbegun: null })
    case 'grace':
      return session.phase === 'ending' ? [session, [{ kind: 'cancel', by: 'shutdown' }]] : [session, []]
  }
}

interface Ending extends Farewell {
  /** What the client is told first; null: nothing, or it was told already. */
  readonly tells: { readonly refusal: Refusal; readonly lane: string | null } | null
}

/** What runs may end, what waits will not begin; then the session closes. Of several reasons to end, the first says how. */
function ending(session: Session, { tells, ...how }: Ending): Step {
  const farewell = session.farewell ?? how
  const told: readonly Effect[] = tells === null ? [] : [{ kind: 'tell', ...tells }]
  const effects = [...told, ...letGo(session, how.unbegun)]
  const next: Session = { ...session, phase: 'ending', lanes: withoutWaiting(session.lanes), farewell }
  if (isIdle(next)) return after(effects, closed(next, farewell))
  return [next, session.phase === 'ending' ? effects : [...effects, { kind: 'arm', timer: 'grace' }]]
}

const silence: readonly Effect[] = [
  { kind: 'disarm', timer: 'first-frame' },
  { kind: 'disarm', timer: 'idle' },
  { kind: 'disarm', timer: 'grace' },
]

/** Closes at once, whatever runs. @param how `unbegun` null: nothing waits, or the client hears nothing any more. */
function closed(session: Session, how: { readonly code: number; readonly reason: string; readonly unbegun: Refusal | null }): Step {
  const cancel: readonly Effect[] = runningIn(session.lanes) === 0 ? [] : [{ kind: 'cancel', by: 'client' }]
  const close: Effect = { kind: 'close', code: how.code, reason: closeReason(how.reason) }
  return [over(session), [...cancel, ...letGo(session, how.unbegun), ...silence, close]]
}

/** Lets go of every turn that waits, and tells why it will not begin; null: it is not told. */
function letGo(session: Session, why: Refusal | null): readonly Effect[] {
  const told = (lane: string): readonly Effect[] => (why === null ? [] : [{ kind: 'tell', refusal: why, lane }])
  return session.lanes.flatMap(({ name, waiting }) => waiting.flatMap(({ ticket }): Effect[] => [{ kind: 'drop', ticket }, ...told(name)]))
}

function refused(session: Session, frame: Create, why: Refusal): Step {
  return [session, [{ kind: 'drop', ticket: frame.ticket }, { kind: 'tell', refusal: why, lane: frame.lane }, ...waitingAgain(session)]]
}

/** A session in which nothing runs is given its time anew by every frame. */
function waitingAgain(session: Session): readonly Effect[] {
  return isIdle(session) ? [{ kind: 'arm', timer: 'idle' }] : []
}

/** The close code that says what a status says (design 8): 1013 try again later, 1011 something broke, 1008 do not. */
export function closeCode(status: number): number {
  if (status === 408 || status === 429 || status === 503 || status === 504) return 1013
  return status >= 500 ? 1011 : 1008
}

/** A close reason has 123 bytes; a longer sentence is cut between two characters. */
export function closeReason(sentence: string): string {
  let bytes = 0
  let end = 0
  for (const character of sentence) {
    bytes += Buffer.byteLength(character)
    if (bytes > 123) break
    end += character.length
  }
  return sentence.slice(0, end)
}

const after = (first: readonly Effect[], [session, effects]: Step): Step => [session, [...first, ...effects]]
const over = (session: Session): Session => ({ ...session, phase: 'closed', lanes: withoutWaiting(session.lanes) })
const inLane = (session: Session, name: string, part: Partial<Lane>): Session => ({
  ...session,
  lanes: withLane(session.lanes, { ...laneOf(session.lanes, name), ...part }),
})

function droppedOf(frame: Incoming): readonly Effect[] {
  return 'ticket' in frame ? [{ kind: 'drop', ticket: frame.ticket }] : []
}
