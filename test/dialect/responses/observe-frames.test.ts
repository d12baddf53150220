import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import type { Seen, Watched } from '../../../src/dialect/dialect.ts'
import { keptItemsBytesMax, ResponsesObserver } from '../../../src/dialect/responses/observe.ts'
import { sealHash } from '../../../src/dialect/question.ts'

type OfFrames = Pick<Watched, 'restore' | 'framing' | 'client'>

const native: OfFrames = { restore: null, framing: 'frames', client: 'frames' }
const bridged: OfFrames = { ...native, framing: 'sse' }
const observer = (differing: Partial<OfFrames> = {}) => new ResponsesObserver({ ...native, ...differing })

/** Shows the frame in the middle of a larger buffer, as it may lie. */
function see(watching: ResponsesObserver, frame: string | object): Seen {
  const bytes = Buffer.from(`before${typeof frame === 'string' ? frame : JSON.stringify(frame)}behind`)
  return watching.see(bytes, 6, bytes.length - 6)
}
const sse = (value: { readonly type: string }) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
const textOf = (seen: Seen) => ('bytes' in seen ? seen.bytes.toString() : null)
const jsonOf = (seen: Seen): unknown => JSON.parse(textOf(seen) ?? 'null')
const response = (more: object = {}) => ({ id: 'resp_1', object: 'response', status: 'in_progress', model: 'gpt-5.5', output: [], ...more })
const done = (index: number, item: object) => ({ type: 'response.output_item.done', output_index: index, item })

describe('an event that comes as a frame', () => {
  // B33
  test.each<[title: string, frame: string, kind: Seen['kind']]>([
    ['is held where it is of the lifecycle', '{"type":"response.created","response":{"id":"resp_1"}}', 'held'],
    ['is held where it tells of limits', '{"type":"codex.rate_limits","x":1}', 'held'],
    ['is output where it is', '{"type":"response.output_text.delta","delta":"a"}', 'output'],
    ['is output where its type stands last', '{"sequence_number":3, "type":"response.output_text.delta"}', 'output'],
    ['is known behind its lane', '{"stream_id":"a","type":"response.output_text.delta"}', 'output'],
    ['is known however its type is spelt', '{"type":"response\\u002eoutput_text.delta"}', 'output'],
    ['ends the answer', '{"type":"response.completed","response":{"id":"resp_1","output":[]}}', 'terminal'],
    ['ends it in failure', '{"type":"response.failed","response":{"id":"resp_1"}}', 'failed'],
    ['is an error', '{"type":"error","status":429,"error":{"code":"rate_limit_exceeded"}}', 'failed'],
    ['is an error without a type', '{"error":{"message":"x"}}', 'failed'],
    ['is held where it is no JSON', '{"type":', 'held'],
    ['is held where it is no object', '[1,2]', 'held'],
  ])('%s', (_title, frame, kind) => {
    const seen = see(observer(), frame)
    expect(seen.kind).toBe(kind)
    if (kind === 'held' || kind === 'terminal') expect(textOf(seen)).toBe(frame)
  })

  test('costs no value of its own where it is output', () => {
    const watching = observer()
    expect(see(watching, { type: 'response.output_text.delta' })).toBe(see(watching, { type: 'response.output_text.delta', delta: 'b' }))
  })

  // A11
  test('tells of the client’s own model, and is altered nowhere else', () => {
    for (const type of ['response.created', 'response.completed', 'response.failed']) {
      const frame = `{ "type":"${type}", "n":1e400, "response": {"id":"r", "model" : "gpt-5.5","output":[{"model":"gpt-5.5"}]} }`
      expect(textOf(see(observer({ restore: 'alias' as ClientModel }), frame))).toBe(frame.replace('"gpt-5.5"', '"alias"'))
    }
  })

  test('has its empty output rebuilt at the end', () => {
    const watching = observer()
    see(watching, done(1, { id: 'b' }))
    see(watching, done(0, { id: 'a' }))
    expect(jsonOf(see(watching, { type: 'response.completed', stream_id: 'x', response: response() }))).toMatchObject({
      stream_id: 'x',
      response: { output: [{ id: 'a' }, { id: 'b' }] },
    })
  })

  test('names the answer', () => {
    const watching = observer()
    see(watching, { type: 'response.created', response: response() })
    expect(watching.response()).toBe('resp_1')
  })
})

