import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { secretsOf, type Account, type Credential } from '../core/account.ts'
import type { Unreachable } from '../core/failure.ts'
import type { ResponseId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Headers } from '../lib/headers.ts'
import { hidden } from '../lib/hide.ts'
import { outgoing, type Take } from '../lib/outgoing.ts'
import { maskedTextFrame } from '../lib/text-frames.ts'
import type { FrameCall, FrameText, SocketListener } from '../ports/sockets.ts'
import type { Sent } from '../ports/transport.ts'
import { passedHeaders } from './headers.ts'
import { Heartbeat } from './heartbeat.ts'
import { Lanes } from './lanes.ts'

/** A WebSocket that upstream has agreed to, in the very tick in which it did. */
export interface Agreed {
  readonly ws: WebSocket
  /** The connection below it. */
  readonly wire: Socket
  /** Of upstream's 101. */
  readonly headers: Headers
}

export interface SocketParts {
  readonly account: Account
  readonly credential: Credential
  readonly frameBytesMax: number
  readonly clock: Clock
  readonly pingMs: number
  readonly listener: SocketListener
  /** The socket is closed for good. */
  gone(socket: UpstreamSocket): void
}

/** open: takes turns. retired: takes none, and closes when those that run have ended. over: closing, or closed. */
type State = 'open' | 'retired' | 'over'

/** How long upstream has to answer our close. Unit: milliseconds. */
const closeMs = 5_000
/** Latest answers that are remembered, one a lane. */
const knownMax = 64

/** One WebSocket to an account's upstream, for one session. */
export class UpstreamSocket {
  readonly account: Account
  readonly openedAtMs: number
  readonly #parts: SocketParts
  readonly #agreed: Agreed
  readonly #lanes: Lanes
  readonly #heartbeat: Heartbeat
  /** The latest answer of each lane, as the service behind the socket keeps it. */
  readonly #known = new Map<string, ResponseId>()
  #state: State = 'open'
  #saidTurns: 'none' | 'some' = 'none'
  /** What went wrong with the connection, where it said. */
  #error: string | null = null
  readonly #stopHearing: () => void
  #stopClosing: () => void = () => {}

