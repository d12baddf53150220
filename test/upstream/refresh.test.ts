import { describe, expect, test } from 'vitest'
import type { Refreshed } from '../../src/ports/tokens.ts'
import type { Call, Sent, Transport } from '../../src/ports/transport.ts'
import { placeOf } from '../../src/upstream/destination.ts'
import { oauthTokens } from '../../src/upstream/refresh.ts'
import { PushedBody } from '../support/pushed-body.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { account } from './rig.ts'

const main = account('https://upstream.test/v1')
const signal = new AbortController().signal
const wish = { account: main, tokenUrl: 'https://auth.test:8443/oauth/token', clientId: 'client', refreshToken: 'the-refresh-token', signal }
const good = { kind: 'renewed', accessToken: 'a2', refreshToken: 'r2', expiresInMs: null } as const

function answering(sent: Sent): Transport & { calls: Call[] } {
  const calls: Call[] = []
  return { calls, send: (call) => Promise.resolve((calls.push(call), sent)) }
}

function answer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Sent {
  const body = new PushedBody()
  const read = body.read.bind(body)
  body.read = (reader) => {
    read(reader)
    queueMicrotask(() => {
      body.push(Buffer.from(text))
      body.end()
    })
  }
  return { kind: 'answer', status, headers, pass: [], body }
}

const refreshed = (sent: Sent): Promise<Refreshed> => oauthTokens({ transport: answering(sent), clock: new VirtualClock() }).refresh(wish)

describe('a request to a token endpoint', () => {
  test('is a form by RFC 6749, to that address, under the account’s own guard and proxy, without its credential', async () => {
    const transport = answering(answer(200, '{"access_token":"a2","refresh_token":"r2"}'))
    const proxied = { ...main, proxy: 'http://proxy.test:3128', allowPrivate: false }
    await oauthTokens({ transport, clock: new VirtualClock() }).refresh({ ...wish, account: proxied })
    const [call] = transport.calls
    expect(call).toMatchObject({
      account: { id: proxied.id, baseUrl: 'https://auth.test:8443', proxy: proxied.proxy, allowPrivate: false },
      credential: null,
      method: 'POST',
      path: '/oauth/token',
      clientHeaders: { accept: 'application/json' },
      body: { type: 'application/x-www-form-urlencoded' },
      connectMs: 10_000,
      headMs: 15_000,
    })
    expect(Buffer.concat(call?.body?.pieces ?? []).toString()).toBe('grant_type=refresh_token&refresh_token=the-refresh-token&client_id=client')
  })
})

describe('the address of a token endpoint', () => {
  test.each(['openai', 'codex', 'anthropic', 'simulator'] as const)(
    'is for an account of %s what the configuration says, and reached as far',
    async (upstream) => {
      const transport = answering(answer(200, '{"access_token":"a2"}'))
      const of = { ...main, upstream }
      await oauthTokens({ transport, clock: new VirtualClock() }).refresh({ ...wish, account: of, tokenUrl: 'https://auth.test/v2/token' })
      const [call] = transport.calls
      if (call === undefined) throw new Error('nothing was asked')
      const { basePath, destination } = placeOf(call.account)
      expect(basePath + call.path).toBe('/v2/token')
      expect(destination.reach).toBe(placeOf(of).destination.reach)
    },
  )
})