describe('an error that a session’s client gets', () => {
  // E2 E14
  test.each<[error: object, status: number]>([
    [{ code: 'rate_limit_exceeded', type: 'tokens' }, 429],
    [{ type: 'rate_limit_error', code: null }, 429],
    [{ type: 'usage_limit_reached' }, 429],
    [{ type: 'insufficient_quota', code: 'credit_balance_exhausted' }, 429],
    [{ code: 'workspace_member_usage_limit_reached' }, 429],
    [{ type: 'invalid_request_error', code: 'insufficient_quota' }, 429],
    [{ type: 'invalid_request_error' }, 400],
    [{ type: 'invalid_request_error', code: 'previous_response_not_found' }, 400],
    [{ type: 'invalid_request_error', code: 'websocket_connection_limit_reached' }, 400],
    [{ code: 'invalid_value' }, 400],
    [{ code: 'cyber_policy' }, 400],
    [{ type: 'authentication_error' }, 401],
    [{ code: 'invalid_api_key', type: 'invalid_request_error' }, 401],
    [{ code: 'token_invalidated' }, 401],
    [{ type: 'forbidden_error' }, 403],
    [{ code: 'server_is_overloaded' }, 503],
    [{ type: 'server_error', code: 'slow_down' }, 503],
    [{ type: 'server_error' }, 500],
    [{ message: 'who knows' }, 500],
    [{}, 500],
  ])('%j has the status %i', (error, status) => {
    const frame = { type: 'error', n: 1, error }
    expect(textOf(see(observer(), frame))).toBe(`${JSON.stringify(frame).slice(0, -1)},"status":${status}}`)
    expect(textOf(see(observer(bridged), sse(frame)))).toBe(`event: error\ndata: ${JSON.stringify(frame).slice(0, -1)},"status":${status}}\n\n`)
  })

  test('keeps a status that it has, byte for byte', () => {
    for (const frame of ['{ "type":"error", "status":429, "error":{"n":1e400} }', '{"type":"error","error":{},"status":200}']) {
      expect(textOf(see(observer(), frame))).toBe(frame)
    }
  })

  test.each([
    ['under its other name', { status_code: 429 }, 429],
    ['that is no number', { status: '429' }, 400],
    ['that is null', { status: null }, 400],
  ])('has one %s at its proper place', (_title, more, status) => {
    expect(jsonOf(see(observer(), { type: 'error', error: { type: 'invalid_request_error' }, ...more }))).toMatchObject({ status })
  })

  test('in the flat form has one too', () => {
    expect(jsonOf(see(observer(), { type: 'error', code: 'rate_limit_exceeded', message: 'x', param: null }))).toMatchObject({ status: 429 })
  })

  test('is classified by what the upstream said, not by what we wrote', () => {
    expect(see(observer(), { type: 'error', error: { code: 'server_error' } })).toMatchObject({ signal: { kind: 'told', status: null } })
  })

  test('stays as it came for a client of server-sent events', () => {
    const text = sse({ type: 'error', error: { code: 'server_error' } } as { type: string })
    expect(textOf(see(observer({ framing: 'sse', client: 'sse' }), text))).toBe(text)
  })

  test('that is no JSON stays as it came', () => {
    const text = 'event: error\ndata: {"type":"error",\n\n'
    expect(textOf(see(observer(bridged), text))).toBe(text)
  })
})

