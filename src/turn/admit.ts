import { carry } from '../core/continuation.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import { header } from '../lib/headers.ts'
import type { Course } from './course.ts'
import { ledgerUnavailable } from './course.ts'

export type Admitted = { readonly kind: 'admitted'; leave(): void } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** The last door: limits of the key, the model that it may name, the books that must be open, the state that the question builds on. From here on there is a record. */
export async function admit(course: Course): Promise<Admitted> {
  const { world, ask } = course
  if (!world.ledger.commits()) return { kind: 'refused', refusal: ledgerUnavailable }
  course.open()
  const entered = await world.limits.enter(ask.caller)
  if (entered.kind === 'refused') return entered
  const forbidden = mayNotName(course) ?? (await follow(course))
  if (forbidden === null) return { kind: 'admitted', leave: () => entered.leave() }
  entered.leave()
  return { kind: 'refused', refusal: forbidden }
}

function mayNotName({ ask }: Course): Refusal | null {
  const { models } = ask.caller
  if (models.length === 0 || models.includes(ask.turn.model)) return null
  return refusal('model_not_allowed', `This key may not use the model '${ask.turn.model}'.`, { param: 'model' })
}

/** Finds the account that holds what the question builds on, if it builds on anything. */
async function follow(course: Course): Promise<Refusal | null> {
  const { world, ask } = course
  const turnState = header(ask.headers, 'x-codex-turn-state')
  course.pin = turnState === null ? null : world.origins.turnStateOf(turnState)
  if (ask.turn.references.length === 0) return null
  const where = carry(await course.ownerships(), ask.caller.key)
  if (where.kind === 'lost') return where.refusal
  course.owner = where.kind === 'owner' ? where.account : null
  return null
}
