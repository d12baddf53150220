import type { Plan } from '../../core/shape.ts'
import type { Body, Edit } from '../../lib/body.ts'
import type { Headers } from '../../lib/headers.ts'
import { modelEdits } from '../edits.ts'
import { withoutForeignThinking } from './foreign-thinking.ts'
import { betaHeader, betasOf, byServiceTier, bySpeed, isFastMode } from './tier.ts'

/** What this attempt says differently from the client. No edit: the very bytes go out. */
export function apply(plan: Plan, body: Body): readonly Edit[] {
  return [...modelEdits(plan), ...(plan.tier.kind === 'filter' ? filtered(body) : respelt(body)), ...withoutForeignThinking(body)]
}

/**
 * All that asks for a tier goes, whichever of it the rule named. `filterTo` changes nothing: no account has a speed of its own setting that an absent `speed`
 * could mean, so that "default" is said by silence.
 */
function filtered(body: Body): readonly Edit[] {
  const edits: Edit[] = []
  if (body.span('speed') !== null) edits.push({ kind: 'drop', member: 'speed' })
  const { kind } = byServiceTier(body)
  if (kind === 'known' || kind === 'unknown') edits.push({ kind: 'drop', member: 'service_tier' })
  return edits
}

/** The canonical word of this dialect is `fast`. A `service_tier` is left as it is: no word of ours would be right in it. */
function respelt(body: Body): readonly Edit[] {
  const asked = bySpeed(body)
  const isMisspelt = asked.kind === 'known' && asked.tier === 'priority' && asked.raw !== 'fast'
  return isMisspelt ? [{ kind: 'set', member: 'speed', json: '"fast"' }] : []
}

/** The client's headers; without the beta of a fast mode that a rule filters, since some models take it for the wish itself. */
export function headers(plan: Plan, said: Headers): Headers {
  if (plan.tier.kind !== 'filter') return said
  const betas = betasOf(said)
  const kept = betas.filter((beta) => !isFastMode(beta))
  if (kept.length === betas.length) return said
  const { [betaHeader]: _betas, ...others } = said
  return kept.length === 0 ? others : { ...said, [betaHeader]: kept.join(',') }
}
