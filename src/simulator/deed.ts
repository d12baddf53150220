import type { FaultSpec } from './fault-spec.ts'
import { errorText } from './error.ts'

type HeaderValues = { readonly [name: string]: string | readonly string[] }

/** What a fault does to an answer. Several may be done to one answer, in the order in which they are given. */
export type Deed =
  | { readonly kind: 'nothing' }
  /** Answers this instead, before the request is looked at. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers: HeaderValues
      readonly say: (at: { nowMs: number; model: string | null }) => string
      readonly socket: SocketManner
    }
  /** The head is never sent. */
  | { readonly kind: 'hang' }
  /** The connection is reset before the head. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly ms: number; readonly before: 'head' | 'events' | 'output' }
  /** Stops after so many events: says no more, destroys the connection, or ends as if all were well. */
  | { readonly kind: 'stop'; readonly events: number; readonly how: 'hang' | 'cut' | 'end' }
  | { readonly kind: 'malformed'; readonly events: number }
  /** Fails inside a 200: by `response.failed` (`status: "failed"` in JSON), or by an error event. */
  | {
      readonly kind: 'failed'
      readonly events: number
      readonly as: 'failed' | 'nested' | 'flat'
      readonly error: Told
      readonly headers: HeaderValues
      readonly socket: SocketManner
    }
  /** Closes a WebSocket after so many events; what is no WebSocket is cut. */
  | { readonly kind: 'close'; readonly events: number; readonly close: Close }
  | { readonly kind: 'empty-output' }
  | { readonly kind: 'usage'; readonly usage: unknown }
  | { readonly kind: 'giant'; readonly events: number; readonly bytes: number }
  | { readonly kind: 'extra-events'; readonly events: number; readonly types: readonly string[] }
  | { readonly kind: 'gzip' }
  | { readonly kind: 'drip'; readonly chunkBytes: number; readonly ms: number }
  | { readonly kind: 'headers'; readonly headers: HeaderValues }

/** The error that a failed answer or an error event tells. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly status: number | null
}

/** How a WebSocket is closed. */
export interface Close {
  readonly code: number
  readonly reason: string
}

/** What only WebSocket knows of a fault: how its error event tells the status, and whether a close stands behind. */
export interface SocketManner {
  readonly statusAs: 'status' | 'status_code' | 'none'
  readonly close: Close | null
}

/** The codes that a close may have; 1005 and 1006 are never said, but can be had. */
const closeCodes = (code: number) => (code >= 1000 && code <= 1014 && code !== 1004) || (code >= 3000 && code <= 4999)

/** @throws TypeError when no WebSocket can be closed like this. */
export function closeOf(code: number, reason = ''): Close {
  if (!closeCodes(code)) throw new TypeError(`no WebSocket closes with ${code}; the codes are 1000 to 1003, 1005 to 1014, and 3000 to 4999`)
  if (Buffer.byteLength(reason) > 123) throw new TypeError('the reason of a close has at most 123 bytes')
  return { code, reason }
}

const socketOf = (spec: FaultSpec): SocketManner => ({
  statusAs: spec.statusAs ?? 'status',
  close: spec.closeCode === undefined ? null : closeOf(spec.closeCode, spec.reason),
})

type Make = (spec: FaultSpec) => Deed

/** Behind the first text delta of a plain answer: created, in_progress, item, part, delta. */
const behindOutput = 5
/** Behind the lifecycle events, before anything that counts as output. */
const beforeOutput = 2

const htmlOf = (title: string) => `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`
const jsonType = { 'content-type': 'application/json' }
const htmlType = { 'content-type': 'text/html; charset=UTF-8' }

/** A refusal with a fixed JSON error. */
function refusal(status: number, error: { message: string; type: string; param?: string; code?: string }): Make {
  return (spec) => {
    const code = spec.code === undefined ? (error.code ?? null) : spec.code
    const text = errorText({ message: spec.message ?? error.message, type: error.type, param: error.param ?? null, code })
    return {
      kind: 'status',
      status: spec.status ?? status,
      headers: { ...jsonType, ...retryAfter(spec, null), ...spec.headers },
      say: () => text,
      socket: socketOf(spec),
    }
  }
}

function page(status: number, title: string): Make {
  const text = htmlOf(title)
  return (spec) => ({ kind: 'status', status: spec.status ?? status, headers: { ...htmlType, ...spec.headers }, say: () => text, socket: socketOf(spec) })
}

function retryAfter(spec: FaultSpec, otherwise: number | null): { [name: string]: string } {
  const seconds = spec.retryAfterSeconds === undefined ? otherwise : spec.retryAfterSeconds
  return seconds === null ? {} : { 'retry-after': String(Math.ceil(seconds)), 'retry-after-ms': String(Math.round(seconds * 1000)) }
}

function status(spec: FaultSpec): Deed {
  const body = spec.body ?? { error: { message: spec.message ?? 'This answer was asked for.', type: 'server_error', param: null, code: spec.code ?? null } }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body !== 'string' ? jsonType : /^\s*</.test(body) ? htmlType : { 'content-type': 'text/plain' }
  return {
    kind: 'status',
    status: spec.status ?? 500,
    headers: { ...type, ...retryAfter(spec, null), ...spec.headers },
    say: () => text,
    socket: socketOf(spec),
  }
}

function quota(spec: FaultSpec): Deed {
  const seconds = spec.resetsInSeconds === undefined ? 5 : spec.resetsInSeconds
  const say = ({ nowMs }: { nowMs: number }) => {
    const reset = seconds === null ? {} : { resets_at: Math.floor(nowMs / 1000) + seconds, resets_in_seconds: seconds }
    const message = spec.message ?? 'The usage limit has been reached'
    return JSON.stringify({ error: { type: 'usage_limit_reached', message, plan_type: 'plus', ...reset } })
  }
  return { kind: 'status', status: spec.status ?? 429, headers: { ...jsonType, ...spec.headers }, say, socket: socketOf(spec) }
}

