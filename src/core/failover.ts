import type { ErrorObject, Failure, Signal } from './failure.ts'
import { meanings } from './failure-table.ts'
import type { AccountId } from './ids.ts'
import { refusal, retryAfterMsMax, type Refusal } from './refusal.ts'

/** One attempt of this turn that failed. */
export interface Tried {
  readonly account: AccountId
  readonly baseUrl: string
  readonly atMs: number
  readonly signal: Signal
  readonly failure: Failure
}

export interface Bounds {
  readonly accountsPerTurn: number
  /** No attempt starts later than this after the request was read. */
  readonly lastAttemptMs: number
}

/** What a turn does after a failed attempt. */
export type Next =
  /** `budgeted`: blamed on an upstream, so the pool's failover budget must allow it. */
  | { readonly kind: 'another'; readonly budgeted: boolean }
  | {
      readonly kind: 'same'
      readonly afterMs: number
      readonly as: 'it-is' | 'own-sealed-only' | 'said-again' | 'bridged' | 'refreshed'
      readonly budgeted: boolean
    }
  /** `takeBack`: what was held against accounts in this turn was the request's fault. */
  | { readonly kind: 'stop'; readonly takeBack: boolean }

/** How long a lone account is left alone before it is tried again, and how often. Unit: milliseconds; jittered by up to half. */
const loneWaitsMs: readonly number[] = [200, 1000]

/** Attempts of a turn beyond one for each of its accounts: a lone one twice more, once without foreign items, once after a stated reset or with a new credential. */
const attemptsBeyondMax = 4

const stop: Next = { kind: 'stop', takeBack: false }

/** What is known when the question "go on?" is asked. */
export interface Situation {
  /** Oldest first; the last one has just failed. */
  readonly tried: readonly Tried[]
  readonly bounds: Bounds
  /** Time since the request was read. */
  readonly elapsedMs: number
  /** No other account could ever serve this turn. */
  readonly lone: boolean
  /** Sending twice could leave something behind twice. */
  readonly leavesTrace: boolean
  /** Whether the credential that was refused has been renewed since: the account is asked once more with the new one. */
  readonly credential: 'renewed' | 'as-it-was'
  /** Whether sealed items were sent that this account is not known to have sealed. */
  readonly sentForeign: boolean
  /** Ways on that only a session's turn has; null: a turn over HTTP. */
  readonly session: {
    /** Its upstream began it by itself: nothing was asked that could be asked elsewhere. */
    readonly adopted: boolean
    /** Whether the account can be told the dialogue that it does not know. */
    readonly canSayAgain: boolean
    /** Whether the account may be asked over HTTP what it would not be asked over WebSocket. */
    readonly canBridge: boolean
  } | null
  /** Uniform in [0, 1). */
  readonly dice: number
}

/** Everything before the commit point may be repeated, within these bounds. */
export function next(s: Situation): Next {
  const last = s.tried.at(-1)
  if (last === undefined) return stop
  const { failure } = last
  const meaning = meanings[failure.kind]
  const forbidding = new Set(s.tried.filter((t) => t.failure.kind === 'forbidden').map((t) => t.account))
  if (failure.kind === 'forbidden' && forbidding.size > 1) return { kind: 'stop', takeBack: true }
  if (s.elapsedMs > s.bounds.lastAttemptMs || s.tried.length >= s.bounds.accountsPerTurn + attemptsBeyondMax || forbidsAgain(s)) return stop
  if (s.session?.adopted === true) return stop
  if (failure.kind === 'credential' && s.credential === 'renewed' && isFirstRefusal(s.tried, last)) return same('refreshed')
  if (failure.kind === 'lost-continuation' && s.session?.canSayAgain === true) return same('said-again')
  if (failure.kind === 'transport' && s.session !== null) return s.session.canBridge ? same('bridged') : another(s, false)
  if (failure.kind === 'foreign-state') {
    const already = s.tried.filter((t) => t.failure.kind === 'foreign-state').length > 1
    return s.sentForeign && !already ? same('own-sealed-only') : stop
  }
  if (meaning.another === 'no' || meaning.another === 'same') return stop
  const budgeted = meaning.blame === 'upstream'
  const wait = s.lone ? loneWaitsMs[s.tried.length - 1] : undefined
  if (wait !== undefined && (failure.kind === 'server' || failure.kind === 'network' || failure.kind === 'overload')) {
    const afterMs = Math.round(wait * (1 + s.dice / 2))
    return s.elapsedMs + afterMs > s.bounds.lastAttemptMs ? stop : { kind: 'same', afterMs, as: 'it-is', budgeted }
  }
  return another(s, budgeted)
}

/** Whether this account's credential was refused in this turn for the first time: a new one that is refused too is not renewed again. */
export function isFirstRefusal(tried: readonly Tried[], last: Tried): boolean {
  return tried.filter((t) => t.account === last.account && t.failure.kind === 'credential').length === 1
}

