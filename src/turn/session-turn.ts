import type { Account } from '../core/account.ts'
import type { FailureKind } from '../core/failure.ts'
import type { AccountId, ResponseId } from '../core/ids.ts'
import type { Items, Transcript } from '../core/transcript.ts'
import type { FrameDialect } from '../dialect/dialect.ts'
import type { Lease } from '../ports/pool.ts'
import type { FrameText, SessionSockets } from '../ports/sockets.ts'
import type { AnswerBody } from '../ports/transport.ts'

/** One turn of a session, as far as the pipeline has to know the session, and what the session has to hear of it. */
export interface SessionTurn {
  /** The client's `stream_id`; empty: the default lane. */
  readonly lane: string
  /** The answer that the question continues. */
  readonly previous: ResponseId | null
  /** Whether nothing is to be generated (`generate: false`). */
  readonly isWarmUp: boolean
  /** Codex's routing token, where the frame carries one. */
  readonly turnState: string | null
  /** Whether the frame itself names the model. */
  readonly namesModel: boolean
  readonly frames: FrameDialect
  readonly sockets: SessionSockets
  readonly transcript: Pick<Transcript, 'find' | 'chain' | 'isWhole'>
  /** A response that the upstream began by itself, which this turn is to put on the books; null: the turn asks. */
  readonly adopted: Adopted | null
  /** The account that the session wishes to stay with. */
  pin(): AccountId | null
  /** The client's last `session.update` as this account is to hear it; null: there is none, or the account serves no such model. */
  preamble(account: Account): FrameText | null
  /** The items of the question itself; null: too large to be said again, or none that could be. */
  own(): Items | null
  /** The answer has begun: output goes to the client, and the question's bytes are let go. */
  committed(answer: Running): void
  /** The answer has come to its end: what follows may continue it. */
  answered(answer: Served): void
  /** An attempt failed on this account. */
  failed(account: AccountId, failure: FailureKind): void
  /** The operator's policy forbids what was asked, and the client was told so. */
  blocked(message: string): void
  /** No account could serve it, and the client was told so under this status. */
  unserved(status: number): void
}

export interface Adopted {
  readonly lease: Lease
  readonly body: AnswerBody
}

/** An answer that is on its way to the client. */
export interface Running {
  readonly lease: Lease
  readonly over: 'http' | 'websocket'
  readonly response: ResponseId | null
}

export interface Served extends Running {
  /** Items of the answer; null: too large to be said again. */
  readonly output: Items | null
  /** Whether the upstream keeps the answer beyond its connection. */
  readonly stored: boolean
}
