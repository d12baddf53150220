import { header, type Headers } from '../lib/headers.ts'
import type { ErrorObject } from './failure.ts'

/**
 * The furthest reset that is believed. Unit: milliseconds from now.
 * Source: the longest window seen is a week; a month leaves room. Believing an absurd date is the worse mistake: the account would never come back.
 */
export const resetMsMax = 31 * 24 * 3_600_000

/**
 * When the upstream says a spent quota is restored: the error object first, then an exhausted window, then its message ("regain access on"), then `retry-after`.
 * Null: not said, or not credible.
 */
export function quotaResetAt(error: ErrorObject | null, headers: Headers, nowMs: number): number | null {
  return (
    credible(seconds(error?.resetsAt, 1000), nowMs) ??
    credible(fromNow(seconds(error?.resetsInSeconds, 1000), nowMs), nowMs) ??
    exhaustedWindowResetAt(headers, nowMs) ??
    subscriptionResetAt(headers, nowMs) ??
    credible(regainOn(error?.message ?? ''), nowMs) ??
    retryAfter(headers, nowMs)
  )
}

/**
 * When the upstream says that it takes requests again: `retry-after(-ms)`, then the limits of requests and tokens, then the window of a subscription, then
 * "try again in 8s" in its message.
 */
export function rateResetAt(error: ErrorObject | null, headers: Headers, nowMs: number): number | null {
  return (
    retryAfter(headers, nowMs) ??
    rateLimitResetAt(headers, nowMs) ??
    subscriptionResetAt(headers, nowMs) ??
    credible(fromNow(tryAgainIn(error?.message ?? ''), nowMs), nowMs)
  )
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfter(headers: Headers, nowMs: number): number | null {
  const ms = credible(fromNow(seconds(header(headers, 'retry-after-ms'), 1), nowMs), nowMs)
  if (ms !== null) return ms
  const text = header(headers, 'retry-after')
  if (text === null) return null
  return credible(fromNow(seconds(text, 1000), nowMs) ?? httpDate(text), nowMs)
}

/** The latest reset among the metered windows that are used up. They are told apart by their own figures, never by the names "primary" and "secondary". */
function exhaustedWindowResetAt(headers: Headers, nowMs: number): number | null {
  let latest: number | null = null
  for (const name of Object.keys(headers)) {
    if (!name.startsWith('x-') || !name.endsWith('-used-percent')) continue
    const used = seconds(header(headers, name), 1)
    if (used === null || used < 100) continue
    const window = name.slice(0, -'-used-percent'.length)
    const resetAt =
      credible(seconds(header(headers, `${window}-reset-at`), 1000), nowMs) ??
      credible(fromNow(seconds(header(headers, `${window}-reset-after-seconds`), 1000), nowMs), nowMs)
    if (resetAt !== null && (latest === null || resetAt > latest)) latest = resetAt
  }
  return latest
}

/** A limit by the minute, as its headers name it. */
export interface RateLimit {
  readonly limit: string
  readonly remaining: string
  readonly reset: string
  /** How its reset is told: as a time to wait, or as a date (RFC 3339). */
  readonly resets: 'after' | 'at'
}

/** OpenAI's limits, and Anthropic's (protocols.md 5.4). */
export const rateLimits: readonly RateLimit[] = [
  ...['requests', 'tokens'].map((what): RateLimit => ({
    limit: `x-ratelimit-limit-${what}`,
    remaining: `x-ratelimit-remaining-${what}`,
    reset: `x-ratelimit-reset-${what}`,
    resets: 'after',
  })),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map((what): RateLimit => ({
    limit: `anthropic-ratelimit-${what}-limit`,
    remaining: `anthropic-ratelimit-${what}-remaining`,
    reset: `anthropic-ratelimit-${what}-reset`,
    resets: 'at',
  })),
]

/** When one limit is whole again. Null: not said, or not credible. */
export function limitResetAt({ reset, resets }: RateLimit, headers: Headers, nowMs: number): number | null {
  const text = header(headers, reset)
  if (text === null) return null
  return credible(resets === 'at' ? timestamp(text) : fromNow(duration(text), nowMs), nowMs)
}

/** Of requests and tokens, the one with nothing remaining decides; if none says so, the sooner. */
function rateLimitResetAt(headers: Headers, nowMs: number): number | null {
  const resets = rateLimits.flatMap((limit) => {
    const at = limitResetAt(limit, headers, nowMs)
    return at === null ? [] : [{ at, spent: header(headers, limit.remaining)?.trim() === '0' }]
  })
  const spent = resets.filter((reset) => reset.spent)
  if (spent.length > 0) return Math.max(...spent.map((reset) => reset.at))
  return resets.length > 0 ? Math.min(...resets.map((reset) => reset.at)) : null
}

/** One window of an Anthropic subscription on which all its models draw, as the headers say it (protocols.md 5.4). */
export interface SharedWindow {
  readonly minutes: number
  /** Null: it was not said. */
  readonly usedPercent: number | null
  readonly isSpent: boolean
  /** Seconds since the epoch, not yet trusted. */
  readonly resetAt: string | null
}

const unified = 'anthropic-ratelimit-unified'
const sharedNames = [
  { window: '5h', minutes: 300 },
  { window: '7d', minutes: 10_080 },
].map(({ window, minutes }) => ({
  minutes,
  status: `${unified}-${window}-status`,
  utilization: `${unified}-${window}-utilization`,
  reset: `${unified}-${window}-reset`,
}))

/** Windows of single models (`-7d_opus-`, `-7d_oi-`) are not among them: what one model has used up another may go on with. */
export function sharedWindows(headers: Headers): readonly SharedWindow[] {
  return sharedNames.flatMap(({ minutes, ...names }) => {
    const status = header(headers, names.status)
    const used = utilization(header(headers, names.utilization))
    if (status === null && used === null) return []
    const isRejected = status?.trim() === 'rejected'
    // The status knows of extra usage that goes on behind a spent window.
    const isSpent = status === null ? used !== null && used >= 100 : isRejected
    return [{ minutes, usedPercent: isRejected ? 100 : used, isSpent, resetAt: header(headers, names.reset) }]
  })
}

/** What is no share of a window any more, but a percentage. Source: spent windows were seen at up to 1.08, and a percentage never. */
const shareMax = 2

function utilization(text: string | null): number | null {
  const used = seconds(text, 1)
  return used === null || used > shareMax ? used : used * 100
}

/** What a subscription's headers say of the request that they answer; null: it is none. `allowed_warning` is allowed. */
function subscriptionSays(headers: Headers): 'allowed' | 'rejected' | null {
  const status = header(headers, `${unified}-status`)?.trim() ?? ''
  return status.startsWith('allowed') ? 'allowed' : status === 'rejected' ? 'rejected' : null
}

/** Whether a subscription refuses this request for a window that is spent for every model, and not for one of this model alone. */
export function isSubscriptionSpent(headers: Headers): boolean {
  if (subscriptionSays(headers) !== 'rejected') return false
  const claim = header(headers, `${unified}-representative-claim`)?.trim()
  return claim === 'five_hour' || claim === 'seven_day' || sharedWindows(headers).some(({ isSpent }) => isSpent)
}

/** The latest reset among a subscription's spent windows; where none says so, that of the window which it names as deciding, unless it lets requests pass. */
function subscriptionResetAt(headers: Headers, nowMs: number): number | null {
  const resets = sharedWindows(headers).flatMap(({ isSpent, resetAt }) => {
    const at = isSpent ? credible(seconds(resetAt, 1000), nowMs) : null
    return at === null ? [] : [at]
  })
  if (resets.length > 0) return Math.max(...resets)
  return subscriptionSays(headers) === 'allowed' ? null : credible(seconds(header(headers, `${unified}-reset`), 1000), nowMs)
}

/** A non-negative number, as a number or in digits, times `unitMs`. */
export function seconds(value: unknown, unitMs: number): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : NaN
  return Number.isFinite(number) && number >= 0 ? number * unitMs : null
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `12ms`, `1m30s`, `6h0m0s`, or plain seconds; milliseconds out. */
function duration(text: string | null): number | null {
  if (text === null) return null
  const plain = seconds(text, 1000)
  if (plain !== null) return plain
  if (!/^\s*(\d+(\.\d+)?(ms|s|m|h|d))+\s*$/.test(text)) return null
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) ms += Number(amount) * (unitsMs[unit ?? ''] ?? 0)
  return ms
}

