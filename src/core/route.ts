import type { Account } from './account.ts'
import type { Why } from './health.ts'
import type { PoolId, UpstreamModel } from './ids.ts'

/** How one account stands to one turn at this moment. */
export type Standing =
  | { readonly kind: 'ready' }
  /** Rested, but unproven, and another turn is finding out. */
  | { readonly kind: 'proving' }
  | { readonly kind: 'cooling'; readonly untilMs: number; readonly why: Why }
  | { readonly kind: 'retired'; readonly why: Why }
  | { readonly kind: 'disabled' }
  /** Its mapping yields no name for the model asked for. */
  | { readonly kind: 'unmapped' }

export interface Candidate {
  readonly account: Account
  /** What the account's mapping yields; null exactly when it is unmapped. */
  readonly model: UpstreamModel | null
  readonly pool: PoolId
  /** Position of its pool among the caller's; lower is tried first. */
  readonly poolRank: number
  readonly standing: Standing
  readonly inFlight: number
  /** Whether a lease could be had now: a slot is free, and nobody has waited longer for it. */
  readonly free: boolean
}
