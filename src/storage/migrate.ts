import type { Database } from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { migrations } from './migrations.ts'
import { applicationId } from './schema.ts'

/** Brings the file from schema version `from` to ours, in one transaction: it is at one or the other, never between. */
export async function migrate(db: Database, from: number): Promise<void> {
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) })
  db.exec('begin immediate')
  try {
    for (const migration of migrations.slice(from)) await migration.up(kysely)
    db.pragma(`application_id = ${applicationId}`)
    db.pragma(`user_version = ${migrations.length}`)
    db.exec('commit')
  } catch (error) {
    if (db.inTransaction) db.exec('rollback')
    throw error
  }
}
