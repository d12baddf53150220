import type { FaultSpec } from './fault-spec.ts'
import type { HeaderValues } from './frame.ts'
import { retryAfter } from './openai-trouble.ts'
import type { Trouble } from './trouble.ts'

/** What a fault does to an answer. Several may be done to one answer, in the order in which they are given. */
export type Deed =
  | { readonly kind: 'nothing' }
  /** Answers this instead, before the request is looked at. */
  | { readonly kind: 'status'; readonly trouble: Trouble; readonly spec: FaultSpec; readonly socket: SocketManner }
  /** The head is never sent. */
  | { readonly kind: 'hang' }
  /** The connection is reset before the head. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly ms: number; readonly before: 'head' | Stand }
  /** Stops after so many events: says no more, destroys the connection, or ends as if all were well. */
  | { readonly kind: 'stop'; readonly events: Stand; readonly how: 'hang' | 'cut' | 'end' }
  | { readonly kind: 'malformed'; readonly events: Stand }
  /** Fails inside a 200: by `response.failed` (`status: "failed"` in JSON), or by an error event. */
  | {
      readonly kind: 'failed'
      readonly events: Stand
      readonly as: 'failed' | 'nested' | 'flat'
      readonly error: Told
      readonly headers: HeaderValues
      readonly socket: SocketManner
    }
  /** Closes a WebSocket after so many events; what is no WebSocket is cut. */
  | { readonly kind: 'close'; readonly events: Stand; readonly close: Close }
  | { readonly kind: 'empty-output' }
  | { readonly kind: 'usage'; readonly usage: unknown }
  | { readonly kind: 'giant'; readonly events: Stand; readonly bytes: number }
  | { readonly kind: 'extra-events'; readonly events: Stand; readonly types: readonly string[] }
  | { readonly kind: 'gzip' }
  | { readonly kind: 'drip'; readonly chunkBytes: number; readonly ms: number }
  /** Null: what the dialect's services tell of their limits. */
  | { readonly kind: 'headers'; readonly headers: HeaderValues | null }

/** Places that every dialect has among the events of its answers: before any output, behind the first delta of a plain text, and before what tells the end. */
export type Place = 'output' | 'more' | 'end'

/** Where among the events a fault stands: behind so many, or at a place. */
export type Stand = number | Place

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

const instead =
  (trouble: Trouble): Make =>
  (spec) => ({ kind: 'status', trouble, spec, socket: socketOf(spec) })

function standOf({ events, before }: FaultSpec, otherwise: Stand): Stand {
  if (events !== undefined) return events
  if (before === undefined) return otherwise
  return before === 'head' || before === 'events' ? 0 : before
}

const stop =
  (how: 'hang' | 'cut' | 'end', at: Stand): Make =>
  (spec) => ({ kind: 'stop', events: standOf(spec, at), how })

const failed =
  (as: 'failed' | 'event'): Make =>
  (spec) => ({
    kind: 'failed',
    events: standOf(spec, 'output'),
    as: as === 'failed' ? 'failed' : (spec.shape ?? 'nested'),
    error: {
      code: spec.code ?? 'server_is_overloaded',
      message: spec.message ?? 'Our servers are currently overloaded. Please try again later.',
      status: spec.status ?? null,
    },
    headers: { ...retryAfter(spec, null), ...spec.headers },
    socket: socketOf(spec),
  })

/** Every fault by its name. */
export const deeds = {
  none: () => ({ kind: 'nothing' }),
  status: instead('status'),
  quota: instead('quota'),
  'quota-403': instead('quota-403'),
  rate: instead('rate'),
  credential: instead('credential'),
  'credential-bare': instead('credential-bare'),
  'token-invalidated': instead('token-invalidated'),
  forbidden: instead('forbidden'),
  edge: instead('edge'),
  overload: instead('overload'),
  'overload-529': instead('overload-529'),
  server: instead('server'),
  model: instead('model'),
  payment: instead('payment'),
  hang: () => ({ kind: 'hang' }),
  slow: (spec) => ({ kind: 'slow', ms: spec.ms ?? 5_000, before: spec.before === 'head' ? 'head' : standOf(spec, 0) }),
  silent: stop('hang', 1),
  cut: stop('cut', 'more'),
  reset: () => ({ kind: 'reset' }),
  close: (spec) => ({ kind: 'close', events: standOf(spec, 0), close: closeOf(spec.closeCode ?? 1011, spec.reason) }),
  'end-early': stop('end', 'more'),
  malformed: (spec) => ({ kind: 'malformed', events: standOf(spec, 'more') }),
  failed: failed('failed'),
  'error-event': failed('event'),
  'json-failed': failed('failed'),
  'empty-output': () => ({ kind: 'empty-output' }),
  'no-usage': () => ({ kind: 'usage', usage: null }),
  'bad-usage': () => ({ kind: 'usage', usage: { input_tokens: 'many', output_tokens: -1, input_tokens_details: null } }),
  giant: (spec) => ({ kind: 'giant', events: standOf(spec, 'more'), bytes: Math.round((spec.megabytes ?? 8) * 1024 * 1024) }),
  'unknown-event': (spec) => ({ kind: 'extra-events', events: standOf(spec, 0), types: spec.types ?? ['codex.rate_limits', 'keepalive'] }),
  gzip: () => ({ kind: 'gzip' }),
  redirect: instead('redirect'),
  'html-404': instead('html-404'),
  drip: (spec) => ({ kind: 'drip', chunkBytes: spec.chunkBytes ?? 64, ms: spec.ms ?? 10 }),
  headers: (spec) => ({ kind: 'headers', headers: spec.headers ?? null }),
} as const satisfies { readonly [name: string]: Make }

export type FaultName = keyof typeof deeds
