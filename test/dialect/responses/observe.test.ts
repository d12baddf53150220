import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import type { Seen } from '../../../src/dialect/dialect.ts'
import { ResponsesObserver } from '../../../src/dialect/responses/observe.ts'
import { sealHash } from '../../../src/dialect/question.ts'

const watched = { framing: 'sse', client: 'sse' } as const
const observer = (restore: string | null = null) => new ResponsesObserver({ ...watched, restore: restore as ClientModel | null })
const sse = (value: { readonly type: string }) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
const bare = (value: object) => `data: ${JSON.stringify(value)}\n\n`

/** Shows the event in the middle of a larger read, as it may come. */
function see(watching: ResponsesObserver, text: string): Seen {
  const bytes = Buffer.from(`before${text}behind`)
  return watching.see(bytes, 6, bytes.length - 6)
}
const textOf = (seen: Seen) => ('bytes' in seen ? seen.bytes.toString() : null)
const jsonOf = (seen: Seen): unknown => JSON.parse(/data: (.*)/.exec(textOf(seen) ?? '')?.[1] ?? 'null')

const response = (more: object = {}) => ({ id: 'resp_1', object: 'response', status: 'in_progress', model: 'gpt-5.5', output: [], ...more })
const usage = { input_tokens: 5, output_tokens: 2 }

describe('what is no output', () => {
  // B33
  test.each([
    'response.created',
    'response.queued',
    'response.in_progress',
    'response.metadata',
    'keepalive',
    'codex.rate_limits',
    'codex.response.metadata',
    'responsesapi.websocket_timing',
    'x',
  ])('%s is held, byte for byte', (type) => {
    for (const text of [sse({ type, response: response() } as { type: string }), bare({ sequence_number: 1, type, response: response() })]) {
      const seen = see(observer(), text)
      expect(seen.kind).toBe('held')
      expect(textOf(seen)).toBe(text)
    }
  })

  test.each([
    ['a comment', ': keep-alive\n\n'],
    ['an event without data', 'event: ping\n\n'],
    ['data that is no JSON', 'data: {"type":\n\n'],
    ['data that is no object', 'data: [1,2]\n\n'],
    ['the end that other dialects have', 'data: [DONE]\n\n'],
    ['an object without a type', 'data: {"model":"x"}\n\n'],
    ['a type that is no text', 'data: {"type":7}\n\n'],
    ['blank lines', '\n\n'],
  ])('%s is held, byte for byte', (_title, text) => {
    expect(see(observer(), text)).toEqual({ kind: 'held', bytes: Buffer.from(text) })
  })
})

describe('what is output', () => {
  // B33
  test.each([
    'response.output_item.added',
    'response.output_item.done',
    'response.output_text.delta',
    'response.content_part.added',
    'response.reasoning_summary_text.delta',
    'response.never_heard_of',
    'response.steer.accepted',
  ])('%s is', (type) => {
    expect(see(observer(), sse({ type }))).toEqual({ kind: 'output' })
    expect(see(observer(), bare({ sequence_number: 3, type }))).toEqual({ kind: 'output' })
  })

  test('costs no value of its own', () => {
    const watching = observer()
    const delta = sse({ type: 'response.output_text.delta' })
    expect(see(watching, delta)).toBe(see(watching, delta))
  })

  test('is output however large it is', () => {
    const large = sse({ type: 'response.image_generation_call.partial_image', partial_image_b64: 'A'.repeat(8_000_000) } as { type: string })
    expect(see(observer(), large)).toEqual({ kind: 'output' })
  })

  test('is known by its data where the name says something else', () => {
    expect(see(observer(), 'event: message\ndata: {"type":"response.output_text.delta","delta":"a"}\n\n')).toEqual({ kind: 'output' })
  })
})

describe('the id of the answer', () => {
  test('is known from the first lifecycle event that names it', () => {
    const watching = observer()
    expect(watching.response()).toBeNull()
    see(watching, sse({ type: 'response.created', response: response() } as { type: string }))
    expect(watching.response()).toBe('resp_1')
  })

  test('is that of the terminal event where none came before', () => {
    const watching = observer()
    see(watching, sse({ type: 'response.completed', response: response() } as { type: string }))
    expect(watching.response()).toBe('resp_1')
  })
})

