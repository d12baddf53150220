import type { Clock } from '../../src/lib/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly ring: () => void
}

/** Time that moves only when told to. Timers ring in the order of their time, those of one moment in the order in which they were set. */
export class VirtualClock implements Clock {
  #nowMs: number
  #order = 0
  readonly #timers = new Set<Timer>()

  constructor(startMs = Date.UTC(2026, 10, 21)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, ring: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, ring }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many timers are set: zero when nothing was forgotten. */
  get pending(): number {
    return this.#timers.size
  }

  /** When the next timer rings; null when none is set. */
  get nextAtMs(): number | null {
    return this.#next()?.atMs ?? null
  }

  /** Moves on by `ms`, ringing what falls due, and lets everything that follows from each ring happen before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let timer = this.#next(); timer !== null && timer.atMs <= untilMs; timer = this.#next()) {
      this.#timers.delete(timer)
      this.#nowMs = Math.max(this.#nowMs, timer.atMs)
      timer.ring()
      await settled()
    }
    this.#nowMs = untilMs
  }

  #next(): Timer | null {
    let next: Timer | null = null
    for (const timer of this.#timers) {
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer
    }
    return next
  }
}

/** Lets every promise that can settle without time or I/O do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
