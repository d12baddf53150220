import type { AccountId, KeyId, TurnId, UpstreamModel } from '../core/ids.ts'
import type { Charge } from '../core/charge.ts'
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
  /** Null throughout while the turn is open. */
  readonly charge: Charge
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

/** Small things that the operator changed while running: stored rules, keys. */
export interface Entities {
  /** All whose name begins so, in the order of their names. */
  list(prefix: string): Promise<readonly { readonly name: string; readonly json: string; readonly version: number }[]>
  read(name: string): Promise<{ readonly json: string; readonly version: number } | null>
  /** Writes if the stored version is still `version` (0: nothing stored). Returns the new version, or null when it was not. `json: null` deletes. */
  write(name: string, json: string | null, version: number): Promise<number | null>
}

/** A change that someone made, as the audit log has it. Holds no secret. */
export interface AuditEntry {
  /** A UUIDv7: ids sort by the moment of their change. */
  readonly id: string
  readonly atMs: number
  /** Through the admin API, from the command line (by way of the gateway that serves, too), or in the configuration file. */
  readonly by: 'admin' | 'command-line' | 'file'
  /** An address, or a user of this machine, as far as it is known. */
  readonly from: string | null
  /** What was done, in a word. */
  readonly what: string
  /** The name of what was changed; null: there is only one such thing. */
  readonly target: string | null
  /** JSON; null: it was not there. */
  readonly before: unknown
  readonly after: unknown
}

/** Who changed what, newest first. */
export interface Audit {
  /** On disk when it resolves. */
  append(entry: AuditEntry): Promise<void>
  /** @param before only entries that are older than this one. */
  list(query: { readonly limit: number; readonly before: string | null }): Promise<readonly AuditEntry[]>
}

/** A credential that renews itself, as it is kept. */
export interface KeptCredential {
  /** What the configuration gave when this one began to grow; where it gives something else by now, this one is void. */
  readonly seed: string
  /** A new word at each import; null: it grew out of the configuration. */
  readonly imported: string | null
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly accountId: string | null
  /** When the access token ends; null: not known. */
  readonly expiresAtMs: number | null
  /** A refresh with this refresh token was sent, and what came of it is not known here: it may have been exchanged. `by`: the process that sent it. */
  readonly sending: { readonly atMs: number; readonly by: string } | null
}

/** What is kept of an account's credential. `unreadable`: it was sealed with a key that is not here. */
export type KeptOf =
  | { readonly kind: 'kept'; readonly version: number; readonly credential: KeptCredential }
  | { readonly kind: 'unreadable'; readonly version: number }
  | { readonly kind: 'nothing'; readonly version: 0 }

/** Credentials that renew themselves; sealed wherever they rest. */
export interface KeptCredentials {
  all(): Promise<readonly { readonly account: AccountId; readonly of: KeptOf }[]>
  read(account: AccountId): Promise<KeptOf>
  /** Writes if the kept version is still this one (0: nothing kept); it is on disk when this resolves. Returns the new version, or null when it was not. */
  write(account: AccountId, credential: KeptCredential, version: number): Promise<number | null>
}
