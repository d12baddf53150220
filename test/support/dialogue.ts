import type { ResponseId } from '../../src/core/ids.ts'
import type { Item, Items, Node } from '../../src/core/transcript.ts'
import { accountId } from './accounts.ts'

/** An item of a dialogue with this JSON. */
export function item(json: object | string, differing: Partial<Omit<Item, 'json'>> = {}): Item {
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  return { json: Buffer.from(text), is: 'other', sealed: null, hasId: text.includes('"id":'), ...differing }
}

export const responseId = (name: string) => name as ResponseId

/** Items that have been taken apart already. */
class Listed implements Items {
  readonly #items: readonly Item[]
  readonly bytes: number

  constructor(items: readonly Item[]) {
    this.#items = items
    this.bytes = items.reduce((sum, { json }) => sum + json.length, 0)
  }

  apart(): readonly Item[] {
    return this.#items
  }
}

export const listed = (...items: readonly Item[]): Items => new Listed(items)

interface Said {
  readonly parent?: string | null
  readonly input?: readonly Item[]
  readonly output?: readonly Item[]
}

/** An answer of account `a` that begins a chain, stored, without items unless said otherwise. */
export function node(id: string, differing: Partial<Pick<Node, 'owner' | 'stored'>> & Said = {}): Node {
  const { parent = null, input = [], output = [], ...rest } = differing
  const said = { input: listed(...input), output: listed(...output) }
  return { id: responseId(id), parent: parent === null ? null : responseId(parent), ...said, owner: accountId('a'), stored: true, ...rest }
}
