import { describe, expect, it } from 'vitest'
import type { Memory } from '../../src/simulator/memory.ts'
import { bodyIn, names, put, say, type Asks, type Called, type Name } from './dialects.ts'
import { makeOf, sentIn, type Made } from './made.ts'
import { endOf, jsonOf, remembering, textOf } from './support.ts'

/** What each dialect makes of the same question, put to a simulator of its own. */
const everywhere = (asks: Asks, options: Parameters<typeof remembering>[0] = {}) => names.map((name) => makeOf(name, say(remembering(options), name, asks)))
const counting = { behaviour: { count: 'words' } } as const

/** Of each answer the same, but for the names of its calls. */
const told = ({ text, calls, ending, usage }: Made) => ({ text, calls: calls.map(({ name, says }) => ({ name, says })), ending, usage })

describe('one question, in every dialect and in both forms,', () => {
  const cases: readonly (readonly [title: string, asks: Asks, text: string, ending: string])[] = [
    ['has one answer', {}, 'Hello from key-a. You asked: hello there', 'done'],
    ['has one answer under a system', { system: 'Be kind.' }, 'Hello from key-a. You asked: hello there', 'done'],
    ['has one answer after thoughts', { reasons: true }, 'Hello from key-a. You asked: hello there', 'done'],
    ['stops short where its tokens are few', { limit: 3 }, 'Hello from k', 'limit'],
    ['is answered by a call where it names a tool', { says: 'call:lookup({"q":1}) please', tools: ['lookup'] }, '', 'done'],
    ['is answered by many calls where it names many tools', { says: 'call:look and call:find', tools: ['find', 'look'] }, '', 'done'],
    ['is answered by a call where it demands one', { tools: ['lookup'], demands: 'required' }, '', 'done'],
    ['is answered by the call that it demands', { tools: ['look', 'find'], demands: { name: 'find' } }, '', 'done'],
    ['is answered by a text where it forbids calls', { says: 'call:look', tools: ['look'], demands: 'none' }, 'Hello from key-a. You asked: call:look', 'done'],
  ]
  it.each(cases)('%s', (_, asks, text, ending) => {
    const answers = [false, true].flatMap((stream) => everywhere({ ...asks, stream }, counting))
    const [first] = answers.map(told)
    expect(first).toMatchObject({ text, ending })
    expect(first?.calls.length).toBe(text === '' ? (asks.tools?.length === 2 && typeof asks.demands !== 'object' ? 2 : 1) : 0)
    for (const answer of answers) expect(told(answer)).toEqual(first)
    expect(answers.flatMap(({ error }) => error ?? [])).toEqual([])
  })

  it('has the arguments that it names', () => {
    for (const { calls } of everywhere({ says: 'call:lookup({"q":1})', tools: ['lookup'], stream: true }))
      expect(calls[0]).toMatchObject({ name: 'lookup', says: '{"q":1}' })
  })

  it('goes on with the output of its call', () => {
    for (const name of names) {
      const memory = remembering(counting)
      const asks = { says: 'call:lookup({"q":1})', tools: ['lookup'] }
      const [call] = makeOf(name, say(memory, name, asks)).calls
      const next = makeOf(name, say(memory, name, asks, { ...(call as Omit<Called, 'output'>), output: '42' }))
      expect([name, next.text]).toEqual([name, 'Hello from key-a. The tool said: 42'])
      expect(next.usage).toEqual({ input: 9, cached: 0, written: 0, output: 9, reasoned: 0 })
    }
  })

  it('is one dialogue to the model', () => {
    const called = { id: 'call_1', name: 'lookup', says: '{"q":1}', output: '42' }
    const dialogues = names.map((name) => say(remembering(), name, { system: 'Be kind.', says: 'hello' }, called).dialogue)
    for (const dialogue of dialogues) {
      expect(dialogue?.items).toMatchObject([
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'hello' },
        { type: 'function_call', call_id: 'call_1', name: 'lookup', arguments: '{"q":1}' },
        { type: 'function_call_output', call_id: 'call_1', output: '42' },
      ])
    }
  })

  it('is counted by its words, however they are divided', () => {
    const memory = remembering(counting)
    const parts = [
      { type: 'text', text: 'hello' },
      { type: 'text', text: 'there' },
    ]
    const divided = { ...bodyIn('chat', {}), messages: [{ role: 'user', content: parts }] }
    const asked = [put(memory, 'chat', divided), put(memory, 'messages', { ...bodyIn('messages', {}), messages: [{ role: 'user', content: parts }] })]
    expect([makeOf('chat', asked[0] as never).usage?.input, makeOf('messages', asked[1] as never).usage?.input]).toEqual([3, 3])
  })

  it('is counted with its instructions and with all that it continues', () => {
    const memory = remembering(counting)
    const first = jsonOf(put(memory, 'responses', { model: 'gpt-5.5', input: 'hello there', instructions: 'Be kind.' }))
    expect(first['usage']).toMatchObject({ input_tokens: 5 })
    const next = jsonOf(put(memory, 'responses', { model: 'gpt-5.5', input: 'and?', previous_response_id: first['id'] }))
    const again = [
      { role: 'user', content: 'hello there' },
      { role: 'assistant', content: 'Hello from key-a. You asked: hello there' },
      { role: 'user', content: 'and?' },
    ]
    const chat = makeOf('chat', put(memory, 'chat', { model: 'gpt-5.5', messages: again }))
    expect(next['usage']).toMatchObject({ input_tokens: chat.usage?.input })
  })

  it('is counted by its bytes on the Responses API, unless told otherwise', () => {
    const [bytes, ...words] = everywhere({}).map((made) => made.usage?.input)
    expect([bytes, words]).toEqual([Math.ceil(JSON.stringify(bodyIn('responses', {})).length / 4), [3, 3]])
  })

  it('has the usage that was fixed, in the words of its dialect', () => {
    const usage = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 5 },
      total_tokens: 120,
    }
    for (const stream of [false, true]) {
      for (const made of everywhere({ stream }, { behaviour: { usage } }))
        expect(made.usage).toEqual({ input: 100, cached: 60, written: 30, output: 20, reasoned: 5 })
    }
    expect(jsonOf(say(remembering({ behaviour: { usage } }), 'messages'))['usage']).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 60,
      cache_creation_input_tokens: 30,
    })
  })
})

