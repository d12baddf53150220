import type { ResponseId } from '../core/ids.ts'
import { streamIdOf } from '../core/lanes.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Told } from '../dialect/dialect.ts'
import { eraMs } from '../lib/clock.ts'
import type { Settings } from '../ports/settings.ts'
import type { HeaderList, Sink } from '../ports/sink.ts'
import type { Ask, World } from './world.ts'

const streamHeaders: HeaderList = [
  ['content-type', 'text/event-stream; charset=utf-8'],
  ['cache-control', 'no-cache'],
]

/** What is said inside a stream when something goes wrong. */
export type InBand = Pick<Refusal, 'message'> & { readonly code: string }

/**
 * The client's side of one turn: the head, which waits for the commit point but not for ever, the keep-alives from the head on, and
 * the one place that knows whether a "no" is still an HTTP answer or already has to be said inside a stream.
 */
export class Client {
  readonly #world: World
  readonly #ask: Ask
  readonly #sink: Sink
  readonly #times: Settings['times']
  #head: 'waiting' | 'early' | 'gone' = 'waiting'
  /** Since `eraMs`; null: nothing was written so far. */
  #lastWriteMs: number | null = null
  #disarm: () => void = () => {}

  constructor(world: World, ask: Ask, sink: Sink, times: Settings['times']) {
    this.#world = world
    this.#ask = ask
    this.#sink = sink
    this.#times = times
    if (ask.turn.stream) this.#arm(ask.receivedAtMs + times.holdHeadMs - world.clock.now())
  }

  /** Writes the head of an answer that has reached its commit point, unless one left early. */
  begin(status: number, headers: HeaderList, attempts: number): void {
    if (this.#head === 'waiting') this.#sink.head(status, [...headers, ...this.#own(attempts)])
    this.#head = 'gone'
  }

  /** False: the client takes no more for now. */
  write(chunks: readonly Buffer[]): boolean {
    this.#lastWriteMs = this.#world.clock.now() - eraMs
    return this.#sink.write(chunks)
  }

  drained(then: () => void): void {
    this.#sink.drained(then)
  }

  end(): Promise<void> {
    this.close()
    return this.#sink.end()
  }

  /** From now on a keep-alive goes out whenever nothing was written for a while. */
  keepAlive(): void {
    this.#disarm()
    this.#arm(this.#times.keepAliveMs)
  }

  /** A whole answer, while the head is still ours to write; else its meaning in-band. */
  async tell(told: Told, attempts: number, otherwise: InBand): Promise<void> {
    if (this.#head !== 'waiting') return this.breakOff(otherwise, null)
    this.#sink.head(told.status, [...told.headers, ...this.#own(attempts)])
    this.#head = 'gone'
    this.#sink.write([told.body])
    await this.end()
  }

  async refuse(refusal: Refusal, attempts: number): Promise<void> {
    await this.tell(this.#ask.dialect.refuse(refusal), attempts, refusal)
  }

  /** Behind an upstream's own error event: a client that is not to take the answer for a whole one sees no clean end. */
  async endInError(): Promise<void> {
    if (this.#ask.dialect.endsInErrors) return this.end()
    this.close()
    this.#sink.cut()
  }

  /** The dialect's error inside the stream, and then the connection's end: never a clean one. */
  breakOff(error: InBand, response: ResponseId | null): void {
    this.close()
    const { dialect, session } = this.#ask
    // A turn breaks off once: its own id makes the event's.
    const eventId = `evt_${this.#ask.id.replaceAll('-', '')}`
    const said = session === null ? dialect.failInBand(error, response) : session.frames.failInBand(error, streamIdOf(session.lane), eventId)
    this.#sink.write([said])
    this.#sink.cut()
  }

  /** Whether an answer has begun, so that all that follows must be said inside it. */
  get hasBegun(): boolean {
    return this.#head !== 'waiting'
  }

  close(): void {
    this.#disarm()
    this.#disarm = () => {}
  }

  #own(attempts: number | null): HeaderList {
    const { id, dialect, requestId } = this.#ask
    const own: HeaderList =
      dialect.requestIdHeader === 'x-request-id'
        ? [['x-turnout-turn', id]]
        : [
            ['x-turnout-turn', id],
            [dialect.requestIdHeader, requestId],
          ]
    return attempts === null ? own : [...own, ['x-turnout-attempts', String(attempts)]]
  }

  #keepAlive(): void {
    const { dialect, turn, session } = this.#ask
    const alive = session === null ? dialect.keepAlive(turn) : session.frames.keepAlive(turn)
    if (alive !== null) this.write([alive])
    else this.#lastWriteMs = this.#world.clock.now() - eraMs
  }

  #arm(ms: number): void {
    this.#disarm = this.#world.clock.after(Math.max(0, ms), () => this.#ring())
  }

  #ring(): void {
    if (this.#head === 'waiting' && this.#ask.session === null) {
      this.#sink.head(200, [...streamHeaders, ...this.#own(null)])
      this.#head = 'early'
    }
    const leftMs = this.#lastWriteMs === null ? 0 : eraMs + this.#lastWriteMs + this.#times.keepAliveMs - this.#world.clock.now()
    if (leftMs <= 0) this.#keepAlive()
    this.#arm(Math.max(leftMs, 0) || this.#times.keepAliveMs)
  }
}
