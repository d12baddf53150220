import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { KeyId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'

const windowSeconds = 60

/** An amount that was counted before it was known. */
export interface Taken {
  /** What was used in this minute before. */
  readonly before: number
  /** How long the minute still lasts. */
  readonly leftMs: number
  /** What the amount came to. More than was taken counts from now on; less is given back while the same minute lasts. */
  correct(amount: number): void
}

/** What each key has used in a minute that begins with its first use. Forgotten when that is over. */
export class Minute {
  readonly #clock: Clock
  readonly #used = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowSeconds })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts the amount at once, before the answer is awaited. */
  async take(key: KeyId, amount: number): Promise<Taken> {
    const { consumedPoints, msBeforeNext: leftMs } = await this.#used.penalty(key, amount)
    const endMs = this.#clock.now() + leftMs
    return {
      before: consumedPoints - amount,
      leftMs,
      correct: (actual) => {
        if (actual > amount) void this.#used.penalty(key, actual - amount)
        else if (actual < amount && this.#clock.now() < endMs) void this.#used.reward(key, amount - actual)
      },
    }
  }
}
