import { expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { gatewayOfThisFile } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

const limited = (headers: Readonly<Record<string, string>>, message = 'slow'): FaultSpec => ({
  fault: 'status',
  status: 429,
  body: { error: { type: 'requests', code: 'rate_limit_exceeded', message } },
  headers,
})
const spent = (more: Readonly<Record<string, unknown>>): FaultSpec => ({
  fault: 'status',
  status: 429,
  body: { error: { type: 'usage_limit_reached', message: 'spent', ...more } },
})

// B22
const cases: readonly (readonly [title: string, fault: FaultSpec, restMs: number])[] = [
  ['retry-after-ms', limited({ 'retry-after-ms': '45000' }), 45 * second],
  ['retry-after in seconds', limited({ 'retry-after': '45' }), 45 * second],
  ['retry-after as a date', limited({ 'retry-after': new Date(Date.now() + 10 * minute).toUTCString() }), 10 * minute],
  ['retry-after as a date that has passed: as if nothing was said', limited({ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }), 5 * second],
  ['retry-after that is no time: as if nothing was said', limited({ 'retry-after': 'soon' }), 5 * second],
  ['retry-after below zero: as if nothing was said', limited({ 'retry-after': '-20' }), 5 * second],
  ['x-ratelimit-reset-requests in minutes and seconds', limited({ 'x-ratelimit-reset-requests': '1m30s' }), 90 * second],
  ['words that name the wait', limited({}, 'Please try again in 20s.'), 20 * second],
  ['resets_at', spent({ resets_at: Math.floor(Date.now() / 1000) + 3600 }), 60 * minute],
  ['resets_at in the past: as if nothing was said', spent({ resets_at: 1_000_000 }), 10 * minute],
  ['resets_at absurdly far: a month is believed and no more', spent({ resets_at: 99_999_999_999 }), 31 * day],
  ['resets_at that is no number: as if nothing was said', spent({ resets_at: 'NaN', resets_in_seconds: null }), 10 * minute],
]

test.each(cases)('an account rests by %s', async (_title, fault, restMs) => {
  const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
  expect((await on.ask()).status).toBe(200)
  const { ms } = await on.rest('a')
  expect(ms).toBeGreaterThan(restMs - 4 * second)
  expect(ms).toBeLessThanOrEqual(restMs + Math.min(restMs / 10, minute))
})
