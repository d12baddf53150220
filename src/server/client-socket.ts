import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock } from '../lib/clock.ts'
import { outgoing } from '../lib/outgoing.ts'
import { textFrames } from '../lib/text-frames.ts'

/** What a client's socket brings. */
export interface ClientEars {
  /** One whole text frame. */
  frame(bytes: Buffer): void
  binary(): void
  /** The client has gone, or what it sent was no WebSocket. */
  gone(): void
  /** It took no byte for too long. */
  stuck(): void
}

/** What a session does with its client's socket. */
export type ClientEnd = Pick<ClientSocket, 'listen' | 'say' | 'drained' | 'close' | 'terminate'>

export interface ClientSocketTimes {
  /** A client that takes no byte for this long is stuck. */
  readonly clientWriteMs: number
  readonly pingMs: number
  /** How long a close may wait for the client's own. */
  readonly lingerMs: number
}

/** Between two pings. Unit: milliseconds. Proxies in front close what is silent for 60 s; 30 s is the shortest bound seen. */
export const pingMs = 25_000

/**
 * The socket of one session's client. While the client takes nothing, nothing is read from it either: what it asks for could not be answered,
 * and only then does the socket's own time-out, which alone sees a large write that progresses without having ended, count nothing else.
 */
export class ClientSocket {
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #times: ClientSocketTimes
  #waiting: (() => void)[] = []
  #stalled = false
  #over = false
  /** What was said in this tick, and is not written yet: less than the socket takes before it asks for a pause. */
  #unsaid: Buffer[] = []
  #unsaidBytes = 0
  #seenBytes = -1
  #stopPings: () => void = () => {}

  constructor(ws: WebSocket, socket: Socket, clock: Clock, times: ClientSocketTimes) {
    this.#ws = ws
    this.#socket = socket
    this.#clock = clock
    this.#times = times
  }

  listen(ears: ClientEars): void {
    const ws = this.#ws
    ws.on('message', (data, isBinary) => {
      if (this.#over) return
      if (isBinary) ears.binary()
      else ears.frame(whole(data))
    })
    ws.on('close', () => {
      this.#stop()
      ears.gone()
    })
    // Its close follows, with the code that says what was wrong.
    ws.on('error', () => {})
    this.#socket.on('timeout', () => {
      if (this.#stalled) ears.stuck()
    })
    this.#socket.on('drain', this.#drain)
    this.#arm()
  }

  /** Says frames; whatever is said in one tick is one write. False: the client takes no more for now; wait for `drained`. */
  say(frames: readonly Buffer[]): boolean {
    if (this.#over || this.#ws.readyState !== this.#ws.OPEN) return true
    if (this.#unsaid.length === 0) process.nextTick(ClientSocket.#flushThat, this)
    for (const frame of frames) {
      this.#unsaid.push(frame)
      this.#unsaidBytes += frame.length
    }
    const { writableLength, writableHighWaterMark } = this.#socket
    if (this.#unsaidBytes + writableLength < writableHighWaterMark) return true
    this.#flush()
    if (!this.#socket.writableNeedDrain) return true
    this.#stall()
    return false
  }

  /** Calls back once when the client takes bytes again, or never will. */
  drained(then: () => void): void {
    if (this.#stalled) this.#waiting.push(then)
    else queueMicrotask(then)
  }

  /** Closes after what was said has been handed over. Nothing is heard or said any more. */
  close(code: number, reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#stopPings()
    this.#flush()
    this.#ws.close(code, reason)
    // Its own close is awaited, but what it still says is not: the socket must be read for that.
    this.#ws.resume()
    const stop = this.#clock.after(this.#times.lingerMs, () => this.#ws.terminate())
    this.#ws.once('close', stop)
  }

  terminate(): void {
    this.#over = true
    this.#flush()
    this.#ws.terminate()
  }

  /** When the tick is over, its microtasks included: what one read brings comes in several of them. */
  static readonly #flushThat = (that: ClientSocket): void => that.#flush()

  #flush(): void {
    const frames = this.#unsaid
    this.#unsaid = []
    this.#unsaidBytes = 0
    if (frames.length === 0 || !this.#socket.writable) return
    outgoing.write(this.#socket, frames, textFrames)
  }

  #stall(): void {
    if (this.#stalled) return
    this.#stalled = true
    this.#ws.pause()
    this.#socket.setTimeout(this.#times.clientWriteMs)
  }

  readonly #drain = (): void => {
    if (!this.#stalled || this.#socket.writableNeedDrain) return
    this.#stalled = false
    this.#socket.setTimeout(0)
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.resume()
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const then of waiting) then()
  }

  #arm(): void {
    this.#stopPings = this.#clock.after(this.#times.pingMs, () => this.#ping())
  }

  /** A connection that is half open brings nothing, not even an answer to a ping. */
  #ping(): void {
    const { bytesRead } = this.#socket
    if (bytesRead === this.#seenBytes && !this.#stalled) return this.terminate()
    this.#seenBytes = bytesRead
    this.#ws.ping()
    this.#arm()
  }

  #stop(): void {
    this.#over = true
    this.#stalled = false
    this.#stopPings()
    this.#wake()
  }
}

/** `ws` gives a message as one buffer, as it is asked to. */
function whole(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
