import { describe, expect, it } from 'vitest'
import { ask, endOf, errorOf, eventsIn, hello, helloStream, jsonOf, remembering, textOf, turn, typesIn, type Fields } from './support.ts'

const sealing = { ...hello, reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'] }
const lookup = { type: 'function', name: 'lookup', parameters: {}, strict: null }
const outputOf = (answer: Fields) => answer['output'] as readonly Fields[]
const user = (text: string) => ({ role: 'user', content: text })

describe('an answer of the simulator', () => {
  it('comes as the events of a text in their order, numbered from nought', () => {
    const events = eventsIn(textOf(turn(remembering({ keys: { 'key-a': { deltas: 2 } } }), helloStream)))
    expect(events.map((event) => event['type'])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, at) => at))
  })

  it('says in its terminal event what its deltas said', () => {
    const events = eventsIn(textOf(turn(remembering(), helloStream)))
    const text = events.map((event) => (event['type'] === 'response.output_text.delta' ? String(event['delta']) : '')).join('')
    const response = events.at(-1)?.['response'] as Fields
    expect(text).toBe('Hello from key-a. You asked: hello there')
    expect(outputOf(response)).toMatchObject([{ type: 'message', status: 'completed', content: [{ type: 'output_text', text }] }])
    expect(response).toMatchObject({ object: 'response', status: 'completed', model: 'gpt-5.5', service_tier: 'default' })
  })

  it('is cut between characters, never through one', () => {
    const memory = remembering({ behaviour: { text: 'ab😀c😀', deltas: 3 } })
    const deltas = eventsIn(textOf(turn(memory, helloStream))).flatMap((event) => (event['type'] === 'response.output_text.delta' ? [event['delta']] : []))
    expect(deltas).toEqual(['ab😀', 'c😀'])
  })

  it('has as many deltas of one size as it is told', () => {
    const memory = remembering({ behaviour: { deltas: 20, deltaBytes: 50 } })
    const deltas = eventsIn(textOf(turn(memory, helloStream))).flatMap((event) =>
      event['type'] === 'response.output_text.delta' ? [String(event['delta'])] : [],
    )
    expect(deltas.map((delta) => delta.length)).toEqual(Array.from({ length: 20 }, () => 50))
  })

  it('is one object of the size it is told when it is not streamed', () => {
    const answer = jsonOf(turn(remembering({ behaviour: { answerBytes: 1000 } }), hello))
    expect(outputOf(answer)).toMatchObject([{ content: [{ text: expect.stringMatching(/^.{1000}$/) as unknown }] }])
  })

  it('is incomplete when its tokens are few', () => {
    const answer = jsonOf(turn(remembering(), { ...hello, max_output_tokens: 1 }))
    expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    expect(typesIn(textOf(turn(remembering(), { ...helloStream, max_output_tokens: 1 }))).at(-1)).toBe('response.incomplete')
  })

  it('pads its deltas unless the request says not to', () => {
    const padded = (body: unknown) => eventsIn(textOf(turn(remembering(), body))).some((event) => 'obfuscation' in event)
    expect(padded(helloStream)).toBe(true)
    expect(padded({ ...helloStream, stream_options: { include_obfuscation: false } })).toBe(false)
  })

  it('carries ids that no other answer carries, of another simulator neither', () => {
    const one = remembering({ dice: () => 0.1 })
    const other = remembering({ dice: () => 0.2 })
    const ids = [jsonOf(turn(one, hello)), jsonOf(turn(one, hello)), jsonOf(turn(other, hello))].map((answer) => answer['id'])
    expect(new Set(ids).size).toBe(3)
  })

  it('waits its pace before each delta and nowhere else', () => {
    const { steps } = turn(remembering({ behaviour: { paceMs: 20, deltas: 3 } }), helloStream)
    expect(steps.map((step) => (step.kind === 'send' ? step.waitMs : step.kind))).toEqual([0, 20, 20, 20, 'end'])
  })

  it('without a pace is one piece', () => {
    expect(turn(remembering(), helloStream).steps.map((step) => step.kind)).toEqual(['send', 'end'])
  })
})

