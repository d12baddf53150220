import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quotaResetAt, rateResetAt, resetMsMax, retryAfter } from '../../src/core/hints.ts'
import type { Headers } from '../../src/lib/headers.ts'
import { errorObject, now, type SaysError } from '../support/signals.ts'

const inSeconds = (seconds: number) => now + seconds * 1000
const week = 7 * 24 * 3600
const epoch = (atMs: number) => Math.round(atMs / 1000)

describe('when a spent quota is restored', () => {
  // B3 B4 B22
  test.each<[title: string, says: SaysError, headers: Headers, at: number | null]>([
    ['a date in the error says it', { resetsAt: epoch(inSeconds(3600)) }, {}, inSeconds(3600)],
    ['a number of seconds says it', { resetsInSeconds: 604_800 }, {}, inSeconds(week)],
    ['digits in a string are a number', { resetsInSeconds: '90' }, {}, inSeconds(90)],
    ['of a date and seconds the date holds', { resetsAt: epoch(inSeconds(60)), resetsInSeconds: 999 }, {}, inSeconds(60)],
    ['a date that is past gives way to the seconds', { resetsAt: epoch(inSeconds(-60)), resetsInSeconds: 30 }, {}, inSeconds(30)],
    ['a date of another type gives way to the seconds', { resetsAt: { at: 1 }, resetsInSeconds: 30 }, {}, inSeconds(30)],
    ['negative seconds say nothing', { resetsInSeconds: -5 }, {}, null],
    ['what is no number says nothing', { resetsInSeconds: Number.NaN, resetsAt: 'soon' }, {}, null],
    ['an absurd date is brought back to a month', { resetsAt: 99_999_999_999 }, {}, now + resetMsMax],
    ['an absurd number of seconds too', { resetsInSeconds: 1e300 }, {}, now + resetMsMax],
    ['one that overflows says nothing', { resetsInSeconds: Number.MAX_VALUE }, {}, null],
    ['the wait that a header asks for comes last', {}, { 'retry-after': '120' }, inSeconds(120)],
    ['nothing said is nothing known', {}, {}, null],
  ])('%s', (_title, says, headers, at) => {
    expect(quotaResetAt(errorObject(says), headers, now)).toBe(at)
  })

  const windows = (primary: number, secondary: number): Headers => ({
    'x-codex-primary-used-percent': String(primary),
    'x-codex-primary-window-minutes': '10080',
    'x-codex-primary-reset-at': String(epoch(inSeconds(week))),
    'x-codex-secondary-used-percent': String(secondary),
    'x-codex-secondary-window-minutes': '300',
    'x-codex-secondary-reset-after-seconds': '18000',
  })

  // B4
  test.each<[title: string, headers: Headers, at: number | null]>([
    ['of two windows the one that is used up', windows(100, 40), inSeconds(week)],
    ['whichever it is', windows(40, 100), inSeconds(18_000)],
    ['of two that are used up the later', windows(100, 100.0), inSeconds(week)],
    ['one used beyond its measure is used up', windows(3, 130.5), inSeconds(18_000)],
    ['none where none is used up', windows(99.9, 99), null],
    [
      'a window of another family counts like any',
      { 'x-codex-other-primary-used-percent': '100', 'x-codex-other-primary-reset-after-seconds': '60' },
      inSeconds(60),
    ],
    ['a share of one window in the other is no window', { 'x-codex-primary-over-secondary-limit-percent': '100' }, null],
    ['a used-up window without a reset says nothing', { 'x-codex-primary-used-percent': '100' }, null],
    ['a figure that is no number says nothing', { 'x-codex-primary-used-percent': 'NaN', 'x-codex-primary-reset-after-seconds': '60' }, null],
  ])('by windows: %s', (_title, headers, at) => {
    expect(quotaResetAt(errorObject(), headers, now)).toBe(at)
  })

  const at = (seconds: number) => String(epoch(inSeconds(seconds)))
  const unified = (says: Readonly<Record<string, string>>): Headers =>
    Object.fromEntries(Object.entries(says).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]))
  const both = (five: Readonly<Record<string, string>>, seven: Readonly<Record<string, string>>) =>
    unified({ '5h-reset': at(1800), '7d-reset': at(week), reset: at(60), ...five, ...seven })

  // B4
  test.each<[title: string, headers: Headers, at: number | null]>([
    ['the one that is rejected', both({ '5h-status': 'rejected' }, { '7d-status': 'allowed' }), inSeconds(1800)],
    ['whichever it is', both({ '5h-status': 'allowed' }, { '7d-status': 'rejected' }), inSeconds(week)],
    ['of two the later', both({ '5h-status': 'rejected' }, { '7d-status': 'rejected' }), inSeconds(week)],
    ['the one whose share is used up, where there is no status', both({ '5h-utilization': '1.0' }, { '7d-utilization': '0.99' }), inSeconds(1800)],
    ['one used beyond its measure', both({ '5h-utilization': '0.2' }, { '7d-utilization': '1.08' }), inSeconds(week)],
    ['one used up in percent', both({ '5h-utilization': '100' }, { '7d-utilization': '59' }), inSeconds(1800)],
    ['none that is warned of', both({ '5h-status': 'allowed_warning', '5h-utilization': '1.01' }, { status: 'allowed_warning' }), null],
    ['where none is spent, the one that decides', both({ status: 'rejected' }, {}), inSeconds(60)],
    ['none where the one that decides lets requests pass', both({ status: 'allowed' }, {}), null],
    ['none by a word', unified({ reset: 'soon' }), null],
    ['none that is past', unified({ '5h-status': 'rejected', '5h-reset': '5', reset: '5' }), null],
  ])('by windows of a subscription: %s', (_title, headers, at) => {
    expect(quotaResetAt(errorObject(), headers, now)).toBe(at)
    expect(rateResetAt(errorObject(), headers, now)).toBe(at)
  })

  test.each<[message: string, at: number | null]>([
    ['You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.', Date.UTC(2026, 11, 1)],
    ['You have reached your specified workspace API usage limits. You will regain access on 2026-11-21 at 13:30 UTC.', inSeconds(5400)],
    ['You have reached your specified API usage limits. You will regain access on 2026-11-25.', Date.UTC(2026, 10, 25)],
    ['You have reached your specified API usage limits. You will regain access on 2026-99-99 at 00:00 UTC.', null],
    ['You have reached your specified API usage limits. You will regain access on 2025-01-01 at 00:00 UTC.', null],
    ['You have reached your specified API usage limits.', null],
    ['Invalid: you have reached your specified limits and regain access on 2026-12-01', null],
  ])('by the words "%s"', (message, at) => {
    expect(quotaResetAt(errorObject({ message }), {}, now)).toBe(at)
  })

  test('the error itself stands before the windows, and these before the wait', () => {
    const headers = { ...windows(100, 0), 'retry-after': '5' }
    expect(quotaResetAt(errorObject({ resetsInSeconds: 60 }), headers, now)).toBe(inSeconds(60))
    expect(quotaResetAt(null, headers, now)).toBe(inSeconds(week))
  })
})

