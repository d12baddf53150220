import { describe, expect, test } from 'vitest'
import type { Failure, FailureKind, Signal } from '../../src/core/failure.ts'
import { classify, meanings, rows } from '../../src/core/failure-table.ts'
import type { Headers } from '../../src/lib/headers.ts'
import { answer, ended, errorObject, now, page, plain, silent, told, unreachable } from '../support/signals.ts'

type Case = readonly [title: string, signal: Signal, kind: FailureKind]
const of = (signal: Signal): Failure => classify(signal, now)

describe('what a code names', () => {
  // B1 B3 B6 B10
  test.each<Case>([
    ['invalid_api_key is the credential', answer(401, { code: 'invalid_api_key' }), 'credential'],
    ['token_invalidated is the credential', answer(401, { code: 'token_invalidated' }), 'credential'],
    ['token_revoked is the credential', answer(403, { code: 'token_revoked' }), 'credential'],
    ['account_deactivated is the credential', answer(403, { code: 'account_deactivated' }), 'credential'],
    ['402 with deactivated_workspace is the credential', answer(402, { code: 'deactivated_workspace' }), 'credential'],
    ['usage_limit_reached as a type is quota', answer(429, { type: 'usage_limit_reached', message: 'The usage limit has been reached' }), 'quota'],
    ['insufficient_quota is quota, and not a rate', answer(429, { code: 'insufficient_quota' }), 'quota'],
    ['a type of quota counts beside a code that is unknown', answer(429, { type: 'insufficient_quota', code: 'something_new' }), 'quota'],
    ['credit_balance_exhausted is quota', answer(429, { code: 'credit_balance_exhausted' }), 'quota'],
    ['organization_spend_limit_exceeded is quota', answer(429, { code: 'organization_spend_limit_exceeded' }), 'quota'],
    ['project_spend_limit_exceeded is quota', answer(403, { code: 'project_spend_limit_exceeded' }), 'quota'],
    ['organization_usage_limit_exceeded is quota', answer(429, { code: 'organization_usage_limit_exceeded' }), 'quota'],
    ['workspace_member_usage_limit_reached is quota', answer(403, { code: 'workspace_member_usage_limit_reached' }), 'quota'],
    ['a region that is not served is the edge', answer(403, { code: 'unsupported_country_region_territory' }), 'edge-block'],
    ['model_not_found in a 404 is the model', answer(404, { code: 'model_not_found' }), 'model'],
    ['model_not_found in a 400 is the model', answer(400, { code: 'model_not_found' }), 'model'],
    ['usage_not_included is the model, and not a rate', answer(429, { type: 'usage_not_included' }), 'model'],
    ['server_is_overloaded is overload', answer(503, { code: 'server_is_overloaded' }), 'overload'],
    ['slow_down is overload, whatever the status', answer(429, { type: 'rate_limit_error', code: 'slow_down' }), 'overload'],
    ['overloaded_error is overload', answer(529, { type: 'overloaded_error' }), 'overload'],
    ['invalid_encrypted_content is foreign state', answer(400, { code: 'invalid_encrypted_content' }), 'foreign-state'],
    ['previous_response_not_found is a lost continuation', answer(400, { code: 'previous_response_not_found' }), 'lost-continuation'],
    [
      'a connection at its end is a lost continuation',
      told({ type: 'invalid_request_error', code: 'websocket_connection_limit_reached' }, 400),
      'lost-continuation',
    ],
    ['context_length_exceeded is the request', answer(400, { code: 'context_length_exceeded' }), 'request'],
    ['cyber_policy is the request, even in a 403', answer(403, { code: 'cyber_policy' }), 'request'],
    ['content_policy_violation is the request, even in a 500', answer(500, { code: 'content_policy_violation' }), 'request'],
    ['invalid_prompt is the request, even in a 500', answer(500, { code: 'invalid_prompt' }), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })
})

describe('what Anthropic says', () => {
  /** Its errors have a type, and a code of their own only in `details`; its dialect gives the type as code where there is none. */
  const says = (status: number, type: string, message = 'no', code = type): Signal => answer(status, { type, code, message })

  // B5 B6 B8 B10 B11
  test.each<Case>([
    ['authentication_error is the credential', says(401, 'authentication_error', 'invalid x-api-key'), 'credential'],
    ['billing_error is quota', says(402, 'billing_error'), 'quota'],
    ['permission_error is forbidden', says(403, 'permission_error'), 'forbidden'],
    ['a sign-in that was revoked is the credential', says(403, 'permission_error', 'OAuth token has been revoked. Please obtain a new token.'), 'credential'],
    ['the same words of another type are not', says(403, 'forbidden_error', 'OAuth token has been revoked.'), 'forbidden'],
    ['not_found_error about a model is the model', says(404, 'not_found_error', 'model: claude-opus-9'), 'model'],
    ['a model in quotes is one too', says(404, 'not_found_error', 'model: "claude opus"'), 'model'],
    ['not_found_error about anything else is the request', says(404, 'not_found_error', 'Not found'), 'request'],
    ['the name of a model in a 400 is the request', says(400, 'invalid_request_error', 'model: Field required'), 'request'],
    ['conflict_error is the request', says(409, 'conflict_error'), 'request'],
    ['request_too_large is the request', says(413, 'request_too_large'), 'request'],
    ['rate_limit_error is a rate', says(429, 'rate_limit_error'), 'rate'],
    ['a ramp that is too steep is a rate', says(429, 'rate_limit_error', 'slow', 'ramp_limit_exceeded'), 'rate'],
    ['a spend limit that is enforced is quota', says(429, 'rate_limit_error', 'no', 'enforced_spend_limit_reached'), 'quota'],
    ['a spend limit of the contract is quota', says(429, 'rate_limit_error', 'no', 'contract_spend_limit_reached'), 'quota'],
    ['api_error is the server', says(500, 'api_error'), 'server'],
    ['timeout_error is the server', says(504, 'timeout_error'), 'server'],
    ['overloaded_error is overload', says(529, 'overloaded_error'), 'overload'],
    ['invalid_request_error is the request', says(400, 'invalid_request_error', 'messages: roles must alternate'), 'request'],
    ['a prompt that is too long is the request', says(400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })

  test('a credential that it refuses is not dead at once', () => {
    expect(of(says(401, 'authentication_error')).final).toBe(false)
    expect(of(says(403, 'permission_error', 'OAuth token has been revoked.')).final).toBe(false)
  })

  // B3
  const unified = (says: Readonly<Record<string, string>>): Headers =>
    Object.fromEntries(Object.entries(says).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]))
  const refused = (headers: Headers, status = 429) =>
    answer(status, { type: 'rate_limit_error', message: 'This request would exceed your account’s rate limit.' }, headers)
  test.each<Case>([
    ['that is spent', refused(unified({ status: 'rejected', '5h-status': 'rejected', '7d-status': 'allowed' })), 'quota'],
    ['that is spent by its share', refused(unified({ status: 'rejected', '7d-utilization': '1.02' })), 'quota'],
    ['that it names as deciding', refused(unified({ status: 'rejected', 'representative-claim': 'seven_day' })), 'quota'],
    [
      'of one model',
      refused(unified({ status: 'rejected', '5h-status': 'allowed', '7d_opus-status': 'rejected', 'representative-claim': 'seven_day_opus' })),
      'rate',
    ],
    ['that lets requests pass', refused(unified({ status: 'allowed', '5h-status': 'allowed', '5h-utilization': '0.4' })), 'rate'],
    ['that is spent, where extra usage goes on', refused(unified({ status: 'allowed', '5h-status': 'rejected' })), 'rate'],
    ['that is spent, in an answer about something else', refused(unified({ status: 'rejected', '5h-status': 'rejected' }), 500), 'server'],
  ])('a window of a subscription %s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })
})

describe('what a refused WebSocket handshake says', () => {
  const handshake = (signal: Signal): Signal => (signal.kind === 'answer' ? { ...signal, over: 'websocket-handshake' } : signal)

  // B11 B23 E13
  test.each<Case>([
    ['404 with JSON is the transport', handshake(answer(404, { type: 'invalid_request_error', message: 'Not found.' })), 'transport'],
    ['404 is the transport, whatever code it bears', handshake(answer(404, { code: 'model_not_found' })), 'transport'],
    ['404 with a page is the transport', handshake(page(404, 'html')), 'transport'],
    ['405 without a body is the transport', handshake(page(405, 'empty')), 'transport'],
    ['426 is the transport', handshake(answer(426, { code: 'invalid_request_error' })), 'transport'],
    ['401 is the credential', handshake(answer(401)), 'credential'],
    ['403 worded as a usage limit is quota', handshake(answer(403, { type: 'forbidden_error', message: 'usage limit reached' })), 'quota'],
    ['400 is the request', handshake(answer(400, { message: 'bad' })), 'request'],
    ['404 over HTTP is what it was', { ...answer(404, { message: 'Not found.' }), over: 'http' } as Signal, 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })

  test('keeps the reset that was stated', () => {
    expect(of(handshake(answer(429, {}, { 'retry-after': '30' }))).resetAtMs).toBe(now + 30_000)
  })
})

describe('what a status says where no code does', () => {
  // B5 B6 B8 B11 B12 B26
  test.each<Case>([
    ['401 is the credential', answer(401, { message: 'Unauthorized' }), 'credential'],
    ['401 with an expired token is the credential', answer(401, { code: 'token_expired' }), 'credential'],
    ['402 is quota', answer(402, { message: 'Payment required' }), 'quota'],
    ['402 without a body is quota', page(402, 'empty'), 'quota'],
    ['403 with a JSON body is forbidden', answer(403, { type: 'forbidden_error', message: 'no' }), 'forbidden'],
    ['403 with JSON that holds no error object is forbidden', page(403, 'json'), 'forbidden'],
    ['403 with a page is the edge', page(403, 'html'), 'edge-block'],
    ['403 without a body is the edge', page(403, 'empty'), 'edge-block'],
    ['429 with a page is the edge', page(429, 'html'), 'edge-block'],
    ['503 with a page is the edge', page(503, 'html'), 'edge-block'],
    ['429 is a rate', answer(429, { type: 'tokens', code: 'rate_limit_exceeded' }), 'rate'],
    ['429 without a body is a rate', page(429, 'empty'), 'rate'],
    ['529 is overload', answer(529), 'overload'],
    ['503 is overload', answer(503, { type: 'service_unavailable_error' }), 'overload'],
    ['426 is the transport', answer(426), 'transport'],
    ['404 with JSON is the request', answer(404, { type: 'invalid_request_error', message: 'Not found.' }), 'request'],
    ['404 with a page is a base URL that leads nowhere', page(404, 'html'), 'server'],
    ['404 without a body is a base URL that leads nowhere', page(404, 'empty'), 'server'],
    ['405 with text is a base URL that leads nowhere', page(405, 'other'), 'server'],
    ['405 with JSON is the request', answer(405, { message: 'Method not allowed' }), 'request'],
    ['a redirect is the server, since it is not followed', page(302, 'empty'), 'server'],
    ['408 is the server', answer(408), 'server'],
    ...[500, 501, 502, 504, 520, 521, 522, 523, 524, 599].map((status): Case => [`${status} is the server`, answer(status), 'server']),
    ['502 with a page is the server', page(502, 'html'), 'server'],
    ...[400, 409, 410, 413, 415, 418, 422, 431].map((status): Case => [`${status} is the request`, answer(status, { message: 'bad' }), 'request']),
    ['400 with a page is the request', page(400, 'html'), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })
})

describe('what is told inside a 200', () => {
  // B13 B32
  test.each<Case>([
    ['server_is_overloaded is overload', told({ code: 'server_is_overloaded' }), 'overload'],
    ['server_error is the server', told({ code: 'server_error' }), 'server'],
    ['nothing in particular is the server', told({}), 'server'],
    ['rate_limit_exceeded is a rate', told({ code: 'rate_limit_exceeded', message: 'Please try again in 8s.' }), 'rate'],
    ['usage_limit_reached is quota', told({ type: 'usage_limit_reached' }), 'quota'],
    ['insufficient_quota is quota', told({ code: 'insufficient_quota' }), 'quota'],
    ['usage_not_included is the model', told({ code: 'usage_not_included' }), 'model'],
    ['token_invalidated in an error event of status 401 is the credential', told({ code: 'token_invalidated' }, 401), 'credential'],
    ['an error event of status 401 is the credential', told({ message: 'no' }, 401), 'credential'],
    ['an error event of status 403 is forbidden', told({ message: 'no' }, 403), 'forbidden'],
    ['an error event of status 429 is a rate', told({ message: 'slow' }, 429), 'rate'],
    ['an error event of status 404 is the request, for the base URL leads somewhere', told({ message: 'no' }, 404), 'request'],
    ['an error event of type authentication_error is the credential', told({ type: 'authentication_error' }, 401), 'credential'],
    ['an error event of type billing_error is quota', told({ type: 'billing_error' }, 402), 'quota'],
    ['an error event of type overloaded_error is overload', told({ type: 'overloaded_error' }, 529), 'overload'],
    ['an error event of status 500 is the server', told({ message: 'oh' }, 500), 'server'],
    ['invalid_prompt is the request', told({ code: 'invalid_prompt' }), 'request'],
    ['a policy is the request', told({ code: 'misalignment_policy_violation' }), 'request'],
    ['an image policy is the request', told({ code: 'image_content_policy_violation' }), 'request'],
    ['bio_policy is the request', told({ code: 'bio_policy' }), 'request'],
    ['context_length_exceeded is the request', told({ code: 'context_length_exceeded' }), 'request'],
    ['a type of invalid request is the request', told({ type: 'invalid_request_error', code: 'unknown_parameter' }), 'request'],
    ...[
      'invalid_image',
      'invalid_base64_image',
      'image_too_large',
      'image_parse_error',
      'unsupported_image_media_type',
      'empty_image_file',
      'failed_to_download_image',
      'data_residency_mismatch',
    ].map((code): Case => [`${code} is the request`, told({ code }), 'request']),
    ['vector_store_timeout is the server', told({ code: 'vector_store_timeout' }), 'server'],
    ['a lost continuation is one', told({ type: 'invalid_request_error', code: 'previous_response_not_found' }, 400), 'lost-continuation'],
    ['foreign state is one', told({ type: 'invalid_request_error', code: 'invalid_encrypted_content' }), 'foreign-state'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })
})

describe('what ended without a word', () => {
  test.each<Case>([
    ['no connection is the network', unreachable('connection refused'), 'network'],
    ['a reset after the request was handed over is the network', unreachable('reset', 'handed-over'), 'network'],
    ['no head in time is silence', silent('head'), 'silent'],
    ['no event in time is silence', silent('first-event'), 'silent'],
    ['no further event in time is silence', silent('next-event'), 'silent'],
    ['no whole answer in time is silence', silent('whole-answer'), 'silent'],
    ['a stream that stopped is broken', ended, 'broken-stream'],
  ])('%s', (_title, signal, kind) => {
    expect(of(signal).kind).toBe(kind)
  })
})

describe('a request that may have been served all the same', () => {
  // B27
  test.each<[title: string, signal: Signal, ambiguous: boolean]>([
    ['one reset after it was handed over may', unreachable('reset', 'handed-over'), true],
    ['one that never was handed over may not', unreachable('refused'), false],
    ['one that nobody answered in time may', silent('head'), true],
    ['one whose events stopped coming may', silent('next-event'), true],
    ['one whose answer was cut may', ended, true],
    ['a 429 is final', answer(429), false],
    ['a 500 is final', answer(500), false],
    ['a failure told inside a 200 is final', told({ code: 'server_error' }), false],
  ])('%s', (_title, signal, ambiguous) => {
    expect(of(signal).ambiguous).toBe(ambiguous)
  })
})

describe('a credential', () => {
  // B6
  test.each<[title: string, signal: Signal, final: boolean]>([
    ['named as invalid is dead at once', answer(401, { code: 'invalid_api_key' }), true],
    ['named as invalidated is dead at once', answer(401, { type: 'invalid_request_error', code: 'token_invalidated' }), true],
    ['of a deactivated workspace is dead at once', answer(402, { code: 'deactivated_workspace' }), true],
    ['merely refused is not', answer(401), false],
    ['that has expired is not', answer(401, { code: 'token_expired' }), false],
  ])('%s', (_title, signal, final) => {
    expect(of(signal)).toMatchObject({ kind: 'credential', final })
  })
})

describe('what a failure says', () => {
  test('its status, its code and its message are those of the upstream', () => {
    const failure = of(answer(429, { code: 'rate_limit_exceeded', type: 'tokens', message: 'slow' }))
    expect(failure).toMatchObject({ status: 429, code: 'rate_limit_exceeded', message: 'slow', because: 'too many requests' })
  })

  test('a type stands for a code that is missing', () => expect(of(answer(429, { type: 'usage_limit_reached' })).code).toBe('usage_limit_reached'))
  test('without an answer there is no status', () => expect(of(unreachable('no route'))).toMatchObject({ status: null, code: null, message: 'no route' }))
  test('silence says what was waited for', () => expect(of(silent('first-event')).message).toBe('nothing came while waiting for the first-event'))

  // B3 B4
  test('only a spent quota, a rate and overload state a reset', () => {
    const hinting = (Object.keys(plain) as FailureKind[]).filter((kind) => {
      const signal: Signal = plain[kind]
      const withHint =
        signal.kind === 'answer' ? { ...signal, headers: { 'retry-after': '30' }, error: errorObject({ ...signal.error, resetsInSeconds: 30 }) } : signal
      return of(withHint).resetAtMs === now + 30_000
    })
    expect(hinting).toEqual(['quota', 'rate', 'overload'])
  })
})

describe('the table', () => {
  const kinds = Object.keys(plain) as FailureKind[]

  test.each(kinds)('%s has its plain signal, its row and its meaning', (kind) => {
    const failure = of(plain[kind])
    expect(failure).toMatchObject({ kind, blame: meanings[kind].blame })
    expect(rows.some((row) => row.kind === kind && row.because === failure.because)).toBe(true)
  })

  test('its rows and meanings are of these kinds and no others', () => {
    expect([...new Set(rows.map((row) => row.kind))].toSorted()).toEqual(kinds.toSorted())
    expect(Object.keys(meanings).toSorted()).toEqual(kinds.toSorted())
  })

  // B10 B31
  test.each<[FailureKind, string]>([
    ['credential', 'account yes release'],
    ['quota', 'account yes release'],
    ['forbidden', 'account once release'],
    ['edge-block', 'upstream yes keep'],
    ['rate', 'pair yes release'],
    ['model', 'pair yes release'],
    ['overload', 'upstream yes keep'],
    ['server', 'upstream yes keep'],
    ['network', 'upstream yes keep'],
    ['silent', 'upstream yes release'],
    ['transport', 'nobody same keep'],
    ['lost-continuation', 'request no keep'],
    ['foreign-state', 'request same keep'],
    ['request', 'request no keep'],
    ['broken-stream', 'upstream yes keep'],
  ])('%s means: %s', (kind, meaning) => {
    const { blame, another, pin } = meanings[kind]
    expect(`${blame} ${another} ${pin}`).toBe(meaning)
  })
})
