import type { Failure, FailureKind } from './failure.ts'

/** Why an account or a pair rests: the failure's kind, status and code. */
export interface Why {
  readonly kind: FailureKind
  readonly status: number | null
  readonly code: string | null
}

export type Health =
  | { readonly kind: 'ready' }
  /** `stated`: upstream itself named the time, so no success ends it early. */
  | { readonly kind: 'cooling'; readonly sinceMs: number; readonly untilMs: number; readonly stated: boolean; readonly why: Why }
  | { readonly kind: 'retired'; readonly sinceMs: number; readonly why: Why }

export interface Strike {
  readonly kind: FailureKind
  readonly atMs: number
}

/** How an account, or one of its (account, model) pairs, is doing. */
export interface Condition {
  readonly health: Health
  /** Failures not yet forgiven by a success, oldest first; at most `strikesMax`. */
  readonly strikes: readonly Strike[]
  /** False from a cooling on until the first success after it: until then one turn probes and the others wait for its verdict. */
  readonly proven: boolean
}

export const fresh: Condition = { health: { kind: 'ready' }, strikes: [], proven: true }
export const strikesMax = 16