describe('the tier that was served', () => {
  const cases: readonly (readonly [title: string, setting: string, model: string, asked: string | undefined, tier: string])[] = [
    ['is the default one', 'default', 'gpt-5.5', 'priority', 'default'],
    ['may be fixed', 'priority', 'gpt-5.5', undefined, 'priority'],
    ['may follow what was asked for', 'echo', 'gpt-5.5', 'flex', 'flex'],
    ['is called priority by older models', 'echo', 'gpt-5.5', 'fast', 'priority'],
    ['is called fast by newer ones', 'echo', 'gpt-6.1-sol', 'priority', 'fast'],
    ['follows nothing when nothing was asked for', 'echo', 'gpt-5.5', undefined, 'default'],
  ]
  it.each(cases)('%s', (_, setting, model, asked, tier) => {
    const body = { ...helloStream, model, ...(asked === undefined ? {} : { service_tier: asked }) }
    const events = eventsIn(textOf(turn(remembering({ behaviour: { tier: setting } }), body)))
    expect(events.at(-1)).toMatchObject({ response: { service_tier: tier } })
    expect(events[0]).toMatchObject({ response: { service_tier: asked ?? 'auto' } })
  })
})

describe('usage', () => {
  it('adds up, and counts a dialogue again whose cache key was seen as cached', () => {
    const memory = remembering()
    const body = { ...hello, prompt_cache_key: 'thread-1' }
    const [first, second, other] = [turn(memory, body), turn(memory, body), turn(memory, body, 'key-b')].map((one) => jsonOf(one)['usage'] as Fields)
    const input = Number(first?.['input_tokens'])
    expect(first).toMatchObject({ input_tokens_details: { cached_tokens: 0, cache_write_tokens: input - 8 } })
    expect(second).toMatchObject({ input_tokens: input, input_tokens_details: { cached_tokens: input, cache_write_tokens: 0 } })
    expect(other).toMatchObject({ input_tokens_details: { cached_tokens: 0 } })
    expect(second?.['total_tokens']).toBe(Number(second?.['input_tokens']) + Number(second?.['output_tokens']))
  })

  it('may be fixed', () => {
    const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11 }
    expect(jsonOf(turn(remembering({ behaviour: { usage } }), hello))['usage']).toEqual(usage)
  })
})

describe('a call of a tool', () => {
  it('answers a user who names it', () => {
    const answer = jsonOf(turn(remembering(), { ...hello, tools: [lookup], input: 'please call:lookup now' }))
    expect(outputOf(answer)).toMatchObject([{ type: 'function_call', name: 'lookup', arguments: '{"asked":"please call:lookup now"}' }])
  })

  it('answers a choice that demands one', () => {
    const answer = jsonOf(turn(remembering(), { ...hello, tools: [lookup], tool_choice: 'required' }))
    expect(outputOf(answer)).toMatchObject([{ type: 'function_call', name: 'lookup' }])
  })

  it('is followed by a text when its output came', () => {
    const memory = remembering()
    const asked = user('call:lookup')
    const [call] = outputOf(jsonOf(turn(memory, { ...hello, tools: [lookup], input: [asked] })))
    const output = { type: 'function_call_output', call_id: call?.['call_id'], output: '42' }
    const answer = jsonOf(turn(memory, { ...hello, tools: [lookup], input: [asked, call, output] }))
    expect(outputOf(answer)).toMatchObject([{ type: 'message', content: [{ text: 'Hello from key-a. The tool said: 42' }] }])
  })

  it('is refused without its output, and an output without its call', () => {
    const memory = remembering()
    const first = jsonOf(turn(memory, { ...hello, tools: [lookup], input: [user('call:lookup')] }))
    const [call] = outputOf(first)
    const output = { type: 'function_call_output', call_id: call?.['call_id'], output: '42' }
    expect(errorOf(turn(memory, { ...hello, input: [call, user('and?')] }))['message']).toMatch(/^No tool output found/)
    expect(errorOf(turn(memory, { ...hello, input: [output] }))['message']).toMatch(/^No tool call found/)
    expect(turn(memory, { ...hello, previous_response_id: first['id'], input: [output] }).head?.status).toBe(200)
    expect(turn(memory, { ...hello, previous_response_id: first['id'], input: 'never mind' }).head?.status).toBe(400)
    expect(turn(memory, { ...hello, input: [{ type: 'item_reference', id: call?.['id'] }, output] }).head?.status).toBe(200)
  })
})

