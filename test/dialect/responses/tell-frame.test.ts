import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { noAccountReady } from '../../../src/core/failover.ts'
import type { ResponseId } from '../../../src/core/ids.ts'
import { refusal } from '../../../src/core/refusal.ts'
import { errorFrame, failInFrame, keepAliveInSession, lostInSession, steerFailed, turnStateFrame, warmUp } from '../../../src/dialect/responses/tell-frame.ts'
import { refuse } from '../../../src/dialect/responses/tell.ts'
import { bodyOf, turnOf } from '../../support/bodies.ts'
import { now } from '../../support/signals.ts'

const eventId = `evt_${'0'.repeat(32)}`
const codex = { originator: 'codex_exec' }
const jsonOf = (frame: Buffer): unknown => JSON.parse(frame.toString())
const told = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: Object.entries({ 'content-type': 'application/json', 'content-length': String(body.length), ...headers }),
  body: Buffer.from(body),
})

describe('an error answer as an event', () => {
  // E14 B23
  test('has its status at the top, and its headers in both places', () => {
    const answer = told(429, '{"error":{"type":"usage_limit_reached","message":"Spent.","resets_at":1795003600}}', {
      'retry-after': '30',
      'x-turnout-turn': 't1',
    })
    const headers = { 'retry-after': '30', 'x-turnout-turn': 't1' }
    expect(jsonOf(errorFrame(answer, null, eventId))).toEqual({
      type: 'error',
      event_id: eventId,
      status: 429,
      headers,
      error: { type: 'usage_limit_reached', message: 'Spent.', resets_at: 1_795_003_600, code: null, param: null, headers },
    })
  })

  test('names the lane that it is about', () => {
    expect(jsonOf(errorFrame(told(400, '{}'), 'a.b', eventId))).toMatchObject({ stream_id: 'a.b' })
    expect(jsonOf(errorFrame(told(400, '{}'), null, eventId))).not.toHaveProperty('stream_id')
  })

  test('keeps what an upstream’s error object holds, byte for byte', () => {
    const error = '"message" : "\\u00e9", "type":"t","code":"c","param":null, "n":12345678901234567890, "deep":{"a":1e400}'
    expect(errorFrame(told(400, `{"error":{${error}},"more":1}`), null, eventId).toString()).toContain(`"error":{${error},"headers":{}}`)
  })

  test.each<[title: string, status: number, body: string, error: object]>([
    ['text', 400, '{"error":"Too long."}', { message: 'Too long.', type: 'invalid_request_error', code: null, param: null }],
    ['a detail', 401, '{"detail":"No."}', { message: 'No.', type: 'invalid_request_error' }],
    ['a page', 502, '<html>', { message: 'The upstream answered with status 502.', type: 'server_error', code: null }],
    ['nothing', 429, '', { message: 'The upstream answered with status 429.', type: 'rate_limit_error' }],
    ['an error that says nothing', 500, '{"error":{}}', { message: 'The upstream answered with status 500.', type: 'server_error', code: null, param: null }],
    ['an error that cannot be read', 500, '{"error":{"a\\x":1}}', { message: 'The upstream answered with status 500.' }],
  ])('says what is known where the body is, or holds, %s', (_title, status, body, error) => {
    expect(jsonOf(errorFrame(told(status, body), null, eventId))).toMatchObject({ type: 'error', status, error })
  })

  // D3
  test('of a tier that is blocked is a 400, on which Codex stops', () => {
    expect(jsonOf(errorFrame(refuse(refusal('policy_violation', 'Ask Ada.', { param: 'service_tier' })), null, eventId))).toEqual({
      type: 'error',
      event_id: eventId,
      status: 400,
      headers: { 'x-should-retry': 'false' },
      error: {
        type: 'invalid_request_error',
        code: 'policy_violation',
        message: 'Ask Ada.',
        param: 'service_tier',
        headers: { 'x-should-retry': 'false' },
      },
    })
  })

  // B18
  test('of our own says when to come back', () => {
    expect(jsonOf(errorFrame(refuse(noAccountReady(now + 3_600_000, now)), null, eventId))).toMatchObject({
      status: 429,
      error: { type: 'usage_limit_reached', code: 'no_account_ready', resets_at: now / 1000 + 3600 },
    })
    expect(jsonOf(errorFrame(refuse(refusal('queue_full', 'Full.', { retryAfterMs: 1500 })), null, eventId))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2', 'retry-after-ms': '1500' },
    })
  })
})

