import type { AccountId } from '../core/ids.ts'

/** Which account made an opaque thing that clients carry back: sealed reasoning (by its hash) and Codex's turn state. Bounded, forgetful. */
export interface Origins {
  sealedBy(hash: string): AccountId | null
  rememberSealed(hash: string, account: AccountId): void
  turnStateOf(state: string): AccountId | null
  rememberTurnState(state: string, account: AccountId): void
}
