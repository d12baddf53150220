import { LRUCache } from 'lru-cache'
import type { Owner, Owners } from '../ports/stores.ts'

/** About 20 MB. An owner that was pushed out is still found, in the store. */
const ownersKnownMax = 100_000

/** Owners that need no look into the store: those of the answers just settled, and those looked up before. */
export class KnownOwners implements Owners {
  readonly #known: LRUCache<string, Owner>
  readonly #lookUp: (id: string) => Promise<Owner | null>

  constructor(lookUp: (id: string) => Promise<Owner | null>, max = ownersKnownMax) {
    this.#known = new LRUCache({ max })
    this.#lookUp = lookUp
  }

  async find(id: string): Promise<Owner | null> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const found = await this.#lookUp(id)
    if (found !== null && !this.#known.has(id)) this.#known.set(id, found)
    return found
  }

  learn(id: string, owner: Owner): void {
    this.#known.set(id, owner)
  }
}
