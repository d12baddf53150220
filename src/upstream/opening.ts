import type { LookupFunction } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import type { FrameCall } from '../ports/sockets.ts'
import type { Sent } from '../ports/transport.ts'
import { Handshake, type Shaken } from './handshake.ts'
import { passedHeaders } from './headers.ts'
import { unsent, type Agreed, type UpstreamSocket } from './socket.ts'

interface OpeningParts {
  readonly clock: Clock
  readonly names: LookupFunction
  /** Makes the socket of what was agreed to for this call. */
  opened(agreed: Agreed, call: FrameCall): UpstreamSocket
  /** Nobody waits any more. */
  over(): void
}

/** A turn that waits for the socket. */
interface Waiting {
  readonly call: FrameCall
  answer(sent: Sent): void
  stop(): void
}

const waitingMax = 64

/** A socket in the making, and the turns of all lanes that wait for it. */
export class Opening {
  readonly #parts: OpeningParts
  readonly #waiting = new Set<Waiting>()
  #handshake: Handshake | null = null

  constructor(parts: OpeningParts) {
    this.#parts = parts
  }

  /** Waits for the socket, no longer than the handshake may take, and says the turn's frame on it. */
  join(call: FrameCall): Promise<Sent> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= waitingMax) return resolve(unsent('refused', 'too many turns wait for one WebSocket'))
      const late = () => this.#leave(waiting, () => resolve(unsent('connect-timeout', `no WebSocket within ${call.handshakeMs} ms`)))
      // A `Cancelled`, by the port's promise.
      const abort = () => this.#leave(waiting, () => reject(call.signal.reason as Error))
      const disarm = this.#parts.clock.after(call.handshakeMs, late)
      call.signal.addEventListener('abort', abort, { once: true })
      const stop = () => {
        disarm()
        call.signal.removeEventListener('abort', abort)
      }
      const waiting: Waiting = { call, answer: resolve, stop }
      this.#waiting.add(waiting)
      if (this.#handshake === null) this.#begin(call)
    })
  }

  /** Breaks it off; whoever waits is told that nothing was sent. */
  stop(detail: string): void {
    this.#handshake?.stop()
    this.#answerAll(() => unsent('reset', detail))
  }

  #begin(call: FrameCall): void {
    this.#handshake = new Handshake(this.#parts, (shaken) => this.#told(shaken, call))
    this.#handshake.start(call)
  }

  #told(shaken: Shaken, call: FrameCall): void {
    switch (shaken.kind) {
      case 'unreachable':
        return this.#answerAll(() => unsent(shaken.why, shaken.detail))
      case 'agreed': {
        const socket = this.#parts.opened(shaken, call)
        return this.#answerAll((waiting) => socket.say(waiting.call))
      }
      case 'refused':
        return this.#refused(shaken)
    }
  }

  /** The answer is for one turn; a turn of another lane that waited as well asks for itself. */
  #refused({ status, headers, body }: Extract<Shaken, { kind: 'refused' }>): void {
    const [first] = this.#waiting
    if (first === undefined) return body.cancel()
    const { signal } = first.call
    this.#waiting.delete(first)
    first.stop()
    const abort = () => body.breakOff('the call was called off')
    signal.addEventListener('abort', abort, { once: true })
    void body.closed.then(() => signal.removeEventListener('abort', abort))
    first.answer({ kind: 'answer', status, headers, pass: passedHeaders(headers), body })
    const [next] = this.#waiting
    if (next === undefined) this.#parts.over()
    else this.#begin(next.call)
  }

  #answerAll(sent: (waiting: Waiting) => Sent): void {
    // First, so that a turn which is tried again at once opens another socket.
    this.#parts.over()
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      waiting.stop()
      waiting.answer(sent(waiting))
    }
  }

  #leave(waiting: Waiting, tell: () => void): void {
    if (!this.#waiting.delete(waiting)) return
    waiting.stop()
    if (this.#waiting.size === 0) {
      this.#handshake?.stop()
      this.#parts.over()
    }
    tell()
  }
}
