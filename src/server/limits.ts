import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { KeyId } from '../core/ids.ts'
import { refusal } from '../core/refusal.ts'
import type { Caller } from '../ports/caller.ts'
import type { Entered, Limits } from '../ports/limits.ts'

/** A turn at a key's bound ends soon, as a rule; there is no better guess. */
const concurrencyRetryMs = 1000
const windowSeconds = 60

/**
 * The limits of keys, counted in this process. Counts belong to the key's name and limits come with each call, so a reload changes the limit and keeps the
 * count; there are never more counts than keys that were used within a minute.
 */
export class MemoryLimits implements Limits {
  readonly #running = new Map<KeyId, number>()
  readonly #minute = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowSeconds })

  async enter(caller: Caller): Promise<Entered> {
    const { key, limits } = caller
    const running = this.#running.get(key) ?? 0
    if (limits.concurrency !== null && running >= limits.concurrency) {
      const message = `This key has ${running} turns running, and ${limits.concurrency} are allowed at once.`
      return { kind: 'refused', refusal: refusal('rate_limit_exceeded', message, { retryAfterMs: concurrencyRetryMs }) }
    }
    // Counted before anything is awaited: two turns must not both take the last place.
    this.#running.set(key, running + 1)
    if (limits.requestsPerMinute === null) return this.#entered(key)
    const minute = await this.#minute.consume(key)
    if (minute.consumedPoints <= limits.requestsPerMinute) return this.#entered(key)
    this.#leave(key)
    const message = `This key may begin ${limits.requestsPerMinute} turns in a minute.`
    return { kind: 'refused', refusal: refusal('rate_limit_exceeded', message, { retryAfterMs: minute.msBeforeNext }) }
  }

  #entered(key: KeyId): Entered {
    let inside = true
    return {
      kind: 'entered',
      leave: () => {
        if (inside) this.#leave(key)
        inside = false
      },
    }
  }

  #leave(key: KeyId): void {
    const left = (this.#running.get(key) ?? 1) - 1
    if (left === 0) this.#running.delete(key)
    else this.#running.set(key, left)
  }
}
