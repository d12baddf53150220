import Anthropic from '@anthropic-ai/sdk'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gather } from '../../../src/dialect/messages/gather.ts'
import { blockStart, blockStop, ending, model, sse, started, stopped, text } from './said.ts'

const gathered = (...events: readonly string[]) => gather(Buffer.from(events.join('')))
function json(...events: readonly string[]): unknown {
  const found = gathered(...events)
  return found.kind === 'whole' ? JSON.parse(found.json.toString()) : found.kind
}
const delta = (type: string, more: object, index = 0) => sse('content_block_delta', { index, delta: { type, ...more } })

const thinking = { type: 'thinking', thinking: '', signature: '' }
const tool = { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: {} }
const whole = [
  started({ input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 1, service_tier: 'standard' }),
  blockStart(thinking, 0),
  delta('thinking_delta', { thinking: 'Let me ' }, 0),
  sse('ping'),
  delta('thinking_delta', { thinking: 'see.' }, 0),
  delta('signature_delta', { signature: 'c2ln' }, 0),
  blockStop(0),
  blockStart(undefined, 1),
  text('a 😀', 1),
  text(' b', 1),
  delta('citations_delta', { citation: { type: 'char_location', cited_text: 'x' } }, 1),
  delta('citations_delta', { citation: { type: 'char_location', cited_text: 'y' } }, 1),
  blockStop(1),
  blockStart(tool, 2),
  delta('input_json_delta', { partial_json: '' }, 2),
  delta('input_json_delta', { partial_json: '{"q": ' }, 2),
  delta('input_json_delta', { partial_json: '1}' }, 2),
  blockStop(2),
  sse('message_delta', {
    delta: { stop_reason: 'tool_use', stop_sequence: null, container: { id: 'c1' } },
    usage: { output_tokens: 7, cache_read_input_tokens: null, input_tokens: 12 },
    context_management: { applied_edits: [] },
  }),
  stopped,
]

