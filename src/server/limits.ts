import type { KeyId } from '../core/ids.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Caller } from '../ports/caller.ts'
import type { Entered, Limits, Seat, Spending, Spent } from '../ports/limits.ts'
import { Budgets, type Hold } from './budgets.ts'
import { Minute, type Taken } from './minute.ts'

/** A turn at a key's bound ends soon, as a rule; there is no better guess. */
const concurrencyRetryMs = 1000

/**
 * The limits of keys, counted in this process. Counts belong to the key's name and limits come with each call, so a reload changes the limit and keeps the
 * count. A key that is not used is forgotten: its turns when the last one ends, its minute with the minute, its budgets with the month.
 */
export class MemoryLimits implements Limits {
  readonly #running = new Map<KeyId, number>()
  readonly #requests: Minute
  readonly #tokens: Minute
  readonly #budgets: Budgets

  constructor(clock: Clock) {
    this.#requests = new Minute(clock)
    this.#tokens = new Minute(clock)
    this.#budgets = new Budgets(clock)
  }

  /** Takes over what was spent before this process began. Rejects when the books cannot be read. */
  recall(spending: Spending): Promise<void> {
    return this.#budgets.recall(spending)
  }

  async enter(caller: Caller, expected: Spent): Promise<Entered> {
    const { key, limits } = caller
    const running = this.#running.get(key) ?? 0
    if (limits.concurrency !== null && running >= limits.concurrency) {
      return refused(`This key has ${running} turns running, and ${limits.concurrency} are allowed at once.`, concurrencyRetryMs)
    }
    const held = this.#budgets.hold(caller, expected.nanoUsd)
    if (held.kind === 'refused') return held
    // Counted before anything is awaited: two turns must not both take the last place.
    this.#running.set(key, running + 1)
    const { requestsPerMinute, tokensPerMinute } = limits
    if (requestsPerMinute === null && tokensPerMinute === null) return this.#entered(key, held.hold, null)
    const tokens = tokensPerMinute === null ? null : await this.#tokens.take(key, expected.tokens)
    const no = overTokens(tokens, tokensPerMinute) ?? (await this.#overRequests(key, requestsPerMinute))
    if (no === null) return this.#entered(key, held.hold, tokens)
    tokens?.correct(0)
    held.hold.settle(0n)
    this.#leave(key)
    return no
  }

  adopt({ key }: Caller): Seat {
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    return this.#seat(key, this.#budgets.follow(key), (spent) => void this.#tokens.take(key, spent))
  }

  #entered(key: KeyId, hold: Hold, tokens: Taken | null): Entered {
    return { kind: 'entered', ...this.#seat(key, hold, (spent) => tokens?.correct(spent)) }
  }

  #seat(key: KeyId, hold: Hold, bookTokens: (spent: number) => void): Seat {
    let inside = true
    return {
      leave: ({ tokens, nanoUsd }) => {
        if (!inside) return
        inside = false
        bookTokens(tokens)
        hold.settle(nanoUsd)
        this.#leave(key)
      },
    }
  }

  async #overRequests(key: KeyId, limit: number | null): Promise<Refused | null> {
    if (limit === null) return null
    const { before, leftMs } = await this.#requests.take(key, 1)
    return before < limit ? null : refused(`This key may begin ${limit} turns a minute.`, leftMs)
  }

  #leave(key: KeyId): void {
    const left = (this.#running.get(key) ?? 1) - 1
    if (left === 0) this.#running.delete(key)
    else this.#running.set(key, left)
  }
}

interface Refused {
  readonly kind: 'refused'
  readonly refusal: Refusal
}

function refused(message: string, retryAfterMs: number): Refused {
  return { kind: 'refused', refusal: refusal('rate_limit_exceeded', message, { retryAfterMs }) }
}

/** A turn may begin while anything is left: one that is larger than the limit could never begin otherwise. */
function overTokens(taken: Taken | null, limit: number | null): Refused | null {
  if (taken === null || limit === null || taken.before < limit) return null
  return refused(`This key may use ${limit} tokens in a minute, and its turns have used, or are expected to use, ${taken.before}.`, taken.leftMs)
}
