import { describe, expect, test } from 'vitest'
import type { FailureKind, Signal } from '../../src/core/failure.ts'
import { classify } from '../../src/core/failure-table.ts'
import { conclude, noAccountReady, type Conclusion, type Tried } from '../../src/core/failover.ts'
import { refusalHead, retryAfterMsMax } from '../../src/core/refusal.ts'
import { accountId } from '../support/accounts.ts'
import { answer, errorObject, now, page, plain, told, unreachable } from '../support/signals.ts'

const tried = (signal: Signal): Tried => ({
  account: accountId('a'),
  baseUrl: 'https://a.test/v1',
  atMs: now,
  signal,
  failure: classify(signal, now),
})
const concluded = (signal: Signal, readyAtMs: number | null = null, takeBack = false): Conclusion =>
  conclude(tried(signal), takeBack, { nowMs: now, readyAtMs })
/** What the client is told, in a word: the code and status of our refusal, or what becomes of the upstream's answer. */
const inShort = (conclusion: Conclusion): string => {
  if (conclusion.kind === 'refuse') return `${conclusion.refusal.code} ${refusalHead(conclusion.refusal).status}`
  return conclusion.kind === 'retell' ? `retell ${conclusion.status}` : conclusion.kind
}

describe('when a turn cannot go on, the client is told', () => {
  // B8 B17
  const said: Readonly<Record<FailureKind, string>> = {
    credential: 'upstream_credential 503',
    quota: 'no_account_ready 429',
    forbidden: 'upstream_credential 503',
    'edge-block': 'upstream_credential 503',
    rate: 'no_account_ready 429',
    model: 'as-it-is',
    overload: 'retell 503',
    server: 'retell 500',
    network: 'upstream_unreachable 502',
    silent: 'upstream_timeout 504',
    transport: 'as-it-is',
    'lost-continuation': 'as-it-is',
    'foreign-state': 'as-it-is',
    request: 'as-it-is',
    'broken-stream': 'upstream_unreachable 502',
  }
  test.each(Object.entries(said) as [FailureKind, string][])('of %s: %s', (kind, told_) => {
    expect(inShort(concluded(plain[kind]))).toBe(told_)
  })
})

describe('what an upstream says of our account', () => {
  // B17
  test.each<[title: string, signal: Signal, said: string]>([
    ['401 is not the client’s', answer(401), 'upstream_credential 503'],
    ['402 is not the client’s', answer(402), 'upstream_credential 503'],
    ['403 worded as a usage limit is not the client’s', answer(403, { type: 'forbidden_error', message: 'usage limit reached' }), 'upstream_credential 503'],
    ['403 is not the client’s', answer(403), 'upstream_credential 503'],
    ['403 of a page is not the client’s', page(403), 'upstream_credential 503'],
    ['503 of a page is an upstream that nobody reached', page(503), 'upstream_unreachable 502'],
    ['403 about the model is one that we do not serve', answer(403, { code: 'model_not_found' }), 'model_not_served 404'],
    ['404 about the model is told as it is', answer(404, { code: 'model_not_found' }), 'as-it-is'],
    ['403 about the content is the client’s', answer(403, { code: 'cyber_policy' }), 'as-it-is'],
  ])('%s', (_title, signal, said) => {
    expect(inShort(concluded(signal))).toBe(said)
  })

  // B2
  test('that two accounts said is told as it is', () => expect(concluded(plain.forbidden, null, true)).toEqual({ kind: 'as-it-is' }))

  test('about a credential asks for half a minute', () => {
    const conclusion = concluded(plain.credential)
    expect(conclusion.kind === 'refuse' && refusalHead(conclusion.refusal).headers).toContainEqual(['retry-after', '30'])
  })
})

