import type { Account, Credential } from '../core/account.ts'
import type { Signal } from '../core/failure.ts'
import type { Headers } from '../lib/headers.ts'
import type { HeaderList } from './sink.ts'

/** One request to an upstream. */
export interface Call {
  readonly account: Account
  /** Null: none is presented. */
  readonly credential: Credential | null
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Appended to the account's base URL; starts with a slash, may carry a query. */
  readonly path: string
  /** What the client said; the transport passes what its allowlist names, and says credentials and framing itself. */
  readonly clientHeaders: Headers
  /** Client headers that must not pass this time, in lower case. */
  readonly omit: readonly string[]
  /** Pieces to be written one after another; null for none. */
  readonly body: CallBody | null
  /** How long the connection may take. */
  readonly connectMs: number
  /** How long the head may take once the request was handed over. */
  readonly headMs: number
  /** Aborting it destroys the connection. */
  readonly signal: AbortSignal
}

export interface CallBody {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** Absent: `application/json`. */
  readonly type?: string
  /**
   * Called when the system has taken the last byte and nothing reads the pieces any more, so that their memory can be used for something else. Never called
   * where that is not sure: an attempt that broke off, or was sent anew.
   */
  readonly taken?: () => void
}

/** An answer's bytes, decoded, pushed to one reader. Nothing is pushed before `read`, nor between `pause` and `resume`. */
export interface AnswerBody {
  read(reader: AnswerReader): void
  pause(): void
  resume(): void
  /** Breaks off: the connection is destroyed, never pooled. Nothing is called afterwards but `closed`. */
  cancel(): void
  /** Resolves when upstream is done with this request, however it ended: the lease may go back. Never rejects. */
  readonly closed: Promise<void>
}

export interface AnswerReader {
  chunk(bytes: Buffer): void
  /** The body came to its proper end. */
  end(): void
  /** It did not. */
  broken(detail: string): void
}

/** `pass`: the answer's headers that a client may see; upstream's request id among them as `x-upstream-request-id`. */
export type Sent =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Headers; readonly pass: HeaderList; readonly body: AnswerBody }
  | { readonly kind: 'signal'; readonly signal: Extract<Signal, { kind: 'unreachable' | 'silent' }> }

/** Talks to upstreams. Resolves with the head of the answer; never follows a redirect; never rejects, except when `signal` is aborted: then with its reason. */
export interface Transport {
  send(call: Call): Promise<Sent>
}
