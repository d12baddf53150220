/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = { readonly [name: string]: unknown }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** OpenAI's error object (protocols.md 1.6). */
export interface ErrorFields {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

export function errorText(error: ErrorFields): string {
  return JSON.stringify({ error })
}

/** The simulated upstream's "no". */
export interface Refused {
  readonly kind: 'refused'
  readonly status: number
  readonly text: string
}

/** What a refusal is about, as OpenAI says it. */
interface About {
  readonly param?: string
  readonly code?: string
}

/** Says no in a dialect's own words. */
export type Refuse = (status: number, message: string, about?: About) => Refused

/** A refusal of a request that is wrong in itself, as OpenAI says it. */
export function refused(status: number, message: string, about: About = {}): Refused {
  const error = { message, type: 'invalid_request_error', param: about.param ?? null, code: about.code ?? null }
  return { kind: 'refused', status, text: errorText(error) }
}
