import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import type { AccountId, ClientModel, KeyId, TurnId, UpstreamModel } from '../../src/core/ids.ts'
import type { AttemptRecord, TurnOpened, TurnSettled } from '../../src/core/record.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/ports/log.ts'
import type { TurnQuery } from '../../src/ports/stores.ts'
import { migrations } from '../../src/storage/migrations.ts'
import { firstIdAt } from '../../src/storage/retention.ts'
import { applicationId } from '../../src/storage/schema.ts'
import type { StoreOptions } from '../../src/storage/store.ts'

let lastIdMs = Date.UTC(2026, 10, 1)

/** A turn's id, above all that were made before it: real ones of the same millisecond have no order. */
function turnId(): TurnId {
  lastIdMs += 1
  return firstIdAt(lastIdMs) as TurnId
}

export const account = (name: string): AccountId => name as AccountId

export function opened(more: Partial<Omit<TurnOpened, 'key'>> & { readonly key?: string } = {}): TurnOpened {
  return {
    id: turnId(),
    endpoint: 'responses',
    transport: 'http',
    model: 'fast-model' as ClientModel,
    startedAtMs: Date.UTC(2026, 10, 21),
    tierRequested: 'fast',
    ...more,
    key: (more.key ?? 'laptop') as KeyId,
  }
}

export function attempt(by: string, more: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    account: account(by),
    upstreamModel: 'gpt-5.5' as UpstreamModel,
    transport: 'http',
    outcome: 'completed',
    failure: null,
    status: 200,
    code: null,
    startedAtMs: Date.UTC(2026, 10, 21),
    firstOutputMs: 412,
    durationMs: 3120,
    because: 'priority 10, least loaded',
    notChosen: [{ account: account('spare'), why: 'cooling', count: 1 }],
    usage: null,
    price: '5/0.5/5/30',
    ...more,
  }
}

export function settled(turn: TurnOpened, more: Partial<TurnSettled> = {}): TurnSettled {
  return {
    opened: turn,
    outcome: 'completed',
    code: null,
    firstOutputMs: 412,
    durationMs: 3120,
    tier: { requested: turn.tierRequested, sent: null, served: 'default', billed: 'default' },
    usage: { inputTokens: 1200, cachedTokens: 1000, cacheWriteTokens: 150, longCacheWriteTokens: 50, outputTokens: 88, reasoningTokens: 20 },
    charge: { nanoUsd: 4_140_000n, estimatedNanoUsd: null, notionalNanoUsd: null },
    attempts: [attempt('main')],
    owned: null,
    ...more,
  }
}

export const everything: TurnQuery = { limit: 100, before: null, key: null, account: null, status: null, outcome: null }

/** A log that keeps its sentences. */
export function listening(): { readonly log: Log; readonly sentences: string[] } {
  const sentences: string[] = []
  const say = (_fields: object, sentence: string): void => void sentences.push(sentence)
  return { log: { debug: say, info: say, warn: say, error: say }, sentences }
}

export function folder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'turnout store '))
}

/** Of the stores of tests: large enough for a few hundred turns. */
const spoolBytes = 256 * 1024

/** A file as the version left it that knew only the first migrations. The caller closes it. */
export async function fileOfVersion(version: number, file: string): Promise<Sqlite.Database> {
  const db = new Sqlite(file)
  for (const migration of migrations.slice(0, version)) await migration.up(new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) }))
  db.pragma(`application_id = ${applicationId}`)
  db.pragma(`user_version = ${version}`)
  return db
}

export function storeOptions(more: Partial<StoreOptions> = {}): StoreOptions {
  const at = folder()
  const spool = { file: path.join(at, 'turnout.spool'), bytes: spoolBytes }
  return { file: path.join(at, 'turnout.db'), spool, clock: systemClock, commitMs: 1000, retentionMs: 90 * 24 * 3600 * 1000, log: listening().log, ...more }
}
