import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { gatewayOfThisFile, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

// B17
describe('when every account fails, the client is told', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec, status: number, code: string, headers: object])[] = [
    ['503 for a 401 of ours', { fault: 'credential' }, 503, 'upstream_credential', { 'retry-after': '30' }],
    ['503 for a bare 401 of ours', { fault: 'credential-bare' }, 503, 'upstream_credential', {}],
    ['503 for a 402 of ours', { fault: 'payment' }, 503, 'upstream_credential', {}],
    ['503 for a 403 of ours, whatever it is worded as', { fault: 'quota-403' }, 503, 'upstream_credential', {}],
    ['429 for a spent quota that comes back late', { fault: 'quota', resetsInSeconds: 7200 }, 429, 'no_account_ready', { 'x-should-retry': 'false' }],
    ['429 for too many requests', { fault: 'rate', retryAfterSeconds: 30 }, 429, 'no_account_ready', { 'retry-after': /^3[0-3]$/ }],
    ["500 with the upstream's own words", { fault: 'server' }, 500, 'server_error', {}],
    ['503 for an overload, without a code that ends Codex', { fault: 'overload' }, 503, 'server_error', {}],
    ['502 for a connection that breaks', { fault: 'reset' }, 502, 'upstream_unreachable', {}],
    ['502 for a redirect, which is not followed', { fault: 'redirect' }, 502, 'upstream_unreachable', {}],
    ['503 for a 403 in HTML', { fault: 'edge' }, 503, 'upstream_credential', {}],
    ['502 for another status in HTML', { fault: 'edge', status: 503 }, 502, 'upstream_unreachable', {}],
  ]
  test.each(cases)('%s', async (_title, fault, status, code, headers) => {
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: { plays: { faults: [fault] } }, c: { plays: { faults: [fault] } } } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status, end: 'clean', json: { error: { code } } })
    for (const [name, value] of Object.entries(headers)) expect(answer.headers[name]).toEqual(value instanceof RegExp ? expect.stringMatching(value) : value)
    const record = await on.record(answer)
    expect(answer.headers['x-turnout-attempts']).toBe(String(record.attempts.length))
    expect(record.outcome).toBe('failed')
    // A reset may have served the turn, so one further attempt is the last.
    expect(triedBy(record)).toEqual(fault.fault === 'reset' ? ['a', 'b'] : ['a', 'b', 'c'])
  })

  test('a late reset in words, in the form that Codex shows', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota', resetsInSeconds: 7200 }] } } } })
    const { json } = await on.ask()
    expect(json['error']).toMatchObject({
      type: 'usage_limit_reached',
      code: 'no_account_ready',
      message: expect.stringMatching(/ready again at 20\d\d-/) as string,
    })
    const { resets_at: at, resets_in_seconds: seconds } = json['error'] as { resets_at: number; resets_in_seconds: number }
    expect(seconds).toBeGreaterThan(7190)
    expect(Math.abs(at - Date.now() / 1000 - seconds)).toBeLessThan(3)
  })

  test('at most four accounts are tried', async () => {
    const faults = [{ fault: 'credential' }]
    const on = await stage({ accounts: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, { plays: { faults } }])) })
    const answer = await on.ask()
    expect(answer.headers['x-turnout-attempts']).toBe('4')
    expect(on.sent('e')).toEqual([])
  })
})

// B18
describe('when every account is resting, the client', () => {
  const resting = async (seconds: number, patience: string) => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'rate', retryAfterSeconds: seconds, times: 1 }] } } }, failover: { patience: '0s' } })
    expect((await on.ask()).status).toBe(429)
    on.change({ failover: { patience } })
    return on
  }

  test('waits where the soonest is ready within the patience, and is answered', async () => {
    const on = await resting(0.5, '5s')
    expect(await on.ask()).toMatchObject({ status: 200, headers: { 'x-turnout-attempts': '1' } })
    const [first, second] = on.sent('a').map(({ atMs }) => atMs)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(495)
  })

  test('is asked to come back where that is later, but within a minute', async () => {
    const on = await resting(40, '100ms')
    const answer = await on.ask()
    expect(answer).toMatchObject({ status: 429, json: { error: { code: 'no_account_ready' } }, headers: { 'x-turnout-attempts': '0' } })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(30)
    expect(answer.headers).not.toHaveProperty('x-should-retry')
    expect(await on.record(answer)).toMatchObject({ outcome: 'refused', attempts: [] })
  })

  test('is told not to try before, where that is later still', async () => {
    const on = await resting(3600, '100ms')
    const answer = await on.ask()
    expect(answer).toMatchObject({
      status: 429,
      headers: { 'x-should-retry': 'false' },
      json: { error: { code: 'no_account_ready', type: 'usage_limit_reached' } },
    })
    expect(answer.headers).not.toHaveProperty('retry-after')
  })
})

describe('a lone account', () => {
  // B19
  test('that answers 503 is tried twice more, with growing pauses, and then the client is told', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'overload' }] } } } })
    const answer = await on.ask()
    expect(answer).toMatchObject({ status: 503, headers: { 'x-turnout-attempts': '3' } })
    const [first, second, third] = on.sent('a').map(({ atMs }) => atMs)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(190)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(990)
  })

  // B20
  test('that names a reset within the patience is waited for, and tried once more', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'rate', retryAfterSeconds: 0.3, times: 1 }] } } } })
    const answer = await on.ask(question)
    expect(answer).toMatchObject({ status: 200, headers: { 'x-turnout-attempts': '2' } })
    expect(triedBy(await on.record(answer))).toEqual(['a', 'a'])
  })

  // B20
  test('is not tried a third time for it', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'rate', retryAfterSeconds: 0.2 }] } } } })
    expect(await on.ask()).toMatchObject({ status: 429, headers: { 'x-turnout-attempts': '2' } })
  })
})

// B20
test('of several accounts none is tried twice in a turn', async () => {
  const faults = [{ fault: 'server' }]
  const on = await stage({ accounts: { a: { plays: { faults } }, b: { plays: { faults } } } })
  const answer = await on.ask()
  expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
  expect(answer.status).toBe(500)
})
