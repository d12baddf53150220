import type { ClientEars, ClientEnd } from '../../../src/server/client-socket.ts'
import type { Chance } from '../chance.ts'
import { drawManner, type Manner } from '../client.ts'
import type { Timeline } from '../timeline.ts'

/** Who hears what the client is told. */
export interface EndWatch {
  heard(frame: Buffer): void
  /** The gateway has closed the session. */
  closed(code: number): void
  /** A frame of the client has reached the gateway, and what follows at once is over. */
  received(text: string): void
}

export interface EndParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly watch: EndWatch
  readonly clientWriteMs: () => number
}

type Going = { readonly kind: 'text' | 'binary'; readonly text: string }

/** A keep-alive, and what else fits into any buffer. */
const smallBytes = 64

/** A client's socket as its session sees it, and the client at its other end: frames both ways, taken at the client's pace. */
export class SimulatedEnd implements ClientEnd {
  readonly #parts: EndParts
  readonly #manner: Manner
  #ears: ClientEars | null = null
  #going: Going[] = []
  #isGoing = false
  #bytes = 0
  #waiting: (() => void)[] = []
  #disarm: () => void = () => {}
  /** `closing`: the gateway says and hears nothing any more; `gone`: nobody does. */
  state: 'open' | 'closing' | 'gone' = 'open'
  isFull = false

  constructor(parts: EndParts) {
    this.#parts = parts
    this.#manner = drawManner(parts.chance)
  }

  listen(ears: ClientEars): void {
    this.#ears = ears
  }

  say(frames: readonly Buffer[]): boolean {
    if (this.state !== 'open') return true
    let isLarge = false
    for (const frame of frames) {
      isLarge ||= frame.length > smallBytes
      this.#bytes += frame.length
      this.#parts.watch.heard(frame)
    }
    if (!this.isFull && isLarge && this.#hasEnough()) this.#fill()
    return !this.isFull
  }

  drained(then: () => void): void {
    if (this.isFull) this.#waiting.push(then)
    else queueMicrotask(then)
  }

  close(code: number): void {
    if (this.state !== 'open') return
    this.state = 'closing'
    this.#parts.watch.closed(code)
    this.#parts.timeline.after(this.#parts.chance.pick([0, 1, 50, 2000]), () => this.#gone())
  }

  terminate(): void {
    if (this.state === 'gone') return
    this.state = 'closing'
    this.#parts.timeline.after(0, () => this.#gone())
  }

  /** The client says a frame. */
  tell(text: string, kind: Going['kind'] = 'text'): void {
    this.#going.push({ kind, text })
    this.#goOn()
  }

  /** The client goes away, without a word or with one. */
  leave(): void {
    this.#gone()
  }

  #goOn(): void {
    // While the client takes nothing, nothing is read from it either.
    if (this.#isGoing || this.isFull || this.#going.length === 0) return
    this.#isGoing = true
    const { timeline, chance } = this.#parts
    timeline.after(chance.is(0.8) ? 0 : chance.below(30), () => {
      this.#isGoing = false
      const most = chance.is(0.5) ? Infinity : 1
      for (let told = 0; told < most && !this.isFull; told++) {
        const next = this.#going.shift()
        if (next === undefined || this.state !== 'open') return
        if (next.kind === 'binary') this.#ears?.binary()
        else this.#ears?.frame(Buffer.from(next.text))
        this.#parts.watch.received(next.text)
      }
      this.#goOn()
    })
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

  #fill(): void {
    this.isFull = true
    const { timeline, clientWriteMs } = this.#parts
    const stalls = this.#manner.kind === 'stalls'
    const ms = this.#manner.kind === 'slow' ? this.#manner.takeMs : clientWriteMs()
    this.#disarm = timeline.after(ms, () => {
      if (stalls) return this.state === 'open' ? this.#ears?.stuck() : undefined
      this.isFull = false
      this.#wake()
      this.#goOn()
    })
  }

  #wake(): void {
    for (const then of this.#waiting.splice(0)) then()
  }

  #gone(): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.isFull = false
    this.#disarm()
    this.#going = []
    this.#wake()
    this.#ears?.gone()
  }
}
