import type { PoolId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'

const windowSeconds = 60
/** Failovers that a pool may always make within the window, however few turns it has. */
const alwaysAllowed = 10

interface Second {
  second: number
  turns: number
  failovers: number
}

/** How often a pool's turns may fail over because an upstream is unwell: a share of its turns in the last minute, so that a storm is not multiplied. */
export class FailoverBudget {
  readonly #clock: Clock
  readonly #rings = new Map<PoolId, Second[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  countTurn(pool: PoolId): void {
    this.#current(pool).turns++
  }

  /** Counts the failover when it is allowed. */
  allow(pool: PoolId, percent: number): boolean {
    const current = this.#current(pool)
    let turns = 0
    let failovers = 0
    for (const s of this.#ring(pool)) {
      if (s.second <= current.second - windowSeconds) continue
      turns += s.turns
      failovers += s.failovers
    }
    if (failovers >= (turns * percent) / 100 + alwaysAllowed) return false
    current.failovers++
    return true
  }

  /** Forgets the pools that are no longer configured. */
  keep(pools: ReadonlySet<PoolId>): void {
    for (const pool of this.#rings.keys()) if (!pools.has(pool)) this.#rings.delete(pool)
  }

  #current(pool: PoolId): Second {
    const second = Math.floor(this.#clock.now() / 1000)
    const ring = this.#ring(pool)
    const slot = ring[second % windowSeconds]
    if (slot?.second === second) return slot
    const fresh = { second, turns: 0, failovers: 0 }
    ring[second % windowSeconds] = fresh
    return fresh
  }

  #ring(pool: PoolId): Second[] {
    const known = this.#rings.get(pool)
    if (known !== undefined) return known
    const ring = Array.from({ length: windowSeconds }, () => ({ second: -1, turns: 0, failovers: 0 }))
    this.#rings.set(pool, ring)
    return ring
  }
}
