import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import type { Json } from '../../../../src/dialect/json.ts'
import { itemsMax } from '../../../../src/dialect/translate/chat/stream-writer.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { dataOf, gathered, telling, terminals, writeAll } from './streams.ts'

const usage = {
  input_tokens: 120,
  input_tokens_details: { cached_tokens: 100, cache_write_tokens: 10 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 150,
}
const response = { id: 'resp_abc', created_at: 1_795_000_005, model: 'gpt-5.5', output: [], status: 'in_progress' }
const created: HubEvent = { type: 'response.created', response }
const completed: HubEvent = { type: 'response.completed', response: { ...response, status: 'completed', usage, service_tier: 'default' } }
const text = (delta: string, at = 0): HubEvent => ({ type: 'response.output_text.delta', output_index: at, content_index: 0, delta, logprobs: [] })
const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'lookup', arguments: '' }
const added = (item: Json, at = 0): HubEvent => ({ type: 'response.output_item.added', output_index: at, item })
const input = (delta: string, at = 0): HubEvent => ({ type: 'response.function_call_arguments.delta', output_index: at, delta })
const itemDone = (item: Json, at = 0): HubEvent => ({ type: 'response.output_item.done', output_index: at, item })
const message = (...content: readonly Json[]): Json => ({ type: 'message', id: 'msg_1', role: 'assistant', content })

const chunksOf = (...events: readonly HubEvent[]): readonly (Json | null)[] => dataOf(writeAll(events))
const deltasOf = (...events: readonly HubEvent[]): readonly unknown[] =>
  chunksOf(created, ...events)
    .slice(1)
    .map((chunk) => (chunk?.['choices'] as readonly Json[] | undefined)?.[0]?.['delta'])

