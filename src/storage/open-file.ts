import fs from 'node:fs'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import { applicationId, schemaVersion } from './schema.ts'
import { StoreError } from './store-error.ts'

/** How long the start waits for another program that holds the file locked. */
const lockWaitMs = 1000
/** Files up to this size are read through at the start (about 30 ms); larger ones would hold up the start for seconds. */
const checkBytesMax = 16 * 1024 * 1024

/** Opens the file to write, made when absent (mode 0600). Nothing is written before it is known to be ours, whole and not newer. */
export async function openFile(file: string): Promise<Database> {
  const sizeBytes = inspect(file)
  let db: Database | null = null
  try {
    if (sizeBytes === null) fs.closeSync(fs.openSync(file, 'a', 0o600))
    db = new Sqlite(file, { timeout: lockWaitMs })
    const version = examine(db, file, sizeBytes ?? 0)
    if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal')
      throw new StoreError('cannot-open', `The store ${file} does not work here: its file system has no shared memory for a write-ahead log.`)
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    db.pragma('wal_autocheckpoint = 4000')
    db.pragma('journal_size_limit = 67108864')
    db.pragma('cache_size = -16000')
    if (version < schemaVersion) await (await import('./migrate.ts')).migrate(db, version)
    return db
  } catch (error) {
    db?.close()
    throw explain(error, file)
  }
}

/** Every turn that a crash left open. Also proves, before the first turn, that the file can be written. */
export function interruptOpenTurns(db: Database, file: string): void {
  try {
    db.exec('begin immediate')
    // The second condition is what lets SQLite use the partial index.
    db.exec(`update turns set status = 'interrupted' where status = 'open' and status <> 'settled'`)
    db.exec('commit')
  } catch (error) {
    if (db.inTransaction) db.exec('rollback')
    db.close()
    throw explain(error, file)
  }
}

/** What the file system alone can say. Returns the file's size, null when there is none. */
function inspect(file: string): number | null {
  const folder = path.dirname(file)
  const folderStat = fs.statSync(folder, { throwIfNoEntry: false })
  if (folderStat === undefined || !folderStat.isDirectory())
    throw new StoreError('folder-missing', `The folder ${folder} of the store does not exist. Create it, or name another with --data.`)
  if (!mayWrite(folder, folderStat))
    throw new StoreError(
      'folder-not-writable',
      `The folder ${folder} is not writable, and the store keeps its log beside its file. Give the user who runs Turnout the right to write there.`,
    )
  const stat = fs.statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return null
  if (!stat.isFile()) throw new StoreError('cannot-open', `The store ${file} is not a file.`)
  if (!mayWrite(file, stat)) throw new StoreError('read-only', `The store ${file} is read-only. Give the user who runs Turnout the right to write it.`)
  return stat.size
}

/** A file that nobody may write is read-only for root too, to whom the system would allow it. */
function mayWrite(name: string, stat: fs.Stats): boolean {
  if ((stat.mode & 0o222) === 0) return false
  try {
    fs.accessSync(name, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Reads only. Returns the version of the schema, 0 for an empty file. */
function examine(db: Database, file: string, sizeBytes: number): number {
  const version = Number(db.pragma('user_version', { simple: true }))
  const application = Number(db.pragma('application_id', { simple: true }))
  const empty = db.prepare('select 1 from sqlite_schema limit 1').get() === undefined
  if (application !== applicationId && !(application === 0 && version === 0 && empty)) {
    throw new StoreError('foreign', `The file ${file} is a SQLite database of another program. Name another file for the store; nothing was changed.`)
  }
  if (version > schemaVersion) {
    throw new StoreError(
      'newer',
      `The store ${file} was written by a newer version of Turnout (schema ${version}, this one knows ${schemaVersion}). Run that version, or name another file; nothing was changed.`,
    )
  }
  const finding = sizeBytes <= checkBytesMax ? db.pragma('quick_check(1)', { simple: true }) : 'ok'
  if (finding !== 'ok') throw new StoreError('corrupt', corrupt(file, String(finding)))
  return version
}

function corrupt(file: string, detail: string): string {
  return `The store ${file} is damaged or not a database (${detail}). Move it away, or put a backup in its place; nothing was changed.`
}

/** Any error of the file or the disk as one for the operator. */
export function explain(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = sqliteCode(error)
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) return new StoreError('corrupt', corrupt(file, message))
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
    return new StoreError('locked', `The store ${file} is locked by another program. Stop that program and start again.`)
  if (code.startsWith('SQLITE_FULL'))
    return new StoreError(
      'cannot-open',
      `The disk of the store ${file} is full. Make room and start again; what was promised to be on the books waits there, and nothing is lost.`,
    )
  if (code.startsWith('SQLITE_READONLY')) return new StoreError('read-only', `The store ${file} is read-only (${message}).`)
  return new StoreError('cannot-open', `The store ${file} cannot be opened: ${message}.`)
}

/** SQLite's own name of an error; empty for errors that are not SQLite's. */
function sqliteCode(error: unknown): string {
  return error instanceof Sqlite.SqliteError ? error.code : ''
}
