import type { Account, UpstreamKind } from './account.ts'
import type { UpstreamModel } from './ids.ts'
import { judgeTier, type Rule, type Verdict } from './policy.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { Said } from './replay.ts'
import type { Endpoint, Turn } from './turn.ts'

/** What one attempt will send: intents only. A dialect knows which member, header or item says so on its wire. */
export interface Plan {
  /** Whom it is for: some kinds of upstream have rules of their own for what is said to them. */
  readonly upstream: UpstreamKind
  readonly endpoint: Endpoint
  readonly model: UpstreamModel
  /** Null: the client's spelling is right as it stands. */
  readonly renamed: UpstreamModel | null
  readonly tier: Exclude<Verdict, { kind: 'block' }>
  readonly filterTo: 'default' | null
  /** Items of `input` that stay behind, by index; with any, the ids of all items stay behind too. */
  readonly dropItems: readonly number[]
  /** What a turn of a session says differently; null: a turn over HTTP. */
  readonly frame: FramePlan | null
}

/** What becomes of a client's frame on its way to one account. */
export interface FramePlan {
  /** Over the account's socket, or as the body of a request (the bridge). */
  readonly to: 'websocket' | 'http'
  /** `written`: the upstream would not know the session's model, so the frame has to name it. */
  readonly model: 'as-it-stands' | 'written'
  /** Codex's routing token inside the frame, which is one account's own. */
  readonly turnState: 'pass' | 'drop'
  /** The dialogue to be said in place of `input`, the question's own items included; the answer that it continues is then not named. Null: `input` as it stands. */
  readonly replay: readonly Said[] | null
  /** Whether the frame still names the answer that it continues; `on-its-socket`: it does, and only the account's open socket knows that answer. */
  readonly continues: 'as-it-stands' | 'on-its-socket' | 'dropped'
}

export type Shaped = { readonly kind: 'plan'; readonly plan: Plan } | { readonly kind: 'blocked'; readonly refusal: Refusal }

/** The account of one attempt, the name that its mapping gives to the model asked for, and, in a session, what becomes of the frame. */
export interface Aim {
  readonly account: Account
  readonly model: UpstreamModel
  readonly frame?: FramePlan | null
}

/** The one place where the operator's policy meets an attempt, so no path can forget it. */
export function shape(turn: Turn, { account, model, frame = null }: Aim, rules: readonly Rule[], foreignItems: readonly number[]): Shaped {
  const tier = judgeTier(rules, account.credentialKind, model, turn.tier)
  if (tier.kind === 'block') return { kind: 'blocked', refusal: refusal('policy_violation', tier.message, { param: 'service_tier' }) }
  const renamed = (model as string) === turn.model ? null : model
  return {
    kind: 'plan',
    plan: { upstream: account.upstream, endpoint: turn.endpoint, model, renamed, tier, filterTo: account.filterTo, dropItems: foreignItems, frame },
  }
}

/** The tier that an attempt asks its upstream for; null means the upstream's default. */
export function tierSent(plan: Plan, turn: Turn): string | null {
  if (plan.tier.kind === 'filter') return plan.filterTo
  if (plan.tier.canonical !== null) return plan.tier.canonical
  return turn.tier.kind === 'known' || turn.tier.kind === 'unknown' ? turn.tier.raw : null
}
