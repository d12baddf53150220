import type { Plan } from '../../core/shape.ts'
import type { Body, Edit } from '../../lib/body.ts'
import { modelEdits, tierEdits } from '../edits.ts'
import { frameEdits } from './apply-frame.ts'
import { codexEdits } from './codex-edits.ts'
import { isReference } from './read.ts'

/** What this attempt says differently from the client. No edit: the very bytes go out. */
export function apply(plan: Plan, body: Body): readonly Edit[] {
  const edits: Edit[] = [...modelEdits(plan), ...tierEdits(plan)]
  if (plan.frame !== null) edits.push(...frameEdits(plan, plan.frame, body))
  // Nothing to what is said again, which has its own way of leaving items behind.
  if (plan.dropItems.length > 0) {
    edits.push({ kind: 'drop-items', member: 'input', indexes: plan.dropItems })
    edits.push({ kind: 'drop-in-items', member: 'input', indexes: named(body), name: 'id' })
  }
  if (plan.upstream === 'codex') edits.push(...codexEdits(plan, body))
  return edits
}

/**
 * The items whose ids go with the reasoning: an upstream refuses an item that names reasoning which is not there. A reference is nothing
 * but its id, and keeps it.
 */
function named(body: Body): readonly number[] {
  return (body.items('input') ?? []).flatMap((span, index) => {
    const item = body.within(span)
    return item === null || isReference(item) ? [] : [index]
  })
}
