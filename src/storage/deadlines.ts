import type { Clock } from '../lib/clock.ts'
import type { Batch } from './batch.ts'

/** What has waited too long. */
export interface Overdue {
  /** How many batches the store should have by now. */
  readonly late: number
  /** Those that the spool should have by now, too. */
  readonly hopeless: readonly Batch[]
}

export interface DeadlinesOptions {
  readonly clock: Clock
  readonly commitMs: number
  readonly spoolMs: number
  readonly batches: () => readonly Batch[]
  readonly ring: (overdue: Overdue) => void
}

/** One timer for all batches: it rings when the oldest is overdue, and not at all for one that is done. */
export class Deadlines {
  readonly #options: DeadlinesOptions
  #stop: (() => void) | null = null
  /** When the timer rings. */
  #atMs = Infinity

  constructor(options: DeadlinesOptions) {
    this.#options = options
  }

  /** To be told of each batch that begins to wait. */
  watch(batch: Batch): void {
    this.#arm(this.#dueMs(batch)[0])
  }

  stop(): void {
    this.#stop?.()
    this.#stop = null
    this.#atMs = Infinity
  }

  #arm(atMs: number): void {
    if (atMs >= this.#atMs) return
    const { clock } = this.#options
    this.#stop?.()
    this.#atMs = atMs
    this.#stop = clock.after(atMs - clock.now(), () => {
      this.stop()
      this.#ring()
      const nowMs = clock.now()
      this.#arm(Math.min(...this.#waiting().flatMap((waiting) => this.#dueMs(waiting).filter((dueMs) => dueMs > nowMs))))
    })
  }

  #ring(): void {
    const nowMs = this.#options.clock.now()
    const waiting = this.#waiting()
    const isPast = (which: 0 | 1) => (batch: Batch) => this.#dueMs(batch)[which] <= nowMs
    this.#options.ring({ late: waiting.filter(isPast(0)).length, hopeless: waiting.filter(isPast(1)) })
  }

  #waiting(): readonly Batch[] {
    return this.#options.batches().filter(({ state }) => state === 'waiting')
  }

  /** When the store should have it, and when the spool. */
  #dueMs({ bornAtMs }: Batch): readonly [number, number] {
    const { commitMs, spoolMs } = this.#options
    return [bornAtMs + commitMs, bornAtMs + commitMs + spoolMs]
  }
}
