import Anthropic, {
  APIConnectionError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ContentTooLargeError,
  GatewayTimeoutError,
  InternalServerError,
  NotFoundError,
  OverloadedError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
} from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const asked = { model: 'claude-opus-5', max_tokens: 1024, messages: [{ role: 'user', content: 'hello there' }] } satisfies Anthropic.MessageCreateParams
const lookup = { name: 'lookup', input_schema: { type: 'object', properties: {} } } satisfies Anthropic.Tool

const clientOf = (on: Stage, more: ConstructorParameters<typeof Anthropic>[0] = {}) =>
  new Anthropic({ apiKey: laptopKey, baseURL: on.gateway.url, maxRetries: 0, ...more })

describe.each([
  ['natively', 'messages'],
  ['over Responses', 'responses'],
  ['over Chat Completions', 'chat'],
])('the official client, %s', (_title, upstream) => {
  const begun = (plays: object = {}) => stage({ accounts: { a: { dialects: [upstream], plays: { label: 'it', ...plays } } } })

  test('reads a whole message', async () => {
    const {
      data,
      response,
      request_id: id,
    } = await clientOf(await begun())
      .messages.create(asked)
      .withResponse()
    expect(data.content).toMatchObject([{ type: 'text', text: 'Hello from it. You asked: hello there' }])
    expect(data).toMatchObject({ role: 'assistant', model: 'claude-opus-5', stop_reason: 'end_turn' })
    expect(data.usage.output_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-turnout-turn')).toMatch(/^[0-9a-f-]{36}$/)
    expect(id).toBe(response.headers.get('x-request-id'))
  })

  test('reads a stream as it grows, and its final message', async () => {
    const stream = clientOf(await begun()).messages.stream(asked)
    let heard = ''
    stream.on('text', (text) => (heard += text))
    const message = await stream.finalMessage()
    expect(heard).toBe('Hello from it. You asked: hello there')
    expect(message).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: heard }] })
    expect(message.usage.output_tokens).toBeGreaterThan(0)
  })

  test('thinks, has tools called, and goes on from what they gave', async () => {
    const client = clientOf(await begun())
    const wishes = { ...asked, tools: [lookup], thinking: { type: 'adaptive' as const, display: 'summarized' as const } }
    const question = { role: 'user', content: 'call:lookup({"q":1})' } as const
    const first = await client.messages.stream({ ...wishes, messages: [question] }).finalMessage()
    expect(first.stop_reason).toBe('tool_use')
    const call = first.content.find((block) => block.type === 'tool_use')
    expect(call).toMatchObject({ name: 'lookup', input: { q: 1 } })
    const result = { type: 'tool_result', tool_use_id: call?.id ?? '', content: '42' } as const
    const dialogue: Anthropic.MessageParam[] = [question, { role: 'assistant', content: first.content }, { role: 'user', content: [result] }]
    const next = await client.messages.create({ ...wishes, messages: dialogue })
    expect(next.content.at(-1)).toMatchObject({ text: 'Hello from it. The tool said: 42' })
  })

  test('counts tokens, and is told where they are only estimated', async () => {
    const { messages, model } = asked
    const { data, response } = await clientOf(await begun())
      .messages.countTokens({ model, messages })
      .withResponse()
    expect(data.input_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-turnout-estimated')).toBe(upstream === 'messages' ? null : 'true')
  })

  test('aborts a stream, and its upstream is called off', async () => {
    const on = await begun({ paceMs: 40 })
    const stream = clientOf(on).messages.stream(asked)
    stream.once('text', () => stream.abort())
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(APIUserAbortError)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (running) => running === 0,
    )
    on.play('a', { label: 'it' })
    expect((await clientOf(on).messages.create(asked)).stop_reason).toBe('end_turn')
  })

  test('throws where a stream breaks off, and has no final message', async () => {
    const on = await begun({ faults: [{ fault: 'cut', on: 'turns' }] })
    const stream = clientOf(on).messages.stream(asked)
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Error)
  })

  test('throws where a stream tells of an overload', async () => {
    const on = await begun({ faults: [{ fault: 'error-event', before: 'end', code: 'server_is_overloaded', on: 'turns' }] })
    await expect(clientOf(on).messages.stream(asked).finalMessage()).rejects.toMatchObject({ type: 'overloaded_error' })
  })

  test.each([
    ['credential', {}, ServiceUnavailableError, 'upstream_credential'],
    ['quota', { resetsInSeconds: 7200 }, RateLimitError, 'no_account_ready'],
    ['rate', { retryAfterSeconds: 30 }, RateLimitError, 'no_account_ready'],
    ['server', {}, InternalServerError, null],
    ['overload', {}, OverloadedError, null],
    ['overload-529', {}, OverloadedError, null],
    ['reset', {}, InternalServerError, 'upstream_unreachable'],
  ])('knows its error where every account has this: %s', async (fault, more, type, code) => {
    const faults = [{ fault, on: 'turns' as const, ...more }]
    const plays = { dialects: [upstream], plays: { faults } }
    const on = await stage({ accounts: { a: plays, b: plays }, failover: { patience: '0s' } })
    const failed = clientOf(on).messages.create(asked)
    await expect(failed).rejects.toBeInstanceOf(type)
    if (code !== null) await expect(failed).rejects.toMatchObject({ errorCode: code })
    await expect(failed).rejects.toMatchObject({ requestID: expect.any(String) as string, apiMessage: expect.any(String) as string })
  })

  test('is told that its upstream was silent', async () => {
    const plays = { dialects: [upstream], plays: { faults: [{ fault: 'hang', on: 'turns' as const }] } }
    const on = await stage({ accounts: { a: plays }, times: { first_event: '150ms' } })
    await expect(clientOf(on).messages.stream(asked).finalMessage()).rejects.toBeInstanceOf(GatewayTimeoutError)
  })
})