  constructor(parts: SocketParts, agreed: Agreed) {
    this.#parts = parts
    this.#agreed = agreed
    this.account = parts.account
    this.openedAtMs = parts.clock.now()
    const { clock, listener, frameBytesMax } = parts
    this.#lanes = new Lanes({
      account: parts.account.id,
      clock,
      listener,
      frameBytesMax,
      held: () => this.#flow(),
      freed: () => this.#closeWhenDone(),
      abandoned: () => this.retire(),
      retire: () => this.retire(),
    })
    this.#heartbeat = new Heartbeat({ ...agreed, clock, pingMs: parts.pingMs, isBusy: () => this.#lanes.busy > 0, lost: (detail) => this.destroy(detail) })
    const { ws, wire } = agreed
    // `ws` keeps to itself why the connection broke.
    wire.on('error', (error) => (this.#error ??= detailOf(error, frameBytesMax)))
    const lanes = this.#lanes
    const hear = (data: RawData, isBinary: boolean): void => (isBinary ? this.#binary() : lanes.push(data as Buffer))
    ws.on('message', hear)
    this.#stopHearing = () => ws.off('message', hear)
    ws.on('error', (error) => this.#failed(error))
    ws.on('close', (code, reason) => this.#closed(code, reason))
  }

  /** Whether it takes turns. */
  get isOpen(): boolean {
    const { ws, wire } = this.#agreed
    return this.#state === 'open' && ws.readyState === ws.OPEN && wire.writable
  }

  get isIdle(): boolean {
    return this.#lanes.busy === 0
  }

  /** Says a turn's frame, in this tick. */
  say({ lane, frame, preamble, signal }: FrameCall): Sent {
    const { headers } = this.#agreed
    const refusal = this.isOpen ? this.#lanes.refusal(lane) : 'the WebSocket was closed before the turn was sent'
    if (refusal !== null) return unsent('reset', refusal)
    const isFirst = this.#saidTurns === 'none'
    this.#saidTurns = 'some'
    const body = this.#lanes.begin(lane, signal)
    this.#write(isFirst && preamble !== null ? [preamble, frame] : [frame])
    // What the handshake said was new to its first turn, and is older than whatever the next ones hear.
    return { kind: 'answer', status: 200, headers: isFirst ? headers : {}, pass: isFirst ? passedHeaders(headers) : [], body }
  }

  /** Says a frame that begins no turn. False: it takes none for now. */
  forward(frame: FrameText): boolean {
    if (!this.isOpen || this.#agreed.ws.bufferedAmount > this.#parts.frameBytesMax) return false
    this.#lanes.forwarded()
    this.#write([frame])
    return true
  }

  knows(response: ResponseId): boolean {
    for (const known of this.#known.values()) if (known === response) return true
    return false
  }

  /** What a lane's turn ended with. Not where the turn ran on another socket, which this one has replaced meanwhile. */
  learn(lane: string, response: ResponseId): void {
    if (!this.#lanes.hasServed(lane)) return
    this.#known.delete(lane)
    this.#known.set(lane, response)
    const [oldest] = this.#known.keys()
    if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest)
  }

  forget(response: ResponseId): void {
    for (const [lane, known] of this.#known) if (known === response) this.#known.delete(lane)
  }

  whenFree(lane: string, then: () => void): void {
    this.#lanes.whenFree(lane, then)
  }

  /** Takes no more turns, and closes when those that run have ended. */
  retire(): void {
    if (this.#state === 'open') this.#state = 'retired'
    this.#lanes.dropStrays()
    this.#closeWhenDone()
  }

  /** Breaks it off, and every turn on it. */
  destroy(detail: string): void {
    this.#over(detail)
    this.#agreed.ws.terminate()
  }

  /** One write for all of it. */
  #write(frames: readonly FrameText[]): void {
    outgoing.write(this.#agreed.wire, frames, masked)
  }

  #binary(): void {
    this.#over('the upstream sent a binary frame')
    this.#close(1003)
  }

  /** `ws` has begun to close by itself; its own close says with what. */
  #failed(error: Error): void {
    this.#error ??= detailOf(error, this.#parts.frameBytesMax)
    this.#over(this.#error)
    this.#close(null)
  }

  #closed(code: number, reason: Buffer): void {
    this.#over(this.#error ?? this.#closeDetail(code, reason))
    this.#stopClosing()
    this.#parts.gone(this)
  }

  #closeDetail(code: number, reason: Buffer): string {
    if (code === 1006) return 'the upstream cut the WebSocket'
    const said = hidden(reason, secretsOf(this.#parts.credential))
    const text = printable(said.toString('utf8'))
    const number = code === 1005 ? 'no code' : String(code)
    return `the upstream closed the WebSocket with ${number}${text === '' ? '' : `: ${text}`}`
  }

  #closeWhenDone(): void {
    if (this.#state !== 'retired' || this.#lanes.busy > 0) return
    if (this.#lanes.hasAbandoned) return this.destroy('the turn was given up')
    this.#over('the WebSocket was closed between turns')
    this.#close(1000)
  }

  #over(detail: string): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#heartbeat.stop()
    this.#stopHearing()
    this.#known.clear()
    this.#lanes.fail(detail)
  }

  /** @param code null: the close is under way. */
  #close(code: number | null): void {
    const { ws } = this.#agreed
    this.#stopClosing()
    this.#stopClosing = this.#parts.clock.after(closeMs, () => ws.terminate())
    if (code !== null) ws.close(code)
  }

  #flow(): void {
    const { ws } = this.#agreed
    const holds = this.#state !== 'over' && this.#lanes.holds
    if (holds === ws.isPaused) return
    if (holds) ws.pause()
    else ws.resume()
    this.#heartbeat.flowed()
  }
}

function masked(frames: readonly FrameText[], take: Take): readonly Buffer[] {
  return frames.map((frame) => maskedTextFrame(frame, take))
}

/** A turn that was surely not handed over. */
export function unsent(why: Unreachable, detail: string): Extract<Sent, { kind: 'signal' }> {
  return { kind: 'signal', signal: { kind: 'unreachable', why, handedOver: false, detail } }
}

function detailOf(error: NodeJS.ErrnoException, frameBytesMax: number): string {
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return `the upstream sent a frame of more than ${frameBytesMax} bytes`
  if (error.code?.startsWith('WS_ERR_') === true) return `the upstream broke the WebSocket protocol: ${printable(error.message)}`
  return `the upstream cut the WebSocket (${printable(error.code ?? error.message)})`
}

/** One line that can be shown anywhere. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 123)
}
