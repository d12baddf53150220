import { LRUCache } from 'lru-cache'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Origins } from '../ports/origins.ts'

const hour = 3_600_000
/** Sealed reasoning is carried back within a conversation; a day covers one. Each entry costs about 200 bytes. */
const sealed = { max: 1_000_000, ttl: 24 * hour }
/** Codex carries its turn state for the rest of one turn. */
const turnStates = { max: 100_000, ttl: hour }

/** Remembers who made what clients carry back. Forgetting costs one refused attempt, never a wrong answer. */
export class RememberedOrigins implements Origins {
  readonly #sealed: LRUCache<string, AccountId>
  readonly #turnStates: LRUCache<string, AccountId>

  constructor(clock: Clock, bounds: { readonly sealed: number; readonly turnStates: number } = { sealed: sealed.max, turnStates: turnStates.max }) {
    this.#sealed = remembering(clock, bounds.sealed, sealed.ttl)
    this.#turnStates = remembering(clock, bounds.turnStates, turnStates.ttl)
  }

  sealedBy(hash: string): AccountId | null {
    return this.#sealed.get(hash) ?? null
  }

  rememberSealed(hash: string, account: AccountId): void {
    this.#sealed.set(hash, account)
  }

  turnStateOf(state: string): AccountId | null {
    return this.#turnStates.get(state) ?? null
  }

  rememberTurnState(state: string, account: AccountId): void {
    this.#turnStates.set(state, account)
  }
}

/** Bounded by `maxSize` rather than `max`, for which the library would set aside all of its memory at once. */
function remembering(clock: Clock, maxSize: number, ttl: number): LRUCache<string, AccountId> {
  return new LRUCache({ maxSize, sizeCalculation: () => 1, ttl, perf: { now: () => clock.now() }, ttlResolution: 0 })
}
