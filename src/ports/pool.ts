import type { Account, Credential } from '../core/account.ts'
import type { Failure } from '../core/failure.ts'
import type { AccountId, ClientModel, KeyId, PoolId, UpstreamModel } from '../core/ids.ts'
import type { Candidate } from '../core/route.ts'
import type { Window } from '../core/windows.ts'

/** The right to use an account for one attempt: a slot and a credential. Lent with `withLease`, so it is always returned. */
export interface Lease {
  /** The account as it was configured when the lease was made. */
  readonly account: Account
  readonly model: UpstreamModel
  readonly pool: PoolId
  readonly credential: Credential
  /** Gives the slot back; a second time does nothing. */
  give(): void
}

export interface WaitWish {
  readonly key: KeyId
  /** Any of these will do. */
  readonly wants: readonly Candidate[]
  /** When to give up, in epoch milliseconds. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

export type Waited = { readonly kind: 'leased'; readonly lease: Lease } | { readonly kind: 'too-late' } | { readonly kind: 'queue-full' }

/** What became of a credential that an upstream refused. */
export type Renewal =
  /** A lease that is taken now carries another one. */
  | 'renewed'
  /** It could not be renewed, and the account rests or is retired for that already. */
  | 'failed'
  /** Nothing renews it. */
  | 'none'

/** The live accounts, as the turn sees them. */
export interface Accounts {
  /** Every account of these pools, as it stands now. */
  candidates(pools: readonly PoolId[], model: ClientModel): readonly Candidate[]
  /** Null: full by now; choose again. */
  lease(candidate: Candidate): Promise<Lease | null>
  /** Waits for the first of the wanted accounts to have room; in turn, fair between keys, bounded. Rejects with the signal's reason. */
  wait(wish: WaitWish): Promise<Waited>
  /** The attempt that began at `startedAtMs` has given its first output: whoever waits for this account's verdict may go on. */
  proved(lease: Lease, startedAtMs: number): void
  /** The attempt that began at `startedAtMs` has ended well. */
  succeeded(lease: Lease, startedAtMs: number): void
  /** Cools or retires what the failure blames. A failure of a credential that was replaced meanwhile is ignored. */
  failed(lease: Lease, failure: Failure, atMs: number): void
  /** After an upstream has refused the lease's credential: has it renewed, once for all who ask at a time. Rejects with the signal's reason. */
  renew(lease: Lease, signal: AbortSignal): Promise<Renewal>
  /** What an answer said of the windows of the account's quota. */
  metered(lease: Lease, windows: readonly Window[]): void
  /** What `failed` wrote at `atMs` was the request's fault after all: strike and cooling are taken back. */
  takeBack(account: AccountId, atMs: number): void
  /** The upstream refused this account's WebSocket as something that it does not speak: its turns take the bridge for an hour. */
  refusedWebSocket(lease: Lease, status: number | null, atMs: number): void
  /** False for an hour after such a refusal. */
  speaksWebSocket(account: AccountId): boolean
  /** Counts a turn of this pool, for the failover budget. */
  countTurn(pool: PoolId): void
  /** Whether one more failover that is blamed on an upstream fits the budget; counts it when it does. */
  mayFailOver(pool: PoolId, budgetPercent: number): boolean
}
