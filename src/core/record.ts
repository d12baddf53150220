import type { Charge } from './charge.ts'
import type { FailureKind } from './failure.ts'
import type { AccountId, ClientModel, KeyId, TurnId, UpstreamModel } from './ids.ts'
import type { Endpoint } from './turn.ts'
import type { Usage } from './usage.ts'

export type Outcome = 'completed' | 'incomplete' | 'failed' | 'cancelled' | 'refused'

/** An account that was not chosen, and why. `account: null` stands for the rest, counted by reason. */
export interface NotChosen {
  readonly account: AccountId | null
  readonly why: string
  /** How many accounts this line stands for; 1 for a named one. */
  readonly count: number
}

/** One try at a turn with one account. */
export interface AttemptRecord {
  readonly account: AccountId
  readonly upstreamModel: UpstreamModel
  readonly transport: 'http' | 'websocket'
  readonly outcome: Outcome
  readonly failure: FailureKind | null
  readonly status: number | null
  readonly code: string | null
  readonly startedAtMs: number
  readonly firstOutputMs: number | null
  readonly durationMs: number
  /** Why this account was chosen. */
  readonly because: string
  readonly notChosen: readonly NotChosen[]
  readonly usage: Usage | null
  /** The prices that it was charged, or estimated, at: dollars per million tokens of input, cache reads, cache writes and output. Null: none. */
  readonly price: string | null
}

/** The tier of a turn on its way; null means the upstream's default. */
export interface TierRecord {
  readonly requested: string | null
  readonly sent: string | null
  readonly served: string | null
  readonly billed: string | null
}

/** What the ledger knows of a turn from its admission on. */
export interface TurnOpened {
  readonly id: TurnId
  readonly key: KeyId
  readonly endpoint: Endpoint
  readonly transport: 'http' | 'websocket'
  readonly model: ClientModel
  readonly startedAtMs: number
  readonly tierRequested: string | null
}

/** What happened in a turn, whole. One per turn. */
export interface TurnSettled {
  readonly opened: TurnOpened
  readonly outcome: Outcome
  /** The refusal's or the failure's code, for outcomes that have one. */
  readonly code: string | null
  readonly firstOutputMs: number | null
  readonly durationMs: number
  readonly tier: TierRecord
  /** Null: unknown, never zero. */
  readonly usage: Usage | null
  readonly charge: Charge
  readonly attempts: readonly AttemptRecord[]
  /** What the client may refer to later, since the upstream stored it: ids of the answer, its items, its conversation. Null: nothing. */
  readonly owned: { readonly ids: readonly string[]; readonly account: AccountId } | null
}