function another(s: Situation, budgeted: boolean): Next {
  const accounts = new Set(s.tried.map((t) => t.account))
  return accounts.size >= s.bounds.accountsPerTurn ? stop : { kind: 'another', budgeted }
}

function same(as: Extract<Next, { kind: 'same' }>['as']): Next {
  return { kind: 'same', afterMs: 0, as, budgeted: false }
}

/** It may have been served and billed: at most one further attempt, and none that could leave something behind twice. */
function forbidsAgain(s: Situation): boolean {
  // A handshake that was refused as such has asked nothing.
  const asked = s.tried.filter((t) => t.failure.kind !== 'transport')
  const last = asked.at(-1)
  const ambiguous = asked.filter((t) => t.failure.ambiguous)
  if (ambiguous.length === 0) return false
  // A whole answer that took too long may well be running still.
  if (last?.signal.kind === 'silent' && last.signal.waitingFor === 'whole-answer') return true
  return s.leavesTrace || ambiguous.length > 1 || ambiguous[0] !== last
}

/** What the client is told when a turn cannot go on. */
export type Conclusion =
  /** The upstream's answer goes to the client as it is. */
  | { readonly kind: 'as-it-is' }
  /** The upstream's error, said again in our words' shape, so that no code in it ends a client that should try again. */
  | { readonly kind: 'retell'; readonly status: number; readonly error: ErrorObject }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }

const refuse = (r: Refusal): Conclusion => ({ kind: 'refuse', refusal: r })

/** @param readyAtMs when the soonest of the accounts that could serve is ready again; null when none ever is. */
export function conclude(last: Tried, takeBack: boolean, when: { readonly nowMs: number; readonly readyAtMs: number | null }): Conclusion {
  const { failure } = last
  const ours = failure.status === 401 || failure.status === 402 || failure.status === 403
  switch (failure.kind) {
    case 'request':
    case 'lost-continuation':
    case 'foreign-state':
    case 'transport':
      return { kind: 'as-it-is' }
    case 'forbidden':
      return takeBack ? { kind: 'as-it-is' } : refuse(credentialRefusal)
    case 'model':
      return ours ? refuse(refusal('model_not_served', 'No account that this key may use can serve this model.', { param: 'model' })) : { kind: 'as-it-is' }
    case 'credential':
      return refuse(credentialRefusal)
    case 'quota':
    case 'rate':
      return refuse(ours ? credentialRefusal : noAccountReady(when.readyAtMs, when.nowMs))
    case 'overload':
    case 'server':
      return retold(last.signal) ?? refuse(refusal('upstream_unreachable', `The upstream did not answer as an API does: ${failure.because}.`))
    case 'edge-block':
    case 'broken-stream':
      return refuse(ours ? credentialRefusal : refusal('upstream_unreachable', `No account could answer: ${failure.because}.`))
    case 'network':
      return refuse(refusal('upstream_unreachable', 'No account that could serve this could be reached.'))
    case 'silent':
      return refuse(refusal('upstream_timeout', 'The upstream did not answer in time.'))
  }
}

const credentialRefusal = refusal(
  'upstream_credential',
  'Every account that could serve this was refused by its upstream. Your key is fine; the operator must look at the accounts.',
  { retryAfterMs: retryAfterMsMax / 2 },
)

/** 429: with a wait when one comes back within a minute, else with the time in words and no invitation to try before. */
export function noAccountReady(readyAtMs: number | null, nowMs: number): Refusal {
  if (readyAtMs === null) return refusal('no_account_ready', 'No account is ready, and none will be without the operator.', { retryAfterMs: retryAfterMsMax })
  const waitMs = Math.max(1, readyAtMs - nowMs)
  if (waitMs <= retryAfterMsMax)
    return refusal('no_account_ready', `No account is ready. Please try again in ${Math.ceil(waitMs / 1000)}s.`, { retryAfterMs: waitMs })
  return refusal('no_account_ready', `Every account that could serve this is resting. The first is ready again at ${new Date(readyAtMs).toISOString()}.`, {
    reset: { atMs: readyAtMs, inMs: waitMs },
  })
}

/** Codes that would end a client's turn although trying again is right (protocols 8.3). */
const endingCodes: ReadonlySet<string> = new Set(['server_is_overloaded', 'slow_down'])

function retold(signal: Signal): Conclusion | null {
  if ((signal.kind !== 'answer' && signal.kind !== 'told') || signal.error === null) return null
  const { error } = signal
  const isOverload = signal.kind === 'told' && endingCodes.has(error.code ?? '')
  const said = signal.status ?? (isOverload ? 503 : 500)
  const status = said === 529 ? 503 : said >= 500 && said < 600 ? said : said === 408 ? 504 : 503
  return { kind: 'retell', status, error: endingCodes.has(error.code ?? '') ? { ...error, code: 'server_error' } : error }
}
