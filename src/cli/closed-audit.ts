import { randomUUIDv7 } from 'node:crypto'
import { userInfo } from 'node:os'
import { AuditTrail } from '../admin/audit.ts'
import type { Change } from '../admin/answer.ts'
import { systemClock as clock } from '../lib/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Audit } from '../ports/stores.ts'
import { appendAuditAlone } from '../storage/alone.ts'
import { written } from './closed-keys.ts'
import type { Place } from './place.ts'
import type { Surroundings } from './surroundings.ts'

/** Writes down what a command changed while no gateway serves. A change that it cannot write down holds all the same, and the person who made it is told. */
export async function auditAlone(place: Place, { err }: Surroundings, { what, ...change }: Change & { readonly what: string }): Promise<void> {
  const log: Pick<Log, 'error'> = { error: (fields) => err(`${unwritten('err' in fields ? fields.err : null)}\n`) }
  const audit: Pick<Audit, 'append'> = { append: (entry) => written(place, () => appendAuditAlone(place.places.store, entry)) }
  await new AuditTrail({ clock, log, audit, newId: () => randomUUIDv7() }).record({ by: 'command-line', from: userName(), what, ...change })
}

function unwritten(error: unknown): string {
  return `This was done, and the audit log has no entry of it: ${error instanceof Error ? error.message : String(error)}`
}

/** Null: the system has no name for whoever runs this. */
function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