describe('what is warm', () => {
  const cached: Readonly<Record<Name, object>> = {
    responses: { prompt_cache_key: 'thread' },
    chat: { prompt_cache_key: 'thread' },
    messages: { cache_control: { type: 'ephemeral' } },
  }

  it.each(names)('is told by %s as read from the cache, and at first as written into it', (name) => {
    const memory = remembering(counting)
    const asks = { says: 'a question that is long enough to be worth keeping' }
    const ask = (key = 'key-a') => makeOf(name, put(memory, name, { ...bodyIn(name, asks), ...cached[name] }, { key })).usage
    const input = ask()?.input
    expect(ask()).toMatchObject({ input, cached: input, written: 0 })
    expect(ask('key-b')).toMatchObject({ input, cached: 0, written: Number(input) - 8 })
    expect(makeOf(name, say(memory, name, asks)).usage).toMatchObject({ input, cached: 0, written: 0 })
  })
})

describe('every route', () => {
  const routes: readonly (readonly [name: Name, path: string, body: (asks: Asks) => unknown])[] = [
    ['responses', '/v1/responses', (asks) => bodyIn('responses', asks)],
    ['chat', '/v1/chat/completions', (asks) => bodyIn('chat', asks)],
    ['chat', '/v1/embeddings', () => ({ model: 'gpt-5.5', input: 'hello' })],
    ['chat', '/v1/moderations', () => ({ model: 'gpt-5.5', input: 'hello' })],
    ['chat', '/v1/images/generations', () => ({ model: 'gpt-5.5', prompt: 'hello' })],
    ['messages', '/v1/messages', (asks) => bodyIn('messages', asks)],
    ['messages', '/v1/messages/count_tokens', () => ({ model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello' }] })],
  ]

  it.each(routes)('of %s at %s is found with and without /v1, with a query and without', (name, path, body) => {
    for (const one of [path, `${path}?beta=true`, path.replace('/v1', '')]) expect(put(remembering(), name, body({}), { path: one }).head?.status).toBe(200)
  })

  it.each(routes)('of %s at %s takes a key in either header, and none but a good one', (name, path, body) => {
    const memory: Memory = remembering({ keys: { 'key-a': {} }, unknownKeys: 'refuse' })
    const ask = (headers: object) => put(memory, name, body({}), { path, headers }).head?.status
    expect([ask({}), ask({ 'x-api-key': '', authorization: 'Bearer key-a' })]).toEqual([200, 200])
    expect([ask({ 'x-api-key': '' }), ask({ 'x-api-key': 'key-x' }), ask({ authorization: 'Bearer key-x' })]).toEqual([401, 401, 401])
  })

  it.each(routes)('of %s at %s serves the models of its key', (name, path, body) => {
    const memory = remembering({ behaviour: { models: ['gpt-other'] } })
    expect(put(memory, name, body({}), { path }).head?.status).toBe(404)
  })

  it.each(routes)('of %s at %s says what is wrong in its own words', (name, path) => {
    const wrong = put(remembering(), name, '{', { path })
    expect([wrong.head?.status, endOf(wrong)]).toEqual([400, 'end'])
    expect(jsonOf(wrong)).toMatchObject(name === 'messages' ? { type: 'error', error: { type: 'invalid_request_error' } } : { error: { param: null } })
  })
})

describe('an answer', () => {
  it('carries ids as its dialect makes them, and no other answer has', () => {
    const memory = remembering()
    const begins = { responses: /^resp_/, chat: /^chatcmpl-/, messages: /^msg_/ }
    for (const name of names) {
      const ids = [say(memory, name), say(memory, name)].map((one) => String(jsonOf(one)['id']))
      expect(ids[0]).toMatch(begins[name])
      expect(new Set(ids).size).toBe(2)
    }
  })

  it.each(names)('of %s names a snapshot where it is told to', (name) => {
    expect(jsonOf(say(remembering({ behaviour: { snapshot: '-2026-11-01' } }), name))['model']).toBe('gpt-5.5-2026-11-01')
  })

  it.each(names)('of %s keeps its pace between deltas and nowhere else', (name) => {
    const { steps } = say(remembering({ behaviour: { paceMs: 20, deltas: 3 } }), name, { stream: true })
    expect(steps.map((step) => (step.kind === 'send' ? step.waitMs : step.kind))).toEqual([0, 20, 20, 20, 'end'])
    expect(say(remembering(), name, { stream: true }).steps.map((step) => step.kind)).toEqual(['send', 'end'])
  })

  it.each(names)('of %s has as many deltas of one size as it is told', (name) => {
    const made = makeOf(name, say(remembering({ behaviour: { deltas: 20, deltaBytes: 50 } }), name, { stream: true, limit: 5000 }))
    expect(made.text).toHaveLength(1000)
    expect(sentIn(say(remembering({ behaviour: { deltas: 20 } }), name, { stream: true })).length).toBeGreaterThan(20)
  })

  it.each(names)('of %s does not have what this upstream does not support', (name) => {
    const refusal = put(remembering({ behaviour: { unsupported: ['metadata'] } }), name, { ...bodyIn(name, {}), metadata: {} })
    expect([refusal.head?.status, textOf(refusal)]).toEqual([400, expect.stringContaining('metadata')])
  })

  it.each(names)('of %s is given whatever its question has that nobody knows', (name) => {
    expect(put(remembering(), name, { ...bodyIn(name, {}), nobody_knows: 1 }).head?.status).toBe(200)
  })
})
