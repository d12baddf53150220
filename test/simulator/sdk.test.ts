import OpenAI, { APIConnectionError, AuthenticationError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator.close())

const client = (apiKey = 'key-a') => new OpenAI({ apiKey, baseURL: simulator.url, maxRetries: 0 })
const tool = { type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: null } as const

describe('the official client', () => {
  it('reads a streamed text', async () => {
    const stream = client().responses.stream({ model: 'gpt-5.5', input: 'hello there' })
    let heard = ''
    stream.on('response.output_text.delta', (event) => (heard += event.delta))
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('Hello from key-a. You asked: hello there')
    expect(heard).toBe(response.output_text)
    expect(response.usage?.total_tokens).toBeGreaterThan(0)
  })

  it('reads reasoning with its summary and its seal, and sends it back', async () => {
    const asked = { model: 'gpt-5.5', reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'], store: false } as const
    const first = await client()
      .responses.stream({ ...asked, include: [...asked.include], input: 'hello' })
      .finalResponse()
    expect(first.output.map((item) => item.type)).toEqual(['reasoning', 'message'])
    const input = [
      { role: 'user' as const, content: 'hello' },
      ...first.output,
      { role: 'user' as const, content: 'and then?' },
    ] as OpenAI.Responses.ResponseInput
    const next = await client().responses.create({ ...asked, include: [...asked.include], input })
    expect(next.output_text).toBe('Hello from key-a. You asked: and then?')
    const foreign = client('key-b').responses.create({ ...asked, include: [...asked.include], input })
    await expect(foreign).rejects.toMatchObject({ status: 400, code: 'invalid_encrypted_content' })
  })

  it('reads a streamed call and answers it', async () => {
    const first = await client()
      .responses.stream({ model: 'gpt-5.5', input: 'call:lookup', tools: [tool], reasoning: { effort: 'low', summary: 'auto' } })
      .finalResponse()
    const call = first.output.find((item) => item.type === 'function_call')
    expect(call).toMatchObject({ name: 'lookup', status: 'completed' })
    const next = await client().responses.create({
      model: 'gpt-5.5',
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: call?.call_id ?? '', output: '42' }],
      tools: [tool],
    })
    expect(next.output_text).toBe('Hello from key-a. The tool said: 42')
  })

  it('reads a streamed call of a custom tool', async () => {
    const response = await client()
      .responses.stream({ model: 'gpt-5.5', input: 'call:note', tools: [{ type: 'custom', name: 'note' }] })
      .finalResponse()
    expect(response.output).toMatchObject([{ type: 'custom_tool_call', name: 'note', input: 'asked: call:note' }])
  })

  it('reads a stream with a giant event and with a terminal that is incomplete', async () => {
    simulator.set('key-g', { faults: [{ fault: 'giant', megabytes: 1 }] })
    const giant = await client('key-g').responses.stream({ model: 'gpt-5.5', input: 'hello' }).finalResponse()
    expect(giant.status).toBe('completed')
    const short = await client().responses.stream({ model: 'gpt-5.5', input: 'hello', max_output_tokens: 2 }).finalResponse()
    expect(short.status).toBe('incomplete')
  })

  it('reads, lists and deletes stored answers', async () => {
    const { id } = await client().responses.create({ model: 'gpt-5.5', input: 'hello' })
    expect((await client().responses.retrieve(id)).output_text).toContain('hello')
    expect((await client().responses.inputItems.list(id)).data).toHaveLength(1)
    await client().responses.delete(id)
    await expect(client().responses.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
  })

  it('lists models', async () => {
    expect((await client().models.list()).data.length).toBeGreaterThan(0)
  })

  it('meets its error classes', async () => {
    const cases = [
      ['quota', RateLimitError],
      ['credential', AuthenticationError],
      ['forbidden', PermissionDeniedError],
      ['server', InternalServerError],
      ['hang-up', APIConnectionError],
    ] as const
    for (const [fault, type] of cases) {
      simulator.set(`key-${fault}`, { faults: [{ fault: fault === 'hang-up' ? 'reset' : fault }] })
      await expect(client(`key-${fault}`).responses.create({ model: 'gpt-5.5', input: 'hello' })).rejects.toBeInstanceOf(type)
    }
  })
})
