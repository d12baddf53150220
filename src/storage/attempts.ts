import Sqlite from 'better-sqlite3'
import type { AttemptRecord } from '../core/record.ts'
import type { Usage } from '../core/usage.ts'
import { firstIdAt } from './retention.ts'
import { StoreError } from './store-error.ts'

/** A turn may begin so long before its last attempt. Unit: milliseconds. */
const turnMsMax = 2 * 3_600_000

/** Records of before migration 005 do not tell how long cache writes are kept. */
type Kept = Omit<AttemptRecord, 'usage'> & { readonly usage: (Omit<Usage, 'longCacheWriteTokens'> & { readonly longCacheWriteTokens?: number }) | null }

/** The attempts of a turn, as its row has them. */
export function readAttempts(json: string): readonly AttemptRecord[] {
  const kept = JSON.parse(json) as readonly Kept[]
  return kept.map((attempt) => ({ ...attempt, usage: attempt.usage === null ? null : { longCacheWriteTokens: 0, ...attempt.usage } }))
}

/** Attempts that began in this time, of turns that are over; read beside whoever serves. */
export function* attemptsBetween(file: string, fromMs: number, toMs: number): Generator<AttemptRecord> {
  const db = open(file)
  try {
    const rows = db.prepare<[string, string], string>(`select attempts from turns where id >= ? and id < ? and attempts is not null order by id`).pluck()
    for (const json of rows.iterate(firstIdAt(fromMs - turnMsMax), firstIdAt(toMs))) {
      for (const attempt of readAttempts(json)) if (attempt.startedAtMs >= fromMs && attempt.startedAtMs < toMs) yield attempt
    }
  } finally {
    db.close()
  }
}

function open(file: string): Sqlite.Database {
  try {
    return new Sqlite(file, { readonly: true, fileMustExist: true })
  } catch (error) {
    throw new StoreError('cannot-open', `The store ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