describe('an upstream’s failure, said again', () => {
  // B17
  test.each<[title: string, signal: Signal, status: number]>([
    ['500 stays 500', answer(500, { message: 'oh' }), 500],
    ['502 stays 502', answer(502, { message: 'oh' }), 502],
    ['524 stays 524', answer(524, { message: 'oh' }), 524],
    ['503 stays 503', answer(503, { message: 'oh' }), 503],
    ['529, which few clients know, is 503', answer(529, { message: 'oh' }), 503],
    ['408, which would blame the client, is 504', answer(408, { message: 'oh' }), 504],
    ['capacity in a 400 is 503', answer(400, { message: 'Selected model is at capacity' }), 503],
    ['overload in a 429 is 503', answer(429, { code: 'slow_down' }), 503],
    ['overload inside a 200 is 503', told({ code: 'server_is_overloaded' }), 503],
    ['a failure inside a 200 is 500', told({ code: 'server_error' }), 500],
    ['an error event keeps its status', told({ message: 'oh' }, 504), 504],
  ])('%s', (_title, signal, status) => {
    expect(concluded(signal)).toMatchObject({ kind: 'retell', status })
  })

  test.each(['server_is_overloaded', 'slow_down'])('loses the code %s, which ends clients that should try again', (code) => {
    const error = errorObject({ code, type: 'service_unavailable_error', message: 'busy' })
    expect(concluded({ kind: 'answer', status: 503, headers: {}, body: 'json', error })).toEqual({
      kind: 'retell',
      status: 503,
      error: { ...error, code: 'server_error' },
    })
  })

  test('keeps any other code', () => {
    expect(concluded(answer(500, { code: 'weird', message: 'm', param: 'p' }))).toMatchObject({ error: { code: 'weird', message: 'm', param: 'p' } })
  })

  test.each([
    ['a page', page(502, 'html')],
    ['nothing', page(500, 'empty')],
    ['a wrong base URL', page(404, 'html')],
  ])('that is %s is ours to tell: 502', (_title, signal) => {
    expect(inShort(concluded(signal))).toBe('upstream_unreachable 502')
  })

  test('that was no connection says so, and keeps the address to itself', () => {
    const conclusion = concluded(unreachable('connect ECONNREFUSED 10.0.0.7:443'))
    expect(conclusion.kind === 'refuse' && conclusion.refusal.message).toBe('No account that could serve this could be reached.')
  })
})

describe('when no account is ready', () => {
  const inMs = (ms: number) => noAccountReady(now + ms, now)

  // B18
  test('and one is within a minute, the client is asked to wait that long', () => {
    const refusal = inMs(7500)
    expect(refusal).toMatchObject({ code: 'no_account_ready', message: 'No account is ready. Please try again in 8s.', reset: null })
    expect(refusalHead(refusal)).toEqual({
      status: 429,
      headers: [
        ['retry-after', '8'],
        ['retry-after-ms', '7500'],
      ],
    })
  })

  test('and one is after exactly a minute, the client is asked to wait', () =>
    expect(refusalHead(inMs(retryAfterMsMax)).headers).toContainEqual(['retry-after', '60']))

  test('and one is later, the client is told when, and not to try before', () => {
    const refusal = inMs(retryAfterMsMax + 1)
    expect(refusal).toMatchObject({ code: 'no_account_ready', reset: { atMs: now + 60_001, inMs: 60_001 }, retryAfterMs: null })
    expect(refusal.message).toContain('2026-11-21T12:01:00.001Z')
    expect(refusalHead(refusal)).toEqual({ status: 429, headers: [['x-should-retry', 'false']] })
  })

  test('and one is by now, the client is asked to wait a moment', () => {
    expect(refusalHead(inMs(0)).headers).toContainEqual(['retry-after', '1'])
    expect(refusalHead(inMs(-5000)).headers).toContainEqual(['retry-after', '1'])
  })

  test('and none ever is, the client is asked to wait for the operator', () => {
    expect(refusalHead(noAccountReady(null, now)).headers).toContainEqual(['retry-after', '60'])
  })

  test.each<FailureKind>(['quota', 'rate'])('after %s the soonest of all accounts says how long, not the one that failed last', (kind) => {
    expect(concluded(plain[kind], now + 4000)).toEqual({ kind: 'refuse', refusal: inMs(4000) })
  })
})
