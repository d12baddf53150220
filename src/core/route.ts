import type { Account } from './account.ts'
import { affinityScore } from './affinity.ts'
import type { Why } from './health.ts'
import type { AccountId, ClientModel, PoolId, UpstreamModel } from './ids.ts'
import type { NotChosen } from './record.ts'

/** How one account stands to one turn at this moment. */
export type Standing =
  | { readonly kind: 'ready' }
  /** Rested, but unproven, and another turn is finding out. */
  | { readonly kind: 'proving' }
  | { readonly kind: 'cooling'; readonly untilMs: number; readonly why: Why }
  | { readonly kind: 'retired'; readonly why: Why }
  | { readonly kind: 'disabled' }
  /** Its mapping yields no name for the model asked for. */
  | { readonly kind: 'unmapped' }

export interface Candidate {
  readonly account: Account
  /** What the turn asks for. A reload may change what the mapping makes of it. */
  readonly asked: ClientModel
  /** What the account's mapping yields; null exactly when it is unmapped. */
  readonly model: UpstreamModel | null
  readonly pool: PoolId
  /** Position of its pool among the caller's; lower is tried first. */
  readonly poolRank: number
  readonly standing: Standing
  readonly inFlight: number
  /** Whether a lease could be had now: a slot is free, and nobody has waited longer for it. */
  readonly free: boolean
  /** Whether it speaks the client's dialect. `translated`: it does not, and is asked only where none that does is ready. Absent: `native`. */
  readonly speech?: 'native' | 'translated' | 'none'
  /** In a pool that prefers by it: when the account's longest window is reset. Absent: not preferred by it, or not known. */
  readonly resetsAtMs?: number
}

/** What a turn would like, and what it must have. */
export interface Wish {
  /** The account that holds state which the question builds on: this one or none. */
  readonly owner: AccountId | null
  /** A wish to stay: taken if ready and free, never waited for. */
  readonly pin: AccountId | null
  /** `in-the-best-group`: where a chain of answers begins, an account of a worse priority than another that is ready is not stayed with. */
  readonly pinHolds: 'always' | 'in-the-best-group'
  /** The account that is to be tried once more: this time nobody else is. */
  readonly again: AccountId | null
  /** Already scoped by key. Null: nothing to keep warm. */
  readonly affinity: string | null
  /** Accounts that failed in this turn. */
  readonly tried: ReadonlySet<AccountId>
  /** Base URLs whose upstream failed in this turn: the others are tried first. */
  readonly unwell: ReadonlySet<string>
}

export type Choice =
  | { readonly kind: 'use'; readonly candidate: Candidate; readonly because: string; readonly notChosen: readonly NotChosen[] }
  /** Some could serve but have no room; cooling ones are among the wanted, in case they are ready sooner. */
  | { readonly kind: 'full'; readonly wants: readonly Candidate[] }
  /** All that could serve are resting; `soonestMs` is when the first is ready. */
  | { readonly kind: 'cooling'; readonly wants: readonly Candidate[]; readonly soonestMs: number }
  /** No account can serve this turn, however long it waits. */
  | { readonly kind: 'nobody'; readonly why: 'not-served' | 'not-spoken' | 'tried' | 'owner-gone' | 'out-of-service' }

/** How many accounts that were not chosen are named; the rest is counted by reason. */
export const namedMax = 8

/** Chooses an account for one attempt. Stickiness never beats health. */
export function route(candidates: readonly Candidate[], wish: Wish, dice: number): Choice {
  const eligible = candidates.filter((c) => reasonAgainst(c, wish) === null)
  const open = eligible.filter((c) => c.free && c.standing.kind === 'ready')
  if (open.length === 0) return nobodyOpen(candidates, eligible, wish)
  const native = open.filter((c) => c.speech !== 'translated')
  const picked = pick(native.length > 0 ? native : open, wish, dice)
  return { kind: 'use', ...picked, notChosen: notChosen(candidates, picked.candidate.account.id, wish) }
}

