import type { AuditEntry } from '../ports/stores.ts'
import { auditMessage } from './audit-log.ts'
import { openFile } from './open-file.ts'
import { prepareStatements } from './statements.ts'

/**
 * Changes one entity of a store that nobody serves, in this thread; the file is made when absent. The new version, or null when the stored one is not `version`.
 * Rejects with a StoreError when the file cannot be opened.
 */
export async function writeEntityAlone(file: string, name: string, json: string | null, version: number): Promise<number | null> {
  const db = await openFile(file)
  try {
    return prepareStatements(db).writeEntity({ kind: 'entity', n: 0, name, json, version })
  } finally {
    db.close()
  }
}

/** Writes one entry of the audit log likewise. */
export async function appendAuditAlone(file: string, entry: AuditEntry): Promise<void> {
  const db = await openFile(file)
  try {
    prepareStatements(db).writeAudit(auditMessage(entry))
  } finally {
    db.close()
  }
}