function rate(spec: FaultSpec): Deed {
  const hint = retryAfter(spec, 1)
  const seconds = hint['retry-after'] ?? null
  const message = spec.message ?? `Rate limit reached for requests.${seconds === null ? '' : ` Please try again in ${seconds}s.`}`
  const text = errorText({ message, type: 'requests', param: null, code: spec.code === undefined ? 'rate_limit_exceeded' : spec.code })
  return { kind: 'status', status: spec.status ?? 429, headers: { ...jsonType, ...hint, ...spec.headers }, say: () => text, socket: socketOf(spec) }
}

function model(spec: FaultSpec): Deed {
  const say = (at: { model: string | null }) =>
    errorText({
      message: spec.message ?? `The model \`${at.model ?? 'unnamed'}\` does not exist or you do not have access to it.`,
      type: 'invalid_request_error',
      param: 'model',
      code: spec.code === undefined ? 'model_not_found' : spec.code,
    })
  return { kind: 'status', status: spec.status ?? 404, headers: { ...jsonType, ...spec.headers }, say, socket: socketOf(spec) }
}

const stop =
  (how: 'hang' | 'cut' | 'end', events: number): Make =>
  (spec) => ({ kind: 'stop', events: spec.events ?? events, how })

const failed =
  (as: 'failed' | 'event'): Make =>
  (spec) => ({
    kind: 'failed',
    events: spec.events ?? beforeOutput,
    as: as === 'failed' ? 'failed' : (spec.shape ?? 'nested'),
    error: {
      code: spec.code ?? 'server_is_overloaded',
      message: spec.message ?? 'Our servers are currently overloaded. Please try again later.',
      status: spec.status ?? null,
    },
    headers: { ...retryAfter(spec, null), ...spec.headers },
    socket: socketOf(spec),
  })

const codexWindows: HeaderValues = {
  'x-codex-primary-used-percent': '42.5',
  'x-codex-primary-window-minutes': '300',
  'x-codex-primary-reset-after-seconds': '7200',
  'x-codex-secondary-used-percent': '12',
  'x-codex-secondary-window-minutes': '10080',
  'x-codex-secondary-reset-after-seconds': '400000',
  'x-codex-turn-state': 'sticky-simulated-state',
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '1m30s',
  'set-cookie': ['__edge=simulated; path=/; HttpOnly', 'session=simulated'],
}

/** Every fault by its name. */
export const deeds = {
  none: () => ({ kind: 'nothing' }),
  status,
  quota,
  'quota-403': refusal(403, { message: 'usage limit reached', type: 'forbidden_error' }),
  rate,
  credential: refusal(401, { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' }),
  'credential-bare': refusal(401, { message: 'Unauthorized', type: 'invalid_request_error' }),
  'token-invalidated': refusal(401, { message: 'This token has been invalidated. Sign in again.', type: 'invalid_request_error', code: 'token_invalidated' }),
  forbidden: refusal(403, { message: 'This account may not do that.', type: 'permission_error' }),
  edge: page(403, 'Attention Required'),
  overload: refusal(503, { message: 'Our servers are currently overloaded.', type: 'service_unavailable_error', code: 'server_is_overloaded' }),
  'overload-529': refusal(529, { message: 'Overloaded', type: 'overloaded_error' }),
  server: refusal(500, { message: 'The server had an error while processing the request.', type: 'server_error', code: 'server_error' }),
  model,
  payment: refusal(402, { message: 'Payment is required before further use.', type: 'billing_error' }),
  hang: () => ({ kind: 'hang' }),
  slow: (spec) => ({ kind: 'slow', ms: spec.ms ?? 5_000, before: spec.before ?? 'events' }),
  silent: stop('hang', 1),
  cut: stop('cut', behindOutput),
  reset: () => ({ kind: 'reset' }),
  close: (spec) => ({ kind: 'close', events: spec.events ?? 0, close: closeOf(spec.closeCode ?? 1011, spec.reason) }),
  'end-early': stop('end', behindOutput),
  malformed: (spec) => ({ kind: 'malformed', events: spec.events ?? behindOutput }),
  failed: failed('failed'),
  'error-event': failed('event'),
  'json-failed': failed('failed'),
  'empty-output': () => ({ kind: 'empty-output' }),
  'no-usage': () => ({ kind: 'usage', usage: null }),
  'bad-usage': () => ({ kind: 'usage', usage: { input_tokens: 'many', output_tokens: -1, input_tokens_details: null } }),
  giant: (spec) => ({ kind: 'giant', events: spec.events ?? behindOutput, bytes: Math.round((spec.megabytes ?? 8) * 1024 * 1024) }),
  'unknown-event': (spec) => ({ kind: 'extra-events', events: spec.events ?? 0, types: spec.types ?? ['codex.rate_limits', 'keepalive'] }),
  gzip: () => ({ kind: 'gzip' }),
  redirect: (spec) => ({
    kind: 'status',
    status: spec.status ?? 302,
    headers: { ...htmlType, location: spec.location ?? '/v1/redirected', ...spec.headers },
    say: () => htmlOf('Found'),
    socket: socketOf(spec),
  }),
  'html-404': page(404, 'Not Found'),
  drip: (spec) => ({ kind: 'drip', chunkBytes: spec.chunkBytes ?? 64, ms: spec.ms ?? 10 }),
  headers: (spec) => ({ kind: 'headers', headers: spec.headers ?? codexWindows }),
} as const satisfies { readonly [name: string]: Make }

export type FaultName = keyof typeof deeds
