import type { Database } from 'better-sqlite3'
import type { AuditEntry } from '../ports/stores.ts'
import type { AuditMessage } from './messages.ts'
import { firstIdAt } from './retention.ts'
import type { Row } from './rows.ts'
import { whole } from './schema.ts'

/** How long an entry is kept: a year, and a month to look back at it. What is older goes with the next change. Unit: milliseconds. */
export const auditKeptMs = 400 * 24 * 60 * 60 * 1000
/** Entries that are kept, however young: the operator's changes are few, and a program that makes many must not fill the disk. */
const auditRowsMax = 100_000
/** What is kept of one side of a change. Unit: characters of JSON. */
export const auditJsonMax = 64 * 1024

const columns = 'id, at, by_whom, from_where, what, target, was, became'

export function auditMessage({ id, atMs, by, from, what, target, before, after }: AuditEntry): Pick<AuditMessage, 'row' | 'keptFrom'> {
  return { row: [id, atMs, by, from, what, target, jsonOf(before), jsonOf(after)], keptFrom: firstIdAt(atMs - auditKeptMs) }
}

/** What is too long is replaced by its length: an entry says at least that something was changed. */
function jsonOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  const json = JSON.stringify(value)
  return json.length <= auditJsonMax ? json : JSON.stringify(`too long to be kept: ${json.length} characters`)
}

/** Writes one entry, and lets go of what is too old or too much. To be run inside a transaction. */
export function prepareAudit(db: Database, rowsMax: number = auditRowsMax): (message: Pick<AuditMessage, 'row' | 'keptFrom'>) => void {
  // Nothing where it is there already: a writer that is tried again writes it once.
  const insert = db.prepare<[Row]>(`insert into audit (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`)
  const old = db.prepare<[string]>('delete from audit where id < ?')
  const tooMuch = db.prepare<[number]>('delete from audit where id <= (select id from audit order by id desc limit 1 offset ?)')
  return ({ row, keptFrom }) => {
    insert.run(row)
    old.run(keptFrom)
    tooMuch.run(rowsMax)
  }
}

interface Line {
  readonly id: string
  readonly at: unknown
  readonly by_whom: string
  readonly from_where: string | null
  readonly what: string
  readonly target: string | null
  readonly was: string | null
  readonly became: string | null
}

/** Newest first; every page walks the key from its end. */
export function prepareAuditList(db: Database): (query: { readonly limit: number; readonly before: string | null }) => readonly AuditEntry[] {
  const newest = db.prepare<[string, number], Line>(`select ${columns} from audit where id < ? order by id desc limit ?`)
  return ({ limit, before }) => newest.all(before ?? afterAll, limit).map(entryOf)
}

/** No UUID comes after this one. */
const afterAll = 'g'

function entryOf(line: Line): AuditEntry {
  return {
    id: line.id,
    atMs: whole(line.at),
    by: line.by_whom as AuditEntry['by'],
    from: line.from_where,
    what: line.what,
    target: line.target,
    before: line.was === null ? null : JSON.parse(line.was),
    after: line.became === null ? null : JSON.parse(line.became),
  }
}
