import type { ErrorObject, Signal } from '../core/failure.ts'
import type { ClientModel, ResponseId } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Plan } from '../core/shape.ts'
import type { Endpoint, Turn } from '../core/turn.ts'
import type { Usage } from '../core/usage.ts'
import type { Body, Edit } from '../lib/body.ts'
import type { Headers } from '../lib/headers.ts'

export type Read = { readonly kind: 'turn'; readonly turn: Turn } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** What the end of an answer tells the books. */
export interface AnswerEnd {
  readonly status: 'completed' | 'incomplete' | 'failed'
  readonly response: ResponseId | null
  /** Ids of the answer's items: a stored one may be referred to later. */
  readonly items: readonly string[]
  readonly usage: Usage | null
  readonly tierServed: string | null
  /** The upstream's code, where it failed. */
  readonly code: string | null
}

/** What one event of a stream is to the turn. `bytes` are what the client gets: the very ones that came, unless the model's name was restored or the output rebuilt. */
export type Seen =
  /** Not output: the turn may still move after it. */
  | { readonly kind: 'held'; readonly bytes: Buffer }
  /** Output whose bytes stand as they came; the one shared value `output`, so that an event costs no allocation. */
  | { readonly kind: 'output' }
  | { readonly kind: 'terminal'; readonly bytes: Buffer; readonly end: AnswerEnd }
  /** `response.failed` or an error event: a signal while nothing was given to the client, the end afterwards. */
  | { readonly kind: 'failed'; readonly bytes: Buffer; readonly end: AnswerEnd; readonly signal: Signal }

/** Watches one attempt's stream. Stateful, but pure: no clock, no I/O. */
export interface EventObserver {
  /** One whole event, `bytes[start, end)`, its closing blank line included. */
  see(bytes: Buffer, start: number, end: number): Seen
  /** Hashes of reasoning that this attempt's account sealed, since last asked. */
  sealed(): readonly string[]
  /** Id of the answer, as soon as the stream has named it. */
  response(): ResponseId | null
}

/** What a whole JSON answer is to the turn. */
export interface SeenAnswer {
  readonly end: AnswerEnd
  /** What the client gets. */
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** Set where the answer says, inside a 200, that it failed. */
  readonly signal: Signal | null
  readonly sealed: readonly string[]
}

/** What an observer must know of the attempt. */
export interface Watched {
  readonly endpoint: Endpoint
  /** The name to restore in answers; null where mapping did not change it. */
  readonly restore: ClientModel | null
}

export interface Told {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** A wire format. All of it is pure. */
export interface Dialect {
  readonly name: 'responses'
  /** Members whose double is refused, because a policy or a decision depends on them. */
  readonly governed: ReadonlySet<string>
  /** The answer's header that names the model. */
  readonly modelHeader: string
  read(body: Body, endpoint: Endpoint, headers: Headers): Read
  /** Where an endpoint lies at the upstream, below its base URL. */
  path(endpoint: Endpoint): string
  /** The edits that turn the client's body into this attempt's. None: the very bytes go out. */
  apply(plan: Plan, body: Body): readonly Edit[]
  observe(watched: Watched): EventObserver
  observeAnswer(bytes: Buffer, watched: Watched): SeenAnswer
  /** The error object of an upstream's error body; null where there is none. */
  readError(body: Buffer): ErrorObject | null
  /** A refusal as this dialect says it over HTTP. */
  refuse(refusal: Refusal): Told
  /** An upstream's error, said again under this status. */
  retell(status: number, error: ErrorObject): Told
  /** An error inside a stream that has begun; the connection is cut after it. `response`: the id that the client has seen, if any. */
  failInBand(error: { readonly code: string; readonly message: string }, response: ResponseId | null): Buffer
  /** Resets this client's idle timer. */
  keepAlive(turn: Turn): Buffer
}
