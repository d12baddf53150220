import type { AccountId, UpstreamModel } from '../core/ids.ts'
import type { AttemptRecord, TurnOpened, TurnSettled } from '../core/record.ts'
import type { Headers } from '../lib/headers.ts'

/** Tells someone who follows requests through many programs what a turn did, and when. There only where the operator wants it. */
export interface Tracer {
  /** @param headers the client's, in which it may say which of its own doings the turn belongs to. */
  turn(turn: { readonly opened: TurnOpened; readonly receivedAtMs: number; readonly headers: Headers }): TurnSpan
}

/** A turn from the reading of its request to the last byte of its answer. */
export interface TurnSpan {
  attempt(attempt: { readonly account: AccountId; readonly model: UpstreamModel; readonly startedAtMs: number }): AttemptSpan
  /** What goes on the books. */
  settled(record: TurnSettled): void
  /** The client has heard all that it will hear. Ends what is still open. */
  close(atMs: number): void
}

export interface AttemptSpan {
  /** What the upstream is told of this attempt, in place of what the client said of itself; a name without a value takes what the client said away. */
  readonly headers: Headers
  ended(record: AttemptRecord): void
}
