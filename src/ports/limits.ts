import type { KeyId } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Caller } from './caller.ts'

/** What a key may use at once, a minute, a day and a month. */
export interface Limits {
  /** Counts one turn, and holds what it is expected to spend, so that turns that come together do not spend the same money. */
  enter(caller: Caller, expected: Spent): Promise<Entered>
  /** Counts a turn that an upstream began by itself: it is on the books of its key, and refused by no limit. */
  adopt(caller: Caller): Seat
}

export type Entered = ({ readonly kind: 'entered' } & Seat) | { readonly kind: 'refused'; readonly refusal: Refusal }

/** A turn's place within the limits of its key. */
export interface Seat {
  /** The turn is over, and this is what it came to; a second time does nothing. */
  leave(spent: Spent): void
}

/** What a turn takes of the limits of its key. */
export interface Spent {
  /** Read and written; where that is unknown, an estimate. */
  readonly tokens: number
  /** The charge; where that is unknown, an estimate; nothing where there is no price. */
  readonly nanoUsd: bigint
}

export const nothingSpent: Spent = { tokens: 0, nanoUsd: 0n }

/** What keys have spent, by the books: a restart forgets no budget. */
export interface Spending {
  /** Of every key that began a turn at this full hour or later. Rejects when the books cannot be read. */
  since(ms: number): Promise<readonly KeySpending[]>
}

export interface KeySpending {
  readonly key: KeyId
  /** Charges and, where they are unknown, estimates. */
  readonly nanoUsd: bigint
}
