import type { ErrorObject } from '../../core/failure.ts'
import type { Headers } from '../../lib/headers.ts'
import { isObject } from '../json.ts'

/** The error object of an error body. Tolerates what gateways and backends write: `{error: {...}}`, `{error: "..."}`, `{detail: ...}`. */
export function readError(body: Buffer): ErrorObject | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
  if (!isObject(parsed)) return null
  const error = parsed['error'] ?? parsed['detail']
  if (typeof error === 'string') return { ...blank, message: error }
  return readErrorObject(isObject(error) ? error : parsed)
}

/** An error that says nothing. */
export const blank: ErrorObject = { code: null, type: null, message: '', param: null, resetsAt: undefined, resetsInSeconds: undefined }

/** Null where the value is no object. A member of the wrong type counts as absent. */
export function readErrorObject(value: unknown): ErrorObject | null {
  if (!isObject(value)) return null
  return {
    code: word(value['code']),
    type: word(value['type']),
    message: word(value['message']) ?? '',
    param: word(value['param']),
    resetsAt: value['resets_at'],
    resetsInSeconds: value['resets_in_seconds'],
  }
}

/** The error of an `error` event: flat in the type, nested by first-party servers. Headers stand beside the error, in it, or both. */
export function readErrorEvent(event: unknown): { readonly error: ErrorObject; readonly status: number | null; readonly headers: Headers } {
  if (!isObject(event)) return { error: blank, status: null, headers: {} }
  const nested = readErrorObject(event['error'])
  const flat = readErrorObject(event) ?? blank
  // In the flat form `type` says "error", which is no type of error.
  const error = nested ?? { ...flat, type: flat.type === 'error' ? null : flat.type }
  const status = event['status'] ?? event['status_code']
  const inside = isObject(event['error']) ? event['error']['headers'] : undefined
  return {
    error,
    status: typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600 ? status : null,
    headers: { ...readHeaders(inside), ...readHeaders(event['headers']) },
  }
}

function readHeaders(headers: unknown): Headers {
  if (!isObject(headers)) return {}
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name.toLowerCase(), String(value)]] : [],
    ),
  )
}

function word(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null
}
