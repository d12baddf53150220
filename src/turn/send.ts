import { keepsAnswers } from '../core/account.ts'
import { guessedInput } from '../core/guess.ts'
import type { ResponseId } from '../core/ids.ts'
import { streamIdOf } from '../core/lanes.ts'
import { header, type Headers } from '../lib/headers.ts'
import type { Lease } from '../ports/pool.ts'
import type { FrameText } from '../ports/sockets.ts'
import type { AnswerBody, AnswerReader, Sent } from '../ports/transport.ts'
import { turnStateName } from './continue.ts'
import type { Course } from './course.ts'
import type { Wire } from './flow.ts'
import type { SessionTurn } from './session-turn.ts'
import { readerOf, type Try } from './try.ts'

/** Puts the question to the account of this attempt: as a request, as a frame on the account's socket, or, where nothing is to be generated, to nobody. */
export function send(course: Course, t: Try): Promise<Sent> {
  const { session } = course.ask
  if (t.speech.kind === 'estimated') return Promise.resolve(estimate(course))
  if (session === null) return request(course, t)
  if (session.adopted !== null) return Promise.resolve(answered(session.adopted.body))
  if (t.plan.frame?.to === 'websocket') return frame(course, t, session)
  return isAnsweredHere(course, t) ? Promise.resolve(answered(warmUp(course, session))) : request(course, t)
}

/** What answers where the account cannot: marked, since it is no more than a guess. */
function estimate({ ask }: Course): Sent {
  const json = Buffer.from(JSON.stringify({ input_tokens: guessedInput(ask.body.value.bytes.length) }))
  const headers = { 'content-type': 'application/json', 'x-turnout-estimated': 'true' }
  return { kind: 'answer', status: 200, headers, pass: Object.entries(headers), body: new Spoken([json]) }
}

/** Whether the account's upstream keeps the answer, so that its id can be named there later. */
export function isKeptThere(course: Course, t: Try): boolean {
  return course.ask.turn.stored && t.speech.kind === 'native' && keepsAnswers(t.chosen.lease.account.upstream) && !isAnsweredHere(course, t)
}

/** Whether no upstream is asked: nothing is to be generated, and no socket is there that could be warmed. */
function isAnsweredHere({ ask: { session } }: Course, { plan }: Try): boolean {
  return session !== null && session.adopted === null && session.isWarmUp && plan.frame?.to !== 'websocket'
}

/** How the upstream's events come. */
export function framingOf({ ask: { session } }: Course, { plan }: Try): 'sse' | 'frames' {
  return session !== null && (session.adopted !== null || session.isWarmUp || plan.frame?.to === 'websocket') ? 'frames' : 'sse'
}

/** How they come and how they go. */
export function wireOf(course: Course, t: Try): Wire {
  const { session } = course.ask
  if (session === null) return { kind: 'as-it-comes' }
  if (framingOf(course, t) === 'frames') return { kind: 'frames' }
  const streamId = streamIdOf(session.lane)
  return { kind: 'bridge', frameOf: (bytes, start, end) => session.frames.frameOf(bytes, start, end, streamId) }
}

function request(course: Course, t: Try): Promise<Sent> {
  const { world, ask, settings } = course
  const { times } = settings
  const { lease } = t.chosen
  const text = question(course, t)
  const path = readerOf(t).path(ask.turn.endpoint)
  course.draft.said(text.bytes)
  return world.transport.send({
    account: lease.account,
    credential: lease.credential,
    method: 'POST',
    path: t.speech.kind === 'native' ? `${path}${ask.search}` : path,
    ...saying(course, t),
    body: { ...text, taken: ask.body.lend() },
    connectMs: times.connectMs,
    headMs: ask.turn.stream ? times.firstEventMs : times.answerMs,
    signal: t.breaker.signal,
  })
}

function frame(course: Course, t: Try, session: SessionTurn): Promise<Sent> {
  const { ask, settings } = course
  const { times, bounds } = settings
  const { lease } = t.chosen
  const text = question(course, t)
  course.draft.said(text.bytes)
  return session.sockets.send({
    account: lease.account,
    credential: lease.credential,
    path: ask.dialect.path(ask.turn.endpoint),
    clientHeaders: followed(ask.headers, t),
    omit: foreignTurnState(course, lease),
    lane: session.lane,
    frame: text,
    continues: t.plan.frame?.continues === 'on-its-socket' ? session.previous : null,
    preamble: session.preamble(lease.account),
    connectMs: times.connectMs,
    handshakeMs: times.handshakeMs,
    frameBytesMax: bounds.frameBytes,
    signal: t.breaker.signal,
  })
}

function question({ ask }: Course, { plan, speech }: Try): FrameText {
  if (speech.kind === 'translated') return speech.text
  const body = ask.body.value
  return body.edited(ask.dialect.apply(plan, body))
}

/** Over HTTP a frame's routing token stands where those who ask over HTTP put it. */
function saying(course: Course, t: Try): { readonly clientHeaders: Headers; readonly omit: readonly string[] } {
  const { chosen, plan } = t
  const { session } = course.ask
  const headers = followed(readerOf(t).headers(plan, course.ask.headers), t)
  const state = session?.turnState ?? null
  if (state === null || plan.frame?.turnState === 'drop') return { clientHeaders: headers, omit: foreignTurnState(course, chosen.lease) }
  return { clientHeaders: { ...headers, [turnStateName]: state }, omit: [] }
}

/** Whoever follows this turn goes on from this attempt, not from what the client did before it. */
function followed(headers: Headers, { span }: Try): Headers {
  return span === null ? headers : { ...headers, ...span.headers }
}

/** Codex's routing token is one account's own: another one never sees it, and an unknown one may be anybody's. */
function foreignTurnState({ world, ask }: Course, lease: Lease): readonly string[] {
  const state = header(ask.headers, turnStateName)
  return state !== null && world.origins.turnStateOf(state) !== lease.account.id ? [turnStateName] : []
}

function answered(body: AnswerBody): Sent {
  return { kind: 'answer', status: 200, headers: {}, pass: [], body }
}

/** A warm-up needs no upstream: what it said is said again with the question that builds on it. */
function warmUp({ ask, nowMs }: Course, { lane, frames }: SessionTurn): AnswerBody {
  const id = `resp_${ask.id.replaceAll('-', '')}` as ResponseId
  const { created, completed } = frames.warmUp({ id, turn: ask.turn, createdAtS: Math.floor(nowMs / 1000), streamId: streamIdOf(lane) })
  return new Spoken([created, completed])
}

/** An answer that is there already. */
class Spoken implements AnswerBody {
  readonly closed = Promise.resolve()
  #chunks: readonly Buffer[]
  #reader: AnswerReader | null = null
  #flows = false

  constructor(chunks: readonly Buffer[]) {
    this.#chunks = chunks
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    this.resume()
  }

  pause(): void {
    this.#flows = false
  }

  resume(): void {
    this.#flows = true
    while (this.#flows && this.#reader !== null) {
      const [chunk, ...rest] = this.#chunks
      if (chunk === undefined) {
        const reader = this.#reader
        this.#reader = null
        reader.end()
        return
      }
      this.#chunks = rest
      this.#reader.chunk(chunk)
    }
  }

  cancel(): void {
    this.#reader = null
  }
}
