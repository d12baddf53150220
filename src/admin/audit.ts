import type { Clock } from '../lib/clock.ts'
import { header } from '../lib/headers.ts'
import type { Log } from '../ports/log.ts'
import type { Visit } from '../ports/routes.ts'
import type { Audit, AuditEntry } from '../ports/stores.ts'
import { answer, fromStore, type Handles } from './answer.ts'
import type { AuditShape } from './contract.ts'
import { instant } from './shown.ts'

export interface AuditDoor {
  readonly audit: Pick<Audit, 'list'>
}

/** What commands call themselves to the gateway that serves. */
export const commandLineAgent = 'turnout-command-line'

export function auditHandles({ audit }: AuditDoor): Handles<'audit'> {
  return {
    audit: async ({ query: { limit, before } }) => {
      const read = await fromStore(audit.list({ limit, before: before ?? null }))
      if (read.kind === 'problem') return read
      const entries = read.value
      return answer({ changes: entries.map(shown), next: entries.length < limit ? null : (entries.at(-1)?.id ?? null) })
    },
  }
}

function shown({ id, atMs, by, from, what, target, before, after }: AuditEntry): AuditShape {
  return { id, at: instant(atMs), by, from, what, target, before, after }
}

/** Who asks for a change: a command says so itself, and whoever has the token may do all that a command may. */
export function changer({ request }: Visit): Pick<AuditEntry, 'by' | 'from'> {
  const isCommand = header(request.headers, 'user-agent') === commandLineAgent
  return { by: isCommand ? 'command-line' : 'admin', from: request.socket.remoteAddress ?? null }
}

export interface AuditTrailParts {
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  readonly audit: Pick<Audit, 'append'>
  /** A UUIDv7. */
  readonly newId: () => string
}

/** Writes down who changed what. */
export class AuditTrail {
  readonly #parts: AuditTrailParts

  constructor(parts: AuditTrailParts) {
    this.#parts = parts
  }

  /**
   * On disk when it resolves. Never rejects: the change is made, and must not look as if it were not; where the store does not take its entry, the log
   * has it instead.
   */
  async record(change: Omit<AuditEntry, 'id' | 'atMs'>): Promise<void> {
    const { clock, log, audit, newId } = this.#parts
    const entry: AuditEntry = { id: newId(), atMs: clock.now(), ...change }
    try {
      await audit.append(entry)
    } catch (error) {
      log.error({ err: error, entry: JSON.stringify(entry) }, 'the audit log did not take a change, which holds all the same')
    }
  }
}
