import fs from 'node:fs'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import { StoreError } from './store-error.ts'

/** Pages copied at a time. */
const pagesPerStep = 4096

export interface BackedUp {
  readonly bytes: number
  readonly turns: number
}

/**
 * Copies the store into a new file, as it is at this moment, beside whoever serves and without holding it up. The copy is one file, whole and
 * checked, closed to other users; it has its name only when it is done.
 */
export async function backUp(store: string, file: string): Promise<BackedUp> {
  if (fs.existsSync(file)) throw new StoreError('cannot-open', `${file} is there already. Name another file, or move it away.`)
  const partial = `${file}.partial`
  try {
    fs.rmSync(partial, { force: true })
    fs.closeSync(fs.openSync(partial, 'wx', 0o600))
    await copy(store, partial)
    const turns = check(partial)
    sync(partial, 'r+')
    fs.renameSync(partial, file)
    // Windows lets nobody sync a folder.
    if (process.platform !== 'win32') sync(path.dirname(path.resolve(file)), 'r')
    return { bytes: fs.statSync(file).size, turns }
  } catch (error) {
    for (const name of [partial, `${partial}-wal`, `${partial}-shm`, `${partial}-journal`]) fs.rmSync(name, { force: true })
    if (error instanceof StoreError) throw error
    throw new StoreError('cannot-open', `The backup ${file} cannot be made: ${error instanceof Error ? error.message : String(error)}.`)
  }
}

async function copy(store: string, to: string): Promise<void> {
  const db = new Sqlite(store, { readonly: true, fileMustExist: true })
  try {
    // One snapshot from the first page to the last: otherwise each commit of the gateway would make the copy begin again.
    db.exec('begin')
    db.prepare('select 1 from sqlite_schema limit 1').get()
    await db.backup(to, { progress: () => pagesPerStep })
    db.exec('commit')
  } finally {
    db.close()
  }
}

/** How many turns are in the copy. */
function check(file: string): number {
  const db = new Sqlite(file)
  try {
    // A single file, without a log beside it.
    db.pragma('journal_mode = DELETE')
    const finding = db.pragma('quick_check(1)', { simple: true })
    if (finding !== 'ok') throw new StoreError('corrupt', `The copy is damaged (${String(finding)}), and so may be the store: run \`turnout doctor\`.`)
    return Number(db.prepare('select count(*) from turns').pluck().get())
  } finally {
    db.close()
  }
}

function sync(name: string, flags: string): void {
  const fd = fs.openSync(name, flags)
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
