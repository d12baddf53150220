import { describe, expect, it } from 'vitest'
import { put } from '../dialects.ts'
import { makeOf, sentIn } from '../made.ts'
import { errorOf, jsonOf, remembering, within, type Fields } from '../support.ts'

const user = (content: unknown) => ({ role: 'user', content })
const assistant = (...content: readonly object[]) => ({ role: 'assistant', content })
const text = (words: string) => ({ type: 'text', text: words })
const use = (id: string) => ({ type: 'tool_use', id, name: 'lookup', input: {} })
const result = (id: string, content: unknown = '42') => ({ type: 'tool_result', tool_use_id: id, content })
const lookup = { name: 'lookup', input_schema: { type: 'object' } }
const hello = { model: 'claude-opus-4-8', max_tokens: 100, messages: [user('hello there')] }
const ask = (body: object, headers: object = {}, memory = remembering()) => put(memory, 'messages', body, { headers })
const eventsOf = (body: object, behaviour = {}) => sentIn(ask({ ...body, stream: true }, {}, remembering({ behaviour: { deltas: 2, ...behaviour } })))
const usageOf = (body: object, memory = remembering()) => jsonOf(ask(body, {}, memory))['usage'] as Fields

describe('a stream of Messages', () => {
  it('is the events of a text in their order, each under its name', () => {
    const all = eventsOf(hello)
    expect(all.map(({ event }) => event)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(all.map(({ data }) => data?.['type'])).toEqual(all.map(({ event }) => event))
    expect(all[0]?.data?.['message']).toMatchObject({ type: 'message', role: 'assistant', model: hello.model, content: [], stop_reason: null })
    expect(all.slice(2, 6).map(({ data }) => data)).toEqual([
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello from key-a. Yo' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'u asked: hello there' } },
      { type: 'content_block_stop', index: 0 },
    ])
    expect(all[6]?.data).toMatchObject({ delta: { stop_reason: 'end_turn', stop_sequence: null } })
  })

  it('tells its usage at the beginning, and as it has grown at the end', () => {
    const all = eventsOf(hello)
    const began = within(all[0]?.data, 'message', 'usage')
    expect(began).toMatchObject({ input_tokens: 3, cache_read_input_tokens: 0, output_tokens: 1, service_tier: 'standard', speed: 'standard' })
    const ended = all[6]?.data?.['usage'] as Fields
    expect(ended).toMatchObject({ input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 10 })
    expect(Object.keys(ended)).not.toContain('speed')
  })

  it('thinks aloud, signs what it thought, and then calls', () => {
    const all = eventsOf({ ...hello, thinking: { type: 'adaptive' }, tools: [lookup], messages: [user('call:lookup({"q":1})')] })
    const deltas = all.filter(({ event }) => event === 'content_block_delta').map(({ data }) => [data?.['index'], within(data, 'delta', 'type')])
    expect(deltas).toEqual([
      [0, 'thinking_delta'],
      [0, 'thinking_delta'],
      [0, 'signature_delta'],
      [1, 'input_json_delta'],
      [1, 'input_json_delta'],
      [1, 'input_json_delta'],
    ])
    expect(all.find(({ data }) => data?.['index'] === 1)?.data?.['content_block']).toMatchObject({
      type: 'tool_use',
      id: expect.stringMatching(/^toolu_/) as unknown,
      name: 'lookup',
      input: {},
    })
    expect(all.at(-2)?.data).toMatchObject({ delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 26, output_tokens_details: { thinking_tokens: 16 } } })
  })
})

