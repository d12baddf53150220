import type { ErrorObject, Failure, Signal } from '../../src/core/failure.ts'
import { classify } from '../../src/core/failure-table.ts'
import type { Headers } from '../../src/lib/headers.ts'

/** The moment at which the core's tests happen. */
export const now = Date.UTC(2026, 10, 21, 12)

export type SaysError = Partial<ErrorObject>

/** An error object that says this and nothing else. */
export function errorObject(says: SaysError = {}): ErrorObject {
  return { code: null, type: null, message: '', param: null, resetsAt: undefined, resetsInSeconds: undefined, ...says }
}

/** A JSON answer with a status >= 400. */
export function answer(status: number, says: SaysError = {}, headers: Headers = {}): Signal {
  return { kind: 'answer', status, headers, body: 'json', error: errorObject(says) }
}

/** An answer whose body holds no error object. */
export function page(status: number, body: 'html' | 'other' | 'empty' | 'json' = 'html', headers: Headers = {}): Signal {
  return { kind: 'answer', status, headers, body, error: null }
}

/** A failure told inside a 200; the status is known only from error events. */
export function told(says: SaysError, status: number | null = null, headers: Headers = {}): Signal {
  return { kind: 'told', status, headers, error: errorObject(says) }
}

/** No response head. */
export function unreachable(detail: string, handing: 'handed-over' | 'not-handed-over' = 'not-handed-over'): Signal {
  return { kind: 'unreachable', why: 'reset', handedOver: handing === 'handed-over', detail }
}

export function silent(waitingFor: 'head' | 'first-event' | 'next-event' | 'whole-answer' = 'first-event'): Signal {
  return { kind: 'silent', waitingFor }
}

export const ended: Signal = { kind: 'ended', detail: 'cut' }

/** One signal for each kind of failure, as plain as it comes. */
export const plain = {
  credential: answer(401),
  quota: answer(429, { code: 'insufficient_quota' }),
  forbidden: answer(403, { message: 'no' }),
  'edge-block': page(403),
  rate: answer(429),
  model: answer(404, { code: 'model_not_found' }),
  overload: answer(529),
  server: answer(500),
  network: unreachable('refused'),
  silent: silent(),
  transport: answer(426),
  'lost-continuation': answer(400, { code: 'previous_response_not_found' }),
  'foreign-state': answer(400, { code: 'invalid_encrypted_content' }),
  request: answer(400, { message: 'bad' }),
  'broken-stream': ended,
} as const satisfies Readonly<Record<Failure['kind'], Signal>>

/** The failure that the plain signal of this kind is classified as. */
export function failure(kind: Failure['kind'], differing: Partial<Failure> = {}): Failure {
  return { ...classify(plain[kind], now), ...differing }
}