function pick(open: readonly Candidate[], wish: Wish, dice: number): { readonly candidate: Candidate; readonly because: string } {
  const [first] = open
  if (first !== undefined && wish.owner !== null) return { candidate: first, because: 'it holds the answer that this one continues' }
  if (first !== undefined && wish.again !== null) return { candidate: first, because: 'it is tried once more' }
  const pinned = (wish.pinHolds === 'always' ? open : bestGroup(open)).find((c) => c.account.id === wish.pin)
  if (pinned !== undefined) return { candidate: pinned, because: 'the turn before was served by it' }
  const elsewhere = open.filter((c) => !wish.unwell.has(c.account.baseUrl))
  const group = bestGroup(elsewhere.length > 0 ? elsewhere : open)
  const [only] = group
  if (only !== undefined && group.length === 1) return { candidate: only, because: `priority ${only.account.priority}, the best that is ready` }
  const [soonest] = group.filter((c) => c.resetsAtMs !== undefined).toSorted((a, b) => (a.resetsAtMs ?? 0) - (b.resetsAtMs ?? 0))
  if (soonest?.resetsAtMs !== undefined) {
    return { candidate: soonest, because: `priority ${soonest.account.priority}, its window resets soonest, at ${instant(soonest.resetsAtMs)}` }
  }
  const warm = wish.affinity === null ? null : warmest(group, wish.affinity)
  if (warm !== null) return { candidate: warm, because: `priority ${warm.account.priority}, its prompt cache is warm for this` }
  const least = lessLoaded(group, dice)
  return { candidate: least, because: `priority ${least.account.priority}, least loaded` }
}

/** The candidates of the first pool that has any, with its lowest priority number. */
function bestGroup(open: readonly Candidate[]): readonly Candidate[] {
  const rank = Math.min(...open.map((c) => c.poolRank))
  const inPool = open.filter((c) => c.poolRank === rank)
  const priority = Math.min(...inPool.map((c) => c.account.priority))
  return inPool.filter((c) => c.account.priority === priority)
}

/**
 * The group's account with the highest score for this affinity that is not loaded beyond 1.25 x its share (and at least 4).
 * Null for an empty group only: the bounds together leave room for more than is in flight.
 */
function warmest(group: readonly Candidate[], affinity: string): Candidate | null {
  const weights = group.reduce((sum, c) => sum + c.account.weight, 0)
  const inFlight = group.reduce((sum, c) => sum + c.inFlight, 0)
  let best: Candidate | null = null
  let bestScore = -Infinity
  for (const c of group) {
    const bound = Math.max(4, Math.ceil(1.25 * (c.account.weight / weights) * (inFlight + 1)))
    if (c.inFlight >= bound) continue
    const score = affinityScore(affinity, c.account.id, c.account.weight)
    if (score <= bestScore) continue
    best = c
    bestScore = score
  }
  return best
}

/** Of two picked by dice, the one with less in flight for its weight: nearly as even as looking at all, without the herd. */
function lessLoaded(group: readonly Candidate[], dice: number): Candidate {
  const pairs = group.length * (group.length - 1)
  const nth = Math.min(Math.floor(dice * pairs), pairs - 1)
  const a = group[Math.floor(nth / (group.length - 1))]
  const rest = group.filter((c) => c !== a)
  const b = rest[nth % (group.length - 1)]
  if (a === undefined || b === undefined) throw new RangeError('two are picked from a group of two or more')
  return (b.inFlight + 1) / b.account.weight < (a.inFlight + 1) / a.account.weight ? b : a
}