describe('events of the hub as chunks of Chat', () => {
  test('are one chunk each, all of the same id, time and model', () => {
    const common = { id: 'chatcmpl-abc', object: 'chat.completion.chunk', created: 1_795_000_005, model: 'gpt-5.5' }
    const choice = { index: 0, logprobs: null, finish_reason: null }
    const chatUsage = {
      prompt_tokens: 120,
      completion_tokens: 30,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
    }
    expect(chunksOf(created, text('Hi'), completed)).toEqual([
      { ...common, choices: [{ ...choice, delta: { role: 'assistant', content: '', refusal: null } }], usage: null },
      { ...common, choices: [{ ...choice, delta: { content: 'Hi' } }], usage: null },
      { ...common, service_tier: 'default', choices: [{ ...choice, delta: {}, finish_reason: 'stop' }], usage: null },
      { ...common, service_tier: 'default', choices: [], usage: chatUsage },
      null,
    ])
  })

  test('say nothing of usage to a client that did not ask', () => {
    const chunks = dataOf(writeAll([created, text('Hi'), completed], chatTranslator.writer({ ...telling, wantsUsage: false })))
    expect(chunks).toHaveLength(4)
    expect(chunks.filter((chunk) => chunk !== null && 'usage' in chunk)).toEqual([])
  })

  test('tell no usage that nobody knows', () => {
    const chunks = chunksOf(created, { ...completed, response: { ...response, usage: null } })
    expect(chunks).toHaveLength(3)
    expect(gathered(chunks)).toMatchObject({ usage: null, finish: 'stop', isDone: true })
  })

  test('name the model as its client does where mapping changed it', () => {
    const chunks = dataOf(writeAll([created, completed], chatTranslator.writer({ ...telling, restore: 'mine' as ClientModel })))
    expect(chunks.map((chunk) => chunk?.['model'])).toEqual(['mine', 'mine', 'mine', undefined])
  })

  test.each<[title: string, events: readonly HubEvent[], deltas: readonly unknown[]]>([
    ['text', [text('a'), text('')], [{ content: 'a' }]],
    ['a refusal', [{ type: 'response.refusal.delta', output_index: 0, delta: 'no' }], [{ refusal: 'no' }]],
    [
      'calls, counted by themselves',
      [text('a', 1), added(call, 2), input('{', 2), added({ ...call, call_id: 'call_2' }, 3), input('1', 3), input('}', 2)],
      [
        { content: 'a' },
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{' } }] },
        { tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'lookup', arguments: '' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '1' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '}' } }] },
      ],
    ],
    [
      'calls of custom tools',
      [
        added({ type: 'custom_tool_call', call_id: 'c', name: 'patch', input: '' }),
        { type: 'response.custom_tool_call_input.delta', output_index: 0, delta: 'x' },
      ],
      [{ tool_calls: [{ index: 0, id: 'c', type: 'custom', custom: { name: 'patch', input: '' } }] }, { tool_calls: [{ index: 0, custom: { input: 'x' } }] }],
    ],
    ['no reasoning', [added({ type: 'reasoning' }), { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'hm' }], []],
    ['nothing of what is unknown', [{ type: 'response.web_search_call.searching' }, { type: 'keepalive' }, { type: 'codex.rate_limits' }], []],
    ['nothing twice', [created, { type: 'response.in_progress', response }, added(call), added(call)], [{ tool_calls: [{ index: 0 }] }]],
    [
      'a whole message of which nothing was heard',
      [itemDone(message({ type: 'output_text', text: 'a' }, { type: 'refusal', refusal: 'b' }))],
      [{ content: 'a' }, { refusal: 'b' }],
    ],
    [
      'only what was not heard',
      [text('a'), itemDone(message({ type: 'output_text', text: 'a' }, { type: 'refusal', refusal: 'b' }))],
      [{ content: 'a' }, { refusal: 'b' }],
    ],
    [
      'a whole call of which nothing was heard',
      [itemDone({ ...call, arguments: '{}' })],
      [{ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'lookup', arguments: '{}' } }] }],
    ],
    [
      'the input of a call of which only the name was heard',
      [added(call), itemDone({ ...call, arguments: '{}' })],
      [{ tool_calls: [{ id: 'call_1' }] }, { tool_calls: [{ index: 0, function: { arguments: '{}' } }] }],
    ],
    [
      'the input of a custom one',
      [added({ ...call, type: 'custom_tool_call' }), itemDone({ ...call, type: 'custom_tool_call', input: 'x' })],
      [{}, { tool_calls: [{ index: 0, custom: { input: 'x' } }] }],
    ],
    ['nothing for a call without input', [added(call), itemDone(call)], [{ tool_calls: [{ id: 'call_1' }] }]],
    ['a call that never began when it is done', [input('{'), itemDone({ ...call, arguments: '{}' })], [{ tool_calls: [{ function: { arguments: '{}' } }] }]],
    [
      'nothing that comes after its item is done',
      [text('a'), itemDone(message({ type: 'output_text', text: 'a' })), text('b'), itemDone(message({ type: 'output_text', text: 'a' }))],
      [{ content: 'a' }],
    ],
    [
      'sources when their message is done',
      [
        text('a'),
        itemDone(message({ type: 'output_text', text: 'a', annotations: [{ type: 'url_citation', start_index: 0, end_index: 1, title: 't', url: 'u' }] })),
      ],
      [{ content: 'a' }, { annotations: [{ type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 't', url: 'u' } }] }],
    ],
  ])('tell %s', (_title, events, deltas) => {
    const told = deltasOf(...events)
    expect(told).toHaveLength(deltas.length)
    expect(told).toMatchObject(deltas)
  })

  test('tell log probabilities in full, though the hub may leave out bytes', () => {
    const event = { ...text('a'), logprobs: [{ token: 'a', logprob: -0.5, top_logprobs: [{ token: 'b' }] }] }
    const [, chunk] = chunksOf(created, event)
    expect(chunk).toMatchObject({
      choices: [
        { logprobs: { content: [{ token: 'a', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'b', logprob: 0, bytes: null }] }], refusal: null } },
      ],
    })
  })

  test.each<[title: string, end: HubEvent, finish: string]>([
    ['stop', completed, 'stop'],
    ['length', { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } }, 'length'],
    ['content_filter', { type: 'response.incomplete', response: { incomplete_details: { reason: 'content_filter' } } }, 'content_filter'],
    ['length where nobody says why', { type: 'response.incomplete' }, 'length'],
  ])('end with %s', (_title, end, finish) => {
    expect(gathered(chunksOf(created, end)).finish).toBe(finish)
  })

  test('end with tool_calls where there were any', () => {
    expect(gathered(chunksOf(created, added(call), completed)).finish).toBe('tool_calls')
  })

  test('end with items of which no event spoke', () => {
    const output = [message({ type: 'output_text', text: 'a' }), { ...call, arguments: '{}' }]
    const said = gathered(chunksOf(created, { ...completed, response: { ...response, output } }))
    expect(said).toMatchObject({ text: 'a', calls: [{ id: 'call_1', text: '{}' }], finish: 'tool_calls', isDone: true })
  })

  test('need no first event to begin', () => {
    const [first, second] = chunksOf(text('a'))
    expect(first).toMatchObject({ id: 'chatcmpl-1795000000', model: 'asked', choices: [{ delta: { role: 'assistant' } }] })
    expect(second).toMatchObject({ choices: [{ delta: { content: 'a' } }] })
  })

  test.each(['response.failed', 'error'])('say nothing of %s, nor after it', (type) => {
    expect(chunksOf(created, { type }, text('a'), completed)).toHaveLength(1)
  })

  test('say nothing after the end', () => {
    expect(chunksOf(created, completed, text('a'), completed)).toHaveLength(4)
  })

  test('an answer of very many items is said to be cut short', () => {
    const events = Array.from({ length: itemsMax + 10 }, (_, at) => text('a', at))
    const said = gathered(chunksOf(created, ...events, completed))
    expect(said.text).toHaveLength(itemsMax)
    expect(said).toMatchObject({ finish: 'length', isDone: true })
  })
})

