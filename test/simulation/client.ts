import type { HeaderList, Sink } from '../../src/ports/sink.ts'
import { Cancelled } from '../../src/turn/cancel.ts'
import type { Chance } from './chance.ts'
import type { Story } from './story.ts'
import type { Timeline } from './timeline.ts'

/** How a client reads: as fast as it is written to, with pauses, or up to a point and then never again. */
export type Manner =
  | { readonly kind: 'quick' }
  | { readonly kind: 'slow'; readonly share: number; readonly takeMs: number }
  | { readonly kind: 'stalls'; readonly afterBytes: number }

export interface ClientWatch {
  head(story: Story, client: SimulatedClient): void
  wrote(story: Story, client: SimulatedClient, bytes: Buffer): void
  ended(story: Story, client: SimulatedClient, how: 'cleanly' | 'cut'): void
}

export interface ClientParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly hearing: ClientWatch
}

/** What fits into any buffer: a keep-alive. */
const smallBytes = 64

/** One client at the other end of an answer: takes bytes at its own pace, may go away, and remembers all that it was told. */
export class SimulatedClient implements Sink {
  readonly #parts: ClientParts
  readonly #story: Story
  readonly #manner: Manner
  readonly #written: Buffer[] = []
  #bytes = 0
  #then: (() => void) | null = null
  #disarm: () => void = () => {}
  status: number | null = null
  headers: HeaderList = []
  isFull = false
  state: 'open' | 'ended' | 'cut' | 'gone' = 'open'

  constructor(parts: ClientParts, story: Story, manner: Manner) {
    this.#parts = parts
    this.#story = story
    this.#manner = manner
  }

  get text(): string {
    return Buffer.concat(this.#written).toString('utf8')
  }

  get bytes(): number {
    return this.#bytes
  }

  header(name: string): string | null {
    return this.headers.find(([known]) => known === name)?.[1] ?? null
  }

  head(status: number, headers: HeaderList): void {
    if (this.state === 'gone') return
    this.#parts.hearing.head(this.#story, this)
    this.status = status
    this.headers = headers
    this.#note('client: head', status)
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.state === 'gone') return true
    let isLarge = false
    for (const bytes of chunks) {
      isLarge ||= bytes.length > smallBytes
      this.#parts.hearing.wrote(this.#story, this, bytes)
      this.#written.push(bytes)
      this.#bytes += bytes.length
      this.#note('client: bytes', bytes)
    }
    if (this.isFull || (isLarge && this.#hasEnough())) {
      if (!this.isFull) this.#fill()
      return false
    }
    return true
  }

  drained(then: () => void): void {
    this.#then = then
    if (!this.isFull) queueMicrotask(() => this.#drain())
  }

  end(): Promise<void> {
    this.#parts.hearing.ended(this.#story, this, 'cleanly')
    this.#note('client: end')
    if (this.state === 'gone') return Promise.resolve()
    this.state = 'ended'
    if (!this.isFull) return Promise.resolve()
    return new Promise((resolve) => this.#parts.timeline.after(this.#takeMs(), resolve))
  }

  cut(): void {
    this.#parts.hearing.ended(this.#story, this, 'cut')
    this.#note('client: cut')
    if (this.state !== 'gone') this.state = 'cut'
  }

  /** The client goes away. Once its answer has ended that is no news. */
  leave(): void {
    if (this.state !== 'open') return
    this.state = 'gone'
    this.#disarm()
    this.#note('client: gone')
    this.#story.cancelledBy ??= 'client'
    this.#story.controller.abort(new Cancelled('client'))
    this.isFull = false
    this.#drain()
  }

  #hasEnough(): boolean {
    switch (this.#manner.kind) {
      case 'quick':
        return false
      case 'slow':
        return this.#parts.chance.is(this.#manner.share)
      case 'stalls':
        return this.#bytes > this.#manner.afterBytes
    }
  }

  #takeMs(): number {
    return this.#manner.kind === 'slow' ? this.#manner.takeMs : this.#story.landscape.settings.times.clientWriteMs
  }

  /** A client that takes no byte for too long is gone. */
  #fill(): void {
    this.isFull = true
    this.#note('client: full')
    this.#disarm = this.#parts.timeline.after(this.#takeMs(), () => {
      if (this.#manner.kind === 'stalls' && this.state === 'open') return this.leave()
      this.isFull = false
      this.#note('client: takes more')
      this.#drain()
    })
  }

  #drain(): void {
    const then = this.#then
    this.#then = null
    then?.()
  }

  #note(what: string, detail: unknown = null): void {
    this.#story.note(this.#parts.timeline.now(), what, detail)
  }
}

export function drawManner(chance: Chance): Manner {
  const dice = chance.dice()
  if (dice < 0.8) return { kind: 'quick' }
  if (dice < 0.98) return { kind: 'slow', share: chance.pick([0.2, 1]), takeMs: chance.pick([1, 40, 2000, 20_000]) }
  return { kind: 'stalls', afterBytes: chance.below(3000) }
}