/** `8s`, `1.5 seconds`, `6m0s`. */
function tryAgainIn(message: string): number | null {
  const found = /try again in ((?:\d+(?:\.\d+)? ?(?:ms|s(?:econds?)?|m(?:inutes?)?|h(?:ours?)?|d(?:ays?)?)(?![a-z]) ?)+)/i.exec(message)
  return duration(found?.[1]?.toLowerCase().replaceAll(/econds?|inutes?|ours?|ays?| /g, '') ?? null)
}

/** `2026-12-01 at 00:00 UTC`, or the day alone: how Anthropic ends a limit of spending that the customer set. */
function regainOn(message: string): number | null {
  const found = /^you have reached your specified\b.*\bregain access on (\d{4}-\d\d-\d\d)(?: at (\d\d:\d\d) utc)?/i.exec(message)
  return found === null ? null : Date.parse(`${found[1]}T${found[2] ?? '00:00'}Z`)
}

/** A date as RFC 3339 writes it. */
function timestamp(text: string): number | null {
  return /^\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\s*$/.test(text) ? Date.parse(text) : null
}

/** `Date.parse` alone takes almost any text with a number in it for a date. */
function httpDate(text: string): number | null {
  return /^\s*[A-Z][a-z]{2,8}, .+ GMT\s*$/.test(text) ? Date.parse(text) : null
}

function fromNow(ms: number | null, nowMs: number): number | null {
  return ms === null ? null : nowMs + ms
}

/** A time in the past says nothing; one absurdly far is brought back to `resetMsMax`. */
export function credible(atMs: number | null, nowMs: number): number | null {
  if (atMs === null || !Number.isFinite(atMs) || atMs <= nowMs) return null
  return Math.min(Math.ceil(atMs), nowMs + resetMsMax)
}
