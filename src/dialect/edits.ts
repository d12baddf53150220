import type { Plan } from '../core/shape.ts'
import type { Edit } from '../lib/body.ts'

/** The name by which this attempt's account knows the model, where the client's is another. */
export function modelEdits({ renamed }: Plan): readonly Edit[] {
  return renamed === null ? [] : [{ kind: 'set', member: 'model', json: JSON.stringify(renamed) }]
}

/** What becomes of `service_tier`, as OpenAI's dialects call it. */
export function tierEdits({ tier, filterTo }: Plan): readonly Edit[] {
  const word = tier.kind === 'filter' ? filterTo : tier.canonical
  if (word !== null) return [{ kind: 'set', member: 'service_tier', json: JSON.stringify(word) }]
  return tier.kind === 'filter' ? [{ kind: 'drop', member: 'service_tier' }] : []
}