describe('the official client', () => {
  test('lists the models that it may ask for', async () => {
    const on = await stage({ accounts: { a: { dialects: ['messages'], models: { 'claude-mine': 'claude-opus-5' }, only_mapped: true } } })
    const list = await clientOf(on).models.list()
    expect(list.data.map(({ id, type }) => [id, type])).toEqual([['claude-mine', 'model']])
    expect((await clientOf(on).models.retrieve('claude-mine')).id).toBe('claude-mine')
    await expect(clientOf(on).models.retrieve('nobody')).rejects.toBeInstanceOf(NotFoundError)
  })

  test('may present its key as a token, too', async () => {
    const on = await stage({ accounts: { a: { dialects: ['messages'] } } })
    expect((await clientOf(on, { apiKey: null, authToken: laptopKey }).messages.create(asked)).stop_reason).toBe('end_turn')
  })

  test('says which version of the API it speaks, and the upstream hears it', async () => {
    const on = await stage({ accounts: { a: { dialects: ['messages'] } } })
    await clientOf(on, { defaultHeaders: { 'anthropic-beta': 'context-1m-2025-08-07' } }).messages.create(asked)
    expect(on.sent('a')[0]?.headers).toMatchObject({ 'anthropic-version': '2026-10-21', 'anthropic-beta': 'context-1m-2025-08-07' })
  })

  test('knows our own errors', async () => {
    const on = await stage({
      accounts: { a: { dialects: ['messages'], models: { 'claude-*': 'claude-*' }, only_mapped: true, plays: { models: ['claude-opus-5'] } } },
      rules: [{ tier: 'priority', action: 'block' }],
      bounds: { body: '64KiB' },
    })
    const client = clientOf(on)
    await expect(clientOf(on, { apiKey: 'tk-stranger' }).messages.create(asked)).rejects.toBeInstanceOf(AuthenticationError)
    await expect(client.messages.create({ ...asked, speed: 'fast' })).rejects.toBeInstanceOf(PermissionDeniedError)
    await expect(client.messages.create({ ...asked, model: 'gpt-none' })).rejects.toMatchObject({ status: 404, errorCode: 'model_not_served' })
    await expect(client.messages.create({ ...asked, model: 'claude-none' })).rejects.toBeInstanceOf(NotFoundError)
    await expect(client.messages.create({ ...asked, max_tokens: -1 })).rejects.toBeInstanceOf(BadRequestError)
    await expect(client.messages.create({ ...asked, system: 'x'.repeat(70_000) })).rejects.toBeInstanceOf(ContentTooLargeError)
    await expect(clientOf(on, { baseURL: 'http://127.0.0.1:9' }).messages.create(asked)).rejects.toBeInstanceOf(APIConnectionError)
  })

  test('tries again as it is asked to, and not where that is hopeless', async () => {
    const turns = (on: Stage) => on.log.filter((line) => line.includes('"msg":"turn"')).length
    const failing = (fault: string, more: object) => ({
      accounts: { a: { dialects: ['messages'], plays: { faults: [{ fault, on: 'turns' as const, ...more }] } } },
      failover: { patience: '0s' },
    })
    const soon = await stage(failing('rate', { retryAfterSeconds: 0.3, times: 1 }))
    expect((await clientOf(soon, { maxRetries: 2 }).messages.create(asked)).stop_reason).toBe('end_turn')
    expect(turns(soon)).toBe(2)
    const late = await stage(failing('quota', { resetsInSeconds: 7200 }))
    await expect(clientOf(late, { maxRetries: 2 }).messages.create(asked)).rejects.toBeInstanceOf(RateLimitError)
    expect(turns(late)).toBe(1)
  })
})
