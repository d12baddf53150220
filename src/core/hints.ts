import { header, type Headers } from '../lib/headers.ts'
import type { ErrorObject } from './failure.ts'

/**
 * The furthest reset that is believed. Unit: milliseconds from now.
 * Source: the longest window seen is a week; a month leaves room. Believing an absurd date is the worse mistake: the account would never come back.
 */
export const resetMsMax = 31 * 24 * 3_600_000

/** When the upstream says a spent quota is restored: the error object first, then an exhausted window, then `retry-after`. Null: not said, or not credible. */
export function quotaResetAt(error: ErrorObject | null, headers: Headers, nowMs: number): number | null {
  return (
    credible(seconds(error?.resetsAt, 1000), nowMs) ??
    credible(fromNow(seconds(error?.resetsInSeconds, 1000), nowMs), nowMs) ??
    exhaustedWindowResetAt(headers, nowMs) ??
    retryAfter(headers, nowMs)
  )
}

/** When the upstream says that it takes requests again: `retry-after(-ms)`, then `x-ratelimit-reset-*`, then "try again in 8s" in its message. */
export function rateResetAt(error: ErrorObject | null, headers: Headers, nowMs: number): number | null {
  return retryAfter(headers, nowMs) ?? rateLimitResetAt(headers, nowMs) ?? credible(fromNow(tryAgainIn(error?.message ?? ''), nowMs), nowMs)
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

/** Of requests and tokens, the one with nothing remaining decides; if neither says so, the sooner. */
function rateLimitResetAt(headers: Headers, nowMs: number): number | null {
  const resets = ['requests', 'tokens'].flatMap((what) => {
    const at = credible(fromNow(duration(header(headers, `x-ratelimit-reset-${what}`)), nowMs), nowMs)
    return at === null ? [] : [{ at, spent: header(headers, `x-ratelimit-remaining-${what}`)?.trim() === '0' }]
  })
  const spent = resets.filter((reset) => reset.spent)
  if (spent.length > 0) return Math.max(...spent.map((reset) => reset.at))
  return resets.length > 0 ? Math.min(...resets.map((reset) => reset.at)) : null
}

/** A non-negative number, as a number or in digits, times `unitMs`. */
export function seconds(value: unknown, unitMs: number): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : NaN
  return Number.isFinite(number) && number >= 0 ? number * unitMs : null
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `12ms`, `1m30s`, `6h0m0s`, or plain seconds; milliseconds out. */
export function duration(text: string | null): number | null {
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
