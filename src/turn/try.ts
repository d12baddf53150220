import type { Plan } from '../core/shape.ts'
import type { AttemptSpan } from '../ports/tracer.ts'
import type { Chosen } from './choose.ts'

/** What this attempt is to its course: the lease that it runs on, and what it sends. */
export interface Try {
  readonly chosen: Chosen
  readonly plan: Plan
  /** Whether sealed items go along that this account is not known to have sealed. */
  readonly sendsForeign: boolean
  readonly startedAtMs: number
  /** Calls the upstream off. */
  readonly breaker: AbortController
  /** Null: nobody follows it. */
  readonly span: AttemptSpan | null
}
