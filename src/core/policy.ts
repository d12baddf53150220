import type { CredentialKind } from './account.ts'
import type { UpstreamModel } from './ids.ts'
import type { Tier, TierAsked } from './tier.ts'

/** One line of the operator's tier policy. */
export interface Rule {
  readonly tier: Tier | 'any'
  readonly action: 'pass' | 'filter' | 'block'
  readonly accounts: 'all' | CredentialKind
  /** Upstream models, exact or with a trailing `*`; empty means every model. */
  readonly models: readonly string[]
  /** The action for models outside the list. */
  readonly otherwise: 'pass' | 'filter' | 'block'
  /** What a blocked client is told; empty: `defaultBlockMessage`. */
  readonly message: string
}

/** What the rules say of one attempt. `rule` is the index of the rule that decided; null when none matched. */
export type Verdict =
  /** `canonical`: a known word in another spelling is sent in its canonical form; null leaves the bytes as they are. */
  | { readonly kind: 'pass'; readonly rule: number | null; readonly canonical: Tier | null }
  | { readonly kind: 'filter'; readonly rule: number }
  | { readonly kind: 'block'; readonly rule: number; readonly message: string }

export const defaultBlockMessage = 'This service tier is not allowed here.'

const rule = (tier: Tier): Rule => ({ tier, action: 'filter', accounts: 'all', models: [], otherwise: 'pass', message: '' })

/** What holds when the operator wrote no rules: the dear tiers are filtered on every model and account. */
export const defaultRules: readonly Rule[] = [rule('priority'), rule('ultrafast')]

/** The first rule whose tier and account kind match decides; with none, the tier passes. Judged anew for every attempt. */
export function judgeTier(rules: readonly Rule[], account: CredentialKind, model: UpstreamModel, asked: TierAsked): Verdict {
  if (asked.kind === 'nothing' || asked.kind === 'not-a-word') return { kind: 'pass', rule: null, canonical: null }
  const index = rules.findIndex((r) => matchesTier(r, asked) && (r.accounts === 'all' || r.accounts === account))
  const decided = rules[index]
  if (decided === undefined) return { kind: 'pass', rule: null, canonical: canonical(asked) }
  const action = decided.models.length === 0 || decided.models.some((m) => matchesModel(m, model)) ? decided.action : decided.otherwise
  switch (action) {
    case 'pass':
      return { kind: 'pass', rule: index, canonical: canonical(asked) }
    case 'filter':
      return { kind: 'filter', rule: index }
    case 'block':
      return { kind: 'block', rule: index, message: decided.message === '' ? defaultBlockMessage : decided.message }
  }
}

type Word = Extract<TierAsked, { readonly raw: string }>

function matchesTier(rule: Rule, asked: Word): boolean {
  if (rule.tier === 'any') return asked.raw.trim() !== ''
  return asked.kind === 'known' && asked.tier === rule.tier
}

function matchesModel(pattern: string, model: UpstreamModel): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model
}

/** `priority` is the canonical word for `fast`; a word already spelt canonically keeps its bytes. */
function canonical(asked: Word): Tier | null {
  return asked.kind === 'known' && asked.raw !== asked.tier ? asked.tier : null
}
