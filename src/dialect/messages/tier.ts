import { tierAsked, type Tier, type TierAsked } from '../../core/tier.ts'
import type { Body } from '../../lib/body.ts'
import { header, type Headers } from '../../lib/headers.ts'

/** The header in which a client names the betas that it takes part in. */
export const betaHeader = 'anthropic-beta'

const nothing: TierAsked = { kind: 'nothing' }
const fast: TierAsked = { kind: 'known', tier: 'priority', raw: 'fast' }

/** The dearest first: of several words in one question that is the one to be judged, so that none slips past behind another. */
const dearest: readonly Tier[] = ['ultrafast', 'priority', 'flex']

/** What a question asks for in `speed`, in its betas and in `service_tier` together (protocols.md 5.5). */
export function tierIn(body: Body, headers: Headers): TierAsked {
  const asked = [bySpeed(body), hasFastMode(headers) ? fast : nothing, byServiceTier(body)]
  for (const tier of dearest) {
    const found = asked.find((each) => each.kind === 'known' && each.tier === tier)
    if (found !== undefined) return found
  }
  return asked.find(({ kind }) => kind === 'unknown') ?? asked.find(({ kind }) => kind === 'not-a-word') ?? nothing
}

/** What `speed` asks for. */
export function bySpeed(body: Body): TierAsked {
  const speed = body.value('speed')
  return speed === 'standard' ? nothing : tierAsked(speed)
}

/** What `service_tier` asks for. Anthropic's own words are about capacity that was bought beforehand, and are no tier of ours. */
export function byServiceTier(body: Body): TierAsked {
  const tier = body.value('service_tier')
  return tier === 'auto' || tier === 'standard_only' ? nothing : tierAsked(tier)
}

function hasFastMode(headers: Headers): boolean {
  return betasOf(headers).some(isFastMode)
}

/** The betas that a client names, in order. */
export function betasOf(headers: Headers): readonly string[] {
  const betas = header(headers, betaHeader)
  if (betas === null) return []
  return betas
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '')
}

export function isFastMode(beta: string): boolean {
  return /^fast-mode-/i.test(beta)
}