describe('whatever the hub says', () => {
  const types = [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.output_text.delta',
    'response.refusal.delta',
    'response.function_call_arguments.delta',
    'response.custom_tool_call_input.delta',
    'response.output_item.done',
    'response.completed',
    'response.incomplete',
    'response.failed',
    'error',
    'response.reasoning_text.delta',
    'x',
  ]
  const item = fc.record(
    {
      type: fc.constantFrom('message', 'function_call', 'custom_tool_call', 'reasoning', 5),
      call_id: fc.jsonValue(),
      name: fc.jsonValue(),
      arguments: fc.jsonValue(),
      input: fc.jsonValue(),
      content: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const answer = fc.record(
    {
      id: fc.jsonValue(),
      created_at: fc.jsonValue(),
      model: fc.jsonValue(),
      output: fc.oneof(fc.array(item), fc.jsonValue()),
      usage: fc.jsonValue(),
      service_tier: fc.jsonValue(),
      incomplete_details: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const events = fc.record(
    {
      type: fc.constantFrom(...types),
      output_index: fc.oneof(fc.nat(3), fc.jsonValue()),
      delta: fc.oneof(fc.string(), fc.jsonValue()),
      item: fc.oneof(item, fc.jsonValue()),
      response: fc.oneof(answer, fc.jsonValue()),
      logprobs: fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  )

  test('the writer never throws, begins once, and ends once', () => {
    fc.assert(
      fc.property(fc.array(events), (all) => {
        const chunks = dataOf(writeAll(all))
        const roles = chunks.filter((chunk) => (chunk?.['choices'] as readonly { delta: Json }[] | undefined)?.[0]?.delta['role'] !== undefined)
        expect(roles).toHaveLength(Math.min(chunks.length, 1))
        const end = all.find(({ type }) => terminals.has(type) || type === 'error')
        const isTold = end?.type === 'response.completed' || end?.type === 'response.incomplete'
        expect(chunks.filter((chunk) => chunk === null)).toHaveLength(isTold ? 1 : 0)
        expect(
          new Set(chunks.flatMap((chunk) => (chunk === null ? [] : [`${String(chunk['id'])} ${String(chunk['created'])} ${String(chunk['model'])}`]))).size,
        ).toBeLessThan(2)
      }),
      { numRuns: 500 },
    )
  })
})
