import { credible, limitResetAt, rateLimits, seconds, sharedWindows } from './hints.ts'
import { header, isEmpty, type Headers } from '../lib/headers.ts'

/** What an upstream said of one window of an account's quota, not yet trusted. */
export interface Reading {
  /** How long the window is: by this alone windows are told apart, never by the names "primary" and "secondary". */
  readonly minutes: number
  readonly usedPercent: number
  /** Seconds since the epoch. */
  readonly resetAt: unknown
  /** Seconds from now. */
  readonly resetAfterSeconds: unknown
}

/** One window of an account's quota, as it was heard of last. */
export interface Window {
  readonly minutes: number
  /** From 0 to 100. */
  readonly usedPercent: number
  /** Null: it was not said. */
  readonly resetsAtMs: number | null
}

/** Windows that an account keeps; of more the longest. */
export const windowsMax = 8

/** A year: no window of a quota is longer. */
const minutesMax = 366 * 24 * 60

const none: readonly Window[] = []

/** Limits of requests and tokens are by the minute. */
const rateMinutes = 1

/**
 * What the headers of an answer say of an account's windows: `x-codex-*` (protocols.md 3.5), `anthropic-ratelimit-unified-*` (5.4), and limits of requests and
 * tokens as one window of a minute.
 */
export function readWindows(headers: Headers, nowMs: number): readonly Window[] {
  if (isEmpty(headers)) return none
  const readings = [...codexReadings(headers), ...subscriptionReadings(headers), ...rateReadings(headers, nowMs)]
  return readings.length === 0 ? none : windowsOf(readings, nowMs)
}

/** Readings in our own terms; what is not credible is left out. */
export function windowsOf(readings: readonly Reading[], nowMs: number): readonly Window[] {
  return readings.flatMap(({ minutes, usedPercent, resetAt, resetAfterSeconds }) => {
    const isSound = Number.isInteger(minutes) && minutes > 0 && minutes <= minutesMax && usedPercent >= 0 && Number.isFinite(usedPercent)
    if (!isSound) return []
    const at = seconds(resetAt, 1000)
    const after = seconds(resetAfterSeconds, 1000)
    const resetsAtMs = credible(at, nowMs) ?? credible(after === null ? null : nowMs + after, nowMs)
    return [{ minutes, usedPercent: Math.min(100, usedPercent), resetsAtMs }]
  })
}

/** What is known after something more was heard: of each length the latest. Shortest first. */
export function withWindows(known: readonly Window[], heard: readonly Window[]): readonly Window[] {
  if (heard.length === 0) return known
  const byMinutes = new Map([...known, ...heard].map((window) => [window.minutes, window]))
  return [...byMinutes.values()].toSorted((a, b) => a.minutes - b.minutes).slice(-windowsMax)
}

/** A window that has been reset since says nothing any more. */
export function standingWindows(windows: readonly Window[], nowMs: number): readonly Window[] {
  return windows.filter(({ resetsAtMs }) => resetsAtMs === null || resetsAtMs > nowMs)
}

/** When the last of the windows that are used up is reset; null: none is, or it was not said. */
export function exhaustedUntil(windows: readonly Window[], nowMs: number): number | null {
  const resets = standingWindows(windows, nowMs).flatMap(({ usedPercent, resetsAtMs }) => (usedPercent >= 100 && resetsAtMs !== null ? [resetsAtMs] : []))
  return resets.length === 0 ? null : Math.max(...resets)
}

/** When the longest window is reset: what is left of it then is lost. Null: it is not known. */
export function longestResetAt(windows: readonly Window[], nowMs: number): number | null {
  return standingWindows(windows, nowMs).findLast(({ resetsAtMs }) => resetsAtMs !== null)?.resetsAtMs ?? null
}

const codexNames = ['primary', 'secondary'].map((which) => ({
  usedPercent: `x-codex-${which}-used-percent`,
  minutes: `x-codex-${which}-window-minutes`,
  resetAt: `x-codex-${which}-reset-at`,
  resetAfterSeconds: `x-codex-${which}-reset-after-seconds`,
}))

function codexReadings(headers: Headers): readonly Reading[] {
  return codexNames.flatMap((names) => {
    const usedPercent = seconds(header(headers, names.usedPercent), 1)
    const minutes = seconds(header(headers, names.minutes), 1)
    if (usedPercent === null || minutes === null) return []
    return [{ minutes, usedPercent, resetAt: header(headers, names.resetAt), resetAfterSeconds: header(headers, names.resetAfterSeconds) }]
  })
}

function subscriptionReadings(headers: Headers): readonly Reading[] {
  return sharedWindows(headers).flatMap(({ minutes, usedPercent, resetAt }) =>
    usedPercent === null ? [] : [{ minutes, usedPercent, resetAt, resetAfterSeconds: null }],
  )
}

/** Of requests and tokens, the one of which less is left. */
function rateReadings(headers: Headers, nowMs: number): readonly Reading[] {
  const readings = rateLimits.flatMap((of) => {
    const limit = seconds(header(headers, of.limit), 1)
    const remaining = seconds(header(headers, of.remaining), 1)
    if (limit === null || remaining === null || limit === 0) return []
    const resetAtMs = limitResetAt(of, headers, nowMs)
    const usedPercent = Math.max(0, ((limit - remaining) / limit) * 100)
    return [{ minutes: rateMinutes, usedPercent, resetAt: resetAtMs === null ? null : resetAtMs / 1000, resetAfterSeconds: null }]
  })
  return readings.toSorted((a, b) => b.usedPercent - a.usedPercent).slice(0, 1)
}
