import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock } from '../lib/clock.ts'
import type { Connection, Cue } from './connection.ts'
import { closeOf, type Close } from './deed.ts'
import { refused } from './error.ts'
import { errorEvent } from './error-event.ts'
import { FastTurn } from './fast-turn.ts'
import type { InFlight } from './in-flight.ts'
import type { Memory } from './memory.ts'
import type { SocketStep } from './socket-script.ts'
import { SocketTurn } from './socket-turn.ts'

export interface SocketShellOptions {
  readonly webSocket: WebSocket
  /** What lies below it. */
  readonly socket: Socket
  readonly connection: Connection
  readonly connectionMs: number
  readonly memory: Memory
  readonly clock: Clock
  readonly inFlight: InFlight
}

type Turn = SocketTurn | FastTurn
/** `go-on`: its time has come, or there is room again. */
type Due = Cue | { readonly kind: 'perform' | 'go-on'; readonly turn: Turn }

/** One turn that is being performed. */
interface Played {
  /** Takes the timer back that runs before the due step. */
  cancel: (() => void) | null
  /** The wait before the due step is over. */
  waited: boolean
  readonly over: () => void
}

/** While more than this is unsent, nothing more is read: a client that does not listen is not heard either. */
const unsentBytesMax = 1024 * 1024
const fastWaitingMax = 256

/** Carries out over a socket what its connection decides: at its pace, and no faster than the other side reads. */
export class SocketShell {
  readonly connection: Connection
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  readonly #options: SocketShellOptions
  readonly #performing = new Map<Turn, Played>()
  readonly #due: Due[] = []
  readonly #forgetAge: () => void
  #isCarrying = false
  #isStopped = false
  #fastWaiting = 0

  constructor(options: SocketShellOptions) {
    this.#options = options
    this.connection = options.connection
    this.#webSocket = options.webSocket
    this.#socket = options.socket
    // A connection that breaks is seen by its `close`; there is nobody to tell of the error.
    this.#webSocket.on('error', ignore)
    this.#webSocket.on('message', (bytes, isBinary) => this.#hear(bytes as Buffer, isBinary ? 'binary' : 'text'))
    this.#webSocket.once('close', () => this.#gone())
    this.#socket.on('drain', () => this.#drained())
    this.#forgetAge = options.clock.after(options.connectionMs, () => this.#aged())
  }

  /** Closes the connection in its own manner: 1005 tells no code, 1006 breaks it. */
  close({ code, reason }: Close): void {
    this.#stop()
    // What the other side answers to the close must be read.
    this.#webSocket.resume()
    if (code === 1006) this.#socket.destroy()
    else if (code === 1005) this.#webSocket.close()
    else this.#webSocket.close(code, reason)
  }

