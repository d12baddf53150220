import { fresh } from '../core/health.ts'
import type { UpstreamModel } from '../core/ids.ts'
import type { LiveAccount, Tended } from './live-account.ts'

/** Conditions of pairs in the whole process: the oldest is forgotten first, which costs one failed attempt. */
export const pairsMax = 100_000

/** The (account, model) pairs that are not fresh, of all accounts together. */
export class Pairs {
  /** Which account each pair belongs to, oldest first. */
  readonly #order = new Map<Tended, { readonly live: LiveAccount; readonly model: UpstreamModel }>()

  of(live: LiveAccount, model: UpstreamModel): Tended {
    const known = live.pairs.get(model)
    if (known !== undefined) return known
    const pair: Tended = { condition: fresh, prover: null }
    live.pairs.set(model, pair)
    this.#order.set(pair, { live, model })
    if (this.#order.size > pairsMax) for (const oldest of this.#order.keys()) return (this.forget(oldest), pair)
    return pair
  }

  forget(pair: Tended): void {
    const where = this.#order.get(pair)
    this.#order.delete(pair)
    if (where?.live.pairs.get(where.model) === pair) where.live.pairs.delete(where.model)
  }
}
