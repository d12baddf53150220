import { classify } from '../core/failure-table.ts'
import type { Failure, FailureKind, Signal } from '../core/failure.ts'
import type { Outcome } from '../core/record.ts'
import type { Refusal } from '../core/refusal.ts'
import { tierSent, type Plan } from '../core/shape.ts'
import { servedAbove } from '../core/tier.ts'
import type { Usage } from '../core/usage.ts'
import type { AnswerEnd } from '../dialect/dialect.ts'
import type { Try } from './try.ts'
import type { Course } from './course.ts'
import { ownedBy } from './draft.ts'

/** How one attempt ended, for its line in the record. */
export interface AttemptEnd {
  readonly outcome: Outcome
  readonly failure: FailureKind | null
  readonly status: number | null
  readonly code: string | null
  readonly usage: Usage | null
}

/** Writes an attempt's line. */
export function recordAttempt(
  course: Course,
  { chosen, plan, startedAtMs }: Pick<Try, 'chosen' | 'startedAtMs'> & { readonly plan: Plan | null },
  end: AttemptEnd,
): void {
  const { world, draft, nowMs } = course
  const { lease, because, notChosen } = chosen
  const firstOutputMs = draft.firstOutputAfter(startedAtMs)
  draft.attempted({
    account: lease.account.id,
    upstreamModel: lease.model,
    transport: plan?.frame?.to ?? 'http',
    ...end,
    startedAtMs,
    firstOutputMs,
    durationMs: nowMs - startedAtMs,
    because,
    notChosen,
  })
  world.metrics.attemptEnded(lease.account.id, end.outcome, end.failure)
}

export function recordFailure(course: Course, t: Try, failure: Failure, usage: Usage | null): void {
  recordAttempt(course, t, { outcome: 'failed', failure: failure.kind, status: failure.status, code: failure.code, usage })
}

/** What the attempt that answered came to. */
export interface AnswerOutcome {
  readonly outcome: Outcome
  /** Null: the stream broke off before its end. */
  readonly end: AnswerEnd | null
  readonly signal: Signal | null
}

/** Closes the books on the turn that this attempt answered. Null when the record is on disk: only then may the client hear that the turn is over. */
export function settleAnswer(course: Course, t: Try, { outcome, end, signal }: AnswerOutcome): Promise<Refusal | null> {
  const { ask, world } = course
  const { account } = t.chosen.lease
  const failure = signal === null || outcome === 'cancelled' ? null : classify(signal, course.nowMs)
  const code = failure?.code ?? end?.code ?? null
  recordAttempt(course, t, { outcome, failure: failure?.kind ?? null, status: failure?.status ?? 200, code, usage: end?.usage ?? null })
  if (servedAbove(tierSent(t.plan, ask.turn), end?.tierServed ?? null)) world.metrics.tierServedAbove(account.id)
  const conversation = ask.turn.references.find((reference) => reference.kind === 'conversation')?.id ?? null
  const owned = end === null || !ask.turn.stored || outcome === 'failed' ? null : ownedBy([end.response, ...end.items, conversation], account.id)
  return course.settle({ outcome, code, usage: end?.usage ?? null, tierServed: end?.tierServed ?? null, owned })
}
