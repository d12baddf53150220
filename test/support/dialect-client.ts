import { createParser } from 'eventsource-parser'
import type { Answer, Json } from './client.ts'

/**
 * What clients of every dialect have in common. They are written from the facts of the protocols, and share no code with the gateway: a fault of its
 * reading would be hidden by reading with it.
 */

export type Spoken = 'responses' | 'chat' | 'messages'

/** What a client asks for beside its words. */
export interface Wishes {
  readonly model?: string
  readonly stream?: boolean
  readonly system?: string
  /** Names of function tools. */
  readonly tools?: readonly string[]
  /** Names of tools whose input is text; Messages has none. */
  readonly customTools?: readonly string[]
  readonly choice?: 'required' | 'none' | { readonly name: string }
  readonly limit?: number
  readonly effort?: 'none' | 'low' | 'high'
  readonly schema?: Json
  /** Members in the dialect's own words. */
  readonly more?: Json
}

export interface Call {
  readonly id: string
  readonly name: string
  readonly kind: 'function' | 'custom'
  /** The arguments, parsed; of a custom tool its text. */
  readonly says: unknown
}

export type Finish = 'stop' | 'length' | 'tool' | 'refusal'

export interface Used {
  readonly input: number
  readonly cached: number
  readonly written: number
  readonly output: number
  readonly reasoning: number
}

/** An error as any client acts on it. */
export interface Told {
  /** Null: it was told inside a stream. 529 and 503 are one. */
  readonly status: number | null
  readonly kind: string
  readonly param: string | null
  readonly message: string
}

/** An answer in no dialect's words. */
export interface Heard {
  readonly status: number
  readonly end: Answer['end']
  /** Whether it says of itself that it came to its end. */
  readonly isOver: boolean
  readonly text: string
  /** How the text came: piece by piece. */
  readonly pieces: readonly string[]
  readonly refusal: string
  readonly thought: string
  readonly calls: readonly Call[]
  readonly finish: Finish | null
  readonly usage: Used | null
  /** Every name that the model has in it, in its headers too. */
  readonly models: readonly string[]
  readonly error: Told | null
  /** What is against the rules of the dialect. */
  readonly breaches: readonly string[]
  /** What goes into the dialogue, in the dialect's own words. */
  readonly said: readonly Json[]
}

/** A client of one dialect. */
export interface DialectClient {
  readonly name: Spoken
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** What the user says. @param images URLs, `data:` ones among them. */
  readonly user: (text: string, images?: readonly string[]) => Json
  /** What came of the calls of an answer, in their order. */
  readonly outputs: (calls: readonly Call[], outputs: readonly string[]) => readonly Json[]
  readonly body: (dialogue: readonly Json[], wishes: Wishes) => Json
  readonly hear: (answer: Answer) => Heard
}

export interface RawEvent {
  readonly event: string | null
  readonly data: string
}

/** By a parser that is not the gateway's own. */
export function rawEventsOf(text: string): readonly RawEvent[] {
  const events: RawEvent[] = []
  createParser({ onEvent: ({ event, data }) => events.push({ event: event ?? null, data }) }).feed(text)
  return events
}

export const isStream = ({ headers }: Answer): boolean => headers['content-type']?.startsWith('text/event-stream') === true

export const objectOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
export const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : [])
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Null where it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

export const nothingHeard: Omit<Heard, 'status' | 'end'> = {
  isOver: false,
  text: '',
  pieces: [],
  refusal: '',
  thought: '',
  calls: [],
  finish: null,
  usage: null,
  models: [],
  error: null,
  breaches: [],
  said: [],
}

/** Our own codes; all others are an upstream's, which each dialect says in its own words. */
const ours = new Set(
  `invalid_json invalid_body duplicate_member invalid_api_key model_not_allowed policy_violation model_not_served body_too_large no_account_ready
  upstream_unreachable upstream_timeout upstream_credential unsupported_parameter key_in_query`.split(/\s+/),
)

/** Words of all dialects for one thing, inside a stream (protocols.md 1.6, 5.4, 5.8). */
const kinds: Readonly<Record<string, string>> = {
  rate_limit_exceeded: 'rate',
  rate_limit_error: 'rate',
  overloaded_error: 'overload',
  server_is_overloaded: 'overload',
  slow_down: 'overload',
  service_unavailable_error: 'overload',
  api_error: 'server',
  server_error: 'server',
  authentication_error: 'credential',
  invalid_request_error: 'request',
  context_length_exceeded: 'request',
  not_found_error: 'missing',
  model_not_found: 'missing',
}

/** Error types that Anthropic alone has. */
const anthropics = new Set(['overloaded_error', 'api_error', 'not_found_error', 'permission_error', 'timeout_error', 'request_too_large', 'billing_error'])

export function told(
  status: number | null,
  error: { readonly code: unknown; readonly type: unknown; readonly param?: unknown; readonly message: unknown },
): Told {
  const { code, type, param, message } = error
  const words = [code, type].map(textOf)
  const own = words.find((word) => ours.has(word))
  const known = words.map((word) => kinds[word]).find((kind) => kind !== undefined)
  const like = status === null ? (known ?? words.find((word) => word !== '') ?? 'untold') : `status ${status === 529 ? 503 : status}`
  return { status: status === 529 ? 503 : status, kind: own ?? like, param: typeof param === 'string' ? param : null, message: textOf(message) }
}

/** What an OpenAI client would not understand in an error of its own dialect. */
export function foreignWords(code: unknown, type: unknown): readonly string[] {
  return [code, type].filter((word) => anthropics.has(textOf(word))).map((word) => `an error in Anthropic's words: ${textOf(word)}`)
}

export const inOrder = (names: readonly unknown[]): readonly string[] => [
  ...new Set(names.filter((name): name is string => typeof name === 'string' && name !== '')),
]
