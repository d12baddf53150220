import OpenAI, { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../../src/simulator/server.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator.close())

const client = (apiKey = 'key-a') => new OpenAI({ apiKey, baseURL: simulator.url, maxRetries: 0 })
const hello = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello there' }] } as const
const asked = { ...hello, messages: [...hello.messages] }
const lookup = { type: 'function', function: { name: 'lookup', parameters: { type: 'object', properties: {} } } } as const

describe('the official client of Chat Completions', () => {
  it('reads a streamed text and its usage', async () => {
    const stream = client().chat.completions.stream({ ...asked, stream_options: { include_usage: true } })
    let heard = ''
    stream.on('content', (delta) => (heard += delta))
    const completion = await stream.finalChatCompletion()
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello from key-a. You asked: hello there' } })
    expect(heard).toBe('Hello from key-a. You asked: hello there')
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 10, total_tokens: 13 })
  })

  it('reads a streamed call and answers it', async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'call:lookup({"q":1})' }]
    const first = await client()
      .chat.completions.stream({ ...asked, messages, tools: [lookup] })
      .finalChatCompletion()
    const said = first.choices[0]?.message
    const [call] = said?.tool_calls ?? []
    expect(call).toMatchObject({ type: 'function', function: { name: 'lookup', arguments: '{"q":1}' } })
    messages.push(said as OpenAI.ChatCompletionMessageParam, { role: 'tool', tool_call_id: call?.id ?? '', content: '42' })
    const next = await client().chat.completions.create({ ...asked, messages, tools: [lookup] })
    expect(next.choices[0]?.message.content).toBe('Hello from key-a. The tool said: 42')
  })

  it('reads a stream with a giant chunk, and one that stops short', async () => {
    simulator.set('key-g', { faults: [{ fault: 'giant', megabytes: 1 }] })
    const giant = await client('key-g').chat.completions.stream(asked).finalChatCompletion()
    expect(giant.choices[0]?.finish_reason).toBe('stop')
    const short = await client().chat.completions.create({ ...asked, max_completion_tokens: 2 })
    expect(short.choices[0]?.finish_reason).toBe('length')
  })

  it('throws what a stream tells of its failure', async () => {
    simulator.set('key-f', { faults: [{ fault: 'failed', before: 'end' }] })
    const stream = await client('key-f').chat.completions.create({ ...asked, stream: true })
    let heard = ''
    const read = async () => {
      for await (const chunk of stream) heard += chunk.choices[0]?.delta.content ?? ''
    }
    const failure = await read().then(
      () => null,
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(APIError)
    expect(failure).toMatchObject({ code: 'server_is_overloaded' })
    expect(heard).toBe('Hello from key-a. You asked: hello there'.replace('key-a', 'key-f'))
  })

  it('asks for vectors in base64, and decodes them', async () => {
    const { data, usage } = await client().embeddings.create({ model: 'text-embedding-3-small', input: ['hello there'], dimensions: 4 })
    expect(data[0]?.embedding).toHaveLength(4)
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1)
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
  })

  it('meets its error classes', async () => {
    const cases = [
      ['quota', RateLimitError],
      ['credential', AuthenticationError],
      ['forbidden', PermissionDeniedError],
      ['model', NotFoundError],
      ['overload', InternalServerError],
    ] as const
    for (const [fault, type] of cases) {
      simulator.set(`key-${fault}`, { faults: [{ fault }] })
      await expect(client(`key-${fault}`).chat.completions.create(asked)).rejects.toBeInstanceOf(type)
    }
    const tools = client().chat.completions.create({ ...asked, model: 'gpt-6-sol', tools: [lookup] })
    await expect(tools).rejects.toBeInstanceOf(BadRequestError)
    await expect(tools).rejects.toMatchObject({ param: 'tools', code: 'unsupported_parameter' })
  })
})
