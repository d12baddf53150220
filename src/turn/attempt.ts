import { hash } from 'node:crypto'
import { onlyStreams } from '../core/account.ts'
import type { Signal } from '../core/failure.ts'
import { streamIdOf } from '../core/lanes.ts'
import type { Refusal } from '../core/refusal.ts'
import { shape, tierSent, type Plan, type Shaped } from '../core/shape.ts'
import { answerSignal } from '../core/signal.ts'
import type { DialectName } from '../core/turn.ts'
import { readWindows, windowsOf } from '../core/windows.ts'
import type { EventObserver, Watched, Worded } from '../dialect/dialect.ts'
import { translationBetween } from '../dialect/registry.ts'
import { collect } from '../lib/collect.ts'
import { header, type Headers } from '../lib/headers.ts'
import type { Lease } from '../ports/pool.ts'
import type { HeaderList } from '../ports/sink.ts'
import type { Sent } from '../ports/transport.ts'
import { framed, turnStateName, unframed, type Framed } from './continue.ts'
import type { Course } from './course.ts'
import { discreet } from './discreet.ts'
import { EventFlow } from './flow.ts'
import { judgeGathered, whole } from './gathered.ts'
import type { Judged } from './judged.ts'
import { framingOf, send, wireOf } from './send.ts'
import { AnswerStream } from './stream.ts'
import { readerOf, type Speech, type Try } from './try.ts'

export interface Attempted {
  readonly judged: Judged
  /** Resolves when the upstream is done with the request, so that its lease may go back. */
  readonly upstreamDone: Promise<void>
}

type Answer = Extract<Sent, { kind: 'answer' }>

/** An error body is read up to this, and for no longer. Units: bytes, milliseconds. */
const errorBytesMax = 64 * 1024
const errorMs = 10_000

export type Planned =
  | { readonly kind: 'planned'; readonly plan: Plan; readonly speech: Speech; readonly sendsForeign: boolean }
  /** The dialect that the account speaks has no words for the question. */
  | { readonly kind: 'unsayable'; readonly dialect: DialectName; readonly refusal: Refusal }
  | Extract<Shaped, { kind: 'blocked' }>
  | Extract<Framed, { kind: 'lost' }>

/** What this account is sent for this question; nothing of an earlier attempt is in it. */
export function plan(course: Course, lease: Lease): Planned {
  const { ask, settings } = course
  const to = ask.session === null ? unframed(course, lease) : framed(course, ask.session, lease)
  if (to.kind === 'lost') return to
  // What an upstream began by itself runs already: there is nothing left to forbid.
  const rules = ask.session !== null && ask.session.adopted !== null ? [] : settings.rules
  const shaped = shape(ask.turn, { ...lease, frame: to.frame }, rules, to.dropped)
  if (shaped.kind === 'blocked') return shaped
  const way = course.wayTo(lease.account, lease.model)
  const speech = speechIn(course, way, lease, shaped.plan)
  if (speech.kind === 'unsayable') return { ...speech, dialect: way }
  return { kind: 'planned', plan: shaped.plan, speech, sendsForeign: to.sendsForeign }
}

function speechIn({ ask }: Course, way: DialectName, { account }: Lease, plan: Plan): Speech | Extract<Worded, { kind: 'unsayable' }> {
  const { dialect, turn, caller, session } = ask
  if (way === dialect.name) return { kind: account.dialects.includes(way) ? 'native' : 'estimated', dialect }
  // A warm-up is answered here, whatever the account speaks, and what an upstream began by itself was not asked in words.
  if (session !== null && (session.isWarmUp || session.adopted !== null)) return { kind: 'native', dialect }
  const translation = translationBetween(dialect.name, way)
  const cacheKey = turn.affinity === null ? null : hash('sha256', `${caller.key}\n${turn.affinity}`, 'base64url')
  const unsealed = new Set(turn.sealed.flatMap(({ index, hash: seal }) => (plan.dropItems.includes(index) ? [seal] : [])))
  const worded = translation.word(plan, ask.body.value, { cacheKey, unsealed })
  return worded.kind === 'unsayable' ? worded : { kind: 'translated', translation, text: worded.text, memo: worded.memo }
}

/** Sends one attempt and judges what comes back, up to the commit point. Gives nothing to the client. */
export async function attempt(course: Course, t: Try): Promise<Attempted> {
  const { ask } = course
  const { lease } = t.chosen
  course.draft.sending(tierSent(t.plan, ask.turn))
  const sent = await send(course, t)
  if (sent.kind === 'signal') {
    const signal = ask.turn.stream ? sent.signal : asWhole(sent.signal)
    return { judged: discreet({ kind: 'failed', signal, raw: null, end: null }, lease.credential), upstreamDone: Promise.resolve() }
  }
  course.world.accounts.metered(lease, readWindows(sent.headers, course.nowMs))
  return { judged: discreet(await judge(course, t, sent), lease.credential), upstreamDone: sent.body.closed }
}

function judge(course: Course, t: Try, sent: Answer): Promise<Judged> {
  if (sent.status < 200 || sent.status >= 300) return refused(course, t, sent)
  learnTurnState(course, t.chosen.lease, sent.headers)
  const isGathered = !course.ask.turn.stream && onlyStreams(t.chosen.lease.account.upstream)
  if (framingOf(course, t) === 'frames' || (isEventStream(sent.headers) && !isGathered)) return judgeStream(course, t, sent)
  if (course.ask.session === null) return judgeWhole(course, t, sent)
  sent.body.cancel()
  return Promise.resolve({ kind: 'failed', signal: { kind: 'ended', detail: 'the answer is no stream of events' }, raw: null, end: null })
}

