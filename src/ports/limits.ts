import type { Refusal } from '../core/refusal.ts'
import type { Caller } from './caller.ts'

/** What a key may use at once and per minute. */
export interface Limits {
  /** Counts one turn. The answer `entered` must be given back with `leave` when the turn is over. */
  enter(caller: Caller): Promise<Entered>
}

export type Entered = { readonly kind: 'entered'; leave(): void } | { readonly kind: 'refused'; readonly refusal: Refusal }
