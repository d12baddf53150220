import type { Dice } from '../lib/clock.ts'
import type { Failure, FailureKind } from './failure.ts'

/** Why an account or a pair rests: the failure's kind, status and code. */
export interface Why {
  readonly kind: FailureKind
  readonly status: number | null
  readonly code: string | null
  /** What the operator should know, or do, beyond that: a sentence. Absent: nothing. */
  readonly advice?: string
}

export type Health =
  | { readonly kind: 'ready' }
  /** `stated`: upstream itself named the time, so no success ends it early. */
  | { readonly kind: 'cooling'; readonly sinceMs: number; readonly untilMs: number; readonly stated: boolean; readonly why: Why }
  | { readonly kind: 'retired'; readonly sinceMs: number; readonly why: Why }

export interface Strike {
  readonly kind: FailureKind
  readonly atMs: number
}

/** How an account, or one of its (account, model) pairs, is doing. */
export interface Condition {
  readonly health: Health
  /** Failures not yet forgiven by a success, oldest first; at most `strikesMax`. */
  readonly strikes: readonly Strike[]
  /** False from a cooling on until the first success after it: until then one turn probes and the others wait for its verdict. */
  readonly proven: boolean
}

export const fresh: Condition = { health: { kind: 'ready' }, strikes: [], proven: true }
export const strikesMax = 16

/**
 * How long the blamed one rests after a failure that states no reset. Unit: milliseconds.
 * Source: design 6, our own choice. Too long is the worse mistake for what blames an upstream: resting accounts push their load onto the rest of the pool.
 */
interface Rest {
  readonly firstMs: number
  readonly factor: number
  readonly mostMs: number
  /** The strike in a row from which it rests at all. */
  readonly from: number
  /** Failures that count together; a strike of any of them counts. */
  readonly family: readonly FailureKind[]
}

const minute = 60_000
const rest = (firstMs: number, factor: number, mostMs: number, family: readonly FailureKind[]): Rest => ({ firstMs, factor, mostMs, from: 1, family })
const unwell: Rest = { ...rest(5000, 2, minute, ['server', 'network', 'broken-stream']), from: 3 }

const rests: Readonly<Record<FailureKind, Rest | null>> = {
  credential: rest(minute, 2, 60 * minute, ['credential']),
  quota: rest(10 * minute, 2, 300 * minute, ['quota']),
  forbidden: rest(10 * minute, 1, 10 * minute, ['forbidden']),
  'edge-block': rest(30_000, 1, 30_000, []),
  rate: rest(5000, 2, 5 * minute, ['rate']),
  model: rest(30 * minute, 1, 30 * minute, ['model']),
  overload: rest(10_000, 1.5, minute, ['overload']),
  server: unwell,
  network: unwell,
  'broken-stream': unwell,
  silent: rest(30_000, 1, 30_000, ['silent']),
  transport: null,
  'lost-continuation': null,
  'foreign-state': null,
  request: null,
}

/** Strikes of `forbidden` count together within this time. */
export const forbiddenWindowMs = 180 * minute
/** The strike that retires: of a credential merely refused, and of `forbidden` if a probe fails too. */
const retiringStrike = 3
/**
 * A reset carries up to a tenth of its length as jitter, so that a pool does not come back all at once, but never more than this.
 * Unit: milliseconds. A tenth of a week would keep a good account idle for most of a day.
 */
export const jitterMsMax = 60_000

export interface Learnt {
  readonly condition: Condition
  /** The next probe decides: if it fails too, the account is retired. */
  readonly probe: boolean
}