describe('what a stream amounts to', () => {
  test('is the message, with all that its events added', () => {
    expect(json(...whole)).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model,
      content: [
        { type: 'thinking', thinking: 'Let me see.', signature: 'c2ln' },
        {
          type: 'text',
          text: 'a 😀 b',
          citations: [
            { type: 'char_location', cited_text: 'x' },
            { type: 'char_location', cited_text: 'y' },
          ],
        },
        { ...tool, input: { q: 1 } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      container: { id: 'c1' },
      usage: { input_tokens: 12, cache_read_input_tokens: 4, output_tokens: 7, service_tier: 'standard' },
      context_management: { applied_edits: [] },
    })
  })

  test('is what an SDK makes of it', async () => {
    const fetch = () => Promise.resolve(new Response(whole.join(''), { headers: { 'content-type': 'text/event-stream' } }))
    const client = new Anthropic({ apiKey: 'k', baseURL: 'http://gateway.test', maxRetries: 0, fetch })
    const made = await client.beta.messages.stream({ model, max_tokens: 64, messages: [] }).finalMessage()
    expect(json(...whole)).toEqual(JSON.parse(JSON.stringify({ ...made, parsed_output: undefined })))
  })

  test('has its members in the order of the start', () => {
    const found = gathered(...whole)
    expect(found.kind === 'whole' && found.json.toString()).toMatch(/^\{"id":"msg_1","type":"message","role":"assistant","model":/)
  })

  test('keeps numbers that a double cannot hold', () => {
    const start = 'event: message_start\ndata: {"type":"message_start","message":{"id":"m","n":12345678901234567890,"x":1e400,"content":[]}}\n\n'
    const found = gathered(start, blockStart(tool), delta('input_json_delta', { partial_json: '{"big":12345678901234567890}' }), ending(), stopped)
    const said = found.kind === 'whole' ? found.json.toString() : ''
    expect(said).toContain('"n":12345678901234567890,"x":1e400')
    expect(said).toContain('"input":{"big":12345678901234567890}')
  })

  test('keeps members and blocks that nobody knows', () => {
    const found = json(
      started({}, { odd: { a: 1 } }),
      blockStart({ type: 'never_heard_of', odd: [1] }),
      blockStop(),
      ending('end_turn', { odd_tokens: 3, output_tokens: 1 }),
      stopped,
    )
    expect(found).toMatchObject({ odd: { a: 1 }, content: [{ type: 'never_heard_of', odd: [1] }], usage: { odd_tokens: 3 } })
  })

  test('has its blocks in order, however they come', () => {
    expect(
      json(started(), blockStart({ type: 'text', text: 'b' }, 1), blockStart({ type: 'text', text: 'a' }, 0), text('!', 1), ending(), stopped),
    ).toMatchObject({
      content: [{ text: 'a' }, { text: 'b!' }],
    })
  })

  test('tells blocks apart that say no index', () => {
    const bare = (said: string) => [
      sse('content_block_start', { content_block: { type: 'text', text: '' } }),
      sse('content_block_delta', { delta: { type: 'text_delta', text: said } }),
    ]
    expect(json(started(), ...bare('a'), ...bare('b'), ending(), stopped)).toMatchObject({ content: [{ text: 'a' }, { text: 'b' }] })
  })

  test('has a compaction as its delta says it', () => {
    const block = { type: 'compaction', content: null }
    const found = json(started(), blockStart(block), delta('compaction_delta', { content: 'short', encrypted_content: 'x' }), ending('compaction'), stopped)
    expect(found).toMatchObject({ content: [{ type: 'compaction', content: 'short', encrypted_content: 'x' }] })
  })

  test('is of the model to which it fell back', () => {
    expect(json(started(), blockStart({ type: 'fallback', from: { model }, to: { model: 'claude-sonnet-5' } }), ending(), stopped)).toMatchObject({
      model: 'claude-sonnet-5',
    })
  })

  test.each([
    ['cut off', '{"q": "al'],
    ['no object', '[1]'],
    ['nested deeper than anyone means', `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`],
  ])('has no input for a tool where that is %s', (_title, partial) => {
    expect(json(started(), blockStart(tool), delta('input_json_delta', { partial_json: partial }), ending('max_tokens'), stopped)).toHaveProperty('content', [
      tool,
    ])
  })

  test('passes over deltas that belong to nothing', () => {
    const odd = [text('lost', 7), sse('content_block_delta', { index: 0 }), sse('content_block_start', { index: 0 }), delta('never_heard_of', { x: 1 })]
    expect(json(started(), ...odd, ending(), stopped)).toMatchObject({ content: [], stop_reason: 'end_turn' })
  })

  test('is an error, where it ends in one', () => {
    const said = { error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' }
    const found = gathered(started(), text('a'), sse('error', said), stopped)
    expect(found).toMatchObject({ kind: 'told', signal: { status: 529 }, end: { code: 'overloaded_error' }, readings: [] })
    expect(found.kind === 'told' && JSON.parse(found.json.toString())).toEqual({ type: 'error', ...said })
    expect(gathered('event: error\n\n')).toMatchObject({ kind: 'told', json: Buffer.from('{}') })
  })

  test.each([
    ['nothing at all', []],
    ['no terminal event', whole.slice(0, -1)],
    ['a terminal event that is not whole', [...whole.slice(0, -1), stopped.trimEnd()]],
    ['no start', [text('a'), ending(), stopped]],
    ['a start without a message', [sse('message_start', { message: 7 }), stopped]],
  ] as const)('is nothing, where it has %s', (_title, events) => expect(gathered(...events)).toEqual({ kind: 'cut', readings: [] }))

  test('ends with the first terminal event', () => {
    expect(json(started(), ending(), stopped, ending('max_tokens'), stopped)).toMatchObject({ stop_reason: 'end_turn' })
  })

  test('costs no more than its bytes', () => {
    const many = 30_000
    const events = [
      started(),
      blockStart(),
      ...Array.from({ length: many }, (_, at) => delta('citations_delta', { citation: at })),
      ...Array.from({ length: many }, (_, at) => sse('message_delta', { delta: { [`m${at}`]: at }, usage: { [`u${at}`]: at } })),
      stopped,
    ]
    expect(json(...events)).toMatchObject({ m29999: 29_999, usage: { u29999: 29_999 } })
  })

  test('is something, whatever comes, and never a throw', () => {
    const types = fc.constantFrom('message_start', 'content_block_start', 'content_block_delta', 'message_delta', 'message_stop', 'error', 'x')
    const odd = fc
      .tuple(types, fc.json(), fc.json())
      .map(([type, a, b]) => `event: ${type}\ndata: {"type":"${type}","message":${a},"content_block":${a},"index":${b},"delta":${b},"usage":${a}}\n\n`)
    const real = fc.constantFrom(...whole)
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, real, fc.string()), { maxLength: 12 }), (events) => {
        const found = gathered(...events)
        if (found.kind === 'whole') JSON.parse(found.json.toString())
        expect(['whole', 'told', 'cut']).toContain(found.kind)
      }),
      { numRuns: 500 },
    )
  })
})
