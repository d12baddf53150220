import type { AccountId, KeyId, TurnId, UpstreamModel } from '../core/ids.ts'
import type { AttemptRecord, Outcome, TierRecord } from '../core/record.ts'
import type { Usage } from '../core/usage.ts'
import type { Endpoint } from '../core/turn.ts'
import type { Condition } from '../core/health.ts'

/** Which account and key something stored at an upstream belongs to: an answer, an item of one, a conversation. Kept 30 days. */
export interface Owners {
  /** @param id as the upstream gave it. */
  find(id: string): Promise<Owner | null>
}

export interface Owner {
  readonly account: AccountId
  readonly key: KeyId
}

/** What a restart must not forget of an account. */
export interface AccountMemory {
  readonly account: AccountId
  /** The credential that this was learnt with; another one makes the account ready. */
  readonly generation: string
  readonly enabled: boolean
  readonly condition: Condition
  readonly pairs: readonly { readonly model: UpstreamModel; readonly condition: Condition }[]
}

export interface AccountMemories {
  all(): Promise<readonly AccountMemory[]>
  keep(memory: AccountMemory): Promise<void>
}

/** A turn as the books have it. */
export interface TurnRow {
  readonly id: TurnId
  readonly key: KeyId
  readonly endpoint: Endpoint
  readonly transport: 'http' | 'websocket'
  readonly model: string
  readonly status: 'open' | 'settled' | 'interrupted'
  readonly outcome: Outcome | null
  readonly code: string | null
  readonly startedAtMs: number
  readonly firstOutputMs: number | null
  readonly durationMs: number | null
  readonly tier: TierRecord
  readonly usage: Usage | null
  readonly attempts: readonly AttemptRecord[]
}

export interface TurnQuery {
  /** At most 100. */
  readonly limit: number
  /** Only turns that began before this one. */
  readonly before: TurnId | null
  readonly key: string | null
  /** Turns that tried this account. */
  readonly account: string | null
  readonly status: TurnRow['status'] | null
  readonly outcome: Outcome | null
}

/** Reads the books, newest first. */
export interface Turns {
  find(id: TurnId): Promise<TurnRow | null>
  list(query: TurnQuery): Promise<readonly TurnRow[]>
}

/** Small things that the operator changed while running: stored rules. */
export interface Entities {
  read(name: string): Promise<{ readonly json: string; readonly version: number } | null>
  /** Writes if the stored version is still `version` (0: nothing stored). Returns the new version, or null when it was not. `json: null` deletes. */
  write(name: string, json: string | null, version: number): Promise<number | null>
}
