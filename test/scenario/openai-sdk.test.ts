import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import OpenAI, {
  APIConnectionError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Exchange } from '../support/client.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { gatewayOfThisFile, laptopKey, type Stage } from '../support/gateway.ts'

const asked = { model: 'gpt-5.5', input: 'hello there' } as const
const tool = { type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: null } as const

describe('the official client, against the gateway as it starts in an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'turnout first start '))
  let gateway: GatewayProcess
  let client: OpenAI
  let url = ''
  let key = ''
  beforeAll(async () => {
    gateway = new GatewayProcess(folder)
    url = await gateway.says(/Turnout listens on (\S+)/)
    key = await gateway.says(/curl .*authorization: Bearer (\S+)"/)
    client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 })
  })
  afterAll(async () => {
    expect(await gateway.terminate()).toBe(0)
    rmSync(folder, { recursive: true, force: true })
  })

  test('reads a streamed answer, from the account that is not out of quota', async () => {
    const stream = client.responses.stream(asked)
    let heard = ''
    stream.on('response.output_text.delta', (event) => (heard += event.delta))
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('Hello from trial-second. You asked: hello there')
    expect(heard).toBe(response.output_text)
    expect(response.usage?.total_tokens).toBeGreaterThan(0)
  })

  test('reads an answer that is not streamed', async () => {
    const { data, response } = await client.responses.create(asked).withResponse()
    expect(data.output_text).toBe('Hello from trial-second. You asked: hello there')
    expect(response.headers.get('x-turnout-turn')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('has a tool called, and goes on from the answer by its id', async () => {
    const first = await client.responses.stream({ ...asked, input: 'call:lookup', tools: [tool] }).finalResponse()
    const call = first.output.find((item) => item.type === 'function_call')
    expect(call).toMatchObject({ name: 'lookup', status: 'completed' })
    const output = { type: 'function_call_output', call_id: call?.call_id ?? '', output: '42' } as const
    const next = await client.responses.create({ model: 'gpt-5.5', previous_response_id: first.id, input: [output], tools: [tool] })
    expect(next.output_text).toBe('Hello from trial-second. The tool said: 42')
  })

  test('sends reasoning back that was sealed', async () => {
    const sealed = { ...asked, reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'], store: false } as const
    const first = await client.responses.create({ ...sealed, include: [...sealed.include] })
    const input = [
      { role: 'user' as const, content: 'hello' },
      ...first.output,
      { role: 'user' as const, content: 'and then?' },
    ] as OpenAI.Responses.ResponseInput
    expect((await client.responses.create({ ...sealed, include: [...sealed.include], input })).output_text).toContain('and then?')
  })

  test('retrieves, lists and deletes stored answers, and lists models', async () => {
    const { id } = await client.responses.create(asked)
    expect((await client.responses.retrieve(id)).output_text).toContain('hello there')
    expect((await client.responses.inputItems.list(id)).data).toHaveLength(1)
    await client.responses.delete(id)
    await expect(client.responses.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
    expect((await client.models.list()).data.map((model) => model.owned_by)).toContain('turnout')
  })

  test('aborts a stream, and the next question is answered', async () => {
    const stream = await client.responses.create({ ...asked, stream: true })
    for await (const event of stream) if (event.type === 'response.created') stream.controller.abort()
    const early = new AbortController()
    const aborted = client.responses.create(asked, { signal: early.signal })
    early.abort()
    await expect(aborted).rejects.toBeInstanceOf(APIUserAbortError)
    expect((await client.responses.create(asked)).status).toBe('completed')
  })

  test('knows its errors', async () => {
    const stranger = new OpenAI({ apiKey: 'tk-stranger', baseURL: `${url}/v1`, maxRetries: 0 })
    await expect(stranger.responses.create(asked)).rejects.toBeInstanceOf(AuthenticationError)
    const wrong = client.responses.create({ ...asked, background: true })
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError)
    await expect(wrong).rejects.toMatchObject({ code: 'background_not_supported', param: 'background', type: 'invalid_request_error' })
    const upstreams = client.responses.create({ ...asked, input: [{ type: 'function_call_output', call_id: 'none', output: '' }] })
    await expect(upstreams).rejects.toBeInstanceOf(BadRequestError)
    await expect(client.responses.retrieve('resp_none')).rejects.toMatchObject({ status: 404, code: 'response_not_found' })
    await expect(client.audio.speech.create({ model: 'tts-1', input: 'a train', voice: 'alloy' })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('takes a body that is compressed with zstd, as Codex sends it', async () => {
    const body = zstdCompressSync(JSON.stringify({ ...asked, stream: true }))
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-encoding': 'zstd' }
    const answer = await new Exchange(`${url}/v1/responses`, { method: 'POST', headers, body }).whole()
    expect(answer.events.at(-1)).toMatchObject({ type: 'response.completed' })
  })
})

describe('the official client, when accounts fail', () => {
  const stage = gatewayOfThisFile()
  const clientOf = (on: Stage, maxRetries = 0) => new OpenAI({ apiKey: laptopKey, baseURL: `${on.gateway.url}/v1`, maxRetries })
  const asks = (on: Stage) => on.log.filter((line) => line.includes('"msg":"turn"')).length
  const failing = (fault: string, more: object = {}) => ({
    accounts: { a: { plays: { faults: [{ fault, ...more }] } }, b: { plays: { faults: [{ fault, ...more }] } } },
    failover: { patience: '0s' },
  })

  test.each([
    ['credential', InternalServerError, 503],
    ['server', InternalServerError, 500],
    ['rate', RateLimitError, 429],
    ['html-404', InternalServerError, 502],
  ])('%s is the error that it should be', async (fault, type, status) => {
    const on = await stage(failing(fault))
    const failed = clientOf(on).responses.create(asked)
    await expect(failed).rejects.toBeInstanceOf(type)
    await expect(failed).rejects.toMatchObject({ status })
  })

  test('a policy is a PermissionDeniedError', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'any', action: 'block' }] })
    await expect(clientOf(on, 2).responses.create({ ...asked, service_tier: 'flex' })).rejects.toBeInstanceOf(PermissionDeniedError)
    expect(asks(on)).toBe(1)
  })

  test('waits as long as it is asked to, and is answered', async () => {
    const on = await stage(failing('rate', { retryAfterSeconds: 0.3, times: 1 }))
    const startedAtMs = Date.now()
    expect((await clientOf(on, 2).responses.create(asked)).status).toBe('completed')
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(290)
    expect(asks(on)).toBe(2)
  })

  test('does not try again what is hopeless', async () => {
    const on = await stage(failing('quota', { resetsInSeconds: 7200 }))
    await expect(clientOf(on, 2).responses.create(asked)).rejects.toMatchObject({
      status: 429,
      code: 'no_account_ready',
      message: expect.stringMatching(/ready again at 20/) as string,
    })
    expect(asks(on)).toBe(1)
  })

  test('a stream that breaks off throws, and never looks complete', async () => {
    const on = await stage(failing('cut'))
    const stream = await clientOf(on).responses.create({ ...asked, stream: true })
    const types: string[] = []
    const read = async () => {
      for await (const event of stream) types.push(event.type)
    }
    await read().catch((error: unknown) => expect(error).toBeInstanceOf(Error))
    expect(types).not.toContain('response.completed')
    expect(types.at(-1)).toBe('response.failed')
  })

  test('a gateway that is not there is a connection error', async () => {
    const away = new OpenAI({ apiKey: laptopKey, baseURL: 'http://127.0.0.1:9/v1', maxRetries: 0 })
    await expect(away.responses.create(asked)).rejects.toBeInstanceOf(APIConnectionError)
  })
})

