import type { ErrorObject, Signal } from '../core/failure.ts'
import type { ClientModel, ResponseId, UpstreamModel } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Plan } from '../core/shape.ts'
import type { Item } from '../core/transcript.ts'
import type { Endpoint, Turn } from '../core/turn.ts'
import type { Usage } from '../core/usage.ts'
import type { Reading } from '../core/windows.ts'
import type { Body, Edit, Parsed, Pieces } from '../lib/body.ts'
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
  | { readonly kind: 'failed'; readonly bytes: Buffer; readonly end: AnswerEnd; readonly signal: Extract<Signal, { kind: 'told' }> }

/** Watches one attempt's stream. Stateful, but pure: no clock, no I/O. */
export interface EventObserver {
  /** One whole event, `bytes[start, end)`: with its closing blank line, or the text of a frame. */
  see(bytes: Buffer, start: number, end: number): Seen
  /** Hashes of what this attempt's account sealed, since last asked. */
  sealed(): readonly string[]
  /** Id of the answer, as soon as the stream has named it. */
  response(): ResponseId | null
  /** The answer's items as they came, copied: once the terminal event is seen, all of them. Null: they are more than is kept, or cannot be read. */
  items(): readonly Item[] | null
  /** Codex's routing tokens that the stream brought, since last asked. */
  turnStates(): readonly string[]
  /** What the stream said of the windows of the account's quota, since last asked. */
  readings(): readonly Reading[]
}

/** What a stream amounts to for a client that asked for none. */
export type Gathered = { readonly readings: readonly Reading[] } & (
  | { readonly kind: 'whole'; readonly json: Buffer }
  /** It ended in an error event. `json`: the same as the body of an error answer. */
  | { readonly kind: 'told'; readonly signal: Extract<Signal, { kind: 'told' }>; readonly end: AnswerEnd; readonly json: Buffer }
  | { readonly kind: 'cut' }
)

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
  /** How the upstream's events come: as server-sent events, or each as the text of one frame. */
  readonly framing: 'sse' | 'frames'
  /** How the client takes them. What the observer yields stays in the upstream's framing; `frames`: errors name their status. */
  readonly client: 'sse' | 'frames'
}

export interface Told {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** What a client's frame is, once it is read. */
export type ClientFrame =
  | {
      readonly kind: 'create'
      /** Its lane; null: the default one. */
      readonly streamId: string | null
      /** Null: it names none, or what cannot be one. */
      readonly model: ClientModel | null
      readonly previous: ResponseId | null
      /** Whether nothing is to be generated. */
      readonly isWarmUp: boolean
      /** Codex's routing token; empty: there is one, but nobody can tell which. */
      readonly turnState: string | null
    }
  /** `model`: the session's from now on; null: it stays. */
  | { readonly kind: 'update'; readonly model: ClientModel | null }
  | { readonly kind: 'steer'; readonly previous: ResponseId | null }
  | { readonly kind: 'processed' }
  /** `type` is empty where there is none. */
  | { readonly kind: 'other'; readonly type: string }

export type FrameRead = { readonly kind: 'frame'; readonly frame: ClientFrame } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** A turn that asked to generate nothing, and the id under which its answer can be continued. */
export interface WarmUp {
  readonly id: ResponseId
  readonly turn: Turn
  /** Seconds since the epoch. */
  readonly createdAtS: number
  readonly streamId: string | null
}

/**
 * What a wire format is over a WebSocket: each text frame is one JSON object. `streamId` is the client's lane, null the default one; `eventId` is
 * `evt_` and 32 hexadecimal digits, never used before.
 */
export interface FrameDialect {
  /** A client's frame as a body; what stands twice is refused only where it would be acted on. */
  parse(bytes: Buffer): Parsed
  read(body: Body): FrameRead
  /** The turn of a `create`. @param model the session's, for a frame that names none. */
  readCreate(body: Body, headers: Headers, model: ClientModel): Read
  /** What a frame says itself, as items of a dialogue, copied. Null: it cannot be taken apart. */
  itemsOf(body: Body): readonly Item[] | null
  /** An `update` for an account that calls its model so; null, or where it names none: the very bytes. */
  update(body: Body, renamed: UpstreamModel | null): Pieces
  /** A server-sent event, `bytes[start, end)`, as a frame: a part of the same bytes where that is possible. Null: there is nothing to say. */
  frameOf(bytes: Buffer, start: number, end: number, streamId: string | null): Buffer | null
  /** The error event of an HTTP error answer. */
  errorFrame(told: Told, streamId: string | null, eventId: string): Buffer
  /** The error event of a turn that breaks off; the session may go on. */
  failInBand(error: { readonly code: string; readonly message: string }, streamId: string | null, eventId: string): Buffer
  /** The answer to a steer that no upstream can take. */
  steerFailed(body: Body): Buffer
  /** Resets this client's idle timer; null: WebSocket's own pings do. */
  keepAlive(turn: Turn): Buffer | null
  /** Tells a client the routing token that came in the head of an HTTP answer. */
  turnState(state: string, streamId: string | null): Buffer
  /** The two events of a warm-up that went to no upstream. */
  warmUp(warmUp: WarmUp): { readonly created: Buffer; readonly completed: Buffer }
  /** Tells a client that its dialogue cannot be said again, in the form from which it recovers. */
  lostInSession(turn: Turn): Refusal
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
  /** The whole answer that these server-sent events amount to. */
  gather(bytes: Buffer): Gathered
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
  readonly frames: FrameDialect
}