describe('the terminal event', () => {
  const terminal = (type: string, more: object = {}) => ({ type, sequence_number: 9, response: response({ output: [{ id: 'msg_1' }], ...more }) })

  // E17
  test('tells the end: id, items, usage and tier', () => {
    const seen = see(observer(), sse(terminal('response.completed', { status: 'completed', usage, service_tier: 'fast' })))
    expect(seen).toMatchObject({
      kind: 'terminal',
      end: { status: 'completed', response: 'resp_1', items: ['msg_1'], usage: { inputTokens: 5, outputTokens: 2 }, tierServed: 'fast', code: null },
    })
  })

  test('goes out byte for byte where nothing is to be changed', () => {
    const text = `id: 7\n${sse(terminal('response.completed'))}`
    expect(textOf(see(observer(), text))).toBe(text)
  })

  test('that is incomplete says so, even when its response does not', () => {
    expect(see(observer(), sse(terminal('response.incomplete')))).toMatchObject({ kind: 'terminal', end: { status: 'incomplete' } })
  })

  test('with malformed usage leaves it unknown', () => {
    expect(see(observer(), sse(terminal('response.completed', { usage: { input_tokens: '5' } })))).toMatchObject({ end: { usage: null } })
  })

  test.each([
    ['without a response', 'event: response.completed\ndata: {"type":"response.completed"}\n\n'],
    ['that is no JSON', 'event: response.completed\ndata: {"type":"response.completed",\n\n'],
  ])('%s ends the turn all the same, its usage unknown', (_title, text) => {
    const watching = observer('alias')
    see(watching, sse({ type: 'response.created', response: response() } as { type: string }))
    expect(see(watching, text)).toEqual({
      kind: 'terminal',
      bytes: Buffer.from(text),
      end: { status: 'completed', response: 'resp_1', items: [], usage: null, tierServed: null, code: null },
    })
  })
})

describe('an output that comes empty at the end', () => {
  const item = (index: number, id: string) =>
    sse({ type: 'response.output_item.done', output_index: index, item: { id, type: 'message', n: 12345678901234567890n.toString() } } as { type: string })
  const outputs = (last: object) => {
    const watching = observer()
    for (const text of [item(2, 'c'), item(0, 'a'), item(1, 'b')]) see(watching, text)
    return see(watching, sse({ type: 'response.completed', response: last } as { type: string }))
  }

  test.each([
    ['empty', response({ output: [] })],
    ['null', response({ output: null })],
    ['absent', { id: 'resp_1', status: 'completed' }],
  ])('%s: is rebuilt from the finished items, in their order', (_title, last) => {
    const seen = outputs(last)
    expect(jsonOf(seen)).toMatchObject({ response: { id: 'resp_1', output: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] } })
    expect(seen).toMatchObject({ end: { items: expect.arrayContaining(['a', 'b', 'c']) as unknown } })
  })

  test('stays as it is where it holds anything', () => {
    expect(jsonOf(outputs(response({ output: [{ id: 'own' }] })))).toMatchObject({ response: { output: [{ id: 'own' }] } })
  })

  test('stays empty where no item was finished', () => {
    const text = sse({ type: 'response.completed', response: response() } as { type: string })
    expect(textOf(see(observer(), text))).toBe(text)
  })

  test('keeps the bytes of each item', () => {
    const watching = observer()
    see(watching, 'data: {"type":"response.output_item.done","output_index":0,"item":{ "n":1e400,  "s":"\\u00e9" }}\n\n')
    const seen = see(watching, sse({ type: 'response.completed', response: response() } as { type: string }))
    expect(textOf(seen)).toContain('"output":[{ "n":1e400,  "s":"\\u00e9" }]')
  })

  test('is rebuilt from an item that came in several lines too', () => {
    const watching = observer()
    see(watching, 'data: {"type":"response.output_item.done",\ndata: "output_index":0,"item":{"type":"reasoning",\ndata: "encrypted_content":"one"}}\n\n')
    expect(watching.sealed()).toEqual([sealHash('one')])
    const seen = see(watching, sse({ type: 'response.completed', response: response() } as { type: string }))
    expect(jsonOf(seen)).toMatchObject({ response: { output: [{ type: 'reasoning', encrypted_content: 'one' }] } })
  })

  test('stays empty where the items were more than are kept', () => {
    const watching = observer()
    const big = 'x'.repeat(6 * 1024 * 1024)
    const done = () => see(watching, sse({ type: 'response.output_item.done', output_index: 0, item: { text: big } } as { type: string }))
    done()
    done()
    const last = sse({ type: 'response.completed', response: response() } as { type: string })
    expect(textOf(see(watching, last))?.length).toBeGreaterThan(12 * 1024 * 1024)
    done()
    expect(textOf(see(watching, last))).toBe(last)
  })
})

