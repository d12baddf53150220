import type { FailureKind } from '../core/failure.ts'
import type { AccountId } from '../core/ids.ts'
import type { Outcome } from '../core/record.ts'
import type { Endpoint } from '../core/turn.ts'

/** What is counted as it happens. Gauges are read from their owners when someone asks. */
export interface Metrics {
  turnEnded(turn: {
    readonly endpoint: Endpoint
    readonly outcome: Outcome
    readonly durationMs: number
    readonly firstOutputMs: number | null
    readonly overheadMs: number | null
  }): void
  attemptEnded(account: AccountId, outcome: Outcome, failure: FailureKind | null): void
  /** A refusal before a turn began. */
  refused(code: string): void
  /** An upstream served a dearer tier than the one that was sent. */
  tierServedAbove(account: AccountId): void
}
