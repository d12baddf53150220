import type { AccountId } from './ids.ts'
import type { Item, Items, Node } from './transcript.ts'

/** A dialogue that is to be said again, and to whom. */
export interface Dialogue {
  /** The answers that the question builds on, oldest first. */
  readonly chain: readonly Node[]
  /** What the question itself says. */
  readonly own: Items
  readonly account: AccountId
  /** Who is known to have sealed what has this hash. */
  readonly sealedBy: (hash: string) => AccountId | null
  /** Whether reasoning that nobody is known to have sealed is tried, or stays behind since the account has refused it. */
  readonly unknownSealed: 'try' | 'drop'
}

/** One item of a dialogue that is said again; its id may have to stay behind. */
export interface Said {
  readonly item: Item
  readonly without: 'nothing' | 'id'
}

export type Replay =
  /** `triesUnknown`: sealed reasoning goes along that nobody is known to have sealed, so the account may refuse it. */
  | { readonly kind: 'said'; readonly items: readonly Said[]; readonly triesUnknown: boolean }
  /** `why` begins with a small letter. */
  | { readonly kind: 'cannot'; readonly why: string }

/** An item at its place: in the input or the output of a node, or in the question at hand, which has none yet. */
interface Placed {
  readonly item: Item
  readonly node: Node | null
  readonly part: 'input' | 'output'
}

/** A dialogue, and whether the account keeps every answer that the question builds on. */
interface Case extends Dialogue {
  readonly isKept: boolean
}

/**
 * How a dialogue is said again, without any id of an answer: inputs and outputs in order, as they were received. What another account sealed stays
 * behind, since nobody else can read it, and with it the ids of all items: an upstream refuses an item that names reasoning which is not there.
 * Calls and their outputs are never left out, so none is parted from the other.
 */
export function replay(dialogue: Dialogue): Replay {
  const { chain, account } = dialogue
  const of: Case = { ...dialogue, isKept: chain.every((node) => node.owner === account && node.stored) }
  const placed = place(dialogue)
  if (placed === null) return { kind: 'cannot', why: 'a part of the dialogue cannot be read' }
  const begin = placed.findLastIndex((p) => isCompactedAnswer(p) && sealerOf(of, p) === account)
  if (begin === -1 && (chain[0]?.parent ?? null) !== null) return { kind: 'cannot', why: 'the beginning of the dialogue is not kept' }
  // A compaction item stands for all that was said before it; one that the account cannot read stands for nothing, and what it stands for is said.
  const told = placed.slice(Math.max(0, begin)).filter((p) => !isCompactedAnswer(p) || sealerOf(of, p) === account)

  const why = unsayable(of, told)
  if (why !== null) return { kind: 'cannot', why }
  const first = placed[begin]?.node ?? null
  const isMoved = chain.slice(first === null ? 0 : chain.indexOf(first)).some((node) => node.owner !== account)
  const losesIds = isMoved || told.some((p) => !isReadable(of, p))
  const said = told.filter((p) => isReadable(of, p) && !(losesIds && isBareReasoning(p.item)))
  return {
    kind: 'said',
    items: said.map(({ item }) => ({ item, without: losesIds && item.hasId && item.is !== 'reference' ? 'id' : 'nothing' })),
    triesUnknown: said.some((p) => p.item.is === 'reasoning' && sealerOf(of, p) === null && p.item.sealed !== null),
  }
}

/** Null: one of the items cannot be read. */
function place({ chain, own }: Dialogue): readonly Placed[] | null {
  const placed: Placed[] = []
  const put = (items: Items, node: Node | null, part: Placed['part']): boolean => {
    const apart = items.apart()
    for (const item of apart ?? []) placed.push({ item, node, part })
    return apart !== null
  }
  for (const node of chain) if (!put(node.input, node, 'input') || !put(node.output, node, 'output')) return null
  return put(own, null, 'input') ? placed : null
}

function isCompactedAnswer({ item, part }: Placed): boolean {
  return item.is === 'compaction' && part === 'output'
}

/** What an account answered, it sealed itself; of what a client says, somebody may know. */
function sealerOf({ sealedBy }: Dialogue, { item, node, part }: Placed): AccountId | null {
  if (node !== null && part === 'output') return node.owner
  return item.sealed === null ? null : sealedBy(item.sealed)
}

function unsayable(of: Case, told: readonly Placed[]): string | null {
  for (const placed of told) {
    const { is } = placed.item
    if (is === 'reference' && !of.isKept) return 'it refers to an item that the account does not keep'
    if (is !== 'compaction') continue
    const sealer = sealerOf(of, placed)
    if (sealer !== null && sealer !== of.account) return 'it builds on a summary that another account sealed'
  }
  return null
}

/** False for reasoning that means nothing to the account. */
function isReadable(of: Case, placed: Placed): boolean {
  const { item, node } = placed
  if (item.is !== 'reasoning') return true
  if (isBareReasoning(item)) return node === null ? of.isKept : node.owner === of.account && node.stored
  const sealer = sealerOf(of, placed)
  return sealer === null ? of.unknownSealed === 'try' : sealer === of.account
}

/** Nothing is sealed in it: without its id it is nothing that an upstream could use. */
function isBareReasoning(item: Item): boolean {
  return item.is === 'reasoning' && item.sealed === null
}
