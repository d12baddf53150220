import type { ErrorObject } from '../../core/failure.ts'
import { isObject, type Json } from '../json.ts'
import { statusOf as statusOfWord } from '../responses/error-status.ts'
import { blank, readErrorObject } from '../responses/error.ts'

/** What each type of error means as a status (protocols.md 5.4). */
const statuses: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

const types: ReadonlyMap<number, string> = new Map([...statuses].map(([type, status]) => [status, type]))

/** The status of an error that was told without one: by its type, else by its code, which may be a word of another dialect. */
export function statusOf({ type, code }: Pick<ErrorObject, 'type' | 'code'>): number {
  const known = statuses.get(type ?? '') ?? statuses.get(code ?? '')
  if (known !== undefined) return known
  const status = statusOfWord({ type, code })
  return status === 503 ? 529 : status
}

/** The type under which this dialect tells an error of this status. */
export function typeOf(status: number): string {
  return types.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

/** The error object of an error body. Null: there is none. */
export function readError(body: Buffer): ErrorObject | null {
  try {
    const said: unknown = JSON.parse(body.toString('utf8'))
    return isObject(said) ? errorIn(said) : null
  } catch {
    return null
  }
}

/** What an error body or an error event tells. Anthropic's errors have a code only in their details; where they have none, their type stands for it. */
export function errorIn(said: Json): ErrorObject {
  const nested = said['error'] ?? said['detail']
  if (typeof nested === 'string') return { ...blank, message: nested }
  const error = readErrorObject(isObject(nested) ? nested : said) ?? blank
  // The flat form begins with the type of the body.
  const type = error.type === 'error' ? null : error.type
  return { ...error, type, code: detailed(isObject(nested) ? nested['details'] : null) ?? error.code ?? type }
}

function detailed(details: unknown): string | null {
  const code = isObject(details) ? details['error_code'] : null
  return typeof code === 'string' && code !== '' ? code : null
}
