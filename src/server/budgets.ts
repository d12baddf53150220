import type { KeyId } from '../core/ids.ts'
import { usdText, type KeyLimits } from '../core/key.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Caller } from '../ports/caller.ts'
import type { Spending } from '../ports/limits.ts'

/** Money that running turns hold comes free, or is spent, when they end; there is no better guess. */
const heldRetryMs = 1000

/** What a turn holds of its key's budgets until it is known what it came to. */
export interface Hold {
  settle(nanoUsd: bigint): void
}

export type Held = { readonly kind: 'held'; readonly hold: Hold } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** One UTC day or month. */
interface Period {
  readonly name: 'day' | 'month'
  readonly startMs: number
  readonly endMs: number
  readonly spent: Map<KeyId, bigint>
  readonly held: Map<KeyId, bigint>
}

/**
 * What keys spend in a UTC day and month. A turn belongs to the day and the month in which it began, as it does in the books. While a key has anything left that
 * no running turn holds, its next turn may begin: so it overspends by what its running turns come to, and no more. What is remembered is one figure for each key
 * that was used in the period, and forgotten with it.
 */
export class Budgets {
  readonly #clock: Clock
  #day: Period
  #month: Period

  constructor(clock: Clock) {
    this.#clock = clock
    this.#day = dayAt(clock.now())
    this.#month = monthAt(clock.now())
  }

  /** Takes over what the books say was spent before this process began. Rejects when they cannot be read. */
  async recall(spending: Spending): Promise<void> {
    for (const period of this.#current()) {
      for (const { key, nanoUsd } of await spending.since(period.startMs)) add(period.spent, key, nanoUsd)
    }
  }

  /** @param nanoUsd what the turn is expected to come to. */
  hold({ key, limits }: Caller, nanoUsd: bigint): Held {
    const periods = this.#current()
    const no = objection(periods, key, limits)
    return no === null ? { kind: 'held', hold: holding(periods, key, nanoUsd) } : { kind: 'refused', refusal: no }
  }

  /** For a turn that goes on, whatever is left. */
  follow(key: KeyId): Hold {
    return holding(this.#current(), key, 0n)
  }

  /** The month first, since its end is further away. */
  #current(): readonly [Period, Period] {
    const nowMs = this.#clock.now()
    if (nowMs >= this.#day.endMs) this.#day = dayAt(nowMs)
    if (nowMs >= this.#month.endMs) this.#month = monthAt(nowMs)
    return [this.#month, this.#day]
  }
}

function objection(periods: readonly Period[], key: KeyId, limits: KeyLimits): Refusal | null {
  const limited = periods.flatMap((period) => {
    const budget = period.name === 'day' ? limits.nanoUsdPerDay : limits.nanoUsdPerMonth
    return budget === null ? [] : [{ period, budget }]
  })
  const spent = limited.find(({ period, budget }) => of(period.spent, key) >= budget)
  if (spent !== undefined) {
    const { name, endMs } = spent.period
    const message = `This key has spent its budget of ${usdText(spent.budget)} USD a ${name}; the next ${name} begins at ${new Date(endMs).toISOString()}.`
    return refusal('insufficient_quota', message)
  }
  const held = limited.find(({ period, budget }) => of(period.spent, key) + of(period.held, key) >= budget)
  if (held === undefined) return null
  const message = `What is left of this key's budget of ${usdText(held.budget)} USD a ${held.period.name} is held by its running turns; try again when one has ended.`
  return refusal('rate_limit_exceeded', message, { retryAfterMs: heldRetryMs })
}

function holding(periods: readonly Period[], key: KeyId, heldNanoUsd: bigint): Hold {
  for (const { held } of periods) add(held, key, heldNanoUsd)
  return {
    settle(nanoUsd) {
      for (const { held, spent } of periods) {
        add(held, key, -heldNanoUsd)
        add(spent, key, nanoUsd)
      }
    },
  }
}

const of = (amounts: ReadonlyMap<KeyId, bigint>, key: KeyId): bigint => amounts.get(key) ?? 0n

/** Remembers no zero. */
function add(amounts: Map<KeyId, bigint>, key: KeyId, nanoUsd: bigint): void {
  if (nanoUsd === 0n) return
  const sum = of(amounts, key) + nanoUsd
  if (sum === 0n) amounts.delete(key)
  else amounts.set(key, sum)
}

const dayMs = 24 * 60 * 60 * 1000

function dayAt(nowMs: number): Period {
  const startMs = Math.floor(nowMs / dayMs) * dayMs
  return { name: 'day', startMs, endMs: startMs + dayMs, spent: new Map(), held: new Map() }
}

function monthAt(nowMs: number): Period {
  const now = new Date(nowMs)
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  return { name: 'month', startMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1), spent: new Map(), held: new Map() }
}
