import type { KeySpending } from '../ports/limits.ts'
import type { AccountMemory, AuditEntry, Owner, TurnQuery, TurnRow } from '../ports/stores.ts'
import type { UsageQuery, UsageRow } from '../ports/usage-books.ts'
import type { Row } from './rows.ts'
import type { StoreErrorCode } from './store-error.ts'

/** How the writer is started. `begins: 'again'` after a crash of the thread alone: the turns that are open then are alive. */
export interface WriterStart {
  readonly file: string
  /** What an earlier process left in it is written into the store at a fresh start. */
  readonly spool: string | null
  readonly begins: 'fresh' | 'again'
}

/** What is committed together. Writing it twice changes nothing. */
export interface BatchMessage {
  readonly kind: 'batch'
  readonly n: number
  readonly opens: readonly Row[]
  readonly settles: readonly Row[]
  /** (id of an answer, an item or a conversation; account, key, created at) */
  readonly owners: readonly Row[]
  /** (account, turn) */
  readonly failovers: readonly Row[]
  /** (account, generation, enabled, state as JSON, updated at) */
  readonly memories: readonly Row[]
}

export interface EntityMessage {
  readonly kind: 'entity'
  readonly n: number
  readonly name: string
  readonly json: string | null
  readonly version: number
}

/** An entry of the audit log. What is older than `keptFrom` goes, and so does what is too much. */
export interface AuditMessage {
  readonly kind: 'audit'
  readonly n: number
  /** (id, at, by, from, what, target, before as JSON, after as JSON) */
  readonly row: Row
  readonly keptFrom: string
}

/**
 * Deletes turns whose id is lower than `turnsBefore`, and owners of what was made before `ownersBeforeMs`; sums up by day the days that ended
 * before `daysBeforeMs`.
 */
export interface SweepMessage {
  readonly kind: 'sweep'
  readonly turnsBefore: string
  readonly ownersBeforeMs: number
  readonly daysBeforeMs: number
}

export type ToWriter = BatchMessage | EntityMessage | AuditMessage | SweepMessage | { readonly kind: 'close' }

/** A bare number acknowledges the batch of that number: it is on disk. */
export type FromWriter =
  | number
  /** `recovered`: records found in the spool, which are in the store now. */
  | { readonly kind: 'ready'; readonly recovered: number }
  | { readonly kind: 'refused'; readonly code: StoreErrorCode; readonly message: string }
  /** Some record of the batch cannot be written, now or ever; the others are. */
  | { readonly kind: 'rejected'; readonly n: number; readonly why: string }
  | { readonly kind: 'entity'; readonly n: number; readonly version: number | null }
  | { readonly kind: 'audited'; readonly n: number }
  | { readonly kind: 'entity-failed'; readonly n: number; readonly why: string }
  /** `why`: what ended the sweep before its end. */
  | ({ readonly kind: 'swept'; readonly why: string | null } & Swept)
  /** Turns that were settled before there were sums are in them now. */
  | { readonly kind: 'counted' }
  /** A commit failed and will be tried again; said once until one succeeds. */
  | { readonly kind: 'trouble'; readonly why: string }

/** How many rows a sweep deleted, and how many days it summed up. */
export interface Swept {
  readonly turns: number
  readonly owners: number
  readonly days: number
}

export type Question =
  | { readonly kind: 'owner'; readonly id: string }
  | { readonly kind: 'memories' }
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'entities'; readonly prefix: string }
  | { readonly kind: 'spending'; readonly sinceMs: number }
  | { readonly kind: 'turn'; readonly id: string }
  | { readonly kind: 'turns'; readonly query: TurnQuery }
  | { readonly kind: 'usage'; readonly query: UsageQuery }
  | { readonly kind: 'audit'; readonly limit: number; readonly before: string | null }

export interface Answers {
  readonly owner: Owner | null
  readonly memories: readonly AccountMemory[]
  readonly entity: { readonly json: string; readonly version: number } | null
  readonly entities: readonly { readonly name: string; readonly json: string; readonly version: number }[]
  readonly spending: readonly KeySpending[]
  readonly turn: TurnRow | null
  readonly turns: readonly TurnRow[]
  readonly usage: readonly UsageRow[]
  readonly audit: readonly AuditEntry[]
}

export type ToReader =
  | { readonly kind: 'open'; readonly file: string }
  | { readonly kind: 'ask'; readonly n: number; readonly question: Question }
  | { readonly kind: 'close' }

export type FromReader =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly n: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly n: number; readonly why: string }