describe('when an upstream takes requests again', () => {
  // B22
  test.each<[title: string, headers: Headers, at: number | null]>([
    ['after milliseconds', { 'retry-after-ms': '1500' }, now + 1500],
    ['after a part of a millisecond, rounded up', { 'retry-after-ms': '0.2' }, now + 1],
    ['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '9' }, now + 250],
    ['after seconds', { 'retry-after': '30' }, inSeconds(30)],
    ['after parts of a second', { 'retry-after': ' 0.5 ' }, now + 500],
    ['at a date', { 'retry-after': new Date(inSeconds(90)).toUTCString() }, inSeconds(90)],
    ['at a date in the form of old', { 'retry-after': 'Saturday, 21-Nov-26 12:01:00 GMT' }, inSeconds(60)],
    ['never at a date that is past', { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, null],
    ['milliseconds of nothing give way to seconds', { 'retry-after-ms': '0', 'retry-after': '9' }, inSeconds(9)],
    ['no seconds at all say nothing', { 'retry-after': '0' }, null],
    ['negative seconds say nothing', { 'retry-after': '-5' }, null],
    ['a word says nothing', { 'retry-after': 'soon' }, null],
    ['a word with a number says nothing', { 'retry-after': 'abc 2050' }, null],
    ['digits that are neither say nothing', { 'retry-after': '9999-1' }, null],
    ['an absurd wait is brought back to a month', { 'retry-after': '999999999999' }, now + resetMsMax],
    ['an absurd date too', { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, now + resetMsMax],
    ['a number without end says nothing', { 'retry-after': '9'.repeat(400) }, null],
  ])('%s', (_title, headers, at) => {
    expect(retryAfter(headers, now)).toBe(at)
  })

  const limits = (reset: [requests: string, tokens: string], remaining: [requests: string, tokens: string]): Headers => ({
    'x-ratelimit-reset-requests': reset[0],
    'x-ratelimit-reset-tokens': reset[1],
    'x-ratelimit-remaining-requests': remaining[0],
    'x-ratelimit-remaining-tokens': remaining[1],
  })

  // B22
  test.each<[title: string, headers: Headers, at: number | null]>([
    ['minutes and seconds', { 'x-ratelimit-reset-requests': '1m30s' }, inSeconds(90)],
    ['milliseconds', { 'x-ratelimit-reset-tokens': '12ms' }, now + 12],
    ['hours with empty minutes', { 'x-ratelimit-reset-tokens': '6h0m0s' }, inSeconds(6 * 3600)],
    ['parts of a second', { 'x-ratelimit-reset-tokens': '1.5s' }, now + 1500],
    ['plain seconds', { 'x-ratelimit-reset-tokens': '7' }, inSeconds(7)],
    ['a day', { 'x-ratelimit-reset-requests': '1d2h' }, inSeconds(26 * 3600)],
    ['the one with nothing remaining decides', limits(['10s', '2m'], ['5', '0']), inSeconds(120)],
    ['of two with nothing remaining the later', limits(['10s', '2m'], ['0', '0']), inSeconds(120)],
    ['with something of both remaining, the sooner', limits(['10s', '2m'], ['5', '7']), inSeconds(10)],
    ['a reset of nothing says nothing', { 'x-ratelimit-reset-requests': '0s' }, null],
    ['a unit that is none says nothing', { 'x-ratelimit-reset-requests': '5 parsecs' }, null],
    ['the wait asked for stands before all', { ...limits(['10s', '2m'], ['0', '0']), 'retry-after': '3' }, inSeconds(3)],
  ])('by limits: %s', (_title, headers, at) => {
    expect(rateResetAt(null, headers, now)).toBe(at)
  })

  const anthropic = (what: string, remaining: string, reset: string): Headers => ({
    [`anthropic-ratelimit-${what}-remaining`]: remaining,
    [`anthropic-ratelimit-${what}-reset`]: reset,
  })

  // B22
  test.each<[title: string, headers: Headers, at: number | null]>([
    ['a date', anthropic('requests', '0', '2026-11-21T12:00:42Z'), inSeconds(42)],
    ['a date with parts of a second', anthropic('input-tokens', '0', '2026-11-21T12:00:00.250Z'), now + 250],
    ['a date of another zone', anthropic('output-tokens', '0', '2026-11-21T13:00:10+01:00'), inSeconds(10)],
    [
      'the one with nothing remaining decides',
      { ...anthropic('requests', '999', '2026-11-21T12:00:01Z'), ...anthropic('input-tokens', '0', '2026-11-21T12:01:00Z') },
      inSeconds(60),
    ],
    [
      'with something of all remaining, the sooner',
      { ...anthropic('tokens', '5', '2026-11-21T12:00:09Z'), ...anthropic('requests', '5', '2026-11-21T12:01:00Z') },
      inSeconds(9),
    ],
    ['the wait asked for stands before all', { ...anthropic('requests', '0', '2026-11-21T12:00:42Z'), 'retry-after': '4' }, inSeconds(4)],
    ['a date that is past says nothing', anthropic('requests', '0', '2026-11-21T11:59:59Z'), null],
    ['a date that there is not says nothing', anthropic('requests', '0', '2026-13-41T12:00:00Z'), null],
    ['a number is no date', anthropic('requests', '0', '42'), null],
    ['a date without a zone is none', anthropic('requests', '0', '2026-11-21T12:00:42'), null],
    ['an absurd date is brought back to a month', anthropic('requests', '0', '9999-01-01T00:00:00Z'), now + resetMsMax],
  ])('by Anthropic’s limits: %s', (_title, headers, at) => {
    expect(rateResetAt(null, headers, now)).toBe(at)
  })

  test.each<[message: string, at: number | null]>([
    ['Please try again in 8s.', inSeconds(8)],
    ['Rate limit reached. Please try again in 1.5s. Visit us.', now + 1500],
    ['Please try again in 120ms.', now + 120],
    ['Please try again in 6m0s.', inSeconds(360)],
    ['Try again in 2 minutes', inSeconds(120)],
    ['try again in 30 seconds', inSeconds(30)],
    ['try again in 1 hour', inSeconds(3600)],
    ['try again in 1h 5m', inSeconds(3900)],
    ['try again in 5 moons', null],
    ['try again in a while', null],
    ['try again in 0s', null],
    ['', null],
  ])('by the words "%s"', (message, at) => {
    expect(rateResetAt(errorObject({ message }), {}, now)).toBe(at)
  })
})

describe('whatever is said', () => {
  const numberish = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string(),
    fc.double().map(String),
    fc.integer().map(String),
    fc.constantFrom('1m30s', '-1', '1e9', 'Infinity', null, {}, []),
  )
  const text = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
    fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
    fc.constantFrom('1m30s', '0', '99999999999999999999', 'rejected', 'allowed'),
  )
  const headers = fc.dictionary(
    fc.constantFrom(
      'retry-after',
      'retry-after-ms',
      'x-ratelimit-reset-requests',
      'x-ratelimit-reset-tokens',
      'x-ratelimit-remaining-tokens',
      'x-codex-primary-used-percent',
      'x-codex-primary-reset-at',
      'x-codex-primary-reset-after-seconds',
      'anthropic-ratelimit-requests-reset',
      'anthropic-ratelimit-input-tokens-reset',
      'anthropic-ratelimit-input-tokens-remaining',
      'anthropic-ratelimit-unified-status',
      'anthropic-ratelimit-unified-reset',
      'anthropic-ratelimit-unified-5h-status',
      'anthropic-ratelimit-unified-5h-utilization',
      'anthropic-ratelimit-unified-5h-reset',
    ),
    fc.oneof(text, fc.array(text)),
  )

  // B22
  test('a reset is never NaN, never negative, never past and never beyond the bound', () => {
    fc.assert(
      fc.property(numberish, numberish, text, headers, fc.integer({ min: 0, max: 4e12 }), (resetsAt, resetsInSeconds, message, given, nowMs) => {
        const error = errorObject({ resetsAt, resetsInSeconds, message: `Please try again in ${message}; you regain access on ${message}` })
        for (const at of [quotaResetAt(error, given, nowMs), rateResetAt(error, given, nowMs), retryAfter(given, nowMs)]) {
          if (at === null) continue
          expect(Number.isInteger(at)).toBe(true)
          expect(at).toBeGreaterThan(nowMs)
          expect(at).toBeLessThanOrEqual(nowMs + resetMsMax)
        }
      }),
      { numRuns: 500 },
    )
  })
})