describe('a whole answer of Messages', () => {
  it('is one message', () => {
    expect(jsonOf(ask(hello))).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [text('Hello from key-a. You asked: hello there')],
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, output_tokens: 10, cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 } },
    })
  })

  it('keeps its thoughts to itself where it is told to, and signs them all the same', () => {
    const content = jsonOf(ask({ ...hello, thinking: { type: 'adaptive', display: 'omitted' } }))['content']
    expect(content).toMatchObject([{ type: 'thinking', thinking: '', signature: expect.stringMatching(/.{50}/) as unknown }, { type: 'text' }])
    expect(jsonOf(ask({ ...hello, thinking: { type: 'disabled' } }))['content']).toMatchObject([{ type: 'text' }])
  })

  it('says nothing where it may say nothing, and warms the cache', () => {
    expect(jsonOf(ask({ ...hello, max_tokens: 0 }))).toMatchObject({ content: [], stop_reason: 'max_tokens' })
  })

  it('is as fast as it was asked to be, but for a model that cannot', () => {
    expect(usageOf({ ...hello, speed: 'fast' })).toMatchObject({ speed: 'fast', service_tier: 'standard' })
    expect(usageOf({ ...hello, speed: 'standard' })).toMatchObject({ speed: 'standard' })
    expect(usageOf({ ...hello, speed: 'fast', model: 'claude-opus-4-6' })).toMatchObject({ speed: 'standard' })
    expect(usageOf(hello, remembering({ behaviour: { tier: 'priority' } }))).toMatchObject({ service_tier: 'priority' })
    expect(usageOf({ ...hello, service_tier: 'standard_only' }, remembering({ behaviour: { tier: 'echo' } }))).toMatchObject({ service_tier: 'standard' })
  })

  it('is written into the cache for as long as it is marked, and read from it without being counted twice', () => {
    const memory = remembering()
    const long = {
      ...hello,
      system: [{ ...text('A long story that is told to every model that wants to hear it.'), cache_control: { type: 'ephemeral', ttl: '1h' } }],
    }
    const [first, second] = [usageOf(long, memory), usageOf(long, memory)]
    const all = Number(first?.['input_tokens']) + Number(first?.['cache_creation_input_tokens'])
    expect(first).toMatchObject({
      input_tokens: 8,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: all - 8 },
    })
    expect(second).toMatchObject({ input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: all })
    expect(
      usageOf(
        { ...hello, messages: [user([{ ...text('A long story that is told to no other model at all.'), cache_control: { type: 'ephemeral' } }])] },
        memory,
      ),
    ).toMatchObject({
      cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 0 },
    })
  })
})

describe('a thought', () => {
  const thinking = { ...hello, thinking: { type: 'adaptive' }, tools: [lookup], messages: [user('call:lookup')] }
  const again = (content: readonly Fields[], key = 'key-a') => {
    const [call] = content.filter((block) => block['type'] === 'tool_use')
    const messages = [...thinking.messages, assistant(...content), user([result(String(call?.['id']))])]
    return put(remembering(), 'messages', { ...thinking, messages }, { key })
  }
  const thought = () => jsonOf(ask(thinking))['content'] as readonly Fields[]

  it('comes back to the key that it was given to, unchanged', () => {
    expect(makeOf('messages', again(thought())).text).toBe('Hello from key-a. The tool said: 42')
  })

  it('is known to its key in another simulator, as accounts outlive a process', () => {
    const content = jsonOf(ask(thinking, {}, remembering({ dice: () => 0.1 })))['content'] as readonly Fields[]
    expect(again(content).head?.status).toBe(200)
  })

  it('is taken by every key, whoever it was given to', () => {
    expect(makeOf('messages', again(thought(), 'key-b')).text).toBe('Hello from key-b. The tool said: 42')
  })

  const foreign: readonly (readonly [title: string, change: (content: readonly Fields[]) => readonly Fields[]])[] = [
    ['that was changed', ([first, ...rest]) => [{ ...first, thinking: 'something else' }, ...rest]],
    ['with a signature that nobody gave', ([first, ...rest]) => [{ ...first, signature: 'EuYBCkQYBiJA' }, ...rest]],
    ['without a signature', ([first, ...rest]) => [{ type: 'thinking', thinking: first?.['thinking'] }, ...rest]],
    ['that is sealed by nobody', ([, ...rest]) => [{ type: 'redacted_thinking', data: 'gAAAAA' }, ...rest]],
  ]
  it.each(foreign)('%s is refused', (_, change) => {
    const answer = again(change(thought()))
    expect(answer.head?.status).toBe(400)
    expect(errorOf(answer)).toEqual({ type: 'invalid_request_error', message: 'messages.1.content.0: Invalid `signature` in `thinking` block' })
  })

  it('is not what the Responses API seals', () => {
    const sealing = { model: 'gpt-5.5', input: 'hello', reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'] }
    const [item] = jsonOf(put(remembering(), 'responses', sealing))['output'] as readonly Fields[]
    expect(again([{ type: 'thinking', thinking: '', signature: item?.['encrypted_content'] }, use('toolu_1')]).head?.status).toBe(400)
    const input = [
      { ...item, encrypted_content: thought()[0]?.['signature'] },
      { role: 'user', content: 'go on' },
    ]
    expect(put(remembering(), 'responses', { ...sealing, input }).head?.status).toBe(400)
  })

  it('is an item of the dialogue', () => {
    expect(again(thought()).dialogue?.items).toMatchObject([
      { role: 'user' },
      { type: 'reasoning' },
      { type: 'function_call' },
      { type: 'function_call_output' },
    ])
  })
})