describe('a turn that breaks off', () => {
  // B14 E7
  test.each([
    ['upstream_unreachable', 502, 'server_error'],
    ['shutting_down', 503, 'server_error'],
    ['no_account_ready', 429, 'rate_limit_error'],
    ['policy_violation', 400, 'invalid_request_error'],
    ['server_is_overloaded', 502, 'server_error'],
    ['toString', 502, 'server_error'],
  ])('for %s is told under %i', (code, status, type) => {
    const frame = failInFrame({ code, message: 'It broke off.' }, 'a', eventId)
    expect(jsonOf(frame)).toMatchObject({ type: 'error', event_id: eventId, status, stream_id: 'a', error: { type, code, message: 'It broke off.' } })
  })
})

test('a keep-alive is an event for Codex, and nothing for others', () => {
  expect(keepAliveInSession(turnOf({ model: 'm' }, codex))?.toString()).toBe('{"type":"keepalive"}')
  expect(keepAliveInSession(turnOf({ model: 'm' }))).toBeNull()
})

describe('a warm-up that is answered here', () => {
  const turn = turnOf({ model: 'alias', store: false, previous_response_id: 'resp_0' })
  const said = (streamId: string | null = null) => warmUp({ id: 'resp_w' as ResponseId, turn, createdAtS: 1_795_000_000, streamId })

  // E12
  test('begins and ends with nothing said and nothing used', () => {
    const { created, completed } = said()
    const response = { id: 'resp_w', object: 'response', created_at: 1_795_000_000, model: 'alias', output: [], store: false, previous_response_id: 'resp_0' }
    expect(jsonOf(created)).toMatchObject({ type: 'response.created', sequence_number: 0, response: { ...response, status: 'in_progress', usage: null } })
    expect(jsonOf(completed)).toMatchObject({
      type: 'response.completed',
      sequence_number: 1,
      response: { ...response, status: 'completed', usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } },
    })
    expect(jsonOf(created)).not.toHaveProperty('stream_id')
  })

  test('names its lane', () => {
    expect([jsonOf(said('a').created), jsonOf(said('a').completed)]).toMatchObject([{ stream_id: 'a' }, { stream_id: 'a' }])
  })

  test('is an answer to the official SDK', async () => {
    const { created, completed } = said()
    const sse = `event: response.created\ndata: ${created.toString()}\n\nevent: response.completed\ndata: ${completed.toString()}\n\n`
    const fetch = () => Promise.resolve(new Response(sse, { headers: { 'content-type': 'text/event-stream' } }))
    const client = new OpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', maxRetries: 0, fetch })
    const final = await client.responses.stream({ model: 'alias', input: 'hi' }).finalResponse()
    expect(final).toMatchObject({ id: 'resp_w', status: 'completed', output: [], output_text: '' })
  })
})

describe('a client whose dialogue cannot be said again', () => {
  // E8
  test('is told so in the form from which it recovers', () => {
    const body = { model: 'm', previous_response_id: 'resp_9' }
    expect(lostInSession(turnOf(body, codex))).toMatchObject({ code: 'websocket_connection_limit_reached', param: null })
    expect(lostInSession(turnOf(body))).toMatchObject({
      code: 'previous_response_not_found',
      param: 'previous_response_id',
      message: "Previous response with id 'resp_9' not found.",
    })
    expect(lostInSession(turnOf({ model: 'm' }))).toMatchObject({ code: 'previous_response_not_found' })
  })
})

test('a steer that no upstream can take comes back with its own words', () => {
  const frame = '{"type":"response.steer", "input":[{"role":"user", "n":1e400}] ,"previous_response_id":"resp_1"}'
  expect(steerFailed(bodyOf(frame)).toString()).toMatch(/"steer":\{"previous_response_id":"resp_1","input":\[\{"role":"user", "n":1e400\}\]\}\}$/)
  expect(jsonOf(steerFailed(bodyOf('{"type":"response.steer","input":"x"}')))).toMatchObject({
    type: 'response.steer.failed',
    error: { type: 'invalid_request_error', code: 'steering_not_supported' },
    steer: { input: 'x' },
  })
})

// E21
test('a routing token from the head of an answer is told where Codex looks for it in a session, in its lane', () => {
  const headers = { 'x-codex-turn-state': 'sticky' }
  expect(JSON.parse(turnStateFrame('sticky', null).toString())).toEqual({ type: 'response.metadata', headers })
  expect(JSON.parse(turnStateFrame('sticky', 'left').toString())).toEqual({ type: 'response.metadata', stream_id: 'left', headers })
})
