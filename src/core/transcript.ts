import type { AccountId, ResponseId } from './ids.ts'

/** One item of a dialogue: its JSON as it stood, and what saying it elsewhere depends on. */
export interface Item {
  readonly json: Buffer
  /** `reference`: nothing but the id of an item that an upstream keeps. */
  readonly is: 'reasoning' | 'compaction' | 'reference' | 'other'
  /** Hash of what an account sealed in it; null: nothing is sealed. */
  readonly sealed: string | null
  readonly hasId: boolean
}

/** Items as they stood: taken apart only when they are said elsewhere, since most never are. */
export interface Items {
  /** Of the memory that they keep. */
  readonly bytes: number
  /** Null: one of them cannot be read. */
  apart(): readonly Item[] | null
}

/** Items of several places, one after another. */
export function together(parts: readonly Items[]): Items {
  return {
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    apart: () => {
      const items: Item[] = []
      for (const part of parts) {
        const some = part.apart()
        if (some === null) return null
        items.push(...some)
      }
      return items
    },
  }
}

/** One answer that a session's client may build on, and the question that it answers. */
export interface Node {
  readonly id: ResponseId
  /** What its question continued; null: a chain begins here. */
  readonly parent: ResponseId | null
  readonly input: Items
  readonly output: Items
  readonly owner: AccountId
  /** Whether the owner keeps the answer beyond its connection (`store` not false). */
  readonly stored: boolean
}

/**
 * What a node costs beside its JSON: objects, buffers, the place in the map. Unit: bytes. Measured: a hundred thousand of them took 150 to 175 MB. Without
 * it, a dialogue of very many very small turns would take several times what it is said to take.
 */
export const overheadBytes = 1536

interface Kept {
  readonly node: Node
  readonly bytes: number
  wholeAt: number
}

/** What a session has said and heard, as far as it fits: a graph of answers, each under its own id. Stateful, but pure: no clock, no I/O. */
export class Transcript {
  readonly #bytesMax: number
  /** Oldest first. `wholeAt`: how many had been dropped when the dialogue up to this one was last found whole. */
  readonly #nodes = new Map<ResponseId, Kept>()
  /** The one that was added last: nearly always the one that is asked for. */
  #newest: Kept | null = null
  #bytes = 0
  #dropped = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What is kept counts as its JSON, its ids and the overhead of each answer. At most the bound. */
  get bytes(): number {
    return this.#bytes
  }

  /** In place of one with the same id. The oldest go, until it fits; one that is larger than the bound is not kept, and takes no other's place. */
  add(node: Node): void {
    const bytes = bytesOf(node)
    this.#drop(node.id)
    if (bytes > this.#bytesMax) return
    for (const oldest of this.#nodes.keys()) {
      if (this.#bytes + bytes <= this.#bytesMax) break
      this.#drop(oldest)
    }
    this.#newest = { node, bytes, wholeAt: -1 }
    this.#nodes.set(node.id, this.#newest)
    this.#bytes += bytes
  }

  find(id: ResponseId): Node | null {
    return this.#kept(id)?.node ?? null
  }

  /** The dialogue up to this answer, oldest first. Null where a part of it is not kept, or its ids lead in a circle. */
  chain(id: ResponseId): readonly Node[] | null {
    const chain: Node[] = []
    for (let at: ResponseId | null = id; at !== null;) {
      const node = this.find(at)
      if (node === null || chain.length === this.#nodes.size) return null
      chain.push(node)
      at = node.parent
    }
    return chain.toReversed()
  }

  /** Whether the dialogue up to this answer is kept. What was found whole stays so until something is dropped, so that each turn looks at its own answer only. */
  isWhole(id: ResponseId): boolean {
    const seen: { wholeAt: number }[] = []
    for (let at: ResponseId | null = id; at !== null;) {
      const kept = this.#kept(at)
      if (kept === null || seen.length === this.#nodes.size) return false
      if (kept.wholeAt === this.#dropped) break
      seen.push(kept)
      at = kept.node.parent
    }
    for (const kept of seen) kept.wholeAt = this.#dropped
    return true
  }

  clear(): void {
    this.#nodes.clear()
    this.#newest = null
    this.#dropped++
    this.#bytes = 0
  }

  #kept(id: ResponseId): Kept | null {
    return this.#newest?.node.id === id ? this.#newest : (this.#nodes.get(id) ?? null)
  }

  #drop(id: ResponseId): void {
    const kept = this.#nodes.get(id)
    if (kept === undefined) return
    this.#nodes.delete(id)
    if (kept === this.#newest) this.#newest = null
    this.#bytes -= kept.bytes
    this.#dropped++
  }
}

/** Ids are somebody else's texts, and may be long: two bytes a character at the most. */
function bytesOf({ id, parent, input, output }: Node): number {
  return overheadBytes + 2 * (id.length + (parent?.length ?? 0)) + input.bytes + output.bytes
}
