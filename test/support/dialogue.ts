import type { ResponseId } from '../../src/core/ids.ts'
import type { Item, Node } from '../../src/core/transcript.ts'
import { accountId } from './accounts.ts'

/** An item of a dialogue with this JSON. */
export function item(json: object | string, differing: Partial<Omit<Item, 'json'>> = {}): Item {
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  return { json: Buffer.from(text), is: 'other', sealed: null, hasId: text.includes('"id":'), ...differing }
}

export const responseId = (name: string) => name as ResponseId

/** An answer of account `a` that begins a chain, stored, without items unless said otherwise. */
export function node(id: string, differing: Partial<Omit<Node, 'id' | 'parent'>> & { readonly parent?: string | null } = {}): Node {
  const { parent = null, ...rest } = differing
  return { id: responseId(id), parent: parent === null ? null : responseId(parent), input: [], output: [], owner: accountId('a'), stored: true, ...rest }
}
