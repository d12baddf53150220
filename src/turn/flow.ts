import type { EventObserver, Seen } from '../dialect/dialect.ts'
import { EventSplitter } from '../lib/sse.ts'

/** What is not output is held back up to this; then it goes out, and that is the commit point. */
export const heldEventsMax = 64
export const heldBytesMax = 4 * 1024 * 1024

export type Ended = Extract<Seen, { kind: 'terminal' | 'failed' }>

/** How events come from the upstream, and how they go to the client. */
export type Wire =
  /** Server-sent events, both ways. */
  | { readonly kind: 'as-it-comes' }
  /** Frames, both ways: a chunk is one. */
  | { readonly kind: 'frames' }
  /** Server-sent events that go as frames. Null: there is nothing to say. */
  | { readonly kind: 'bridge'; readonly frameOf: (bytes: Buffer, start: number, end: number) => Buffer | null }

/**
 * One attempt's stream of events on its way to the client: cut into events, looked at, and put together again, so that a read of a
 * hundred events is one write. Knows the commit point; does no I/O.
 */
export class EventFlow {
  /** Null: a chunk is an event. */
  readonly #splitter: EventSplitter | null
  readonly #observer: EventObserver
  readonly #frameOf: Extract<Wire, { kind: 'bridge' }>['frameOf'] | null
  readonly #eventBytesMax: number
  #out: Buffer[] = []
  #run: Buffer | null = null
  #runStart = 0
  #runEnd = 0
  #heldEvents = 0
  #heldBytes = 0
  #events = 0
  #outputEvents = 0
  #outputBytes = 0
  #committed = false
  #ended: Ended | null = null

  constructor(observer: EventObserver, eventBytesMax: number, wire: Wire = { kind: 'as-it-comes' }) {
    this.#observer = observer
    this.#frameOf = wire.kind === 'bridge' ? wire.frameOf : null
    this.#eventBytesMax = eventBytesMax
    this.#splitter = wire.kind === 'frames' ? null : new EventSplitter(eventBytesMax)
  }

  /** False: an event is larger than the bound. */
  push(chunk: Buffer): boolean {
    if (this.#splitter === null) {
      if (chunk.length > this.#eventBytesMax) return false
      this.#event(chunk, 0, chunk.length)
      this.#closeRun()
      return true
    }
    const fits = this.#splitter.push(chunk, this.#take)
    this.#closeRun()
    return fits
  }

  /** What the client is told before the first event. */
  preface(frame: Buffer): void {
    this.#out.push(frame)
  }

  /** Bytes for the client since last asked, the terminal event not among them. */
  takeOut(): readonly Buffer[] {
    const out = this.#out
    if (out.length > 0) this.#out = []
    return out
  }

  /** Whether the stream has given output: from here on the turn cannot move. */
  get committed(): boolean {
    return this.#committed
  }

  get ended(): Ended | null {
    return this.#ended
  }

  /** Whole events seen so far. */
  get events(): number {
    return this.#events
  }

  /** Output seen so far, as it came: neither what was held, nor the terminal event. */
  get output(): { readonly events: number; readonly bytes: number } {
    return { events: this.#outputEvents, bytes: this.#outputBytes }
  }

  get observer(): EventObserver {
    return this.#observer
  }

  readonly #take = (bytes: Buffer, start: number, end: number): void => this.#event(bytes, start, end)

  #event(bytes: Buffer, start: number, end: number): void {
    // One terminal event per turn reaches the client, whatever follows it.
    if (this.#ended !== null) return
    this.#events++
    const seen = this.#observer.see(bytes, start, end)
    switch (seen.kind) {
      case 'output':
        this.#committed = true
        this.#outputEvents++
        this.#outputBytes += end - start
        this.#pass(bytes, start, end)
        break
      case 'held':
        this.#hold(seen.bytes)
        break
      case 'instead':
        this.#replace(seen, end - start)
        break
      case 'terminal':
        this.#finish(seen)
        break
      case 'failed':
        this.#end(seen)
        break
    }
  }

  /** The upstream ended its stream in good order. True: that is the terminal event, which has not come otherwise. */
  close(): boolean {
    const seen = this.#ended === null ? this.#observer.close() : null
    if (seen !== null) this.#finish(seen)
    return seen !== null
  }

  #replace({ events, isOutput }: Extract<Seen, { kind: 'instead' }>, bytes: number): void {
    if (isOutput) {
      this.#committed = true
      this.#outputEvents++
      this.#outputBytes += bytes
    }
    for (const event of events) this.#hold(event)
  }

  #finish(seen: Extract<Seen, { kind: 'terminal' }>): void {
    this.#committed = true
    for (const event of seen.before ?? []) this.#hold(event)
    this.#end(seen)
  }

  #end(ended: Ended): void {
    const { bytes } = ended
    const said = this.#frameOf === null ? bytes : this.#frameOf(bytes, 0, bytes.length)
    this.#ended = said === null || said === bytes ? ended : { ...ended, bytes: said }
  }

  #hold(bytes: Buffer): void {
    this.#closeRun()
    if (this.#frameOf !== null) this.#say(this.#frameOf(bytes, 0, bytes.length))
    else if (bytes.length > 0) this.#out.push(bytes)
    if (this.#committed) return
    this.#heldEvents++
    this.#heldBytes += bytes.length
    if (this.#heldEvents >= heldEventsMax || this.#heldBytes >= heldBytesMax) this.#committed = true
  }

  /** Neighbouring events of one read go out as the one piece that they came in. */
  #pass(bytes: Buffer, start: number, end: number): void {
    if (this.#frameOf !== null) return this.#say(this.#frameOf(bytes, start, end))
    if (this.#run === bytes && this.#runEnd === start) {
      this.#runEnd = end
      return
    }
    this.#closeRun()
    this.#run = bytes
    this.#runStart = start
    this.#runEnd = end
  }

  #say(frame: Buffer | null): void {
    if (frame !== null) this.#out.push(frame)
  }

  #closeRun(): void {
    if (this.#run === null) return
    const whole = this.#runStart === 0 && this.#runEnd === this.#run.length
    this.#out.push(whole ? this.#run : this.#run.subarray(this.#runStart, this.#runEnd))
    this.#run = null
  }
}
