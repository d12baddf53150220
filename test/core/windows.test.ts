import { describe, expect, test } from 'vitest'
import { exhaustedUntil, longestResetAt, readWindows, standingWindows, windowsMax, windowsOf, withWindows, type Window } from '../../src/core/windows.ts'

const now = Date.UTC(2026, 10, 21)
const window = (minutes: number, usedPercent: number, inMs: number | null = null): Window => ({
  minutes,
  usedPercent,
  resetsAtMs: inMs === null ? null : now + inMs,
})

describe('what headers say of windows', () => {
  const cases: readonly (readonly [title: string, headers: Readonly<Record<string, string>>, windows: readonly Window[]])[] = [
    ['nothing', {}, []],
    [
      'two windows, told apart by their minutes',
      {
        'x-codex-primary-used-percent': '42.5',
        'x-codex-primary-window-minutes': '10080',
        'x-codex-primary-reset-at': String(now / 1000 + 60),
        'x-codex-secondary-used-percent': '7',
        'x-codex-secondary-window-minutes': '300',
        'x-codex-secondary-reset-after-seconds': '30',
      },
      [window(10_080, 42.5, 60_000), window(300, 7, 30_000)],
    ],
    ['a window without its length: nothing', { 'x-codex-primary-used-percent': '42.5' }, []],
    ['a length without use: nothing, since an absent percentage is no data', { 'x-codex-primary-window-minutes': '300' }, []],
    [
      'a reset in the past: it is not believed',
      { 'x-codex-primary-used-percent': '1', 'x-codex-primary-window-minutes': '300', 'x-codex-primary-reset-at': '5' },
      [window(300, 1)],
    ],
    ['more than all: all', { 'x-codex-primary-used-percent': '250', 'x-codex-primary-window-minutes': '300' }, [window(300, 100)]],
    ['no figures: nothing', { 'x-codex-primary-used-percent': 'NaN', 'x-codex-primary-window-minutes': '-5' }, []],
    ['a window longer than a year: nothing', { 'x-codex-primary-used-percent': '1', 'x-codex-primary-window-minutes': '99999999' }, []],
    [
      'requests and tokens a minute: the scarcer of the two',
      {
        'x-ratelimit-limit-requests': '10',
        'x-ratelimit-remaining-requests': '1',
        'x-ratelimit-reset-requests': '6s',
        'x-ratelimit-limit-tokens': '100',
        'x-ratelimit-remaining-tokens': '90',
      },
      [window(1, 90, 6000)],
    ],
    [
      'a subscription of Anthropic: its two windows',
      {
        'anthropic-ratelimit-unified-status': 'allowed',
        'anthropic-ratelimit-unified-5h-utilization': '0.42',
        'anthropic-ratelimit-unified-5h-reset': String(now / 1000 + 60),
        'anthropic-ratelimit-unified-5h-status': 'allowed',
        'anthropic-ratelimit-unified-7d-utilization': '0.05',
        'anthropic-ratelimit-unified-7d-reset': String(now / 1000 + 30),
        'anthropic-ratelimit-unified-7d_opus-utilization': '1',
        'anthropic-ratelimit-unified-overage-utilization': '1',
      },
      [window(300, 42, 60_000), window(10_080, 5, 30_000)],
    ],
    ['a share in percent: the same', { 'anthropic-ratelimit-unified-7d-utilization': '59' }, [window(10_080, 59)]],
    ['a share beyond the whole: all', { 'anthropic-ratelimit-unified-5h-utilization': '1.08' }, [window(300, 100)]],
    ['a share of nothing: nothing is used', { 'anthropic-ratelimit-unified-5h-utilization': '0.0' }, [window(300, 0)]],
    [
      'a window that is rejected: all, whatever its share',
      { 'anthropic-ratelimit-unified-5h-status': 'rejected', 'anthropic-ratelimit-unified-5h-utilization': '0.97' },
      [window(300, 100)],
    ],
    ['a window without its share: nothing', { 'anthropic-ratelimit-unified-5h-status': 'allowed' }, []],
    ['a share that is no figure: nothing', { 'anthropic-ratelimit-unified-5h-utilization': 'NaN' }, []],
    [
      'Anthropic’s limits of requests and tokens: the scarcest of them',
      {
        'anthropic-ratelimit-requests-limit': '1000',
        'anthropic-ratelimit-requests-remaining': '999',
        'anthropic-ratelimit-requests-reset': '2026-11-21T00:00:01Z',
        'anthropic-ratelimit-input-tokens-limit': '100000',
        'anthropic-ratelimit-input-tokens-remaining': '20000',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-21T00:00:48Z',
        'anthropic-ratelimit-output-tokens-limit': '20000',
        'anthropic-ratelimit-output-tokens-remaining': '20000',
        'anthropic-ratelimit-tokens-limit': '120000',
        'anthropic-ratelimit-tokens-remaining': '40000',
      },
      [window(1, 80, 48_000)],
    ],
    ['a limit of nothing: nothing', { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0' }, []],
  ]
  test.each(cases)('%s', (_title, headers, windows) => expect(readWindows(headers, now)).toEqual(windows))
})

test('readings that are no figures are no windows', () => {
  const reading = { minutes: 300, usedPercent: 1, resetAt: null, resetAfterSeconds: null }
  expect(
    windowsOf(
      [
        { ...reading, minutes: 1.5 },
        { ...reading, minutes: Number.NaN },
        { ...reading, usedPercent: -1 },
        { ...reading, usedPercent: Infinity },
      ],
      now,
    ),
  ).toEqual([])
})

describe('what is known of an account’s windows', () => {
  test('is the latest of each length, the shortest first', () => {
    const known = withWindows([window(300, 1), window(10_080, 2)], [window(300, 5), window(60, 3)])
    expect(known).toEqual([window(60, 3), window(300, 5), window(10_080, 2)])
  })

  test('is the same where nothing was heard', () => {
    const known = [window(300, 1)]
    expect(withWindows(known, [])).toBe(known)
  })

  test('is bounded: of more windows than that the longest stay', () => {
    const heard = Array.from({ length: windowsMax + 1 }, (_, nth) => window(nth + 1, 0))
    expect(withWindows([], heard.slice(0, windowsMax))).toHaveLength(windowsMax)
    expect(withWindows([], heard).map(({ minutes }) => minutes)).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('ends with each window’s reset', () => {
    expect(standingWindows([window(300, 1, 1000), window(10_080, 1)], now + 1000)).toEqual([window(10_080, 1)])
  })
})

test('an account is used up until the last of its spent windows is reset', () => {
  expect(exhaustedUntil([window(300, 100, 1000), window(10_080, 100, 5000), window(60, 99, 9000)], now)).toBe(now + 5000)
  expect(exhaustedUntil([window(300, 99.9, 1000), window(60, 100)], now)).toBeNull()
})

test('the longest window whose reset is known decides what is lost first', () => {
  expect(longestResetAt([window(300, 1, 1000), window(10_080, 1, 5000)], now)).toBe(now + 5000)
  expect(longestResetAt([window(300, 1, 1000), window(10_080, 1)], now)).toBe(now + 1000)
  expect(longestResetAt([window(300, 1)], now)).toBeNull()
})
