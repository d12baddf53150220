import type { ErrorObject, Signal } from '../core/failure.ts'
import type { ClientModel, ResponseId, UpstreamModel } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Plan } from '../core/shape.ts'
import type { Items } from '../core/transcript.ts'
import type { DialectName, Endpoint, Turn } from '../core/turn.ts'
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
  /** `before`: whole events that the client gets ahead of it. */
  | { readonly kind: 'terminal'; readonly bytes: Buffer; readonly end: AnswerEnd; readonly before?: readonly Buffer[] }
  /** `response.failed` or an error event: a signal while nothing was given to the client, the end afterwards. */
  | { readonly kind: 'failed'; readonly bytes: Buffer; readonly end: AnswerEnd; readonly signal: Extract<Signal, { kind: 'told' }> }
  /** What the client gets in its place, whole events each; none: it hears nothing of it. */
  | { readonly kind: 'instead'; readonly events: readonly Buffer[]; readonly isOutput: boolean }

/** Watches one attempt's stream. Stateful, but pure: no clock, no I/O. */
export interface EventObserver {
  /** One whole event, `bytes[start, end)`: with its closing blank line, or the text of a frame. */
  see(bytes: Buffer, start: number, end: number): Seen
  /** The stream came to a clean end, without a terminal event so far. What that amounts to; null: it was cut. */
  close(): Extract<Seen, { kind: 'terminal' }> | null
  /** Hashes of what this attempt's account sealed, since last asked. */
  sealed(): readonly string[]
  /** Id of the answer, as soon as the stream has named it. */
  response(): ResponseId | null
  /** The answer's items as they came, copied: once the terminal event is seen, all of them. Null: they are more than is kept, or cannot be read. */
  items(): Items | null
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
  /** The model, as the client calls it. */
  readonly model: ClientModel
  /** `Turn.wantsUsage`. */
  readonly wantsUsage: boolean
  /** When the attempt began, in seconds since the epoch: what an answer says of its making where its upstream does not. */
  readonly startedAtS: number
  /** What the translation of the question must be remembered for; null: it was not translated. */
  readonly memo: Memo | null
}

/** What a translated question changed, so that its answer can be changed back. */
export interface Memo {
  /** Tools whose input is text in the client's dialect, and an object with one member `input` in the upstream's. */
  readonly customTools: ReadonlySet<string>
  /** The client's own names of tools, by what they are called upstream, where that is shorter. */
  readonly toolNames: ReadonlyMap<string, string>
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
  itemsOf(body: Body): Items | null
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

/** How an attempt speaks with its upstream. What the client gets of the answer is in the client's dialect, whichever the upstream's is. */
export interface UpstreamDialect {
  /** Where an endpoint lies at the upstream, below its base URL. */
  path(endpoint: Endpoint): string
  /** The client's headers as this upstream may hear them. */
  headers(plan: Plan, headers: Headers): Headers
  observe(watched: Watched): EventObserver
  observeAnswer(bytes: Buffer, watched: Watched): SeenAnswer
  /** The whole answer, in the upstream's own dialect, that these server-sent events amount to. */
  gather(bytes: Buffer): Gathered
  /** The error object of an upstream's error body; null where there is none. */
  readError(body: Buffer): ErrorObject | null
}

/** A question in the words of another dialect. */
export type Worded =
  | { readonly kind: 'worded'; readonly text: Pieces; readonly memo: Memo }
  /** Something in it has no words there. */
  | { readonly kind: 'unsayable'; readonly refusal: Refusal }

/** What a question is translated with beside itself. */
export interface WordingWish {
  /** What questions of one dialogue have in common, for upstreams that keep their prompt caches by it; null: nothing to go by. */
  readonly cacheKey: string | null
  /** Hashes of sealed reasoning that stays behind. */
  readonly unsealed: ReadonlySet<string>
}

/** Speaks to an upstream of another dialect than the client's. */
export interface Translation extends UpstreamDialect {
  /** What the upstream speaks. */
  readonly to: DialectName
  word(plan: Plan, body: Body, about: WordingWish): Worded
}

/** A wire format. All of it is pure. */
export interface Dialect extends UpstreamDialect {
  readonly name: DialectName
  /** Whether a stream may end cleanly behind an error event, since that is one of its terminal events. */
  readonly endsInErrors: boolean
  /** Members whose double is refused, because a policy or a decision depends on them. */
  readonly governed: ReadonlySet<string>
  /** The answer's header that names the model; null: none does. */
  readonly modelHeader: string | null
  /** The header in which its clients look for the id of their request; `x-request-id` stands on every answer anyway. */
  readonly requestIdHeader: 'x-request-id' | 'request-id'
  read(body: Body, endpoint: Endpoint, headers: Headers): Read
  /** The edits that turn the client's body into this attempt's. None: the very bytes go out. */
  apply(plan: Plan, body: Body): readonly Edit[]
  /** A refusal as this dialect says it over HTTP. */
  refuse(refusal: Refusal): Told
  /** An upstream's error, said again under this status. */
  retell(status: number, error: ErrorObject): Told
  /** An error inside a stream that has begun; the connection is cut after it. `response`: the id that the client has seen, if any. */
  failInBand(error: { readonly code: string; readonly message: string }, response: ResponseId | null): Buffer
  /** Resets this client's idle timer. */
  keepAlive(turn: Turn): Buffer
}

/** A wire format that is spoken over WebSocket too. */
export interface SessionDialect extends Dialect {
  readonly frames: FrameDialect
}
