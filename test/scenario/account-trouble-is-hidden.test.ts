import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { gatewayOfThisFile, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const codexWindows = {
  'x-codex-primary-used-percent': '42',
  'x-codex-primary-window-minutes': '300',
  'x-codex-primary-reset-after-seconds': '7200',
  'x-codex-secondary-used-percent': '100',
  'x-codex-secondary-window-minutes': '10080',
  'x-codex-secondary-reset-after-seconds': '400000',
}

/** What the account's rest is for, and the shortest and longest that it may be: a tenth of it is jitter, at most a minute. */
interface Trouble {
  readonly why: string
  readonly restMs: number
}

describe('another account answers, and the client sees nothing, when the first one answers', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec, trouble: Trouble])[] = [
    // B1
    ['403 worded as a usage limit: it rests 10 min, and is not retired', { fault: 'quota-403' }, { why: 'quota 403 forbidden_error', restMs: 10 * minute }],
    // B3
    ['429 with a reset in a week: it rests a week', { fault: 'quota', resetsInSeconds: 604_800 }, { why: 'quota 429 usage_limit_reached', restMs: 7 * day }],
    // B4
    [
      '429 with two windows, the longer one used up: it rests until that one begins anew',
      { fault: 'quota', resetsInSeconds: null, headers: codexWindows },
      { why: 'quota 429 usage_limit_reached', restMs: 400_000 * second },
    ],
    // B4
    [
      '429 with two windows whose names are swapped: the figures decide, not the names',
      {
        fault: 'quota',
        resetsInSeconds: null,
        headers: Object.fromEntries(
          Object.entries(codexWindows).map(([name, value]) => [
            name.includes('primary') ? name.replace('primary', 'secondary') : name.replace('secondary', 'primary'),
            value,
          ]),
        ),
      },
      { why: 'quota 429 usage_limit_reached', restMs: 400_000 * second },
    ],
    // B5
    ['529: the pair rests, shortly at first', { fault: 'overload-529' }, { why: 'overload 529 overloaded_error', restMs: 10 * second }],
    ['503 that says overloaded', { fault: 'overload' }, { why: 'overload 503 server_is_overloaded', restMs: 10 * second }],
    // B6
    ['a bare 401: it rests a minute', { fault: 'credential-bare' }, { why: 'credential 401 invalid_request_error', restMs: minute }],
    ['402 that names no deactivation: that is a spent quota', { fault: 'payment' }, { why: 'quota 402 billing_error', restMs: 10 * minute }],
    // B12
    ['403 in HTML, from something in front of it', { fault: 'edge' }, { why: 'edge-block 403', restMs: 30 * second }],
    ['429 that is too fast, with a hint', { fault: 'rate', retryAfterSeconds: 20 }, { why: 'rate 429 rate_limit_exceeded', restMs: 20 * second }],
    // B10
    ['404 model_not_found: the pair rests', { fault: 'model' }, { why: 'model 404 model_not_found', restMs: 30 * minute }],
    ['400 model_not_found: the pair rests', { fault: 'model', status: 400 }, { why: 'model 400 model_not_found', restMs: 30 * minute }],
  ]
  test.each(cases)('%s', async (_title, fault, { why, restMs }) => {
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'clean', headers: { 'x-turnout-attempts': '2' } })
    expect(answer.text).not.toContain('key-a')
    expect(answer.events.filter(({ type }) => type === 'response.created')).toHaveLength(1)
    const record = await on.record(answer)
    expect(record).toMatchObject({
      outcome: 'completed',
      attempts: [
        { account: 'a', outcome: 'failed' },
        { account: 'b', outcome: 'completed' },
      ],
    })
    const rest = await on.rest('a')
    expect(rest.why).toBe(why)
    expect(rest.ms).toBeLessThanOrEqual(restMs + Math.min(restMs / 10, minute))
    expect(rest.ms).toBeGreaterThan(restMs - 3 * second)
  })

  // B6
  test.each([
    ['invalid_api_key', { fault: 'credential' }, 'retired: credential 401 invalid_api_key'],
    ['token_invalidated', { fault: 'token-invalidated' }, 'retired: credential 401 token_invalidated'],
    ['402 with deactivated_workspace', { fault: 'payment', code: 'deactivated_workspace' }, 'retired: credential 402 deactivated_workspace'],
  ] as const)('%s: it is retired at once', async (_title, fault, why) => {
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    expect((await on.ask()).status).toBe(200)
    expect(await on.whyNot('a')).toBe(why)
  })

  // B26
  test.each([
    ['404 in HTML', { fault: 'html-404' }],
    ['404 with an empty body', { fault: 'status', status: 404, body: '' }],
    ['405 in plain text', { fault: 'status', status: 405, body: 'no' }],
  ] as const)('%s, as a wrong base URL does: that is the upstream failing, and one failure costs no rest', async (_title, fault) => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ ...fault, times: 1 }] } }, b: {} } })
    const answer = await on.ask()
    expect((await on.record(answer)).attempts[0]).toMatchObject({ account: 'a', failure: 'server', status: fault.fault === 'status' ? fault.status : 404 })
    expect(answer.status).toBe(200)
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a'])
  })
})

describe('only the account and model that failed rest together', () => {
  // B10 B31
  test.each([
    ['does not exist there', 'model'],
    ['is overloaded', 'overload'],
    ['is asked for too fast', 'rate'],
  ])('when a model %s, other models of the account stay ready', async (_title, fault) => {
    const on = await stage({
      accounts: { a: { plays: { faults: [{ fault, models: ['gpt-5.5'], ...(fault === 'rate' ? { retryAfterSeconds: 30 } : {}) }] } }, b: {} },
    })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a', 'b'])
    expect(triedBy(await on.record(await on.ask()))).toEqual(['b'])
    expect(triedBy(await on.record(await on.ask({ ...question, model: 'gpt-4' })))).toEqual(['a'])
  })

  test('a spent quota rests the account for every model', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota', resetsInSeconds: 60 }] } }, b: {} } })
    await on.ask()
    expect(triedBy(await on.record(await on.ask({ ...question, model: 'gpt-4' })))).toEqual(['b'])
  })
})