describe('the items of an answer', () => {
  const texts = (watching: ResponsesObserver) =>
    watching
      .items()
      ?.apart()
      ?.map(({ json }) => json.toString()) ?? null

  test('are those of the terminal event, byte for byte', () => {
    const watching = observer()
    see(watching, done(0, { id: 'streamed' }))
    see(watching, '{"type":"response.completed","response":{"id":"r","output":[{ "id":"a", "n":1e400 },{"type":"reasoning","encrypted_content":"x"}]}}')
    expect(texts(watching)).toEqual(['{ "id":"a", "n":1e400 }', '{"type":"reasoning","encrypted_content":"x"}'])
    expect(watching.items()?.apart()).toMatchObject([
      { is: 'reference', hasId: true },
      { is: 'reasoning', sealed: sealHash('x'), hasId: false },
    ])
  })

  test.each([
    ['empty', { output: [] }],
    ['null', { output: null }],
  ])('are those that were finished, in their order, where the terminal’s are %s', (_title, more) => {
    for (const watched of [native, bridged]) {
      const watching = observer(watched)
      const told = (value: { readonly type: string }) => see(watching, watched.framing === 'sse' ? sse(value) : value)
      told(done(1, { id: 'b', n: 1 }))
      told(done(0, { id: 'a', role: 'x' }))
      told({ type: 'response.completed', response: response(more) } as { type: string })
      expect(texts(watching)).toEqual(['{"id":"a","role":"x"}', '{"id":"b","n":1}'])
    }
  })

  test('are none where nothing was said', () => {
    const watching = observer()
    see(watching, { type: 'response.completed', response: response() })
    expect(watching.items()?.apart()).toEqual([])
  })

  test('are kept up to a bound', () => {
    const watching = observer()
    const item = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) })
    see(watching, done(0, item(keptItemsBytesMax - 100)))
    see(watching, done(1, item(100)))
    expect(watching.items()?.apart()).toHaveLength(2)
    see(watching, done(2, {}))
    expect(watching.items()).toBeNull()
  })

  test('of the terminal event are kept up to the same bound', () => {
    const output = (bytes: number) => ({ type: 'response.completed', response: response({ output: [{ text: 'x'.repeat(bytes - '{"text":""}'.length) }] }) })
    const watching = observer()
    see(watching, output(keptItemsBytesMax - '[]'.length))
    expect(watching.items()?.apart()).toHaveLength(1)
    see(watching, output(keptItemsBytesMax - '[]'.length + 1))
    expect(watching.items()).toBeNull()
  })

  test('cannot be told where one of them could not be read', () => {
    const watching = observer()
    see(watching, '{"type":"response.output_item.done","output_index":0,"item":')
    see(watching, { type: 'response.completed', response: response() })
    expect(watching.items()).toBeNull()
  })

  test('are copies, which keep no read alive', () => {
    const watching = observer()
    const bytes = Buffer.from(JSON.stringify({ type: 'response.completed', response: response({ output: [{ a: 1 }] }) }))
    watching.see(bytes, 0, bytes.length)
    const items = watching.items()
    bytes.fill(0x20)
    const [only] = items?.apart() ?? []
    expect(only?.json.toString()).toBe('{"a":1}')
    expect(only?.json.buffer.byteLength).toBe(9)
  })
})

describe('Codex’s routing token', () => {
  // E21
  test('is heard from either event, and given once', () => {
    for (const watched of [native, bridged]) {
      const watching = observer(watched)
      const told = (value: { readonly type: string }) => see(watching, watched.framing === 'sse' ? sse(value) : value)
      const metadata = (state: unknown, type = 'response.metadata') => ({ type, headers: { 'X-Codex-Turn-State': state, 'openai-model': 'm' } })
      expect(told(metadata('one')).kind).toBe('held')
      expect(told(metadata('two', 'codex.response.metadata')).kind).toBe('held')
      for (const none of [metadata(7), { type: 'response.metadata' }, { type: 'response.metadata', headers: 'x' }]) told(none)
      expect(watching.turnStates()).toEqual(['one', 'two'])
      expect(watching.turnStates()).toEqual([])
    }
  })

  test('is kept no more often than could matter', () => {
    const watching = observer()
    for (let n = 0; n < 50; n++) see(watching, { type: 'response.metadata', headers: { 'x-codex-turn-state': `s${n}` } })
    const states = watching.turnStates()
    expect([states.length, states.at(-1)]).toEqual([16, 's49'])
  })
})

test('whatever a frame holds, seeing it ends well', () => {
  const types = fc.constantFrom('response.created', 'response.output_item.done', 'response.completed', 'response.failed', 'error', 'response.metadata', 'x')
  const cut = fc.tuple(types, fc.json(), fc.nat(200)).map(([type, json, at]) => {
    const text = `{"type":"${type}","response":${json},"item":${json},"error":${json},"headers":${json}}`
    return text.slice(0, Math.max(1, text.length - at))
  })
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 5 }), (frames) => {
      const watching = observer({ restore: 'alias' as ClientModel })
      for (const frame of frames) expect(['held', 'output', 'terminal', 'failed']).toContain(see(watching, frame).kind)
      watching.items()?.apart()
    }),
    { numRuns: 500 },
  )
})