/** Why an account cannot serve this turn at all, now or soon; null where it can. */
function reasonAgainst(c: Candidate, wish: Wish): string | null {
  switch (c.standing.kind) {
    case 'unmapped':
      return 'does not serve this model'
    case 'disabled':
      return 'disabled by the operator'
    case 'retired':
      return `retired: ${inWords(c.standing.why)}`
    case 'ready':
    case 'proving':
    case 'cooling':
      break
  }
  if (c.speech === 'none') return 'does not speak what the question is written in'
  if (wish.owner !== null && wish.owner !== c.account.id) return 'another account holds the answer that this one continues'
  // A weight is a share among those that could be chosen; the owner is not chosen.
  if (c.account.weight === 0 && wish.owner === null) return 'weight 0'
  if (wish.again !== null && wish.again !== c.account.id) return 'another account is tried once more'
  return wish.tried.has(c.account.id) ? 'failed in this turn' : null
}

/** Why an account that could serve was passed over, in words for the record. */
function reasonFor(c: Candidate, chosen: Candidate, wish: Wish): string {
  if (c.standing.kind === 'cooling') return `cooling until ${instant(c.standing.untilMs)}: ${inWords(c.standing.why)}`
  if (c.standing.kind === 'proving') return 'rested, and another turn is trying it'
  if (!c.free) return 'full'
  if (c.speech === 'translated' && chosen.speech !== 'translated') return 'would have to be asked by translation'
  if (wish.unwell.has(c.account.baseUrl) && !wish.unwell.has(chosen.account.baseUrl)) return 'its upstream failed in this turn'
  if (c.poolRank !== chosen.poolRank) return 'in a later pool'
  if (c.account.priority !== chosen.account.priority) return `priority ${c.account.priority}`
  return 'another was preferred'
}

/** Why the others were not chosen, for the record: the first by name, the rest counted by reason. */
export function notChosen(candidates: readonly Candidate[], account: AccountId, wish: Wish): readonly NotChosen[] {
  const chosen = candidates.find((c) => c.account.id === account)
  if (chosen === undefined) return []
  const others = candidates.filter((c) => c !== chosen)
  const whyNot = (c: Candidate) => reasonAgainst(c, wish) ?? reasonFor(c, chosen, wish)
  const named = others.slice(0, namedMax).map((c) => ({ account: c.account.id, why: whyNot(c), count: 1 }))
  if (others.length <= namedMax) return named
  const counts = new Map<string, number>()
  for (const c of others.slice(namedMax)) {
    // Without instants and codes, which would make every account a reason of its own.
    const why = c.standing.kind === 'cooling' || c.standing.kind === 'retired' ? c.standing.kind : whyNot(c)
    counts.set(why, (counts.get(why) ?? 0) + 1)
  }
  return [...named, ...[...counts].map(([why, count]) => ({ account: null, why, count }))]
}

function nobodyOpen(candidates: readonly Candidate[], eligible: readonly Candidate[], wish: Wish): Choice {
  const busy = eligible.filter((c) => c.standing.kind !== 'cooling')
  if (busy.length > 0) return { kind: 'full', wants: eligible }
  const soonestMs = Math.min(...eligible.map((c) => (c.standing.kind === 'cooling' ? c.standing.untilMs : Infinity)))
  if (eligible.length > 0) return { kind: 'cooling', wants: eligible, soonestMs }
  const serving = candidates.filter((c) => c.standing.kind !== 'unmapped')
  if (serving.length === 0) return { kind: 'nobody', why: 'not-served' }
  if (serving.every((c) => c.speech === 'none')) return { kind: 'nobody', why: 'not-spoken' }
  if (wish.owner !== null && !serving.some((c) => c.account.id === wish.owner)) return { kind: 'nobody', why: 'owner-gone' }
  return { kind: 'nobody', why: serving.some((c) => wish.tried.has(c.account.id)) ? 'tried' : 'out-of-service' }
}

/** Whether only one account could ever serve this turn: it is tried again on itself before it rests. */
export function isLone(candidates: readonly Candidate[], wish: Wish): boolean {
  return candidates.filter((c) => reasonAgainst(c, { ...wish, again: null, tried: nobody }) === null).length === 1
}

const nobody: ReadonlySet<AccountId> = new Set()

export function inWords(why: Why): string {
  return [why.kind, why.status, why.code].filter((part) => part !== null).join(' ')
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