describe('what belongs to a key', () => {
  it('is its sealed reasoning: another key cannot open it', () => {
    const memory = remembering()
    const items = outputOf(jsonOf(turn(memory, sealing)))
    const next = { ...sealing, input: [user('hello'), ...items, user('and then?')] }
    expect(turn(memory, next).head?.status).toBe(200)
    expect(turn(memory, next, 'key-b').head?.status).toBe(400)
    expect(errorOf(turn(memory, next, 'key-b'))['code']).toBe('invalid_encrypted_content')
  })

  it('is opened by the same key in another simulator, as accounts outlive a process', () => {
    const items = outputOf(jsonOf(turn(remembering({ dice: () => 0.1 }), sealing)))
    expect(turn(remembering({ dice: () => 0.9 }), { ...sealing, input: [...items, user('go on')] }).head?.status).toBe(200)
  })

  it('is never what no simulator sealed', () => {
    const item = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAAsomething' }
    expect(errorOf(turn(remembering(), { ...hello, input: [item, user('go on')] }))['code']).toBe('invalid_encrypted_content')
  })

  it('is its stored answers, as continuations', () => {
    const memory = remembering()
    const { id } = jsonOf(turn(memory, hello))
    const next = { ...hello, previous_response_id: id }
    expect(jsonOf(turn(memory, next))).toMatchObject({ previous_response_id: id })
    expect(turn(memory, next, 'key-b').head?.status).toBe(400)
    expect(errorOf(turn(memory, next, 'key-b'))).toMatchObject({ code: 'previous_response_not_found', param: 'previous_response_id' })
  })

  it('is not an answer that was not to be stored', () => {
    const memory = remembering()
    const { id } = jsonOf(turn(memory, { ...hello, store: false }))
    expect(errorOf(turn(memory, { ...hello, previous_response_id: id }))['code']).toBe('previous_response_not_found')
    expect(ask(memory, 'GET', `/v1/responses/${String(id)}`).head?.status).toBe(404)
  })

  it('is an item named by reference', () => {
    const memory = remembering()
    const [item] = outputOf(jsonOf(turn(memory, hello)))
    const next = { ...hello, input: [{ type: 'item_reference', id: item?.['id'] }, user('go on')] }
    expect(turn(memory, next).head?.status).toBe(200)
    expect(errorOf(turn(memory, next, 'key-b'))['message']).toMatch(/not found/)
  })

  it('keeps an item with the reasoning that led to it', () => {
    const memory = remembering()
    const [reasoning, message] = outputOf(jsonOf(turn(memory, sealing)))
    expect(turn(memory, { ...hello, input: [reasoning, message, user('go on')] }).head?.status).toBe(200)
    expect(errorOf(turn(memory, { ...hello, input: [message, user('go on')] }))['message']).toMatch(/without its required 'reasoning' item/)
    const { id: _, ...nameless } = message ?? {}
    expect(turn(memory, { ...hello, input: [nameless, user('go on')] }).head?.status).toBe(200)
  })

  it('is bounded: the oldest stored answer goes first', () => {
    const memory = remembering({ storedMax: 3 })
    const ids = [1, 2, 3, 4].map(() => String(jsonOf(turn(memory, hello))['id']))
    expect(memory.storedCount).toBe(3)
    expect(ids.map((id) => ask(memory, 'GET', `/v1/responses/${id}`).head?.status)).toEqual([404, 200, 200, 200])
  })
})

