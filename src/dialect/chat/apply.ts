import type { Plan } from '../../core/shape.ts'
import type { Body, Edit } from '../../lib/body.ts'
import { modelEdits, tierEdits } from '../edits.ts'
import { mannerOf } from './endpoints.ts'

/** What this attempt says differently from the client. No edit: the very bytes go out. */
export function apply(plan: Plan, body: Body): readonly Edit[] {
  if (mannerOf(plan.endpoint).isDialogue) return [...modelEdits(plan), ...tierEdits(plan), ...usageEdits(body)]
  // What is no dialogue knows no tier, so none is ever named; one that is filtered still must not slip through.
  return plan.tier.kind === 'filter' ? [...modelEdits(plan), { kind: 'drop', member: 'service_tier' }] : modelEdits(plan)
}

const includeUsage: Edit = { kind: 'set', member: 'include_usage', json: 'true' }

/** A stream is always asked for its usage, whether its client is to hear of it or not: it is what we bill by (protocols.md 4.2). */
function usageEdits(body: Body): readonly Edit[] {
  if (body.value('stream') !== true) return []
  const span = body.span('stream_options')
  const options = span === null ? null : body.within(span)
  if (options === null) return [{ kind: 'set', member: 'stream_options', json: '{"include_usage":true}' }]
  if (options.value('include_usage') === true) return []
  return [{ kind: 'set', member: 'stream_options', json: options.edited([includeUsage]).pieces }]
}
