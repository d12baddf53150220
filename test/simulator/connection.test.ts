import { describe, expect, it } from 'vitest'
import { dialogueBytesMax } from '../../src/simulator/dialogue.ts'
import { remembering, turn as overHttp, eventsIn, textOf, helloStream, jsonOf, hello, type Fields } from './support.ts'
import { create, errorIn, responseOf, Stand, typesOf, wordsOf } from './stand.ts'

const named = (text: string) => remembering({ behaviour: { text } })
const notFound = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' }

describe('a turn over WebSocket', () => {
  it('is the events of the same stream over HTTP, as JSON', () => {
    const strip = (events: readonly Fields[]) => JSON.stringify(events).replaceAll(/(resp|msg)_[0-9a-f]+/g, '$1')
    const memory = remembering({ behaviour: { usage: { input_tokens: 1 } } })
    const { type: _, ...fields } = create()
    expect(strip(new Stand(memory).ask(create()))).toBe(strip(eventsIn(textOf(overHttp(memory, { ...fields, stream: true })))))
  })

  it('prepares and says nothing when it is a warm-up, at no cost, and its id can be continued', () => {
    const stand = new Stand()
    const events = stand.ask(create({ generate: false, input: 'the base' }))
    expect(typesOf(events)).toEqual(['response.created', 'response.completed'])
    expect(responseOf(events.at(-1))).toMatchObject({ output: [], usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } })
    stand.ask(create({ previous_response_id: responseOf(events.at(-1))['id'], input: 'and now' }))
    expect(wordsOf(stand.received().at(-1))).toEqual(['the base', 'and now'])
  })

  it.each(['stream', 'background'])('with the member %s is refused', (member) => {
    expect(errorIn(new Stand().ask(create({ [member]: true }))[0])).toMatchObject({ status: 400, param: member, code: 'unsupported_parameter' })
  })

  it('that is wrong in itself is refused as over HTTP, with the status at the top', () => {
    const stand = new Stand(remembering({ behaviour: { models: ['other'] } }))
    expect(errorIn(stand.ask(create())[0])).toMatchObject({ status: 404, code: 'model_not_found' })
    expect(errorIn(stand.ask(create({ model: undefined }))[0])).toMatchObject({ status: 400, param: 'model' })
    expect(errorIn(stand.ask(create({ generate: 'no' }))[0])).toMatchObject({ status: 400, param: 'generate' })
  })

  it('of a key that is not known any more is refused with 401', () => {
    const stand = new Stand(remembering({ unknownKeys: 'refuse' }))
    expect(errorIn(stand.ask(create())[0])).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })
})

describe('a frame that is no turn', () => {
  it('binary: an error event, then a close 1003', () => {
    const stand = new Stand()
    stand.sayBinary()
    expect([errorIn(stand.heard[0])['status'], stand.close]).toMatchObject([400, { code: 1003 }])
  })

  it.each(['no JSON', '[]', 'null'])('%s: an error event, then a close 1008', (frame) => {
    const stand = new Stand()
    stand.say(frame)
    expect([errorIn(stand.heard[0])['code'], stand.close]).toMatchObject(['invalid_json', { code: 1008 }])
  })

  it.each([
    ['a member twice', '{"type":"response.create","model":"a","mod\\u0065l":"b"}', { code: 'duplicate_member', param: 'model' }],
    ['its type twice', '{"type":"response.create","type":"response.create","model":"a"}', { code: 'duplicate_member', param: 'type' }],
    ['an unknown type', '{"type":"response.cancel"}', { code: 'invalid_value', param: 'type' }],
    ['no type', '{"model":"a"}', { code: 'invalid_value', param: 'type' }],
  ])('%s: an error event, and the connection is kept', (_title, frame, error) => {
    const stand = new Stand()
    expect(errorIn(stand.ask(frame)[0])).toMatchObject({ status: 400, ...error })
    expect(stand.close).toBeNull()
    expect(typesOf(stand.ask(create())).at(-1)).toBe('response.completed')
  })
})

