import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import type { Signal, Unreachable } from '../core/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { decodedStream } from '../lib/decode.ts'
import { header } from '../lib/headers.ts'
import type { Call, Sent } from '../ports/transport.ts'
import type { DialWish } from './agent.ts'
import type { Connections, Way } from './connections.ts'
import { endpoints } from './endpoints.ts'
import { DialFailed } from './guard.ts'
import { passedHeaders, requestHeaders } from './headers.ts'
import { IncomingBody } from './incoming-body.ts'

/** What an exchange needs from outside, and where its one result goes. */
interface Around {
  readonly connections: Connections
  readonly clock: Clock
  resolve(sent: Sent): void
  reject(reason: Error): void
}

/**
 * connecting: no connection yet. sending: connected, the request not wholly written. waiting: handed over, no head yet.
 * answering: the head came. over: no head will come.
 */
type Phase = 'connecting' | 'sending' | 'waiting' | 'answering' | 'over'

/** One call: from the wish for a connection to the head of the answer, and then the call's signal until the body is over. */
export class Exchange {
  readonly #around: Around
  readonly #signal: AbortSignal
  /** Null as soon as nothing will be sent any more, so that the body can be freed. */
  #call: Call | null
  #phase: Phase = 'connecting'
  #request: ClientRequest | null = null
  #body: IncomingBody | null = null
  #connection: 'kept' | 'fresh' = 'kept'
  #stopTimer: () => void = () => {}
  readonly #abort = () => this.#aborted()

  constructor(around: Around, call: Call) {
    this.#around = around
    this.#call = call
    this.#signal = call.signal
  }

  start(): void {
    const call = this.#call
    if (call === null) return
    this.#signal.addEventListener('abort', this.#abort, { once: true })
    this.#send(call)
  }

