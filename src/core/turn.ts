import type { ClientModel, ResponseId } from './ids.ts'
import type { TierAsked } from './tier.ts'

/** The words of the ledger for what was asked. */
export type Endpoint = 'responses' | 'compact' | 'input_tokens'

/** A reference to state that lives at one account; the turn may go to its owner only. */
export type Reference =
  | { readonly kind: 'response'; readonly id: ResponseId }
  | { readonly kind: 'conversation'; readonly id: string }
  | { readonly kind: 'item'; readonly id: string }

/** What one question says that the gateway acts on, read once from the client's body by its dialect. */
export interface Turn {
  readonly endpoint: Endpoint
  readonly model: ClientModel
  readonly tier: TierAsked
  readonly stream: boolean
  /** All state of earlier answers that the question builds on. */
  readonly references: readonly Reference[]
  /** Whether the upstream will store the answer, so that its id can be named later (`store` not false). */
  readonly stored: boolean
  /** Whether sending the question twice could leave something behind twice: `conversation`, or an explicit `store: true`. */
  readonly leavesTrace: boolean
  /** What makes two questions share a prompt cache: the client's own hint, else a hash of how the question begins. Scoped by key when used; null: nothing to go by. */
  readonly affinity: string | null
  /** Hashes of the sealed reasoning in `input`, by index of its item. */
  readonly sealed: readonly Sealed[]
  /** Whether the client is Codex, whose idle timer only an event resets. */
  readonly isCodex: boolean
}

export interface Sealed {
  readonly index: number
  readonly hash: string
}
