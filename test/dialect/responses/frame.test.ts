import { describe, expect, test } from 'vitest'
import type { ClientModel, UpstreamModel } from '../../../src/core/ids.ts'
import type { FrameRead } from '../../../src/dialect/dialect.ts'
import { parseFrame, readCreate, readFrame, update } from '../../../src/dialect/responses/frame.ts'

const parsed = (text: string) => parseFrame(Buffer.from(text))
const bodyOf = (said: string | object) => {
  const made = parsed(typeof said === 'string' ? said : JSON.stringify(said))
  if (made.kind !== 'body') throw new Error(`no body: ${made.kind}`)
  return made.body
}
const read = (said: string | object): FrameRead => readFrame(bodyOf(said))
const create = { kind: 'create', streamId: null, model: null, previous: null, isWarmUp: false, turnState: null }

describe('what stands twice in a frame', () => {
  // A8 A12
  test.each<[title: string, text: string, kind: string]>([
    ['of a response.create is refused', '{"type":"response.create","model":"a","mod\\u0065l":"b"}', 'duplicate'],
    ['is refused wherever the type stands', '{"service_tier":"flex","service_tier":"priority","type":"response.create"}', 'duplicate'],
    ['of a session.update is refused', '{"type":"session.update","session":{},"session":{"model":"b"}}', 'duplicate'],
    ['of another frame is the upstream’s to judge', '{"type":"response.cancel","service_tier":"flex","service_tier":"priority"}', 'body'],
    ['of a frame without a type, too', '{"model":"a","model":"b"}', 'body'],
    ['is refused if it is the type, whatever the type', '{"type":"response.cancel","model":"a","model":"b","typ\\u0065":"response.create"}', 'duplicate'],
    ['does not hide what is no JSON', '{"type":"x","model":"a","model":"b"', 'not-json'],
  ])('%s', (_title, text, kind) => {
    expect(parsed(text).kind).toBe(kind)
  })

  test('is named', () => {
    expect(parsed('{"type":"response.create","store":1,"store":2}')).toEqual({ kind: 'duplicate', member: 'store' })
    expect(parsed('{"model":"a","model":"b","type":"x","type":"y"}')).toEqual({ kind: 'duplicate', member: 'type' })
  })
})

test.each<[text: string, kind: string]>([
  ['[1]', 'not-an-object'],
  ['"response.create"', 'not-an-object'],
  ['{"type":"response.create"', 'not-json'],
  ['', 'not-json'],
])('%s is %s', (text, kind) => {
  expect(parsed(text).kind).toBe(kind)
})

describe('a response.create', () => {
  // D5 E12 E21
  test.each<[title: string, said: string | object, frame: object]>([
    ['names nothing that it does not name', { type: 'response.create' }, create],
    ['is known however its type is spelt', '{"type":"response\\u002ecreate"}', create],
    ['names its lane', { type: 'response.create', stream_id: 'Main_1.a-b' }, { ...create, streamId: 'Main_1.a-b' }],
    ['is in the default lane where its lane is null', { type: 'response.create', stream_id: null }, create],
    ['names its model', { type: 'response.create', model: 'gpt-5.5' }, { ...create, model: 'gpt-5.5' }],
    ['has no model that is no text', { type: 'response.create', model: 7 }, create],
    ['has no model of a name too long', { type: 'response.create', model: 'm'.repeat(257) }, create],
    ['names what it continues', { type: 'response.create', previous_response_id: 'resp_1' }, { ...create, previous: 'resp_1' }],
    ['is a warm-up where it says so', { type: 'response.create', generate: false }, { ...create, isWarmUp: true }],
    ['is no warm-up otherwise', { type: 'response.create', generate: 0 }, create],
    ['carries a routing token', { type: 'response.create', client_metadata: { 'x-codex-turn-state': 's' } }, { ...create, turnState: 's' }],
    ['carries none where its metadata has none', { type: 'response.create', client_metadata: { thread: 's' } }, create],
    ['carries none where its metadata is no object', { type: 'response.create', client_metadata: 's' }, create],
    ['carries nobody’s token where it is no text', { type: 'response.create', client_metadata: { 'x-codex-turn-state': 7 } }, { ...create, turnState: '' }],
    [
      'carries nobody’s token where there are two',
      '{"type":"response.create","client_metadata":{"x-codex-turn-state":"a","x-codex-turn\\u002dstate":"b"}}',
      { ...create, turnState: '' },
    ],
  ])('%s', (_title, said, frame) => {
    expect(read(said)).toEqual({ kind: 'frame', frame })
  })

  // D7
  test('has no model in its session', () => {
    expect(read({ type: 'response.create', session: { model: 'gpt-5.5' } })).toEqual({ kind: 'frame', frame: create })
  })

  test.each(['', 'a b', 'a/b', 'é', 'x'.repeat(257), 7, {}, 'a\n'])('is refused with the lane %j', (streamId) => {
    expect(read({ type: 'response.create', stream_id: streamId })).toMatchObject({
      kind: 'refused',
      refusal: { code: 'invalid_stream_id', param: 'stream_id' },
    })
  })

  test('may have a lane of 256 characters', () => {
    expect(read({ type: 'response.create', stream_id: 'x'.repeat(256) })).toMatchObject({ frame: { streamId: 'x'.repeat(256) } })
  })
})