describe.each([
  ['natively', 'chat'],
  ['over Responses', 'responses'],
  ['over Messages', 'messages'],
])('the official client on Chat Completions, %s', (_title, upstream) => {
  const stage = gatewayOfThisFile()
  const question = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello there' }] } satisfies OpenAI.ChatCompletionCreateParams
  const lookup = { type: 'function', function: { name: 'lookup', parameters: { type: 'object', properties: {} } } } as const
  const begun = async (plays: object = {}) => {
    const on = await stage({ accounts: { a: { dialects: [upstream], plays: { label: 'it', ...plays } } } })
    return { on, client: new OpenAI({ apiKey: laptopKey, baseURL: `${on.gateway.url}/v1`, maxRetries: 0 }) }
  }

  test('reads a whole answer', async () => {
    const { client } = await begun()
    const { data, response } = await client.chat.completions.create(question).withResponse()
    expect(data.choices).toMatchObject([{ finish_reason: 'stop', message: { content: 'Hello from it. You asked: hello there' } }])
    expect(data.usage?.total_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-turnout-turn')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('reads a stream as it grows, its final answer, and the usage where it asks for it', async () => {
    const { client } = await begun()
    const stream = client.chat.completions.stream({ ...question, stream_options: { include_usage: true } })
    let heard = ''
    stream.on('content', (text) => (heard += text))
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe('Hello from it. You asked: hello there')
    expect(heard).toBe('Hello from it. You asked: hello there')
    expect((await stream.totalUsage()).total_tokens).toBeGreaterThan(0)
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) chunks.push(chunk)
    expect(chunks.filter((chunk) => chunk.choices.length === 0 || (chunk.usage ?? null) !== null)).toEqual([])
  })

  test('has tools called, streamed and whole, and goes on from what they gave', async () => {
    const { client } = await begun()
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'call:lookup({"q":1})' }]
    const whole = await client.chat.completions.create({ ...question, messages, tools: [lookup] })
    const streamed = await client.chat.completions.stream({ ...question, messages, tools: [lookup] }).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      const [choice] = choices
      expect(choice).toMatchObject({
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ type: 'function', function: { name: 'lookup', arguments: '{"q":1}' } }] },
      })
      const [call] = choice?.message.tool_calls ?? []
      const told = await client.chat.completions.create({
        ...question,
        messages: [...messages, ...(choice === undefined ? [] : [choice.message]), { role: 'tool', tool_call_id: call?.id ?? '', content: '42' }],
        tools: [lookup],
      })
      expect(told.choices[0]?.message.content).toBe('Hello from it. The tool said: 42')
    }
  })

  test('throws where a stream breaks off, or tells of an error', async () => {
    for (const fault of [{ fault: 'cut' }, { fault: 'error-event', before: 'end', code: 'server_error' }]) {
      const { client } = await begun({ faults: [{ on: 'turns', ...fault }] })
      await expect(client.chat.completions.stream(question).finalChatCompletion()).rejects.toBeInstanceOf(Error)
    }
  })

  test('knows its errors', async () => {
    const { on, client } = await begun({ models: ['gpt-5.5'] })
    await expect(client.chat.completions.create({ ...question, model: 'gpt-none' })).rejects.toBeInstanceOf(NotFoundError)
    on.play('a', { faults: [{ fault: 'credential' }] })
    await expect(client.chat.completions.create(question)).rejects.toMatchObject({ status: 503, code: 'upstream_credential' })
  })
})
