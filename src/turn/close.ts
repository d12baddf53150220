import { conclude, type Conclusion, type Next } from '../core/failover.ts'
import type { Outcome } from '../core/record.ts'
import { refusal, refusalHead, type Refusal } from '../core/refusal.ts'
import type { HeaderList } from '../ports/sink.ts'
import type { Cancelled } from './cancel.ts'
import { readyAt, type Chosen } from './choose.ts'
import type { InBand } from './client.ts'
import type { Course } from './course.ts'
import type { SessionTurn } from './session-turn.ts'
import { nothingToBill, recordAttempt } from './settle.ts'
import { begin } from './try.ts'

const shuttingDown = refusal('shutting_down', 'The gateway is shutting down. Please try again.')
const unreadable = refusal('upstream_unreachable', 'The upstream refused the request without saying why.')

/** Ends a turn by our own "no". Its record does not keep the client waiting. */
export async function refuse(course: Course, r: Refusal): Promise<Outcome> {
  const outcome: Outcome = course.tried.length === 0 ? 'refused' : 'failed'
  course.settleWithout(outcome, r.code)
  await course.client.refuse(r, course.draft.attempts.length)
  return outcome
}

/** The operator's policy forbids this attempt: nothing is sent, and no other account is tried to get round it. */
export async function blocked(course: Course, chosen: Chosen, r: Refusal): Promise<Outcome> {
  const end = { outcome: 'refused', failure: null, status: null, code: r.code, told: nothingToBill } as const
  recordAttempt(course, { ...begin(course, chosen), plan: null, speech: null }, end)
  course.settleWithout('refused', r.code)
  await course.client.refuse(r, course.draft.attempts.length)
  course.ask.session?.blocked(r.message)
  return 'refused'
}

/** The turn was called off before it had given output. */
export async function callOff(course: Course, cancelled: Cancelled): Promise<Outcome> {
  course.settleWithout('cancelled', null)
  if (cancelled.by === 'shutdown') await course.client.refuse(shuttingDown, course.draft.attempts.length)
  return 'cancelled'
}

/** Nothing more is tried: what the client hears of the last failure. */
export async function tellFailure(course: Course, { takeBack }: Extract<Next, { kind: 'stop' }>): Promise<Outcome> {
  const last = course.tried.at(-1)
  if (last === undefined) return refuse(course, unreadable)
  const { session, turn } = course.ask
  if (session !== null && last.failure.kind === 'lost-continuation') return refuse(course, session.frames.lostInSession(turn))
  return tell(course, conclude(last, takeBack, { nowMs: course.nowMs, readyAtMs: readyAt(course) }))
}

/** Lost continuity is the session's own trouble, not the accounts', and what cannot be said in their words is the request's. */
function isUnserved({ code }: Refusal): boolean {
  return code !== 'previous_response_not_found' && code !== 'websocket_connection_limit_reached' && code !== 'unsupported_parameter'
}

/** Only one account could go on with the dialogue, and it does not: whoever says all of it again may be served by another. */
function isStranded({ owner }: Course, session: SessionTurn, conclusion: Conclusion): boolean {
  if (session.previous === null || owner === null || conclusion.kind === 'as-it-is') return false
  const isOwnFault = conclusion.kind === 'refuse' && conclusion.refusal.code === 'queue_full'
  return !isOwnFault && session.transcript.chain(session.previous) === null
}

export async function tell(course: Course, conclusion: Conclusion): Promise<Outcome> {
  const { client, ask, draft } = course
  if (ask.session !== null && isStranded(course, ask.session, conclusion)) return refuse(course, ask.session.frames.lostInSession(ask.turn))
  switch (conclusion.kind) {
    case 'refuse':
      if (isUnserved(conclusion.refusal)) ask.session?.unserved(refusalHead(conclusion.refusal).status)
      return refuse(course, conclusion.refusal)
    case 'retell': {
      const { status, error } = conclusion
      ask.session?.unserved(status)
      course.settleWithout('failed', error.code)
      await client.tell(ask.dialect.retell(status, error), draft.attempts.length, { code: error.code ?? 'server_error', message: error.message })
      return 'failed'
    }
    case 'as-it-is':
      return asItIs(course)
  }
}

/** The request's own fault: the upstream's answer, whole, or the events in which it was told. */
async function asItIs(course: Course): Promise<Outcome> {
  const { client, draft, raw } = course
  const failure = course.tried.at(-1)?.failure
  if (raw === null || failure === undefined) return refuse(course, unreadable)
  // That no account has the model, or speaks the protocol, is not the request's fault.
  if (failure.kind === 'model' || failure.kind === 'transport') course.ask.session?.unserved(failure.status ?? 400)
  const inBand: InBand = { code: failure.code ?? 'invalid_request_error', message: failure.message }
  const settled = course.settle({ outcome: 'failed', code: failure.code, usage: draft.attempts.at(-1)?.usage ?? null, tierServed: null, owned: null })
  // A stream, and an answer that tells its failure inside a success, end with what is written here, so the record comes first. An error does not wait.
  const unwritten = raw.kind === 'whole' && raw.status >= 400 ? null : await settled
  if (unwritten !== null) {
    await client.refuse(unwritten, draft.attempts.length)
    return 'failed'
  }
  if (raw.kind === 'whole') {
    const headers: HeaderList = [...raw.headers, ['content-length', String(raw.body.length)]]
    await client.tell({ status: raw.status, headers, body: raw.body }, draft.attempts.length, inBand)
    return 'failed'
  }
  client.begin(raw.status, raw.headers, draft.attempts.length)
  client.write(raw.events)
  await client.endInError()
  return 'failed'
}