describe('what lies below /responses', () => {
  it('is read, listed and deleted by its own key', () => {
    const memory = remembering()
    const answer = jsonOf(turn(memory, { ...hello, input: [user('one'), user('two')] }))
    const path = `/responses/${String(answer['id'])}`
    expect(jsonOf(ask(memory, 'GET', path))).toEqual(answer)
    const newest = jsonOf(ask(memory, 'GET', `${path}/input_items?limit=1`))
    expect(newest).toMatchObject({ object: 'list', has_more: true, data: [user('two')] })
    expect(jsonOf(ask(memory, 'GET', `${path}/input_items?after=${String(newest['last_id'])}`))).toMatchObject({ has_more: false, data: [user('one')] })
    expect(jsonOf(ask(memory, 'GET', `${path}/input_items?order=asc`))).toMatchObject({ data: [user('one'), user('two')] })
    expect(ask(memory, 'POST', `${path}/cancel`).head?.status).toBe(400)
    for (const [method, below] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['GET', '/input_items'],
    ] as const) {
      const foreign = ask(memory, method, path + below, 'key-b')
      expect([foreign.head?.status, errorOf(foreign)['message']]).toEqual([404, `Response with id '${String(answer['id'])}' not found.`])
    }
    expect(jsonOf(ask(memory, 'DELETE', path))).toMatchObject({ deleted: true })
    expect(ask(memory, 'GET', path).head?.status).toBe(404)
  })

  it('counts tokens and compacts a dialogue', () => {
    const memory = remembering()
    expect(jsonOf(turn(memory, hello, 'key-a', '/v1/responses/input_tokens'))).toEqual({ object: 'response.input_tokens', input_tokens: 11 })
    const compacted = jsonOf(turn(memory, { ...hello, input: [user('one')] }, 'key-a', '/v1/responses/compact'))
    expect(compacted).toMatchObject({ object: 'response.compaction', output: [user('one'), { type: 'compaction' }] })
    const next = { ...hello, input: [...outputOf(compacted), user('go on')] }
    expect(turn(memory, next).head?.status).toBe(200)
    expect(errorOf(turn(memory, next, 'key-b'))['code']).toBe('invalid_encrypted_content')
  })

  it('lists the models of the key', () => {
    const memory = remembering({ keys: { 'key-a': { models: ['one', 'two'] } } })
    expect((jsonOf(ask(memory, 'GET', '/models'))['data'] as readonly Fields[]).map((model) => model['id'])).toEqual(['one', 'two'])
    expect(ask(memory, 'GET', '/v1/models/two').head?.status).toBe(200)
    expect(ask(memory, 'GET', '/v1/models/three').head?.status).toBe(404)
  })
})

describe('a request that is wrong', () => {
  const cases: readonly (readonly [title: string, body: unknown, status: number, about: Fields])[] = [
    ['is no JSON', '{"model":', 400, { code: null }],
    ['is no object', '[1]', 400, { code: 'invalid_type' }],
    ['names no model', { input: 'hello' }, 400, { param: 'model', code: 'missing_required_parameter' }],
    ['names a model that is no text', { ...hello, model: 5 }, 400, { param: 'model' }],
    ['names a model that the key may not use', { ...hello, model: 'gpt-unknown' }, 404, { param: 'model', code: 'model_not_found' }],
    ['has an input of a wrong type', { ...hello, input: 5 }, 400, { param: 'input' }],
    ['has an input item that is no object', { ...hello, input: [{ role: 'user', content: 'a' }, 'b'] }, 400, { param: 'input[1]' }],
    ['has a stream that is no boolean', { ...hello, stream: 'yes' }, 400, { param: 'stream' }],
    ['has a member that is not supported', { ...hello, temperature: 0.5 }, 400, { param: 'temperature', code: 'unsupported_parameter' }],
  ]
  it.each(cases)('%s', (_, body, status, about) => {
    const answer = turn(remembering({ behaviour: { models: ['gpt-5.5'], unsupported: ['temperature'] } }), body)
    expect(answer.head?.status).toBe(status)
    expect(errorOf(answer)).toMatchObject({ type: 'invalid_request_error', ...about })
  })

  it('goes to an address that nobody knows', () => {
    expect(ask(remembering(), 'POST', '/v1/chat/complete').head?.status).toBe(404)
    expect(ask(remembering(), 'GET', '/v1/responses').head?.status).toBe(426)
    expect(endOf(ask(remembering(), 'PATCH', '/v1/models'))).toBe('end')
  })

  it('has a key that nobody knows, where only known ones are served', () => {
    const memory = remembering({ keys: { 'key-a': {} }, unknownKeys: 'refuse' })
    expect(turn(memory, hello).head?.status).toBe(200)
    expect(errorOf(turn(memory, hello, 'key-x'))['code']).toBe('invalid_api_key')
  })
})
