import type { Signal } from '../core/failure.ts'
import { eraMs, type Clock } from '../lib/clock.ts'
import type { Settings } from '../ports/settings.ts'
import type { AnswerBody, AnswerReader } from '../ports/transport.ts'
import type { Client } from './client.ts'
import type { Ended, EventFlow } from './flow.ts'

export type Judged =
  /** Output has come, or what was held is too much to hold. */
  { readonly kind: 'committed' } | { readonly kind: 'failed'; readonly signal: Signal; readonly ended: Extract<Ended, { kind: 'failed' }> | null }

export type Relayed = { readonly kind: 'ended'; readonly ended: Ended } | { readonly kind: 'broken'; readonly signal: Signal }

/** How long an upstream is read on for its usage when the client has gone after output. Unit: milliseconds. */
export const readOnMs = 2000
/** How long an upstream may take to end its answer after the terminal event; then the connection is given up. Unit: milliseconds. */
export const lingerMs = 2000

/**
 * Drives one stream: first to its commit point, holding everything, then to its end, giving everything to the client as fast as the
 * client takes it. One reader for both, so that nothing is lost between them.
 */
export class AnswerStream implements AnswerReader {
  readonly #body: AnswerBody
  readonly #flow: EventFlow
  readonly #clock: Clock
  readonly #times: Settings['times']
  readonly #sentAtMs: number
  /** Since `eraMs`. */
  #lastEventMs = 0
  #eventsNoted = 0
  #disarm: () => void = () => {}
  #client: Client | null = null
  #judged: ((judged: Judged) => void) | null = null
  #relayed: ((relayed: Relayed) => void) | null = null
  #over: Signal | null = null
  #upstream: 'sends' | 'done' = 'sends'
  /** Whether what came in this tick is still to be given to the client. */
  #gives = false

  constructor(body: AnswerBody, flow: EventFlow, clock: Clock, timing: { readonly times: Settings['times']; readonly sentAtMs: number }) {
    this.#body = body
    this.#flow = flow
    this.#clock = clock
    this.#times = timing.times
    this.#sentAtMs = timing.sentAtMs
  }

  /** Reads up to the commit point, or to what makes another attempt necessary. */
  judge(): Promise<Judged> {
    return new Promise((resolve) => {
      this.#judged = resolve
      this.#watch()
      this.#body.read(this)
    })
  }

  /** From the commit point to the end; the terminal event is left to the caller, who settles first. */
  relay(client: Client): Promise<Relayed> {
    return new Promise((resolve) => {
      this.#relayed = resolve
      this.#client = client
      if (this.#give() && !this.#finish()) this.#body.resume()
    })
  }

  /** The client has gone: the rest is read for its usage only, and not for long. */
  readOn(): void {
    this.#client = null
    if (this.#finish()) return
    this.#disarm()
    this.#disarm = this.#clock.after(readOnMs, () => this.#break({ kind: 'ended', detail: 'the client had gone' }))
    this.#body.resume()
  }

  /** Stops at once; whoever waits is told. Where the terminal event has come already, upstream is let go on to its end. */
  stop(detail: string): void {
    this.#break({ kind: 'ended', detail })
    this.#finish()
  }

  chunk(bytes: Buffer): void {
    if (this.#over !== null) return
    if (!this.#flow.push(bytes)) return this.#break({ kind: 'ended', detail: 'an event was larger than the bound' })
    if (this.#judged !== null) {
      this.#noteEvents()
      return this.#pronounce(this.#judged)
    }
    if (this.#relayed === null || this.#gives) return
    // One read brings a chunk for each event: given together, a hundred of them are one write.
    this.#gives = true
    queueMicrotask(this.#giveAll)
  }

  end(): void {
    if (this.#over === null && this.#flow.close()) {
      if (this.#judged !== null) this.#pronounce(this.#judged)
      else this.#gives = this.#relayed !== null
    }
    this.#done('the stream ended without its terminal event')
  }

  broken(detail: string): void {
    this.#done(detail)
  }

  #done(detail: string): void {
    this.#upstream = 'done'
    if (this.#flow.ended !== null) this.#disarm()
    this.#break({ kind: 'ended', detail })
  }

  readonly #giveAll = (): void => {
    if (!this.#gives) return
    this.#gives = false
    this.#noteEvents()
    if (this.#client === null) this.#flow.takeOut()
    else this.#give()
    this.#finish()
  }

  #noteEvents(): void {
    if (this.#flow.events === this.#eventsNoted) return
    this.#eventsNoted = this.#flow.events
    this.#lastEventMs = this.#clock.now() - eraMs
  }

  #pronounce(judged: (judged: Judged) => void): void {
    const { ended, committed } = this.#flow
    if (!committed && ended === null) return
    this.#body.pause()
    this.#judged = null
    if (committed || ended?.kind !== 'failed') return judged({ kind: 'committed' })
    this.#disarm()
    judged({ kind: 'failed', signal: ended.signal, ended })
  }

  /** False: the client is full, and upstream waits for it. */
  #give(): boolean {
    const out = this.#flow.takeOut()
    const client = this.#client
    if (client === null || out.length === 0 || client.write(out)) return true
    this.#body.pause()
    client.drained(() => {
      if (this.#client === client && !this.#finish()) this.#body.resume()
    })
    return false
  }

  #finish(): boolean {
    const { ended } = this.#flow
    if (ended === null && this.#over === null) return false
    this.#disarm()
    const relayed = this.#relayed
    this.#relayed = null
    // A client that takes bytes again later has nothing more to set going here.
    this.#client = null
    if (ended !== null) {
      if (this.#upstream === 'sends') this.#linger()
      relayed?.({ kind: 'ended', ended })
    } else if (this.#over !== null) relayed?.({ kind: 'broken', signal: this.#over })
    return true
  }

  /** What upstream still sends is of no use, but its end is: the connection can be used again. */
  #linger(): void {
    this.#disarm = this.#clock.after(lingerMs, () => this.#body.cancel())
    this.#body.resume()
  }

  #break(signal: Signal): void {
    this.#giveAll()
    if (this.#over !== null || this.#flow.ended !== null) return
    this.#over = signal
    this.#disarm()
    this.#body.cancel()
    const judged = this.#judged
    this.#judged = null
    judged?.(this.#flow.committed ? { kind: 'committed' } : { kind: 'failed', signal, ended: null })
    if (this.#relayed !== null) this.#finish()
  }

  /** One timer for the stream: the first event has its time, and each later one its own, whichever of the two is the longer. */
  #watch(): void {
    const { firstEventMs, betweenEventsMs } = this.#times
    const nowMs = this.#clock.now()
    const dueMs = this.#flow.events === 0 ? Math.min(this.#sentAtMs + firstEventMs, nowMs + betweenEventsMs) : eraMs + this.#lastEventMs + betweenEventsMs
    this.#disarm = this.#clock.after(dueMs - nowMs, () => {
      const isFirst = this.#flow.events === 0
      const isLate = isFirst ? this.#clock.now() - this.#sentAtMs >= firstEventMs : this.#clock.now() - eraMs - this.#lastEventMs >= betweenEventsMs
      if (!isLate) return this.#watch()
      this.#break(
        this.#flow.committed ? { kind: 'ended', detail: 'the upstream fell silent' } : { kind: 'silent', waitingFor: isFirst ? 'first-event' : 'next-event' },
      )
    })
  }
}
