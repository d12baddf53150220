import type { Signal, Unreachable } from '../core/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { header } from '../lib/headers.ts'
import type { Call, Sent } from '../ports/transport.ts'
import type { AccountConnections, Waiter } from './account-connections.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Asker, BodyHearer, Connection, Keeping } from './connection.ts'
import type { Connections } from './connections.ts'
import { decoded } from './decoded-body.ts'
import { DialFailed } from './guard.ts'
import { passedHeaders } from './headers.ts'
import { IncomingBody } from './incoming-body.ts'
import { requestHead } from './request-head.ts'

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
export class Exchange implements Waiter, Asker {
  readonly #around: Around
  readonly #signal: AbortSignal
  /** Null as soon as nothing will be sent any more, so that the body can be freed. */
  #call: Call | null
  #phase: Phase = 'connecting'
  /** What is said once there is a connection. */
  #head = ''
  #waitsAt: AccountConnections | null = null
  #on: Connection | null = null
  #body: IncomingBody | null = null
  #stopTimer: () => void = nothing
  #keeping: Keeping = 'kept'

  constructor(around: Around, call: Call) {
    this.#around = around
    this.#call = call
    this.#signal = call.signal
  }

  get keeping(): Keeping {
    return this.#keeping
  }

  start(): void {
    const call = this.#call
    if (call === null) return
    this.#signal.addEventListener('abort', this.#abort, { once: true })
    this.#send(call)
  }

  given(connection: Connection): void {
    const call = this.#call
    if (call === null) return connection.destroy()
    this.#waitsAt = null
    this.#on = connection
    this.#phase = 'sending'
    connection.ask({ head: this.#head, body: call.body, keeping: this.#keeping }, this)
    if (connection.isTaken) this.taken()
    else this.#timer(call.headMs, () => this.#fail('reset', `the upstream did not take the whole request within ${call.headMs} ms`))
  }

  taken(): void {
    if (this.#phase !== 'sending' || this.#call === null) return
    this.#phase = 'waiting'
    // Of a request that was sent twice, the first sending may not be over yet.
    if (this.#keeping === 'kept') this.#call.body?.taken?.()
    this.#timer(this.#call.headMs, () => this.#end({ kind: 'silent', waitingFor: 'head' }))
  }

  head({ status, headers }: AnswerHead): BodyHearer | null {
    const connection = this.#on
    if (connection === null) return null
    const encoding = header(headers, 'content-encoding')
    const body = new IncomingBody(connection, () => this.#signal.removeEventListener('abort', this.#abort))
    const answer = encoding === null ? body : decoded(body, encoding)
    if (answer === null) {
      this.#end(unreachable('reset', true, `the answer is encoded as "${encoding}", which was not asked for`))
      return null
    }
    this.#phase = 'answering'
    this.#stopTimer()
    this.#call = null
    this.#body = body
    this.#around.resolve({ kind: 'answer', status, headers, pass: passedHeaders(headers), body: answer })
    return body
  }

  failed(error: Error): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'connecting') return this.#fail(error instanceof DialFailed ? error.why : 'reset', error.message)
    if (this.#call !== null && this.#mayResend(error)) {
      this.#keeping = 'fresh'
      return this.#send(this.#call)
    }
    this.#fail('reset', detailOf(error))
  }

  #send(call: Call): void {
    this.#phase = 'connecting'
    try {
      const way = this.#around.connections.of(call.account)
      this.#head = requestHead(call, way, this.#keeping)
      const kept = this.#keeping === 'kept' ? way.connections.take() : null
      if (kept !== null) return this.given(kept)
      this.#timer(call.connectMs, () => this.#fail('connect-timeout', `no connection within ${call.connectMs} ms`))
      this.#waitsAt = way.connections
      way.connections.wait(this)
    } catch (error) {
      // A header, a path or an address that cannot be said. The error names which, never the value.
      this.#fail('refused', `the request cannot be sent: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }

  /**
   * A kept connection that the server closed while it idled, found out before the request was wholly written: nobody can have served it.
   * Once it was wholly written nothing tells a dead connection from a served request, and the table has to judge.
   */
  #mayResend(error: NodeJS.ErrnoException): boolean {
    const stale = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    return stale && this.#on?.isUsed === true && !this.#on.isTaken && this.#keeping === 'kept'
  }

  #fail(why: Unreachable, detail: string): void {
    const handedOver = this.#phase !== 'connecting' && this.#on?.isTaken === true
    this.#end(unreachable(why, handedOver, detail))
  }

  #end(signal: Extract<Signal, { kind: 'unreachable' | 'silent' }>): void {
    this.#over()
    this.#around.resolve({ kind: 'signal', signal })
  }

  readonly #abort = (): void => {
    if (this.#body !== null) return this.#body.breakOff('the call was called off')
    this.#over()
    this.#around.reject(this.#signal.reason as Error)
  }

  #over(): void {
    this.#phase = 'over'
    this.#call = null
    this.#stopTimer()
    this.#signal.removeEventListener('abort', this.#abort)
    this.#waitsAt?.leave(this)
    this.#on?.destroy()
  }

  #timer(ms: number, ring: () => void): void {
    this.#stopTimer()
    this.#stopTimer = this.#around.clock.after(ms, ring)
  }
}

function nothing(): void {}

function unreachable(why: Unreachable, handedOver: boolean, detail: string): Extract<Signal, { kind: 'unreachable' }> {
  return { kind: 'unreachable', why, handedOver, detail }
}

function detailOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return `the upstream cut the connection (${error.code})`
  return error.message
}
