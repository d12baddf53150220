import { billOf, paidBy } from '../core/charge.ts'
import type { Failure, FailureKind } from '../core/failure.ts'
import type { AttemptRecord, Outcome } from '../core/record.ts'
import type { Refusal } from '../core/refusal.ts'
import { tierSent, type Plan } from '../core/shape.ts'
import { servedAbove } from '../core/tier.ts'
import type { AnswerEnd } from '../dialect/dialect.ts'
import type { Course } from './course.ts'
import { ownedBy, type Told } from './draft.ts'
import { isKeptThere } from './send.ts'
import type { Begun, Speech, Try } from './try.ts'

/** How one attempt ended, for its line in the record. */
export interface AttemptEnd {
  readonly outcome: Outcome
  readonly failure: FailureKind | null
  readonly status: number | null
  readonly code: string | null
  readonly told: Told
}

/** Of an upstream that was not asked, or whose "no" costs nothing. */
export const nothingToBill: Told = { usage: null, tierServed: null, guessedOutput: null }
/** Of one that may have begun to answer, and told nothing. */
export const toldNothing: Told = { usage: null, tierServed: null, guessedOutput: 0 }

/** An attempt that may have ended before it was put into words. */
type Recorded = Begun & { readonly plan: Plan | null; readonly speech: Speech | null }

function inWords(because: string, speech: Speech | null): string {
  if (speech?.kind === 'translated') return `${because}; asked in ${speech.translation.to}`
  return speech?.kind === 'estimated' ? `${because}; counted here, since it cannot` : because
}

/** Writes an attempt's line. */
export function recordAttempt(course: Course, { chosen, plan, speech, startedAtMs, span }: Recorded, end: AttemptEnd): void {
  const { world, draft, settings, nowMs } = course
  const { lease, because, notChosen } = chosen
  const { outcome, failure, status, code, told } = end
  const { id: account, credentialKind } = lease.account
  const bill = billOf({ account, model: lease.model, paidBy: paidBy(credentialKind), atMs: startedAtMs, used: draft.used(told) }, settings.prices)
  const record: AttemptRecord = {
    account,
    upstreamModel: lease.model,
    transport: plan?.frame?.to ?? 'http',
    outcome,
    failure,
    status,
    code,
    usage: told.usage,
    startedAtMs,
    firstOutputMs: draft.firstOutputAfter(startedAtMs),
    durationMs: nowMs - startedAtMs,
    because: inWords(because, speech),
    notChosen,
    price: bill.kind === 'known' || bill.kind === 'guessed' ? bill.price : null,
  }
  draft.attempted(record, bill)
  world.metrics.attemptEnded(account, outcome, failure)
  span?.ended(record)
}

/** An upstream that refused a request has nothing to bill for it; one that fell silent over it may. */
export function recordFailure(course: Course, t: Try, failure: Failure, end: AnswerEnd | null): void {
  const told: Told = { usage: end?.usage ?? null, tierServed: end?.tierServed ?? null, guessedOutput: failure.ambiguous ? 0 : null }
  recordAttempt(course, t, { outcome: 'failed', failure: failure.kind, status: failure.status, code: failure.code, told })
}

/** What the attempt that answered came to. */
export interface AnswerOutcome {
  readonly outcome: Outcome
  /** Null: the stream broke off before its end. */
  readonly end: AnswerEnd | null
  /** Null: it did not fail, or nobody is to blame. */
  readonly failure: Failure | null
  /** Tokens of the answer, as far as its length tells. */
  readonly guessedOutput: number
}

/** Closes the books on the turn that this attempt answered. Null when the record is on disk: only then may the client hear that the turn is over. */
export function settleAnswer(course: Course, t: Try, { outcome, end, failure, guessedOutput }: AnswerOutcome): Promise<Refusal | null> {
  const { ask, world } = course
  const { account } = t.chosen.lease
  const code = failure?.code ?? end?.code ?? null
  const told: Told = { usage: end?.usage ?? null, tierServed: end?.tierServed ?? null, guessedOutput }
  recordAttempt(course, t, { outcome, failure: failure?.kind ?? null, status: failure?.status ?? 200, code, told })
  if (servedAbove(tierSent(t.plan, ask.turn), end?.tierServed ?? null)) world.metrics.tierServedAbove(account.id)
  const conversation = ask.turn.references.find((reference) => reference.kind === 'conversation')?.id ?? null
  const owned = end === null || !isKeptThere(course, t) || outcome === 'failed' ? null : ownedBy([end.response, ...end.items, conversation], account.id)
  return course.settle({ outcome, code, usage: end?.usage ?? null, tierServed: end?.tierServed ?? null, owned })
}