async function judgeStream(course: Course, t: Try, sent: Answer): Promise<Judged> {
  const { world, ask, settings } = course
  const flow = new EventFlow(readerOf(t).observe(watched(course, t)), settings.bounds.frameBytes, wireOf(course, t))
  const state = header(sent.headers, turnStateName)
  if (ask.session !== null && t.plan.frame?.to === 'http' && state !== null) flow.preface(ask.session.frames.turnState(state, streamIdOf(ask.session.lane)))
  const stream = new AnswerStream(sent.body, flow, world.clock, { times: settings.times, sentAtMs: t.startedAtMs })
  const judged = await stream.judge()
  course.draft.upstreamAnswered(course.nowMs)
  const headers = headersFor(course, t, sent.pass)
  if (judged.kind === 'committed') return { kind: 'streaming', stream, flow, headers }
  meteredBy(course, t, flow.observer)
  sent.body.cancel()
  const events = [...flow.takeOut(), ...(judged.ended === null ? [] : [judged.ended.bytes])]
  return {
    kind: 'failed',
    signal: judged.signal,
    raw: judged.ended === null ? null : { kind: 'events', status: sent.status, headers, events },
    end: judged.ended?.end ?? null,
  }
}

async function judgeWhole(course: Course, t: Try, sent: Answer): Promise<Judged> {
  const { world, settings } = course
  const leftMs = t.startedAtMs + settings.times.answerMs - course.nowMs
  const collected = await collect(sent.body, settings.bounds.answerBytes, world.clock, Math.max(0, leftMs))
  switch (collected.kind) {
    case 'too-late':
      return { kind: 'failed', signal: { kind: 'silent', waitingFor: 'whole-answer' }, raw: null, end: null }
    case 'too-large':
      return { kind: 'failed', signal: { kind: 'ended', detail: 'the answer was larger than the bound' }, raw: null, end: null }
    case 'broken':
      return { kind: 'failed', signal: { kind: 'ended', detail: collected.detail }, raw: null, end: null }
    case 'whole':
      break
  }
  course.draft.upstreamAnswered(course.nowMs)
  const { bytes } = collected
  const headers = headersFor(course, t, sent.pass)
  if (isEventStream(sent.headers)) return judgeGathered(course, t, { bytes, watched: watched(course, t), headers })
  return whole(readerOf(t).observeAnswer(bytes, watched(course, t)), headers, sent.status)
}

async function refused({ world, ask }: Course, t: Try, sent: Answer): Promise<Judged> {
  const collected = await collect(sent.body, errorBytesMax, world.clock, errorMs)
  const body = collected.kind === 'whole' || collected.kind === 'too-large' ? collected.bytes : Buffer.alloc(0)
  const over = t.plan.frame?.to === 'websocket' ? 'websocket-handshake' : 'http'
  const error = readerOf(t).readError(body)
  const signal: Signal = { ...answerSignal(sent.status, sent.headers, body, error), over }
  if (t.speech.kind !== 'translated') return { kind: 'failed', signal, raw: { kind: 'whole', status: sent.status, headers: sent.pass, body }, end: null }
  const told = error === null ? null : ask.dialect.retell(sent.status, error)
  return { kind: 'failed', signal, raw: told === null ? null : { kind: 'whole', ...told }, end: null }
}

function watched(course: Course, t: Try): Watched {
  const { turn, session } = course.ask
  return {
    endpoint: turn.endpoint,
    restore: t.plan.renamed === null ? null : turn.model,
    framing: framingOf(course, t),
    client: session === null ? 'sse' : 'frames',
    model: turn.model,
    wantsUsage: turn.wantsUsage,
    startedAtS: Math.floor(t.startedAtMs / 1000),
    memo: t.speech.kind === 'translated' ? t.speech.memo : null,
  }
}

/** The client hears of the model that it asked for, in the head too. */
function headersFor({ ask }: Course, { plan: { renamed }, speech }: Try, pass: HeaderList): HeaderList {
  // The other headers tell of the upstream in words of its own.
  if (speech.kind === 'translated') return pass.filter(([name]) => dialectless.has(name))
  return renamed === null ? pass : pass.map(([name, value]) => (name === ask.dialect.modelHeader ? [name, ask.turn.model] : [name, value]))
}

const dialectless: ReadonlySet<string> = new Set(['content-type', 'x-upstream-request-id'])

function isEventStream(headers: Headers): boolean {
  return /^\s*text\/event-stream\b/i.test(header(headers, 'content-type') ?? '')
}

function asWhole(signal: Extract<Signal, { kind: 'unreachable' | 'silent' }>): Signal {
  return signal.kind === 'silent' ? { kind: 'silent', waitingFor: 'whole-answer' } : signal
}

/** What a stream has said of the account's quota. */
export function meteredBy({ world, nowMs }: Course, { chosen }: Try, observer: EventObserver): void {
  const readings = observer.readings()
  if (readings.length > 0) world.accounts.metered(chosen.lease, windowsOf(readings, nowMs))
}

function learnTurnState({ world }: Course, lease: Lease, headers: Headers): void {
  const state = header(headers, turnStateName)
  if (state !== null) world.origins.rememberTurnState(state, lease.account.id)
}