describe('a session.update', () => {
  // D6 D7
  test.each<[title: string, said: string | object, model: string | null]>([
    ['changes the session’s model', { type: 'session.update', session: { model: 'gpt-5.5' } }, 'gpt-5.5'],
    ['changes none where it names none', { type: 'session.update', session: { voice: 'x' } }, null],
    ['changes none where it names none but beside the session', { type: 'session.update', model: 'gpt-5.5' }, null],
    ['changes none where its session is no object', { type: 'session.update', session: 'gpt-5.5' }, null],
  ])('%s', (_title, said, model) => {
    expect(read(said)).toEqual({ kind: 'frame', frame: { kind: 'update', model } })
  })

  // A12
  test.each([
    ['with the model twice', '{"type":"session.update","session":{"model":"a","model":"b"}}', 'session.model'],
    ['with the model once plain and once escaped', '{"type":"session.update","session":{"model":"a","mod\\u0065l":"b"}}', 'session.model'],
    ['with the tier twice', '{"type":"session.update","session":{"service_tier":"a","service_tier":"b"}}', 'session.service_tier'],
  ])('%s is refused', (_title, text, param) => {
    expect(read(text)).toMatchObject({ kind: 'refused', refusal: { code: 'duplicate_member', param } })
  })

  test.each([7, '', 'm'.repeat(257), ['a']])('whose model is %j is refused', (model) => {
    expect(read({ type: 'session.update', session: { model } })).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param: 'session.model' } })
  })

  test('says the model as an account calls it, and every other byte as it stood', () => {
    const text = '{ "session" : {"n":1e400, "mod\\u0065l" : "alias" }, "type":"session.update" }'
    const said = (renamed: string | null, of = text) => Buffer.concat(update(bodyOf(of), renamed as UpstreamModel | null).pieces).toString()
    expect(said('base')).toBe(text.replace('"alias"', '"base"'))
    expect(said(null)).toBe(text)
    expect(said('base', '{"type":"session.update","session":{}}')).toBe('{"type":"session.update","session":{}}')
    expect(said('base', '{"type":"session.update"}')).toBe('{"type":"session.update"}')
  })
})

describe('another frame', () => {
  // D4 D7
  test.each<[title: string, said: object, frame: object]>([
    ['steers', { type: 'response.steer', previous_response_id: 'resp_1', input: 'x' }, { kind: 'steer', previous: 'resp_1' }],
    ['steers nothing in particular', { type: 'response.steer' }, { kind: 'steer', previous: null }],
    ['says that an answer was processed', { type: 'response.processed', response_id: 'x' }, { kind: 'processed' }],
    ['is of a type that we do not know', { type: 'response.cancel', service_tier: 'priority' }, { kind: 'other', type: 'response.cancel' }],
    ['is no update, though a server would say so', { type: 'session.created', session: { model: 'm' } }, { kind: 'other', type: 'session.created' }],
    ['has no type', { model: 'm' }, { kind: 'other', type: '' }],
    ['has a type that is no text', { type: 7 }, { kind: 'other', type: '' }],
    ['has an empty type', { type: '' }, { kind: 'other', type: '' }],
  ])('%s', (_title, said, frame) => {
    expect(read(said)).toEqual({ kind: 'frame', frame })
  })
})

describe('the turn of a response.create', () => {
  const turn = (said: object, headers = {}) => readCreate(bodyOf({ type: 'response.create', ...said }), headers, 'session-model' as ClientModel)

  // D5
  test('has the session’s model where it names none, else its own', () => {
    expect(turn({})).toMatchObject({ kind: 'turn', turn: { model: 'session-model', endpoint: 'responses' } })
    expect(turn({ model: 'own' })).toMatchObject({ turn: { model: 'own' } })
  })

  test('is answered by events, whatever it says of streaming', () => {
    for (const stream of [undefined, null, true, false]) expect(turn({ stream })).toMatchObject({ turn: { stream: true } })
  })

  // B35
  test.each<[said: object, refusal: object]>([
    [{ background: true }, { code: 'background_not_supported', param: 'background' }],
    [{ stream: 'yes' }, { code: 'invalid_body', param: 'stream' }],
    [{ model: 7 }, { code: 'invalid_body', param: 'model' }],
    [{ model: null }, { code: 'invalid_body', param: 'model' }],
    [{ model: '' }, { code: 'invalid_body', param: 'model' }],
    [{ previous_response_id: 7 }, { code: 'invalid_body', param: 'previous_response_id' }],
    [{ input: 7 }, { code: 'invalid_body', param: 'input' }],
  ])('is refused with %j', (said, refusal) => {
    expect(turn(said)).toMatchObject({ kind: 'refused', refusal })
  })

  test('is Codex’s where the upgrade said so', () => {
    expect(turn({}, { originator: 'codex_exec' })).toMatchObject({ turn: { isCodex: true } })
  })
})
