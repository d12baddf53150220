import type { ClientRequest, IncomingMessage } from 'node:http'
import type { LookupFunction, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Unreachable } from '../core/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { decodedStream } from '../lib/decode.ts'
import { header, type Headers } from '../lib/headers.ts'
import type { FrameCall } from '../ports/sockets.ts'
import { placeOf, type Place } from './destination.ts'
import { dial } from './dial.ts'
import { credentialHeaders } from './endpoints.ts'
import { DialFailed } from './guard.ts'
import { requestHeaders } from './headers.ts'
import { RefusedBody } from './refused-body.ts'
import type { Agreed } from './socket.ts'

/** What a handshake came to. */
export type Shaken =
  | ({ readonly kind: 'agreed' } & Agreed)
  /** An HTTP answer of another status than 101. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: Headers; readonly body: RefusedBody }
  | { readonly kind: 'unreachable'; readonly why: Unreachable; readonly detail: string }

interface HandshakeParts {
  readonly clock: Clock
  readonly names: LookupFunction
}

/** Called once, in the tick in which it is known, so that no frame comes before somebody listens. */
type Told = (shaken: Shaken) => void

type Wish = Pick<FrameCall, 'account' | 'credential' | 'path' | 'clientHeaders' | 'omit' | 'connectMs' | 'frameBytesMax'>

/** `ws` gives up by itself what upstream does not end after its own close. Unit: milliseconds. */
const closeTimeout = 5_000
/** What cannot stand in the first line of a request; a URL would change it silently. */
const unsayablePath = /[^\x21-\x7e]|#/

/** One attempt to open a WebSocket. Nothing is said on it but the handshake. */
export class Handshake {
  readonly #parts: HandshakeParts
  readonly #breaker = new AbortController()
  #ws: WebSocket | null = null
  #wire: Socket | null = null
  /** Null: it is over. The WebSocket keeps this object, which is to keep nothing of the turn for which it was opened. */
  #told: Told | null

  constructor(parts: HandshakeParts, told: Told) {
    this.#parts = parts
    this.#told = told
  }

  start(wish: Wish): void {
    try {
      this.#open(wish, placeOf(wish.account))
    } catch (error) {
      // A header, a path or an address that cannot be said. The error names which, never the value.
      const detail = error instanceof Error ? error.message : 'unknown error'
      this.#end({ kind: 'unreachable', why: 'refused', detail: `the handshake cannot be sent: ${detail}` })
    }
  }

  /** Breaks it off; nobody is told. */
  stop(): void {
    if (this.#told === null) return
    this.#told = null
    this.#breakOff()
  }

  #open(wish: Wish, place: Place): void {
    if (unsayablePath.test(wish.path)) throw new Error('the path holds what no path may hold')
    const scheme = place.destination.security === 'tls' ? 'wss' : 'ws'
    const options = {
      createConnection: (_options: unknown, callback: unknown) => this.#dial(wish, place, callback as DialCallback),
      headers: handshakeHeaders(wish, place),
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: wish.frameBytesMax,
      closeTimeout,
    }
    // The types know of no connection that is still to come, which `node:http` takes by a callback.
    const ws = new WebSocket(`${scheme}://${place.authority}${place.basePath}${wish.path}`, options)
    this.#ws = ws
    this.#listen(ws)
  }

  #listen(ws: WebSocket): void {
    let headers: Headers = {}
    ws.on('upgrade', (answer) => (headers = answer.headers))
    ws.on('open', () => this.#agreed(ws, headers))
    ws.on('unexpected-response', (request, answer) => this.#refused(request, answer))
    // Stays for good: what is broken off from our side ends in an error too.
    ws.on('error', (error) => this.#failed(error))
  }

  /** By the callback, as `node:http` has it for agents: the connection is looked up, guarded, tunnelled and secured first. */
  #dial(wish: Wish, place: Place, callback: DialCallback): undefined {
    const { connectMs } = wish
    const late = () => this.#breaker.abort(new DialFailed('connect-timeout', `no connection within ${connectMs} ms`))
    const stopTimer = this.#parts.clock.after(connectMs, late)
    dial(place.destination, this.#parts.names, { session: null }, this.#breaker.signal)
      .finally(stopTimer)
      .then(
        (socket) => {
          this.#wire = socket
          callback(null, socket)
        },
        (error: Error) => callback(error),
      )
    return undefined
  }

  #agreed(ws: WebSocket, headers: Headers): void {
    const wire = this.#wire
    if (wire !== null) this.#end({ kind: 'agreed', ws, wire, headers })
  }

  #refused(request: ClientRequest, answer: IncomingMessage): void {
    // `Connection: Upgrade` looks like a kept connection to `node:http`, and nobody keeps this one.
    answer.once('close', () => this.#wire?.destroy())
    const encoding = header(answer.headers, 'content-encoding')
    const source = encoding === null ? answer : decodedStream(answer, encoding)
    const status = answer.statusCode ?? 0
    if (source !== null && status >= 200) return this.#end({ kind: 'refused', status, headers: answer.headers, body: new RefusedBody(answer, source) })
    answer.on('error', ignore)
    request.destroy()
    const detail = source === null ? `the answer is encoded as "${encoding}", which was not asked for` : `the upstream said ${status} and no WebSocket`
    this.#end({ kind: 'unreachable', why: 'reset', detail })
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (error instanceof DialFailed) return this.#end({ kind: 'unreachable', why: error.why, detail: error.message })
    const isWire = error.code !== undefined
    const detail = isWire ? `the upstream broke the handshake off (${error.code})` : `the upstream's handshake is not a WebSocket's: ${error.message}`
    this.#end({ kind: 'unreachable', why: 'reset', detail })
  }

  #end(shaken: Shaken): void {
    const told = this.#told
    if (told === null) return
    this.#told = null
    if (shaken.kind === 'unreachable') this.#breakOff()
    told(shaken)
  }

  #breakOff(): void {
    this.#breaker.abort(new DialFailed('reset', 'the handshake was called off'))
    this.#ws?.terminate()
    this.#wire?.destroy()
  }
}

type DialCallback = (error: Error | null, stream?: Duplex) => void

function handshakeHeaders({ account, credential, clientHeaders, omit }: Wish, place: Place): Record<string, string> {
  const flat = requestHeaders(clientHeaders, omit)
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? ''
  return {
    ...headers,
    host: place.authority,
    ...Object.fromEntries(credentialHeaders(account, credential)),
    'accept-encoding': 'identity',
  }
}

function ignore(): void {}
