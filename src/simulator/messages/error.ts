import type { Refuse, Refused } from '../error.ts'

/** Says no to a request that is wrong in itself. */
export type Wrong = (message: string) => Refused

const types: ReadonlyMap<number, string> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

/** The type of an error with this status (protocols.md 5.4). */
export function errorType(status: number): string {
  return types.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}

export interface MessagesError {
  readonly type: string
  readonly message: string
  /** `details.error_code`; null: there are no details. */
  readonly code?: string | null
}

/** Anthropic's error object. @param requestId null inside a stream, where none is told. */
export function messagesErrorText({ type, message, code = null }: MessagesError, requestId: string | null): string {
  const error = { type, message, ...(code === null ? {} : { details: { error_code: code } }) }
  return JSON.stringify({ type: 'error', error, ...(requestId === null ? {} : { request_id: requestId }) })
}

/** Anthropic names no member beside its sentence. */
export function refuser(requestId: string): Refuse {
  return (status, message) => ({ kind: 'refused', status, text: messagesErrorText({ type: errorType(status), message }, requestId) })
}

/** The names of OpenAI's errors inside an answer, in Anthropic's words. */
const likeTypes: ReadonlyMap<string, string> = new Map([
  ['server_is_overloaded', 'overloaded_error'],
  ['slow_down', 'overloaded_error'],
  ['rate_limit_exceeded', 'rate_limit_error'],
  ['insufficient_quota', 'rate_limit_error'],
  ['invalid_api_key', 'authentication_error'],
  ['model_not_found', 'not_found_error'],
  ['context_length_exceeded', 'invalid_request_error'],
  ['invalid_prompt', 'invalid_request_error'],
])

/** The type for a code as faults name it: Anthropic's own as they are. @param status decides where the code says nothing. */
export function likeType(code: string, status: number | null): string {
  return likeTypes.get(code) ?? (/_error$|^request_too_large$/.test(code) && code !== 'server_error' ? code : errorType(status ?? 500))
}