/** What a failure does to the one that it blames: the account's condition, or the pair's. */
export function afterFailure(condition: Condition, failure: Failure, nowMs: number, dice: Dice): Learnt {
  const rule = rests[failure.kind]
  if (rule === null || condition.health.kind === 'retired') return { condition, probe: false }
  const why: Why = { kind: failure.kind, status: failure.status, code: failure.code }
  const strikes = rule.family.length === 0 ? condition.strikes : [...condition.strikes, { kind: failure.kind, atMs: nowMs }].slice(-strikesMax)
  const inARow = strikes.filter((s) => rule.family.includes(s.kind) && (failure.kind !== 'forbidden' || s.atMs > nowMs - forbiddenWindowMs)).length
  if (failure.kind === 'credential' && (failure.final || inARow >= retiringStrike)) return { condition: retired(strikes, why, nowMs), probe: false }
  const restMs = failure.resetAtMs === null ? restOf(rule, inARow) : Math.max(0, failure.resetAtMs - nowMs)
  if (restMs === 0) return { condition: { ...condition, strikes }, probe: false }
  const untilMs = nowMs + restMs + Math.round(Math.min(restMs / 10, jitterMsMax) * dice())
  const before = condition.health.kind === 'cooling' && condition.health.untilMs > nowMs ? condition.health : null
  const stated = failure.resetAtMs !== null || before?.stated === true
  const probe = failure.kind === 'forbidden' && inARow >= retiringStrike
  // Of two rests the longer one holds: a short one learnt later must not wake what rests for a week. A stated reset within it counts as long.
  const health: Health = before !== null && before.untilMs >= untilMs ? { ...before, stated } : { kind: 'cooling', sinceMs: nowMs, untilMs, stated, why }
  return { condition: { health, strikes, proven: false }, probe }
}

/** A success counts only against what it tested: failures older than its own start, and never a reset that upstream stated. */
export function afterSuccess(condition: Condition, startedAtMs: number, nowMs: number): Condition {
  if (condition.proven && condition.strikes.length === 0) return condition
  return { ...afterProof(condition, startedAtMs, nowMs), strikes: condition.strikes.filter((s) => s.atMs >= startedAtMs) }
}

/** What the first output of an answer shows: the one who rested works again. Strikes are forgiven only when the answer has ended well. */
export function afterProof(condition: Condition, startedAtMs: number, nowMs: number): Condition {
  const { health } = condition
  if (condition.proven || health.kind === 'retired') return condition
  if (health.kind === 'ready') return { ...condition, proven: true }
  const tested = startedAtMs >= health.sinceMs && condition.strikes.every((s) => s.atMs <= startedAtMs)
  const over = nowMs >= health.untilMs || !health.stated
  return tested && over ? { ...condition, health: { kind: 'ready' }, proven: true } : condition
}

/** Undoes what a `forbidden` of that moment wrote: it was the request's fault after all. */
export function takenBack(condition: Condition, atMs: number): Condition {
  const strikes = condition.strikes.filter((s) => s.kind !== 'forbidden' || s.atMs !== atMs)
  const { health } = condition
  const ours = health.kind === 'cooling' && health.why.kind === 'forbidden' && health.sinceMs === atMs && !health.stated
  return ours ? { health: { kind: 'ready' }, strikes, proven: true } : { ...condition, strikes }
}

/** A new credential ends what the old one was held for: its rest, its retirement, its strikes. Whatever else the account rests for goes on. */
export function renewed(condition: Condition): Condition {
  const { health } = condition
  const strikes = condition.strikes.filter((s) => s.kind !== 'credential')
  const isOver = health.kind !== 'ready' && health.why.kind === 'credential'
  return isOver ? { health: { kind: 'ready' }, strikes, proven: true } : { ...condition, strikes }
}

/** Rests until then without a strike, since nothing was learnt of it but that it cannot serve before. A longer rest, or retirement, stays as it is. */
export function held(condition: Condition, why: Why, nowMs: number, untilMs: number): Condition {
  const { health } = condition
  if (health.kind === 'retired' || (health.kind === 'cooling' && health.untilMs >= untilMs)) return condition
  return { ...condition, health: { kind: 'cooling', sinceMs: nowMs, untilMs, stated: false, why }, proven: false }
}

/** What a probe that failed makes of an account that waited for its verdict. */
export function retired(strikes: readonly Strike[], why: Why, nowMs: number): Condition {
  return { health: { kind: 'retired', sinceMs: nowMs, why }, strikes, proven: false }
}

/** What a probe that went well makes of a retired account: it may be tried, by one turn first. */
export function revived(condition: Condition): Condition {
  return condition.health.kind === 'retired' ? { ...fresh, proven: false } : condition
}

/** Coolings longer than this, and retirements, are kept over a restart. */
export const keptMs = 10 * minute

export function isKept(condition: Condition): boolean {
  const { health } = condition
  return health.kind === 'retired' || (health.kind === 'cooling' && health.untilMs - health.sinceMs > keptMs)
}

function restOf(rule: Rest, inARow: number): number {
  if (inARow < rule.from) return rule.from === 1 ? rule.firstMs : 0
  return Math.min(rule.firstMs * rule.factor ** (inARow - rule.from), rule.mostMs)
}
