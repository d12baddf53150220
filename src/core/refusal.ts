/** Our "no" to the client, from one catalogue. What an upstream says is never one of these. */
export type RefusalCode = keyof typeof catalogue

/** How a client should go on: never with the same request, as it likes, or after `retryAfterMs`. */
type Again = 'no' | 'yes' | 'later'

interface Entry {
  readonly status: number
  readonly again: Again
  /** `error.type` of the Responses dialect. */
  readonly type: string
}

const entry = (status: number, again: Again, type: string): Entry => ({ status, again, type })
const invalid = (status: number): Entry => entry(status, 'no', 'invalid_request_error')

/** code -> status, whether to try again, and the error's type. `docs/failures.md` lists the same rows. */
export const catalogue = {
  invalid_json: invalid(400),
  invalid_body: invalid(400),
  duplicate_member: invalid(400),
  background_not_supported: invalid(400),
  previous_response_not_found: invalid(400),
  key_in_query: invalid(400),
  /** Something in the question has no words in the dialect of those who could serve it, or is not served here. */
  unsupported_parameter: invalid(400),
  invalid_stream_id: invalid(400),
  websocket_stream_limit_reached: invalid(400),
  websocket_connection_limit_reached: entry(400, 'yes', 'invalid_request_error'),
  invalid_api_key: entry(401, 'no', 'authentication_error'),
  model_not_allowed: entry(403, 'no', 'forbidden_error'),
  policy_violation: entry(403, 'no', 'forbidden_error'),
  unknown_route: invalid(404),
  response_not_found: invalid(404),
  model_not_served: invalid(404),
  method_not_allowed: invalid(405),
  request_timeout: entry(408, 'yes', 'invalid_request_error'),
  body_too_large: invalid(413),
  unsupported_encoding: invalid(415),
  websocket_required: invalid(426),
  headers_too_large: invalid(431),
  rate_limit_exceeded: entry(429, 'later', 'rate_limit_error'),
  no_account_ready: entry(429, 'later', 'rate_limit_error'),
  owner_not_ready: entry(429, 'later', 'rate_limit_error'),
  queue_full: entry(429, 'later', 'rate_limit_error'),
  insufficient_quota: entry(429, 'no', 'insufficient_quota'),
  internal_error: entry(500, 'yes', 'server_error'),
  upstream_unreachable: entry(502, 'yes', 'server_error'),
  upstream_timeout: entry(504, 'yes', 'server_error'),
  upstream_credential: entry(503, 'later', 'server_error'),
  shutting_down: entry(503, 'later', 'server_error'),
  ledger_unavailable: entry(503, 'later', 'server_error'),
  memory_full: entry(503, 'later', 'server_error'),
} as const satisfies Readonly<Record<string, Entry>>

/** The longest wait that we ask of a client: SDKs ignore, or hang on, a longer one (protocols 8.1). */
export const retryAfterMsMax = 60_000

export interface Refusal {
  readonly code: RefusalCode
  readonly message: string
  /** The member of the body, or the header, that is at fault. */
  readonly param: string | null
  /** For codes that say "later": how long, at most `retryAfterMsMax`. */
  readonly retryAfterMs: number | null
  /** For `no_account_ready` whose reset is further away than that: when. The client is told not to try again before. */
  readonly reset: { readonly atMs: number; readonly inMs: number } | null
}

/** @param more what the code alone does not say. A code that says "later" and no wait asks for one second. */
export function refusal(code: RefusalCode, message: string, more: Partial<Pick<Refusal, 'param' | 'retryAfterMs' | 'reset'>> = {}): Refusal {
  const reset = more.reset ?? null
  const waitMs = more.retryAfterMs ?? 1000
  const later = catalogue[code].again === 'later' && reset === null
  return { code, message, param: more.param ?? null, retryAfterMs: later ? Math.min(Math.max(1, Math.ceil(waitMs)), retryAfterMsMax) : null, reset }
}

/** What the status line and the headers of a refusal say. */
export function refusalHead(refusal: Refusal): { readonly status: number; readonly headers: readonly (readonly [string, string])[] } {
  const { status, again } = catalogue[refusal.code]
  if (again === 'no' || refusal.reset !== null) return { status, headers: [['x-should-retry', 'false']] }
  if (refusal.retryAfterMs === null) return { status, headers: [] }
  return {
    status,
    headers: [
      ['retry-after', String(Math.ceil(refusal.retryAfterMs / 1000))],
      ['retry-after-ms', String(refusal.retryAfterMs)],
    ],
  }
}