describe('the memory of a connection', () => {
  it('continues the latest answer, stored or not, and the model has the whole chain before it', () => {
    const stand = new Stand(named('fine'))
    const first = stand.answered(create({ input: 'one' }))
    const second = stand.answered(create({ input: 'two', previous_response_id: first }))
    stand.ask(create({ input: [{ role: 'user', content: 'three' }], previous_response_id: second }))
    expect(stand.received().map(wordsOf)).toEqual([['one'], ['one', 'fine', 'two'], ['one', 'fine', 'two', 'fine', 'three']])
  })

  it('is of the latest answer only', () => {
    const stand = new Stand()
    const first = stand.answered(create())
    stand.answered(create({ previous_response_id: first }))
    expect(errorIn(stand.ask(create({ previous_response_id: first }))[0])).toMatchObject(notFound)
  })

  it('dies with it, and what was stored does not', () => {
    const memory = named('fine')
    const stand = new Stand(memory)
    const unstored = stand.answered(create())
    const stored = stand.answered(create({ store: true, input: 'kept' }))
    const other = new Stand(memory)
    expect(errorIn(other.ask(create({ previous_response_id: unstored }))[0])).toMatchObject(notFound)
    other.ask(create({ previous_response_id: stored, input: 'more' }))
    expect(wordsOf(other.received().at(-1))).toEqual(['kept', 'fine', 'more'])
  })

  it('and what is stored is this key alone', () => {
    const memory = remembering()
    const stored = new Stand(memory).answered(create({ store: true }))
    expect(errorIn(new Stand(memory, 'key-b').ask(create({ previous_response_id: stored }))[0])).toMatchObject(notFound)
  })

  it('is continued by HTTP where it is stored, and the other way about', () => {
    const memory = named('fine')
    const stand = new Stand(memory)
    const overSocket = stand.answered(create({ store: true, input: 'one' }))
    const answer = jsonOf(overHttp(memory, { ...hello, input: 'two', previous_response_id: overSocket }))
    stand.ask(create({ previous_response_id: answer['id'], input: 'three' }))
    expect(wordsOf(stand.received().at(-1))).toEqual(['one', 'fine', 'two', 'fine', 'three'])
  })

  it('lets go of an answer whose continuation on its lane failed', () => {
    const stand = new Stand(remembering({ behaviour: { faults: [{ fault: 'server', after: 1, times: 1 }] } }))
    const first = stand.answered(create())
    expect(errorIn(stand.ask(create({ previous_response_id: first }))[0])['status']).toBe(500)
    expect(errorIn(stand.ask(create({ previous_response_id: first }))[0])).toMatchObject(notFound)
  })

  it('keeps an answer whose continuation failed on another lane, or whose lane failed with another question', () => {
    const stand = new Stand(remembering({ behaviour: { faults: [{ fault: 'server', after: 1, times: 2 }] } }))
    const first = stand.answered(create())
    expect(errorIn(stand.ask(create({ previous_response_id: first, stream_id: 'fork' }))[0])['status']).toBe(500)
    expect(errorIn(stand.ask(create())[0])['status']).toBe(500)
    expect(typesOf(stand.ask(create({ previous_response_id: first }))).at(-1)).toBe('response.completed')
  })

  it('keeps an answer whose continuation ended in response.failed, which has no status', () => {
    const stand = new Stand(remembering({ behaviour: { faults: [{ fault: 'failed', after: 1, times: 1 }] } }))
    const first = stand.answered(create())
    expect(typesOf(stand.ask(create({ previous_response_id: first }))).at(-1)).toBe('response.failed')
    expect(typesOf(stand.ask(create({ previous_response_id: first }))).at(-1)).toBe('response.completed')
  })

  it('does not continue a dialogue over its bound', () => {
    const memory = remembering()
    const answer = { key: 'key-a', response: () => '', input: [], background: false, tokens: 0, items: 0, openCalls: [], bytes: 0 }
    for (const bytes of [dialogueBytesMax, dialogueBytesMax + 1]) memory.keep({ ...answer, id: `of-${bytes}`, dialogue: { before: null, items: [], bytes } })
    const ask = (bytes: number) => new Stand(memory).ask(create({ previous_response_id: `of-${bytes}` }))
    expect(typesOf(ask(dialogueBytesMax)).at(-1)).toBe('response.completed')
    expect(errorIn(ask(dialogueBytesMax + 1)[0])).toMatchObject({ status: 400, code: 'context_length_exceeded' })
  })

  it('refuses reasoning that another key sealed', () => {
    const sealing = { reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'] }
    const memory = remembering()
    const answer = responseOf(new Stand(memory, 'key-b').ask(create(sealing)).at(-1))
    const input = [...(answer['output'] as Fields[]), { role: 'user', content: 'and?' }]
    expect(errorIn(new Stand(memory).ask(create({ input }))[0])).toMatchObject({ status: 400, code: 'invalid_encrypted_content' })
    expect(typesOf(new Stand(memory, 'key-b').ask(create({ input }))).at(-1)).toBe('response.completed')
  })

  it('holds a call until its output comes', () => {
    const tools = [{ type: 'function', name: 'lookup', parameters: {}, strict: null }]
    const stand = new Stand()
    const events = stand.ask(create({ tools, input: 'call:lookup' }))
    const call = (responseOf(events.at(-1))['output'] as Fields[])[0]
    const previous = { tools, previous_response_id: responseOf(events.at(-1))['id'] }
    stand.ask(create({ ...previous, input: [{ type: 'function_call_output', call_id: call?.['call_id'], output: '42' }] }))
    expect(
      stand
        .received()
        .at(-1)
        ?.dialogue?.map((item) => item['type']),
    ).toEqual(['message', 'function_call', 'function_call_output'])
  })
})

describe('the lanes of a connection', () => {
  it('name themselves in each of their events, the default one does not', () => {
    const stand = new Stand()
    expect(new Set(stand.ask(create({ stream_id: 'a.b-c_1' })).map((event) => event['stream_id']))).toEqual(new Set(['a.b-c_1']))
    expect(stand.ask(create({ stream_id: 'a', model: 1 }))[0]).toMatchObject({ type: 'error', stream_id: 'a' })
    expect(stand.ask(create()).some((event) => 'stream_id' in event)).toBe(false)
  })

  it.each(['', 'a b', 'ü', 'x'.repeat(257), 7, null])('are not called %s', (name) => {
    expect(errorIn(new Stand().ask(create({ stream_id: name }))[0])).toMatchObject({ status: 400, code: 'invalid_stream_id', param: 'stream_id' })
  })

  it('are at most 32 beside the default one', () => {
    const stand = new Stand()
    for (let at = 1; at <= 32; at += 1) expect(typesOf(stand.ask(create({ stream_id: `l${at}` }))).at(-1)).toBe('response.completed')
    expect(errorIn(stand.ask(create({ stream_id: 'one-more' }))[0])).toMatchObject({ status: 400, code: 'websocket_stream_limit_reached', param: 'stream_id' })
    expect(typesOf(stand.ask(create({ stream_id: 'l32' }))).at(-1)).toBe('response.completed')
    expect(typesOf(stand.ask(create())).at(-1)).toBe('response.completed')
  })

  it('take one turn after the other, and do not wait for each other', () => {
    const stand = new Stand()
    for (const lane of ['a', 'a', 'b']) stand.say(create({ stream_id: lane }))
    expect(stand.running.map((turn) => turn.create.lane)).toEqual(['a', 'b'])
    const [first] = stand.running
    if (first !== undefined) stand.step(first, 99)
    expect(stand.running.map((turn) => turn.create.lane)).toEqual(['b', 'a'])
  })

  it('have at most 16 turns in flight together; the others wait in their order', () => {
    const stand = new Stand()
    for (let at = 1; at <= 18; at += 1) stand.say(create({ stream_id: `l${at}` }))
    expect(stand.running).toHaveLength(16)
    const [first] = stand.running
    if (first !== undefined) stand.step(first, 99)
    expect(stand.running.map((turn) => turn.create.lane).slice(-1)).toEqual(['l17'])
    stand.play()
    expect(stand.received().map((entry) => entry.status)).toEqual(Array.from({ length: 18 }, () => 200))
  })

  it('let 256 turns wait and no more', () => {
    const stand = new Stand()
    for (let at = 0; at <= 256; at += 1) stand.say(create())
    expect(stand.heard).toEqual([])
    stand.say(create())
    expect(errorIn(stand.heard[0])).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
  })

  it('fork what another lane has come to', () => {
    const stand = new Stand(named('fine'))
    const first = stand.answered(create({ input: 'one' }))
    stand.ask(create({ input: 'left', previous_response_id: first, stream_id: 'left' }))
    stand.ask(create({ input: 'right', previous_response_id: first }))
    expect(stand.received().slice(1).map(wordsOf)).toEqual([
      ['one', 'fine', 'left'],
      ['one', 'fine', 'right'],
    ])
  })
})

describe('the log of a connection', () => {
  it('has one entry for each frame, in the order in which they came', () => {
    const stand = new Stand()
    stand.say(create({ stream_id: 'a' }))
    stand.say('{"type":"odd"}')
    stand.say(create())
    const entry = { kind: 'frame', transport: 'websocket', connection: 1, key: 'key-a', path: '/v1/responses' }
    expect(stand.received()).toMatchObject([
      { ...entry, method: 'response.create', lane: 'a', status: 200, fields: create({ stream_id: 'a' }) },
      { ...entry, method: 'frame', lane: null, status: 400, dialogue: null },
      { ...entry, method: 'response.create', lane: '', bodyBytes: JSON.stringify(create()).length },
    ])
  })

  it('tells of a turn that waits that nothing was answered yet', () => {
    const stand = new Stand()
    stand.say(create())
    stand.say(create())
    expect(stand.received().map((entry) => [entry.status, entry.dialogue?.length ?? null])).toEqual([
      [200, 1],
      [null, null],
    ])
  })

  it('tells over HTTP as well what the model had before it', () => {
    const memory = named('fine')
    const id = jsonOf(overHttp(memory, hello))['id']
    expect(overHttp(memory, { ...helloStream, previous_response_id: id }).dialogue?.before?.before?.items).toEqual([
      { type: 'message', role: 'user', content: 'hello there' },
    ])
    expect(overHttp(memory, { model: 1 }).dialogue).toBeNull()
  })
})
