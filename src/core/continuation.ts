import type { AccountId, KeyId } from './ids.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { Reference } from './turn.ts'

/** To whom a referenced answer belongs, as far as we know. */
export interface Ownership {
  readonly reference: Reference
  /** Null: never seen, or forgotten. */
  readonly owner: { readonly account: AccountId; readonly key: KeyId } | null
}

export type Carry =
  /** The question builds on nothing, or on what it says itself. */
  | { readonly kind: 'free' }
  /** Only this account holds what the question builds on. */
  | { readonly kind: 'owner'; readonly account: AccountId }
  | { readonly kind: 'lost'; readonly refusal: Refusal }

/**
 * Where a question may go that refers to earlier answers: to the one account that gave them all. The id of another key and an id
 * that nobody has seen get one and the same answer, so that nothing can be learnt by asking.
 */
export function carry(ownerships: readonly Ownership[], key: KeyId): Carry {
  const [first] = ownerships
  if (first === undefined) return { kind: 'free' }
  const stranger = ownerships.find((o) => o.owner === null || o.owner.key !== key || o.owner.account !== first.owner?.account)
  if (stranger !== undefined || first.owner === null) return { kind: 'lost', refusal: lost((stranger ?? first).reference) }
  return { kind: 'owner', account: first.owner.account }
}

/** The refusal for a reference whose owner is unknown, another key's, or gone. */
export function lost(reference: Reference): Refusal {
  switch (reference.kind) {
    case 'response':
      return refusal('previous_response_not_found', `Previous response with id '${reference.id}' not found.`, { param: 'previous_response_id' })
    case 'conversation':
      return refusal('previous_response_not_found', `Conversation with id '${reference.id}' not found.`, { param: 'conversation' })
    case 'item':
      return refusal('previous_response_not_found', `Item with id '${reference.id}' not found.`, { param: 'input' })
  }
}

/** A sealed item of a question. `sealer`: who is known to have sealed it; null: nobody knows. */
export interface SealedItem {
  readonly index: number
  readonly sealer: AccountId | null
}

/** Which sealed items stay behind for this account. */
export function foreignItems(sealed: readonly SealedItem[], account: AccountId, unknown: 'try' | 'drop'): readonly number[] {
  return sealed.filter(({ sealer }) => (sealer === null ? unknown === 'drop' : sealer !== account)).map(({ index }) => index)
}

/** Whether sealed items go along that the account may not have sealed: of those that do not stay behind, the ones that nobody knows. */
export function sendsForeign(sealed: readonly SealedItem[], unknown: 'try' | 'drop'): boolean {
  return unknown === 'try' && sealed.some(({ sealer }) => sealer === null)
}
