import type { Database } from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import type { Selectable, SelectQueryBuilder } from 'kysely'
import type { KeyId, TurnId } from '../core/ids.ts'
import type { Outcome } from '../core/record.ts'
import type { Endpoint } from '../core/turn.ts'
import type { Usage } from '../core/usage.ts'
import type { TurnQuery, TurnRow } from '../ports/stores.ts'
import { readAttempts } from './attempts.ts'
import { whole } from './schema.ts'
import type { Tables, TurnsTable } from './schema.ts'

const turnsLimitMax = 100

/** Reads turns as the admin API lists them. Every filter walks an index newest first and stops at the limit. */
export class TurnQueries {
  readonly #db: Kysely<Tables>

  constructor(database: Database) {
    this.#db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
  }

  async find(id: string): Promise<TurnRow | null> {
    const row = await this.#db.selectFrom('turns').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : readTurn(row)
  }

  async list(query: TurnQuery): Promise<readonly TurnRow[]> {
    const rows = await this.listing(query).execute()
    return rows.map(readTurn)
  }

  /** The query behind `list`: a turn that tried the account asked for did so last, or before it failed over. */
  listing(query: TurnQuery): SelectQueryBuilder<Tables, 'turns', Selectable<TurnsTable>> {
    const limit = Math.min(Math.max(1, Math.floor(query.limit)), turnsLimitMax)
    const { account } = query
    const all = this.#db.selectFrom('turns').selectAll('turns')
    if (account === null) return newestFirst(filtered(all, query), limit)
    const last = newestFirst(
      filtered(all.where('turns.account', '=', account), query)
        .clearSelect()
        .select('turns.id as id'),
      limit,
    )
    const earlier = filtered(this.#db.selectFrom('turns').innerJoin('failovers', 'failovers.turn', 'turns.id').where('failovers.account', '=', account), query)
      .select('turns.id as id')
      .orderBy('failovers.turn', 'desc')
      .limit(limit)
    const ids = this.#db
      .selectFrom(last.as('last'))
      .select('last.id')
      .unionAll(this.#db.selectFrom(earlier.as('earlier')).select('earlier.id'))
    return newestFirst(all.where('turns.id', 'in', ids), limit)
  }
}

function filtered<With extends keyof Tables, Out>(
  from: SelectQueryBuilder<Tables, With | 'turns', Out>,
  query: TurnQuery,
): SelectQueryBuilder<Tables, With | 'turns', Out> {
  // The words of the partial indexes must stand in the query itself for SQLite to use them.
  const conditions = [
    ...(query.before === null ? [] : [sql<boolean>`turns.id < ${query.before}`]),
    ...(query.key === null ? [] : [sql<boolean>`turns.key = ${query.key}`]),
    ...(query.status === null ? [] : [sql<boolean>`turns.status = ${query.status}`]),
    ...(query.status === null || query.status === 'settled' ? [] : [sql<boolean>`turns.status <> 'settled'`]),
    ...(query.outcome === null ? [] : [sql<boolean>`turns.outcome = ${query.outcome}`]),
    ...(query.outcome === null || query.outcome === 'completed' ? [] : [sql<boolean>`turns.outcome <> 'completed'`]),
  ]
  return conditions.reduce((narrowed, condition) => narrowed.where(condition), from)
}

function newestFirst<Out>(from: SelectQueryBuilder<Tables, 'turns', Out>, limit: number): SelectQueryBuilder<Tables, 'turns', Out> {
  return from.orderBy('turns.id', 'desc').limit(limit)
}

function readTurn(row: Selectable<TurnsTable>): TurnRow {
  return {
    id: row.id as TurnId,
    key: row.key as KeyId,
    endpoint: row.endpoint as Endpoint,
    transport: row.transport as TurnRow['transport'],
    model: row.model,
    status: row.status as TurnRow['status'],
    outcome: row.outcome as Outcome | null,
    code: row.code,
    startedAtMs: whole(row.started_at),
    firstOutputMs: row.first_output_ms === null ? null : whole(row.first_output_ms),
    durationMs: row.duration_ms === null ? null : whole(row.duration_ms),
    tier: { requested: row.tier_requested, sent: row.tier_sent, served: row.tier_served, billed: row.tier_billed },
    usage: readUsage(row),
    charge: {
      nanoUsd: readMoney(row.charge_nano_usd),
      estimatedNanoUsd: readMoney(row.charge_estimated_nano_usd),
      notionalNanoUsd: readMoney(row.charge_notional_nano_usd),
    },
    attempts: row.attempts === null ? [] : readAttempts(row.attempts),
  }
}

function readMoney(nanoUsd: number | null): bigint | null {
  return nanoUsd === null ? null : BigInt(whole(nanoUsd))
}

/** Unknown as a whole where it is unknown: a settle writes all six or none. */
function readUsage(row: Selectable<TurnsTable>): Usage | null {
  if (row.input_tokens === null) return null
  return {
    inputTokens: whole(row.input_tokens),
    cachedTokens: whole(row.cached_tokens),
    cacheWriteTokens: whole(row.cache_write_tokens),
    longCacheWriteTokens: whole(row.long_cache_write_tokens),
    outputTokens: whole(row.output_tokens),
    reasoningTokens: whole(row.reasoning_tokens),
  }
}
