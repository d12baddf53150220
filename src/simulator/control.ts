import { readBehaviour } from './behaviour.ts'
import { errorText, isObject } from './error.ts'
import type { Received } from './received.ts'

/** What the control endpoint may do. */
export interface Controlled {
  set(key: string | null, spec: ReturnType<typeof readBehaviour>): void
  reset(): void
  close(key: string, code: number, reason?: string): void
  keys(): readonly { readonly key: string; readonly in_flight: number; readonly in_flight_max: number; readonly connections: number }[]
  received(): readonly Received[]
}

export interface ControlAnswer {
  readonly status: number
  readonly text: string
}

/** Whom the control endpoint listens to: this machine, and no page of a browser. */
export function mayControl(remote: string | undefined, origin: string | undefined): boolean {
  const address = remote?.replace(/^::ffff:/, '') ?? ''
  return origin === undefined && (address === '::1' || address.startsWith('127.'))
}

/**
 * The control endpoint.
 *
 * `GET /_control` -> `{keys: [{key, in_flight, in_flight_max, connections}], received: [{at_ms, kind, transport, connection, lane, method, path, dialect, key, headers,
 * body, body_bytes, body_hash, status, faults, dialogue}]}`.
 * `POST /_control` with `{key, ...behaviour}` gives that key the behaviour, whole (`faults: ["quota"]` or `[{fault: "quota", after: 2, resets_in_seconds: 5}]`);
 * without `key` it is for every key that has none of its own. `{reset: true}` goes back to the start instead, and `{key, close: 1012}` closes the WebSocket
 * connections of the key with that code. All answer `{}`.
 */
export function control(method: string, body: Buffer, to: Controlled): ControlAnswer {
  if (method === 'GET') return { status: 200, text: JSON.stringify({ keys: to.keys(), received: to.received().map(told) }) }
  if (method !== 'POST') return wrong(405, `The control endpoint knows GET and POST, not ${method}.`)
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (!isObject(value)) return wrong(400, 'The body must be an object.')
    const { key, reset, close, ...spec } = value
    if (key !== undefined && key !== null && typeof key !== 'string') return wrong(400, '"key" must be a text.')
    if (close !== undefined && (typeof close !== 'number' || typeof key !== 'string')) return wrong(400, '"close" must be a code, and needs a "key".')
    if (reset === true) to.reset()
    else if (typeof close === 'number' && typeof key === 'string') to.close(key, close)
    else to.set(key ?? null, readBehaviour(spec))
    return { status: 200, text: '{}' }
  } catch (error) {
    return wrong(400, error instanceof Error ? error.message : String(error))
  }
}

function told(one: Received): unknown {
  const { atMs, kind, transport, connection, lane, method, path, dialect, key, headers, body, status, faults, dialogue } = one
  const where = { at_ms: atMs, kind, transport, connection, lane, method, path, dialect, key, headers }
  return { ...where, body, body_bytes: one.bodyBytes, body_hash: one.bodyHash, status, faults, dialogue }
}

const wrong = (status: number, message: string): ControlAnswer => ({
  status,
  text: errorText({ message, type: 'invalid_request_error', param: null, code: 'bad_control' }),
})
