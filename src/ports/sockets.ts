import type { Account, Credential } from '../core/account.ts'
import type { AccountId, ResponseId } from '../core/ids.ts'
import type { Headers } from '../lib/headers.ts'
import type { AnswerBody, Sent } from './transport.ts'

/** Text of one frame, in pieces to be said one after another. */
export interface FrameText {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
}

/** One turn of a session on its way to an account's socket. */
export interface FrameCall {
  readonly account: Account
  readonly credential: Credential
  /** Appended to the account's base URL, whose `http` becomes `ws`. */
  readonly path: string
  /** What the client said at its own upgrade; what of it passes is the transport's to know. */
  readonly clientHeaders: Headers
  /** Client headers that must not pass this time, in lower case. */
  readonly omit: readonly string[]
  /** The client's `stream_id`; empty: the default lane. Events of the answer carry it. */
  readonly lane: string
  readonly frame: FrameText
  /** An answer that the frame continues and that only the account's open socket knows: said there, or not at all. Null: any socket of the account will do. */
  readonly continues: ResponseId | null
  /** Said before the frame on a socket that is new. */
  readonly preamble: FrameText | null
  /** How long the connection may take. */
  readonly connectMs: number
  /** How long the handshake may take, the connection included. */
  readonly handshakeMs: number
  readonly frameBytesMax: number
  /** Aborting it gives the turn up; the socket goes with it, as soon as no other turn runs on it. */
  readonly signal: AbortSignal
}

/** A response that the upstream began by itself, such as the successor of a steered one. */
export interface Stray {
  readonly account: AccountId
  readonly lane: string
  /** Its events, the first included, each chunk one whole frame. Whoever is told reads it or cancels it. */
  readonly body: AnswerBody
}

/** What comes from an account's socket and is no answer to a turn. */
export interface SocketListener {
  /** A response that no turn asked for begins. */
  stray(stray: Stray): void
  /** A frame that belongs to no response: the answer to a forwarded one. Passed to the client as it came. */
  loose(frame: Buffer): void
}

/**
 * The upstream sockets of one session: at most one in use per account. Each remembers, as the service behind it does, the latest answer of each
 * lane; what a socket does not know must be said again on it.
 */
export interface SessionSockets {
  /**
   * Says the frame on the account's socket, opening one where there is none; the answer's body brings one whole frame a chunk. A refused handshake is an
   * answer with its status, headers and body. Never rejects, except when `signal` is aborted: then with its reason.
   */
  send(call: FrameCall): Promise<Sent>
  /** The account whose open socket can continue this answer, and is young enough to take another turn; null: none. One that is too old takes no more. */
  holder(response: ResponseId): AccountId | null
  /** This answer of a lane came to its end on the account's socket. */
  learn(account: AccountId, lane: string, response: ResponseId): void
  /** The service behind the account's socket has dropped this answer (protocols.md 2.5). */
  forget(account: AccountId, response: ResponseId): void
  /** Passes a frame on as it came. False: the account has no open socket. */
  forward(account: AccountId, frame: FrameText): boolean
  /** Calls back once when no response runs, or is to come by itself, on this lane of the account's socket; at once where that is so. */
  whenFree(account: AccountId, lane: string, then: () => void): void
  /** Closes the account's socket as soon as no turn runs on it; the next turn opens another. */
  release(account: AccountId): void
  /** Breaks everything off. */
  close(): void
}

/** Opens upstream sockets for sessions. */
export interface Sockets {
  session(listener: SocketListener): SessionSockets
}
