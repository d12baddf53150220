import OpenAI, { APIError, type ClientOptions } from 'openai'
import { describe, expect, test } from 'vitest'
import { noAccountReady } from '../../../src/core/failover.ts'
import type { ResponseId } from '../../../src/core/ids.ts'
import { catalogue, refusal, type RefusalCode } from '../../../src/core/refusal.ts'
import type { Told } from '../../../src/dialect/dialect.ts'
import { failInBand, keepAlive, refuse, retell } from '../../../src/dialect/responses/tell.ts'
import { turnOf } from '../../support/bodies.ts'
import { errorObject, now } from '../../support/signals.ts'

const bodyOf = (told: Told): unknown => JSON.parse(told.body.toString())

/** An SDK whose upstream answers this. */
const sdk = (fetch: NonNullable<ClientOptions['fetch']>) => new OpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', maxRetries: 0, fetch })
const answering = (body: string | Buffer, init: ResponseInit) => sdk(() => Promise.resolve(new Response(body.toString(), init)))

/** What the SDK throws when it is told this. */
async function thrown(told: Told): Promise<APIError> {
  const client = answering(told.body, { status: told.status, headers: told.headers.map(([name, value]): [string, string] => [name, value]) })
  const error: unknown = await client.responses.create({ model: 'm', input: 'hi' }).catch((reason: unknown) => reason)
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
    expect(bodyOf(told)).toEqual({ error: { message: '`model` stands twice.', type: 'invalid_request_error', param: 'model', code: 'duplicate_member' } })
  })

  // C5
  test('of a blocked tier is forbidden', () => {
    expect(bodyOf(refuse(refusal('policy_violation', 'Ask Ada.')))).toMatchObject({
      error: { type: 'forbidden_error', code: 'policy_violation', message: 'Ask Ada.' },
    })
  })

  // B18
  test('with a reset far away says it in the form that Codex shows', () => {
    expect(bodyOf(refuse(noAccountReady(now + 3_600_500, now)))).toMatchObject({
      error: { type: 'usage_limit_reached', code: 'no_account_ready', resets_at: now / 1000 + 3601, resets_in_seconds: 3601 },
    })
  })

  const classes: readonly (readonly [RefusalCode, string])[] = [
    ['invalid_body', 'BadRequestError'],
    ['invalid_api_key', 'AuthenticationError'],
    ['policy_violation', 'PermissionDeniedError'],
    ['model_not_served', 'NotFoundError'],
    ['rate_limit_exceeded', 'RateLimitError'],
    ['insufficient_quota', 'RateLimitError'],
    ['internal_error', 'InternalServerError'],
    ['upstream_credential', 'InternalServerError'],
  ]
  test.each(classes)('%s is a %s to an SDK', async (code, name) => {
    const error = await thrown(refuse(refusal(code, 'why', { param: 'p' })))
    expect(error.constructor.name).toBe(name)
    expect(error).toMatchObject({ status: catalogue[code].status, code, param: 'p', type: catalogue[code].type })
    expect(error.message).toContain('why')
  })
})

describe('an upstream’s error, said again', () => {
  test('keeps its words under the new status', async () => {
    const told = retell(503, errorObject({ code: 'server_error', type: 'service_unavailable_error', message: 'busy', param: 'p' }))
    expect(bodyOf(told)).toEqual({ error: { message: 'busy', type: 'service_unavailable_error', param: 'p', code: 'server_error' } })
    expect(await thrown(told)).toMatchObject({ status: 503, code: 'server_error', type: 'service_unavailable_error' })
  })

  test('has a type even where the upstream gave none', () =>
    expect(bodyOf(retell(500, errorObject({ message: 'oh' })))).toMatchObject({ error: { type: 'server_error' } }))
})

describe('an error inside a stream that has begun', () => {
  const eventsOf = async (text: string): Promise<object[]> => {
    const stream = await answering(text, { headers: { 'content-type': 'text/event-stream' } }).responses.create({ model: 'm', input: 'hi', stream: true })
    const events: object[] = []
    for await (const event of stream) events.push(event)
    return events
  }
  const failed = failInBand({ code: 'upstream_unreachable', message: 'cut' }, 'resp_1' as ResponseId)

  // B14
  test('is a failed answer of the id that the client has seen, and no clean end', async () => {
    expect(await eventsOf(failed.toString())).toMatchObject([
      { type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: { code: 'upstream_unreachable', message: 'cut' }, usage: null } },
    ])
    expect(failed.toString()).toMatch(/^event: response\.failed\ndata: .*\n\n$/)
    expect(failed.toString()).not.toContain('[DONE]')
  })

  test('has an id even where the client has seen none', () => {
    expect(failInBand({ code: 'c', message: 'm' }, null).toString()).toContain('"id":"resp_unknown"')
  })

  test('keeps what it says in one line', () => {
    expect(failInBand({ code: 'c', message: 'two\nlines' }, null).toString().split('\n')).toHaveLength(4)
  })

  // B34
  test('may follow keep-alives, which an SDK takes for nothing or for an event that it does not know', async () => {
    const codex = keepAlive(turnOf({ model: 'm' }, { originator: 'codex_exec' })).toString()
    const others = keepAlive(turnOf({ model: 'm' })).toString()
    expect((await eventsOf(`${others}${codex}${others}${failed.toString()}`)).map((event) => 'type' in event && event.type)).toEqual([
      'keepalive',
      'response.failed',
    ])
  })
})

// B34
test('a keep-alive is an event to Codex and a comment to others', () => {
  expect(keepAlive(turnOf({ model: 'm' }, { 'user-agent': 'codex_exec/0.169.0' })).toString()).toBe('event: keepalive\ndata: {"type":"keepalive"}\n\n')
  expect(keepAlive(turnOf({ model: 'm' })).toString()).toBe(': keep-alive\n\n')
})
