import type { AuditEntry } from '../ports/stores.ts'
import { auditMessage } from './audit-log.ts'
import { openFile } from './open-file.ts'
import { prepareStatements, type Statements } from './statements.ts'

/**
 * Changes one entity of a store that nobody serves, in this thread; the file is made when absent. The new version, or null when the stored one is not `version`.
 * Rejects with a StoreError when the file cannot be opened.
 */
export function writeEntityAlone(file: string, name: string, json: string | null, version: number): Promise<number | null> {
  return alone(file, (statements) => statements.writeEntity({ kind: 'entity', n: 0, name, json, version }))
}

/** Writes one entry of the audit log likewise. */
export async function appendAuditAlone(file: string, entry: AuditEntry): Promise<void> {
  await alone(file, (statements) => statements.writeAudit(auditMessage(entry)))
}

async function alone<T>(file: string, write: (statements: Statements) => T): Promise<T> {
  const db = await openFile(file)
  try {
    return write(prepareStatements(db))
  } finally {
    db.close()
  }
}