  #send(call: Call): void {
    this.#phase = 'connecting'
    this.#timer(call.connectMs, () => this.#fail('connect-timeout', `no connection within ${call.connectMs} ms`))
    try {
      const request = httpRequest(requestOptions(call, this.#around.connections.of(call.account), this.#connection))
      this.#request = request
      this.#listen(request, call)
      writeBody(request, call.body)
    } catch (error) {
      // A header, a path or an address that cannot be said. The error names which, never the value.
      this.#fail('refused', `the request cannot be sent: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }

  #listen(request: ClientRequest, call: Call): void {
    request.on('socket', () => {
      if (this.#phase !== 'connecting' || request !== this.#request) return
      this.#phase = 'sending'
      this.#timer(call.headMs, () => this.#fail('reset', `the upstream did not take the whole request within ${call.headMs} ms`))
    })
    request.on('finish', () => {
      if (this.#phase !== 'sending' || request !== this.#request) return
      this.#phase = 'waiting'
      if (this.#connection === 'kept' && !request.destroyed) this.#call?.body?.taken?.()
      this.#timer(call.headMs, () => this.#end({ kind: 'silent', waitingFor: 'head' }))
    })
    request.on('response', (message) => this.#answered(request, message))
    request.on('error', (error) => this.#failed(request, error))
    request.on('close', () => {
      if (this.#isOpen(request)) this.#failed(request, new Error('the upstream closed the connection without an answer'))
    })
  }

  #answered(request: ClientRequest, message: IncomingMessage): void {
    if (this.#phase === 'over') return
    this.#phase = 'answering'
    this.#stopTimer()
    this.#call = null
    const encoding = header(message.headers, 'content-encoding')
    const source = encoding === null ? message : decodedStream(message, encoding)
    if (source === null) return this.#end(unreachable('reset', true, `the answer is encoded as "${encoding}", which was not asked for`))
    const body = new IncomingBody(request, message, source)
    this.#body = body
    message.once('close', () => this.#signal.removeEventListener('abort', this.#abort))
    const status = message.statusCode ?? 0
    this.#around.resolve({ kind: 'answer', status, headers: message.headers, pass: passedHeaders(message.headers), body })
  }

  /** Whether this request may still bring the head. */
  #isOpen(request: ClientRequest): boolean {
    return request === this.#request && this.#phase !== 'over' && this.#phase !== 'answering'
  }

  #failed(request: ClientRequest, error: Error): void {
    if (!this.#isOpen(request)) return
    if (this.#phase === 'connecting') return this.#fail(error instanceof DialFailed ? error.why : 'reset', error.message)
    if (this.#call !== null && this.#mayResend(request, error)) {
      this.#connection = 'fresh'
      return this.#send(this.#call)
    }
    this.#fail('reset', detailOf(error))
  }

  /**
   * A kept connection that the server closed while it idled, found out before the request was wholly written: nobody can have served it.
   * Once it was wholly written nothing tells a dead connection from a served request, and the table has to judge.
   */
  #mayResend(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
    const stale = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    return stale && request.reusedSocket && !request.writableFinished && this.#connection === 'kept'
  }

  /** `writableFinished` turns true when the kernel has taken the last byte: until then the request was surely not whole. */
  #fail(why: Unreachable, detail: string): void {
    const handedOver = this.#phase !== 'connecting' && this.#request?.writableFinished === true
    this.#end(unreachable(why, handedOver, detail))
  }

  #end(signal: Extract<Signal, { kind: 'unreachable' | 'silent' }>): void {
    this.#over()
    this.#around.resolve({ kind: 'signal', signal })
  }

  #aborted(): void {
    if (this.#body !== null) return this.#body.breakOff('the call was called off')
    this.#over()
    this.#around.reject(this.#signal.reason as Error)
  }

  #over(): void {
    this.#phase = 'over'
    this.#call = null
    this.#stopTimer()
    this.#signal.removeEventListener('abort', this.#abort)
    this.#request?.destroy()
  }

  #timer(ms: number, ring: () => void): void {
    this.#stopTimer()
    this.#stopTimer = this.#around.clock.after(ms, ring)
  }
}

/** A body of less than this is joined: a copy costs less than a write more. */
const joinedBytes = 16 * 1024

/** The connection is given to a request in a later tick, so all pieces are kept as they are and go out in one corked write with the head. */
function writeBody(request: ClientRequest, body: Call['body']): void {
  if (body === null) request.end()
  else if (body.bytes < joinedBytes) request.end(Buffer.concat(body.pieces, body.bytes))
  else {
    for (const piece of body.pieces) request.write(piece)
    request.end()
  }
}

function requestOptions(call: Call, way: Way, connection: 'kept' | 'fresh'): RequestOptions {
  const headers = requestHeaders(call.clientHeaders, call.omit)
  headers.push('host', way.authority, 'authorization', endpoints[call.account.upstream].authorization(call.credential), 'accept-encoding', 'identity')
  if (call.body !== null) headers.push('content-type', 'application/json')
  if (call.body !== null || call.method === 'POST') headers.push('content-length', String(call.body?.bytes ?? 0))
  if (connection === 'fresh') headers.push('connection', 'close')
  // A connection of its own goes round the kept ones, which may be as stale as the one that just failed.
  const wish: DialWish = { connectMs: call.connectMs, connection }
  return {
    ...wish,
    agent: way.agent,
    protocol: way.agent.scheme,
    host: way.hostname,
    port: way.port,
    method: call.method,
    path: way.basePath + call.path,
    headers,
  }
}

function unreachable(why: Unreachable, handedOver: boolean, detail: string): Extract<Signal, { kind: 'unreachable' }> {
  return { kind: 'unreachable', why, handedOver, detail }
}

function detailOf(error: NodeJS.ErrnoException): string {
  if (error.code?.startsWith('HPE_') === true) return `the upstream's answer is not HTTP (${error.code})`
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return `the upstream cut the connection (${error.code})`
  return error.message
}
