import { refusal, type Refusal } from '../core/refusal.ts'
import { follow } from './continue.ts'
import { ledgerUnavailable, type Course } from './course.ts'

export type Admitted = { readonly kind: 'admitted' } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** The last door: limits of the key, the model that it may name, the books that must be open, the state that the question builds on. From here on there is a record. */
export async function admit(course: Course): Promise<Admitted> {
  const { world, ask } = course
  if (!world.ledger.commits()) return { kind: 'refused', refusal: ledgerUnavailable }
  course.open()
  // What an upstream has begun by itself is booked, not allowed.
  if (ask.session !== null && ask.session.adopted !== null) {
    course.seat = world.limits.adopt(ask.caller)
    return { kind: 'admitted' }
  }
  const entered = await world.limits.enter(ask.caller, course.expected)
  if (entered.kind === 'refused') return entered
  course.seat = entered
  const forbidden = mayNotName(course) ?? (await follow(course))
  return forbidden === null ? { kind: 'admitted' } : { kind: 'refused', refusal: forbidden }
}

function mayNotName({ ask }: Course): Refusal | null {
  const { models } = ask.caller
  if (models.length === 0 || models.includes(ask.turn.model)) return null
  return refusal('model_not_allowed', `This key may not use the model '${ask.turn.model}'.`, { param: 'model' })
}
