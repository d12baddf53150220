import type { Headers } from '../lib/headers.ts'

/** The error object of an upstream's answer or event. Text that the client wrote is never in it, except where an upstream echoes it in `message`. */
export interface ErrorObject {
  readonly code: string | null
  readonly type: string | null
  readonly message: string
  readonly param: string | null
  /** Seconds since the epoch, as upstream said it; not yet trusted. */
  readonly resetsAt: unknown
  readonly resetsInSeconds: unknown
}

/** Raw evidence from upstream, before it is classified. */
export type Signal =
  /** A response head with a status >= 400, and what its body said. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Headers
      readonly body: 'json' | 'html' | 'other' | 'empty'
      readonly error: ErrorObject | null
      /** Absent: over HTTP. */
      readonly over?: 'http' | 'websocket-handshake'
    }
  /** A failure told inside a 200: `response.failed`, an `error` event, a JSON answer with `status: "failed"`. */
  | { readonly kind: 'told'; readonly status: number | null; readonly headers: Headers; readonly error: ErrorObject }
  /** No response head. `handedOver`: the whole request had been given to the socket, so it may have been served. */
  | { readonly kind: 'unreachable'; readonly why: Unreachable; readonly handedOver: boolean; readonly detail: string }
  /** Nothing came in time. */
  | { readonly kind: 'silent'; readonly waitingFor: 'head' | 'first-event' | 'next-event' | 'whole-answer' }
  /** A stream or a body that stopped before its end; `detail` says how. */
  | { readonly kind: 'ended'; readonly detail: string }

export type Unreachable = 'refused' | 'reset' | 'tls' | 'dns' | 'proxy' | 'connect-timeout' | 'private-address'

export type FailureKind =
  | 'credential'
  | 'quota'
  | 'forbidden'
  | 'edge-block'
  | 'rate'
  | 'model'
  | 'overload'
  | 'server'
  | 'network'
  | 'silent'
  | 'transport'
  | 'lost-continuation'
  | 'foreign-state'
  | 'request'
  | 'broken-stream'

/** Whose fault it is, and so what is cooled: `account` all of it, `pair` the (account, model) pair. `upstream` also cools only the pair. */
export type Blame = 'account' | 'pair' | 'upstream' | 'request' | 'nobody'

/** A classified signal. */
export interface Failure {
  readonly kind: FailureKind
  readonly blame: Blame
  /** The row of the table that matched, in words. */
  readonly because: string
  readonly status: number | null
  readonly code: string | null
  readonly message: string
  /** When the upstream says that it will serve again; clamped, in the future, never NaN. Null: it did not say. */
  readonly resetAtMs: number | null
  /** It may have been served and billed all the same. */
  readonly ambiguous: boolean
  /** A credential named as dead, rather than merely refused: retires at once. */
  readonly final: boolean
}
