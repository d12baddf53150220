import type { AccountId, KeyId } from '../../../src/core/ids.ts'
import { sealedContent } from '../oracle.ts'
import type { JsonObject } from '../story.ts'

/** One answer as its client remembers it. */
export interface Answered {
  readonly id: string
  readonly key: KeyId
  readonly session: number
  readonly lane: string
  /** What the question continued; null: it began a chain. */
  readonly parent: string | null
  readonly input: readonly JsonObject[]
  readonly output: readonly JsonObject[]
  readonly isStored: boolean
}

/** All that clients said and heard, by the ids of the answers. */
export class Dialogues {
  readonly #answers = new Map<string, Answered>()
  readonly #byKey = new Map<KeyId, Answered[]>()

  add(answered: Answered): void {
    this.#answers.set(answered.id, answered)
    const known = this.#byKey.get(answered.key) ?? []
    known.push(answered)
    this.#byKey.set(answered.key, known)
  }

  find(id: string): Answered | null {
    return this.#answers.get(id) ?? null
  }

  of(key: KeyId): readonly Answered[] {
    return this.#byKey.get(key) ?? []
  }

  keys(): readonly KeyId[] {
    return [...this.#byKey.keys()]
  }

  /** The dialogue up to this answer as its client had it, this answer included. Null: no client was given such an answer. */
  upTo(id: string): readonly JsonObject[] | null {
    const links: (readonly JsonObject[])[] = []
    for (let at: string | null = id; at !== null;) {
      const answered = this.#answers.get(at)
      if (answered === undefined) return null
      links.push(answered.output, answered.input)
      at = answered.parent
    }
    return links.toReversed().flat()
  }
}

/** Items of an `input`. */
export function itemsIn(input: unknown): readonly JsonObject[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  return Array.isArray(input) ? (input as readonly JsonObject[]) : []
}

/** Calls in the last answer of a dialogue that still want their outputs. */
export function openCalls(output: readonly JsonObject[]): readonly JsonObject[] {
  return output.filter((item) => item['type'] === 'function_call')
}

/**
 * A dialogue without what the rules may leave behind on its way to this account: ids, reasoning that others sealed, and reasoning of which nobody
 * knows, or which holds nothing that is sealed.
 */
export function essence(items: readonly JsonObject[], account: AccountId, sealer: (content: string) => AccountId | null): string {
  const kept = items.filter((item) => {
    if (item['type'] !== 'reasoning') return true
    const content = sealedContent(item)
    return content !== null && sealer(content) === account
  })
  return JSON.stringify(
    kept.map((item) => {
      if (item['type'] === 'item_reference') return item
      const { id: _, ...rest } = item
      return rest
    }),
  )
}