  #hear(bytes: Buffer, form: 'text' | 'binary'): void {
    const { memory, clock } = this.#options
    if (!this.#isOpen) return
    const behaviour = memory.behaviour(this.connection.key)
    if (behaviour === null || behaviour.fast === 'off') return this.#carry(this.connection.hear(bytes, form, clock.now()))
    if (this.#fastWaiting >= fastWaitingMax) return this.close({ code: 1013, reason: 'too many turns wait' })
    this.#fastWaiting += 1
    if (this.#fastWaiting === 1) this.#beginFast()
  }

  #beginFast(): void {
    const { memory, clock } = this.#options
    const behaviour = memory.behaviour(this.connection.key)
    if (behaviour !== null) this.#carry([{ kind: 'perform', turn: new FastTurn(behaviour, memory, clock.now()) }])
  }

  /** Does what is due, and what follows from it, with one write for all that comes at once. */
  #carry(cues: readonly Due[]): void {
    this.#due.push(...cues)
    if (this.#isCarrying) return
    this.#isCarrying = true
    this.#socket.cork()
    for (let cue = this.#due.shift(); cue !== undefined; cue = this.#due.shift()) if (this.#isOpen) this.#follow(cue)
    this.#socket.uncork()
    this.#isCarrying = false
    if (this.#socket.writableLength > unsentBytesMax) this.#webSocket.pause()
  }

  #follow(cue: Due): void {
    switch (cue.kind) {
      case 'say':
        return this.#webSocket.send(cue.text)
      case 'perform':
        this.#performing.set(cue.turn, { cancel: null, waited: false, over: this.#options.inFlight.begin(this.connection.key) })
        return this.#run(cue.turn)
      case 'hurry':
        this.#hurry(cue.turn)
        return this.#run(cue.turn)
      case 'go-on':
        return this.#run(cue.turn)
      case 'close':
        return this.close(cue.close)
    }
  }

  /** Takes the steps of a turn that are due: up to one that waits, or until the other side must read first. */
  #run(turn: Turn): void {
    const played = this.#performing.get(turn)
    if (played === undefined || played.cancel !== null) return
    for (let { step } = turn; this.#isOpen; { step } = turn) {
      if (step === null) return this.#end(turn, played)
      const waitMs = 'waitMs' in step && !played.waited ? step.waitMs : 0
      if (waitMs > 0) {
        played.cancel = this.#options.clock.after(waitMs, () => {
          played.cancel = null
          played.waited = true
          this.#carry([{ kind: 'go-on', turn }])
        })
        return
      }
      if (this.#socket.writableNeedDrain || step.kind === 'hang') return
      played.waited = false
      turn.advance()
      this.#take(step)
    }
  }

  #take(step: Exclude<SocketStep, { kind: 'hang' }>): void {
    switch (step.kind) {
      case 'say':
        return this.#say(step.text, step.fragmentBytes)
      case 'bytes':
        this.#socket.write(step.bytes)
        return
      case 'close':
        return this.close(step.close)
      case 'cut':
        this.#stop()
        // An empty write comes back when all that stood before it is on its way.
        this.#socket.write('', () => this.#socket.destroy())
        return
      case 'reset':
        this.#stop()
        this.#socket.resetAndDestroy()
        return
    }
  }

  #say(text: string, fragmentBytes: number | null): void {
    const bytes = Buffer.from(text)
    const size = Math.max(fragmentBytes ?? bytes.length, Math.ceil(bytes.length / fragmentsMax), 1)
    for (let at = 0; at < bytes.length; at += size) this.#webSocket.send(bytes.subarray(at, at + size), { binary: false, fin: at + size >= bytes.length })
  }

  #hurry(turn: SocketTurn): void {
    const played = this.#performing.get(turn)
    played?.cancel?.()
    if (played !== undefined) played.cancel = null
  }

  #end(turn: Turn, played: Played): void {
    this.#performing.delete(turn)
    played.over()
    if (turn instanceof SocketTurn) return this.#carry(this.connection.ended(turn, this.#options.clock.now()))
    this.#fastWaiting -= 1
    if (this.#fastWaiting > 0) this.#beginFast()
  }

  #drained(): void {
    if (!this.#isOpen) return
    this.#webSocket.resume()
    this.#carry([...this.#performing.keys()].map((turn) => ({ kind: 'go-on', turn })))
  }

  #aged(): void {
    const { text } = refused(400, 'The connection has reached its longest time; open another.', { code: 'websocket_connection_limit_reached' })
    const event = errorEvent({ status: 400, headers: {}, text, statusAs: 'status' })
    this.#carry([
      { kind: 'say', text: event.text },
      { kind: 'close', close: closeOf(1001, 'connection limit reached') },
    ])
  }

  get #isOpen(): boolean {
    return !this.#isStopped && this.#webSocket.readyState === this.#webSocket.OPEN
  }

  /** Nothing more is performed. */
  #stop(): void {
    this.#isStopped = true
    this.#forgetAge()
    for (const { cancel } of this.#performing.values()) cancel?.()
  }

  #gone(): void {
    this.#stop()
    for (const { over } of this.#performing.values()) over()
    this.#performing.clear()
  }
}

/** Of one frame: readers bear no more of them than of bytes. */
const fragmentsMax = 1_000
const ignore = () => {}
