import { timingSafeEqual } from 'node:crypto'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Clock } from '../lib/clock.ts'
import type { Hasher } from '../lib/hasher.ts'
import { header, type Headers } from '../lib/headers.ts'
import type { Caller } from '../ports/caller.ts'

/** One key that we issued, by its HMAC. */
export interface IssuedKey {
  readonly hash: Buffer
  readonly caller: Caller
  /** From when on it is refused; null: never. */
  readonly expiresAtMs: number | null
}

/** The keys that we issued. */
export interface Keys {
  /** Null: no such key, or it has expired. Costs the same work whatever the outcome. */
  find(presented: string): Caller | null
  /** For what outlives the look-up: the caller as the keys stand when it is asked. Holds no key, only its hash. */
  hold(presented: string): () => Caller | null
}

/** Stands in the place of a key that is not there, so that its look-up goes the same way. */
const nobody = { caller: null, expiresAtMs: 0 } as const

/**
 * Keys by their HMAC. A look-up in a map is not of constant time, but what it compares is a hash under a secret, so its time tells nothing of a key;
 * and a request without a key pays for the same hash, the same look-up and the same look at the clock as one with a key.
 */
export class KeyRing implements Keys {
  readonly #hasher: Hasher
  readonly #clock: Clock
  #keys: ReadonlyMap<string, IssuedKey> = new Map()

  constructor(hasher: Hasher, clock: Clock) {
    this.#hasher = hasher
    this.#clock = clock
  }

  /** Takes the place of all keys at once: one that is gone is unknown to the very next question, in open sessions too. */
  replace(keys: readonly IssuedKey[]): void {
    this.#keys = new Map(keys.map((key) => [key.hash.toString('latin1'), key]))
  }

  find(presented: string): Caller | null {
    return this.hold(presented)()
  }

  hold(presented: string): () => Caller | null {
    const hash = this.#hasher.latin1(presented)
    const isSaid = presented !== ''
    return () => {
      const { caller, expiresAtMs } = this.#keys.get(hash) ?? nobody
      const expires = expiresAtMs ?? Number.POSITIVE_INFINITY
      return this.#clock.now() < expires && isSaid ? caller : null
    }
  }
}

/** What a request presents as its key: `Authorization: Bearer`, else `x-api-key`. Empty where it presents none. */
export function presentedKey(headers: Headers): string {
  const bearer = /^bearer +(\S+) *$/i.exec(header(headers, 'authorization') ?? '')
  return bearer?.[1] ?? header(headers, 'x-api-key')?.trim() ?? ''
}

export type Admission = { readonly kind: 'admitted' } | { readonly kind: 'wrong' } | { readonly kind: 'throttled'; readonly retryAfterMs: number }

/** Wrong tries of one origin in a minute, after which nothing is compared any more. */
const wrongTriesMax = 20
/** Origins are counted in this many baskets, so that no flood of addresses grows the count. */
const baskets = 4096

/** Who may administer and who may read metrics. */
export class Operators {
  readonly #hasher: Hasher
  readonly #wrong = new RateLimiterMemory({ points: wrongTriesMax, duration: 60 })
  #admin: Buffer
  #metrics: Buffer | null

  constructor(hasher: Hasher, tokens: { readonly admin: string; readonly metrics: string | null }) {
    this.#hasher = hasher
    this.#admin = hasher.hash(tokens.admin)
    this.#metrics = tokens.metrics === null ? null : hasher.hash(tokens.metrics)
  }

  replace(tokens: { readonly admin: string; readonly metrics: string | null }): void {
    this.#admin = this.#hasher.hash(tokens.admin)
    this.#metrics = tokens.metrics === null ? null : this.#hasher.hash(tokens.metrics)
  }

  async admit(presented: string, guard: 'admin' | 'metrics', address: string): Promise<Admission> {
    const basket = this.#hasher.hash(address).readUInt16LE(0) % baskets
    const tries = await this.#wrong.get(basket)
    if (tries !== null && tries.consumedPoints >= wrongTriesMax) return { kind: 'throttled', retryAfterMs: tries.msBeforeNext }
    const hash = this.#hasher.hash(presented)
    const admin = timingSafeEqual(hash, this.#admin)
    const metrics = timingSafeEqual(hash, this.#metrics ?? this.#admin)
    if (presented !== '' && (admin || (guard === 'metrics' && metrics))) return { kind: 'admitted' }
    await this.#wrong.penalty(basket)
    return { kind: 'wrong' }
  }
}