describe('what a token endpoint answers', () => {
  const failed = (status: number | null, why: string, exchanged: 'surely-not' | 'perhaps', retryAfterMs: number | null = null) =>
    ({ kind: 'failed', status, why, exchanged, retryAfterMs }) as const
  const refused = (status: number, code: string | null, fault: 'token' | 'client' = 'token') => ({ kind: 'refused', status, code, fault }) as const
  const cases: readonly (readonly [title: string, sent: Sent, refreshed: Refreshed])[] = [
    ['tokens', answer(200, '{"access_token":"a2","refresh_token":"r2"}'), good],
    ['tokens and their life', answer(200, '{"access_token":"a2","refresh_token":"r2","expires_in":3600}'), { ...good, expiresInMs: 3_600_000 }],
    ['a life that is no life', answer(200, '{"access_token":"a2","refresh_token":"r2","expires_in":-1}'), good],
    ['an access token alone', answer(200, '{"access_token":"a2"}'), { ...good, refreshToken: null }],
    ['a refresh token alone', answer(200, '{"refresh_token":"r2"}'), { ...good, accessToken: null }],
    ['nothing of use', answer(200, '{"token_type":"Bearer"}'), failed(200, 'it answered 200 without a token that could be used', 'perhaps')],
    [
      'a token that no header can say',
      answer(200, '{"access_token":"a\\r\\nx: y"}'),
      failed(200, 'it answered 200 without a token that could be used', 'perhaps'),
    ],
    ['no JSON', answer(200, '<html>'), failed(200, 'it answered 200 without a token that could be used', 'perhaps')],
    ['invalid_grant', answer(400, '{"error":"invalid_grant","error_description":"the-refresh-token"}'), refused(400, 'invalid_grant')],
    [
      'refresh_token_reused, nested',
      answer(401, '{"error":{"code":"refresh_token_reused","message":"the-refresh-token"}}'),
      refused(401, 'refresh_token_reused'),
    ],
    ['refresh_token_expired, flat', answer(401, '{"code":"refresh_token_expired"}'), refused(401, 'refresh_token_expired')],
    ['refresh_token_invalidated', answer(401, '{"error":{"code":"refresh_token_invalidated"}}'), refused(401, 'refresh_token_invalidated')],
    ['401 without a known code', answer(401, '{"error":"the-Refresh-Token-9"}'), refused(401, null)],
    ['401 in HTML, from something in front of it', answer(401, '<html>'), failed(401, 'it answered 401', 'surely-not')],
    ['403 in HTML', answer(403, '<html>'), failed(403, 'it answered 403', 'surely-not')],
    ['invalid_client', answer(401, '{"error":"invalid_client"}'), refused(401, 'invalid_client', 'client')],
    ['429 with a wait', answer(429, '{}', { 'retry-after': '20' }), failed(429, 'it answered 429', 'surely-not', 20_000)],
    ['500 with a code that would be final', answer(500, '{"error":"invalid_grant"}'), failed(500, 'it answered 500 invalid_grant', 'perhaps')],
    ['503', answer(503, ''), failed(503, 'it answered 503', 'perhaps')],
    ['a redirect', answer(302, ''), failed(302, 'it answered 302, and redirects are not followed', 'surely-not')],
    [
      'nothing: it was not reached',
      { kind: 'signal', signal: { kind: 'unreachable', why: 'refused', handedOver: false, detail: 'refused' } },
      failed(null, 'it could not be reached: refused', 'surely-not'),
    ],
    [
      'nothing: cut when the request had been handed over',
      { kind: 'signal', signal: { kind: 'unreachable', why: 'reset', handedOver: true, detail: 'cut' } },
      failed(null, 'it could not be reached: cut', 'perhaps'),
    ],
    ['nothing in time', { kind: 'signal', signal: { kind: 'silent', waitingFor: 'head' } }, failed(null, 'it did not answer in time', 'perhaps')],
    ['more than 64 KiB', answer(200, `{"access_token":"${'a'.repeat(64 * 1024)}"}`), failed(200, 'its answer was too large', 'perhaps')],
  ]
  test.each(cases)('%s', async (_title, sent, expected) => {
    const found = await refreshed(sent)
    expect(found).toEqual(expected)
    expect(JSON.stringify(found)).not.toMatch(/the-refresh-token/i)
  })

  test('up to 64 KiB is read', async () => {
    const text = '{"access_token":"a2","refresh_token":"r2"}'
    expect(await refreshed(answer(200, text.padEnd(64 * 1024)))).toEqual(good)
  })

  test('and never ends is given up after 10 s, and may have been an exchange', async () => {
    const clock = new VirtualClock()
    const body = new PushedBody()
    const waiting = oauthTokens({ transport: answering({ kind: 'answer', status: 200, headers: {}, pass: [], body }), clock }).refresh(wish)
    await clock.advance(10_000)
    expect(await waiting).toEqual(failed(200, 'its answer took too long', 'perhaps'))
  })
})
