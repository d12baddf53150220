import type { Failure, Signal } from '../core/failure.ts'
import { classify } from '../core/failure-table.ts'
import { guessedOutput, guessedWhole } from '../core/guess.ts'
import type { Outcome } from '../core/record.ts'
import { refusal } from '../core/refusal.ts'
import type { AnswerEnd, EventObserver } from '../dialect/dialect.ts'
import type { Lease } from '../ports/pool.ts'
import { meteredBy } from './attempt.ts'
import { wasCancelled } from './cancel.ts'
import type { Course } from './course.ts'
import { discreetEnd } from './discreet.ts'
import type { Judged } from './judged.ts'
import { learnInSession } from './learn.ts'
import { isKeptThere } from './send.ts'
import type { Running } from './session-turn.ts'
import { recordAttempt, settleAnswer, toldNothing } from './settle.ts'
import type { Relayed } from './stream.ts'
import type { Try } from './try.ts'

type Streaming = Extract<Judged, { kind: 'streaming' }>
type Whole = Extract<Judged, { kind: 'whole' }>

const cutOff = refusal('shutting_down', 'The gateway is shutting down, and the answer was cut off. Please try again.')
const brokeOff = refusal(
  'upstream_unreachable',
  'The upstream broke off in the middle of its answer. Nothing was tried again, since a part of it had been given already.',
)

const notAStream = refusal('upstream_unreachable', 'The upstream gave a whole answer, and late, where a stream was asked for.')

/** From the commit point to the end of a stream: everything but the terminal event goes out, then the record is written, then the terminal event. */
export async function relay(course: Course, t: Try, { stream, flow, headers }: Streaming): Promise<Outcome> {
  const { client, world, draft } = course
  const { lease } = t.chosen
  // At once: by the time that the books are open the turn may have been called off, and then it changes no health.
  if (wasCancelled(course.signal) === null) world.accounts.proved(lease, t.startedAtMs)
  const unopened = await course.isOnTheBooks()
  if (unopened !== null) {
    stream.stop('the ledger is unavailable')
    const told = { ...toldNothing, guessedOutput: guessedOutput(flow.output) }
    recordAttempt(course, t, { outcome: 'failed', failure: null, status: null, code: unopened.code, told })
    course.settleWithout('failed', unopened.code)
    await client.refuse(unopened, draft.attempts.length)
    return 'failed'
  }
  const running: Running = { lease, over: t.plan.frame?.to ?? 'http', response: flow.observer.response() }
  course.ask.session?.committed(running)
  course.ask.body.letGo()
  draft.firstOutput(course.nowMs)
  client.begin(200, headers, draft.attempts.length + 1)
  client.keepAlive()
  const relayed = discreetEnd(await untilEnd(course, stream), lease.credential)
  learnOrigins(course, flow.observer, lease)
  meteredBy(course, t, flow.observer)

  const cancelled = wasCancelled(course.signal)
  const end = relayed.kind === 'ended' ? relayed.ended.end : null
  const outcome = cancelled === null ? (end?.status ?? 'failed') : 'cancelled'
  const failure = cancelled === null ? judgeAccount(course, t, signalOf(relayed)) : null
  const unwritten = await settleAnswer(course, t, { outcome, end, failure, guessedOutput: guessedOutput(flow.output) })
  if (cancelled?.by === 'client') return outcome
  const trouble = cancelled === null ? (unwritten ?? (relayed.kind === 'broken' ? brokeOff : null)) : cutOff
  if (trouble === null && relayed.kind === 'ended') {
    if (end !== null && end.status !== 'failed') answeredInSession(course, running, { end, observer: flow.observer, stored: isKeptThere(course, t) })
    client.write([relayed.ended.bytes])
    if (relayed.ended.kind === 'failed') await client.endInError()
    else await client.end()
  } else client.breakOff(trouble ?? brokeOff, flow.observer.response())
  return outcome
}

/** What the answer's account sealed, and how it wants to be found again. */
function learnOrigins({ world }: Course, observer: EventObserver, { account }: Lease): void {
  for (const hash of observer.sealed()) world.origins.rememberSealed(hash, account.id)
  for (const state of observer.turnStates()) world.origins.rememberTurnState(state, account.id)
}

interface Heard {
  readonly end: AnswerEnd
  readonly observer: EventObserver
  readonly stored: boolean
}

/** Before the client hears of the end: its next frame may continue this answer. */
function answeredInSession({ ask }: Course, running: Running, { end, observer, stored }: Heard): void {
  const { session } = ask
  if (session === null) return
  const { lease, over } = running
  if (over === 'websocket' && end.response !== null) session.sockets.learn(lease.account.id, session.lane, end.response)
  session.answered({ ...running, response: end.response, output: observer.items(), stored })
}

/** A whole answer: on the books first, then to the client. */
export async function deliver(course: Course, t: Try, { status, answer, headers }: Whole): Promise<Outcome> {
  const { client, world, draft } = course
  const { lease } = t.chosen
  const outcome = answer.end.status
  course.ask.body.letGo()
  draft.firstOutput(course.nowMs)
  world.accounts.proved(lease, t.startedAtMs)
  for (const hash of answer.sealed) world.origins.rememberSealed(hash, lease.account.id)
  judgeAccount(course, t, null)
  const length = guessedWhole(course.ask.turn.endpoint, answer.bytes)
  const unwritten = (await settleAnswer(course, t, { outcome, end: answer.end, failure: null, guessedOutput: length })) ?? (await course.isOnTheBooks())
  if (unwritten !== null) {
    await client.refuse(unwritten, draft.attempts.length)
    return outcome
  }
  // A head that left early promised a stream; a whole answer cannot be put into it.
  if (client.hasBegun) {
    client.breakOff(notAStream, answer.end.response)
    return outcome
  }
  client.begin(status, [...headers, ['content-length', String(answer.bytes)]], draft.attempts.length)
  client.write(answer.pieces)
  await client.end()
  return outcome
}

/** Relays until upstream has ended, or the client has: then what is left is read for its usage only. */
async function untilEnd({ client, signal }: Course, stream: Streaming['stream']): Promise<Relayed> {
  const aborted = () => (wasCancelled(signal)?.by === 'client' ? stream.readOn() : stream.stop('the gateway is shutting down'))
  signal.addEventListener('abort', aborted, { once: true })
  const relayed = stream.relay(client)
  if (signal.aborted) aborted()
  const end = await relayed
  signal.removeEventListener('abort', aborted)
  return end
}

function signalOf(relayed: Relayed): Signal | null {
  if (relayed.kind === 'broken') return relayed.signal
  return relayed.ended.kind === 'failed' ? relayed.ended.signal : null
}

/** A whole answer that ended well forgives; one that failed after output counts like any other. */
function judgeAccount(course: Course, t: Try, signal: Signal | null): Failure | null {
  const { world, ask, nowMs } = course
  const { lease } = t.chosen
  if (signal === null) {
    world.accounts.succeeded(lease, t.startedAtMs)
    return null
  }
  const failure = classify(signal, nowMs)
  world.accounts.failed(lease, failure, nowMs)
  if (ask.session !== null) learnInSession(course, ask.session, t, failure)
  return failure
}
