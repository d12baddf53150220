import Anthropic, { APIError, type ClientOptions } from '@anthropic-ai/sdk'
import type { MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages'
import { describe, expect, test } from 'vitest'
import { noAccountReady } from '../../../src/core/failover.ts'
import { catalogue, refusal, type RefusalCode } from '../../../src/core/refusal.ts'
import type { Told } from '../../../src/dialect/dialect.ts'
import { failInBand, keepAlive, refuse, retell } from '../../../src/dialect/messages/tell.ts'
import { errorObject, now } from '../../support/signals.ts'
import { blockStart, blockStop, ending, model, started, stopped, text } from './said.ts'

const bodyOf = (told: Told): unknown => JSON.parse(told.body.toString())

/** An SDK whose upstream answers this. */
const sdk = (fetch: NonNullable<ClientOptions['fetch']>) => new Anthropic({ apiKey: 'k', baseURL: 'http://gateway.test', maxRetries: 0, fetch })
const answering = (body: string | Buffer, init: ResponseInit) => sdk(() => Promise.resolve(new Response(body.toString(), init)))
const question: MessageCreateParamsNonStreaming = { model, max_tokens: 64, messages: [{ role: 'user', content: 'hi' }] }

/** What the SDK throws when it is told this. */
async function thrown(told: Told): Promise<APIError> {
  const client = answering(told.body, { status: told.status, headers: told.headers.map(([name, value]): [string, string] => [name, value]) })
  const error: unknown = await client.messages.create(question).catch((reason: unknown) => reason)
  if (error instanceof APIError) return error
  throw new Error('the SDK threw something else', { cause: error })
}

describe('a refusal', () => {
  test('has the shape of the dialect', () => {
    const told = refuse(refusal('duplicate_member', '`model` stands twice.', { param: 'model' }))
    expect(told).toMatchObject({
      status: 400,
      headers: [
        ['content-type', 'application/json'],
        ['x-should-retry', 'false'],
      ],
    })
    expect(bodyOf(told)).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: '`model` stands twice.', details: { error_code: 'duplicate_member' } },
    })
  })

  // C5
  test('of a blocked tier is forbidden', () => {
    expect(bodyOf(refuse(refusal('policy_violation', 'Ask Ada.')))).toMatchObject({
      error: { type: 'permission_error', message: 'Ask Ada.', details: { error_code: 'policy_violation' } },
    })
  })

  // B18
  test('that is to be asked again later says when', () => {
    const { headers } = refuse(noAccountReady(now + 8000, now))
    expect(headers).toEqual(
      expect.arrayContaining([
        ['retry-after', '8'],
        ['retry-after-ms', '8000'],
      ]),
    )
    expect(refuse(noAccountReady(now + 3_600_000, now)).headers).toEqual([
      ['content-type', 'application/json'],
      ['x-should-retry', 'false'],
    ])
  })

  const classes: readonly (readonly [RefusalCode, string, string])[] = [
    ['invalid_body', 'BadRequestError', 'invalid_request_error'],
    ['invalid_api_key', 'AuthenticationError', 'authentication_error'],
    ['policy_violation', 'PermissionDeniedError', 'permission_error'],
    ['model_not_served', 'NotFoundError', 'not_found_error'],
    ['body_too_large', 'ContentTooLargeError', 'request_too_large'],
    ['rate_limit_exceeded', 'RateLimitError', 'rate_limit_error'],
    ['insufficient_quota', 'RateLimitError', 'rate_limit_error'],
    ['internal_error', 'InternalServerError', 'api_error'],
    ['upstream_unreachable', 'InternalServerError', 'api_error'],
    ['upstream_credential', 'ServiceUnavailableError', 'api_error'],
    ['upstream_timeout', 'GatewayTimeoutError', 'timeout_error'],
  ]
  test.each(classes)('%s is a %s to an SDK, of type %s', async (code, name, type) => {
    const error = await thrown(refuse(refusal(code, 'why')))
    expect(error.constructor.name).toBe(name)
    expect(error).toMatchObject({ status: catalogue[code].status, type, errorCode: code, apiMessage: 'why' })
  })
})

describe('an upstream’s error, said again', () => {
  test('keeps its words under its status', () => {
    expect(retell(500, errorObject({ code: 'api_error', type: 'api_error', message: 'oh' }))).toMatchObject({ status: 500 })
    expect(bodyOf(retell(500, errorObject({ code: 'api_error', type: 'api_error', message: 'oh' })))).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'oh' },
    })
  })

  test('is an overload of this dialect where it is one', async () => {
    const told = retell(503, errorObject({ code: 'server_error', type: 'service_unavailable_error', message: 'busy' }))
    expect(told.status).toBe(529)
    const error = await thrown(told)
    expect(error.constructor.name).toBe('OverloadedError')
    expect(error).toMatchObject({ type: 'overloaded_error', errorCode: 'server_error', apiMessage: 'busy' })
  })

  test('has the type of its status, whatever dialect it comes from, and its own code beside it', () => {
    expect(bodyOf(retell(504, errorObject({ code: 'x', type: 'server_error' })))).toMatchObject({
      error: { type: 'timeout_error', details: { error_code: 'x' } },
    })
    expect(bodyOf(retell(502, errorObject({})))).toEqual({ type: 'error', error: { type: 'api_error', message: '' } })
  })
})

describe('an error inside a stream that has begun', () => {
  const stream = (said: string) => answering(said, { headers: { 'content-type': 'text/event-stream' } }).messages.stream(question)
  const failed = failInBand({ code: 'upstream_unreachable', message: 'cut' }).toString()

  test('is an error event', () => {
    expect(failed).toBe('event: error\ndata: {"type":"error","error":{"type":"api_error","message":"cut","details":{"error_code":"upstream_unreachable"}}}\n\n')
  })

  // B14
  test('throws in an SDK, whatever came before', async () => {
    const error: unknown = await stream(started() + blockStart() + text('half') + failed)
      .finalMessage()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ type: 'api_error', errorCode: 'upstream_unreachable', apiMessage: 'cut' })
  })

  test.each([
    ['no_account_ready', 'rate_limit_error'],
    ['upstream_timeout', 'timeout_error'],
    ['shutting_down', 'api_error'],
    ['policy_violation', 'permission_error'],
    ['server_error', 'api_error'],
    ['server_is_overloaded', 'overloaded_error'],
    ['rate_limit_exceeded', 'rate_limit_error'],
    ['toString', 'api_error'],
  ])('of the code %s is of type %s', (code, type) => {
    expect(failInBand({ code, message: 'm' }).toString()).toContain(`"error":{"type":"${type}","message":"m","details":{"error_code":"${code}"}}`)
  })

  test('does not say its type twice', () => {
    expect(failInBand({ code: 'overloaded_error', message: 'm' }).toString()).toContain('"error":{"type":"overloaded_error","message":"m"}}')
  })

  test('keeps what it says in one line', () => {
    expect(failInBand({ code: 'c', message: 'two\nlines' }).toString().split('\n')).toHaveLength(4)
  })

  // B34
  test('may follow keep-alives, which an SDK takes for nothing', async () => {
    const alive = keepAlive().toString()
    expect(alive).toBe('event: ping\ndata: {"type": "ping"}\n\n')
    const message = await stream([alive, started(), alive, blockStart(), alive, text('hi'), blockStop(), ending(), alive, stopped].join('')).finalMessage()
    expect(message).toMatchObject({ content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn' })
  })
})
