import type { Clock } from '../lib/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Swept, SweepMessage } from './messages.ts'

export const sweepEveryMs = 60 * 60 * 1000
/** How long it is known who owns a stored answer: as long as upstreams keep the answer. */
export const ownersKeptMs = 30 * 24 * 60 * 60 * 1000

/** A day is summed up by day when it has been over for so long: by then nearly all of its turns have ended. */
const dayRestsMs = 2 * 60 * 60 * 1000

export interface RetentionOptions {
  readonly clock: Clock
  readonly log: Log
  readonly keptMs: number
  readonly sweep: (message: SweepMessage) => Promise<Swept>
}

/** Deletes what is too old, at the start and every hour. */
export class Retention {
  readonly #options: RetentionOptions
  #keptMs: number
  #stop: (() => void) | null = null

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#keptMs = options.keptMs
  }

  start(): void {
    void this.sweep()
    this.#stop = this.#options.clock.after(sweepEveryMs, () => this.start())
  }

  stop(): void {
    this.#stop?.()
  }

  /** For how long turns are kept from the next sweep on. */
  keep(keptMs: number): void {
    this.#keptMs = keptMs
  }

  async sweep(): Promise<Swept> {
    const { clock, log, sweep } = this.#options
    const nowMs = clock.now()
    const swept = await sweep({
      kind: 'sweep',
      turnsBefore: firstIdAt(nowMs - this.#keptMs),
      ownersBeforeMs: nowMs - ownersKeptMs,
      daysBeforeMs: nowMs - dayRestsMs,
    })
    if (swept.turns + swept.owners > 0) log.info({ ...swept }, 'old records were deleted')
    return swept
  }
}

/** The lowest UUIDv7 of that moment: ids of turns sort by their beginning. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