describe('the model’s name', () => {
  const lifecycle = { type: 'response.in_progress', response: response({ model: 'gpt-5.5', metadata: { model: 'gpt-5.5' }, output: [{ model: 'gpt-5.5' }] }) }

  // A11
  test('is the client’s own again in every lifecycle event, and nothing else is altered', () => {
    const watching = observer('alias')
    for (const type of ['response.created', 'response.queued', 'response.in_progress', 'response.completed', 'response.incomplete', 'response.failed']) {
      const text = sse({ ...lifecycle, type })
      expect(textOf(see(watching, text)), type).toBe(text.replace('"model":"gpt-5.5"', '"model":"alias"'))
    }
  })

  test('is restored where the stream names no events', () => {
    const text = `id: 1\n${bare({ sequence_number: 1, ...lifecycle })}`
    expect(textOf(see(observer('alias'), text))).toBe(text.replace('"model":"gpt-5.5"', '"model":"alias"'))
  })

  test('is restored where the data stands in several lines', () => {
    const text = 'event: response.created\ndata: {"type":"response.created",\ndata:  "response":{"id":"r",\ndata: "model":"gpt-5.5"}}\n\n'
    const seen = see(observer('alias'), text)
    expect(jsonOf(seen)).toEqual({ type: 'response.created', response: { id: 'r', model: 'alias' } })
    expect(textOf(seen)).toMatch(/^event: response\.created\ndata: .*\n\n$/)
  })

  test('is restored where lines end in two characters', () => {
    const text = sse(lifecycle).replaceAll('\n', '\r\n')
    expect(textOf(see(observer('alias'), text))).toBe(text.replace('"model":"gpt-5.5"', '"model":"alias"'))
  })

  test('is the upstream’s own where mapping changed nothing', () => {
    const several = 'data: {"type":"response.created",\ndata: "response":{"id":"r","model":"gpt-5.5-2026-11-01"}}\n\n'
    for (const text of [sse(lifecycle), several]) expect(textOf(see(observer(), text))).toBe(text)
  })

  test('is not put where the response has none', () => {
    const text = sse({ type: 'response.created', response: { id: 'r' } } as { type: string })
    expect(textOf(see(observer('alias'), text))).toBe(text)
  })
})

describe('reasoning that was sealed', () => {
  const done = (item: object) => sse({ type: 'response.output_item.done', output_index: 0, item } as { type: string })

  // E9
  test('is remembered by its hash, once', () => {
    const watching = observer()
    see(watching, done({ type: 'reasoning', encrypted_content: 'one' }))
    see(watching, done({ type: 'message', encrypted_content: 'no' }))
    see(watching, done({ type: 'compaction', encrypted_content: 'two' }))
    expect(watching.sealed()).toEqual([sealHash('one'), sealHash('two')])
    expect(watching.sealed()).toEqual([])
  })
})

test('whatever bytes an event has, seeing it ends well', () => {
  const types = fc.constantFrom('response.created', 'response.output_item.done', 'response.completed', 'response.failed', 'error', 'x')
  const cut = fc.tuple(types, fc.json(), fc.nat(200), fc.constantFrom('\n', '\r\n', '\r')).map(([type, json, at, end]) => {
    const text = `event: ${type}${end}data: {"type":"${type}","response":${json},"item":${json},"error":${json}}`
    return `${text.slice(0, Math.max(1, text.length - at))}${end}${end}`
  })
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 5 }), fc.option(fc.constant('alias')), (events, restore) => {
      const watching = observer(restore)
      for (const text of events) expect(['held', 'output', 'terminal', 'failed']).toContain(see(watching, text).kind)
    }),
    { numRuns: 500 },
  )
})
