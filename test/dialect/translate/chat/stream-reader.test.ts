import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import type { Json } from '../../../../src/dialect/json.ts'
import { keptCharactersMax } from '../../../../src/dialect/translate/chat/stream-reader.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { chunk, finish, readAll, telling, terminals, typesOf, usageChunk } from './streams.ts'

const role = chunk({ role: 'assistant', content: '', refusal: null })
const usage = { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150, prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10 } }
const toolCall = (index: number, more: Json): Json => chunk({ tool_calls: [{ index, ...more }] })
const begun = (index: number, id: string): Json => toolCall(index, { id, type: 'function', function: { name: 'lookup', arguments: '' } })
const input = (index: number, text: string): Json => toolCall(index, { function: { arguments: text } })

const lastOf = (events: readonly HubEvent[]): HubEvent => events.at(-1) ?? { type: 'nothing' }
const outputOf = (events: readonly HubEvent[]): unknown => (lastOf(events)['response'] as Json)['output']

describe('a stream of Chat in the events of the hub', () => {
  test('is one message with one text', () => {
    const events = readAll([role, chunk({ content: 'Hel' }), chunk({ content: 'lo' }), finish('stop'), usageChunk(usage)])
    const place = { item_id: 'msg_abc_0', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }
    const item = { id: 'msg_abc_0', type: 'message', role: 'assistant', status: 'completed', content: [part] }
    expect(events.slice(2, -1)).toEqual([
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
      { type: 'response.output_text.delta', ...place, delta: 'Hel', logprobs: [] },
      { type: 'response.output_text.delta', ...place, delta: 'lo', logprobs: [] },
      { type: 'response.output_text.done', ...place, text: 'Hello', logprobs: [] },
      { type: 'response.content_part.done', ...place, part },
      { type: 'response.output_item.done', output_index: 0, item },
    ])
    expect(typesOf(events.slice(0, 2))).toEqual(['response.created', 'response.in_progress'])
    expect(lastOf(events)).toMatchObject({ type: 'response.completed', response: { status: 'completed', output: [item] } })
  })

  test('tells a response with all that its clients require, from the first event on', () => {
    const events = readAll([chunk({ content: 'a' }, {}, { service_tier: 'default' }), finish('stop'), usageChunk(usage)])
    const common = {
      id: 'resp_abc',
      object: 'response',
      created_at: 1_795_000_005,
      model: 'gpt-5.5',
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      parallel_tool_calls: true,
      previous_response_id: null,
      service_tier: 'default',
      store: false,
      temperature: 1,
      top_p: 1,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
    }
    expect(events[0]?.['response']).toEqual({ ...common, status: 'in_progress', output: [], usage: null })
    expect(lastOf(events)['response']).toMatchObject({
      ...common,
      status: 'completed',
      usage: {
        input_tokens: 120,
        input_tokens_details: { cached_tokens: 100, cache_write_tokens: 10 },
        output_tokens: 30,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 150,
      },
    })
  })

  test('closes all items in their order, and the last may be cut short', () => {
    const events = readAll([
      role,
      chunk({ content: 'I look.' }),
      begun(0, 'call_1'),
      input(0, '{"q":'),
      begun(1, 'call_2'),
      input(0, '1}'),
      input(1, '{'),
      finish('length'),
    ])
    expect(typesOf(events.slice(-8))).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.incomplete',
    ])
    expect(lastOf(events)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    })
    expect(outputOf(events)).toMatchObject([
      { id: 'msg_abc_0', type: 'message', status: 'completed' },
      { id: 'fc_abc_1', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'lookup', arguments: '{"q":1}' },
      { id: 'fc_abc_2', type: 'function_call', status: 'incomplete', call_id: 'call_2', name: 'lookup', arguments: '{' },
    ])
  })

  test.each<[title: string, chunks: readonly Json[], output: readonly Json[]]>([
    ['nothing at all is an answer too', [role], []],
    ['a refusal is a part', [chunk({ refusal: 'No' }), chunk({ refusal: '.' })], [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }]],
    [
      'text and a refusal are two parts of one message',
      [chunk({ content: 'Well' }), chunk({ refusal: 'no' }), chunk({ content: '...' })],
      [
        {
          type: 'message',
          content: [
            { type: 'output_text', text: 'Well...' },
            { type: 'refusal', refusal: 'no' },
          ],
        },
      ],
    ],
    [
      'a custom tool takes text',
      [toolCall(0, { id: 'c', type: 'custom', custom: { name: 'patch', input: '*** ' } }), toolCall(0, { custom: { input: 'Begin' } })],
      [{ id: 'ctc_abc_0', type: 'custom_tool_call', call_id: 'c', name: 'patch', input: '*** Begin' }],
    ],
    [
      'a call may be told in one chunk',
      [toolCall(0, { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } })],
      [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }],
    ],
    [
      'a call without an id gets one',
      [toolCall(0, { function: { name: 'f', arguments: '{}' } })],
      [{ type: 'function_call', call_id: 'call_abc_0', name: 'f' }],
    ],
    [
      'calls without an index are told apart by their ids',
      [
        chunk({
          tool_calls: [
            { id: 'a', function: { name: 'f', arguments: '1' } },
            { id: 'b', function: { name: 'g', arguments: '2' } },
          ],
        }),
        chunk({ tool_calls: [{ function: { arguments: '3' } }] }),
      ],
      [
        { call_id: 'a', name: 'f', arguments: '1' },
        { call_id: 'b', name: 'g', arguments: '23' },
      ],
    ],
    [
      'calls of one index are told apart by their ids',
      [begun(0, 'a'), input(0, '1'), begun(0, 'a'), input(0, '2'), begun(0, 'b'), input(0, '3')],
      [
        { call_id: 'a', arguments: '12' },
        { call_id: 'b', arguments: '3' },
      ],
    ],
    ['one id for two calls becomes two', [begun(0, 'a'), begun(1, 'a'), input(1, '1')], [{ call_id: 'a' }, { call_id: 'call_abc_1', arguments: '1' }]],
    [
      'a tool may be named late',
      [toolCall(0, { id: 'a' }), toolCall(0, { function: { name: 'f' } }), toolCall(0, { function: { name: 'f' } })],
      [{ call_id: 'a', name: 'f' }],
    ],
    ['text behind a call is a message behind it', [begun(0, 'a'), chunk({ content: 'x' })], [{ type: 'function_call' }, { id: 'msg_abc_1', type: 'message' }]],
    ['content in parts counts by its texts', [chunk({ content: [{ type: 'thinking' }, { type: 'text', text: 'x' }] })], [{ content: [{ text: 'x' }] }]],
    ['other choices than the first do not count', [chunk({ content: 'x' }, { index: 1 }), chunk({ content: 'y' })], [{ content: [{ text: 'y' }] }]],
    ['what comes with the finish reason counts', [chunk({ content: 'x' }, { finish_reason: 'stop' })], [{ content: [{ text: 'x' }] }]],
    ['what comes behind it does not', [finish('stop'), chunk({ content: 'x' })], []],
    [
      'sources are annotations',
      [
        chunk({ content: 'x' }),
        chunk({ annotations: [{ type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 't', url: 'u' } }, { type: 'file' }] }),
      ],
      [{ content: [{ text: 'x', annotations: [{ type: 'url_citation', start_index: 0, end_index: 1, title: 't', url: 'u' }] }] }],
    ],
    [
      'log probabilities stand beside their text',
      [chunk({ content: 'x' }, { logprobs: { content: [{ token: 'x', logprob: -0.5, bytes: [120], top_logprobs: [] }], refusal: null } })],
      [{ content: [{ text: 'x', logprobs: [{ token: 'x', logprob: -0.5, bytes: [120], top_logprobs: [] }] }] }],
    ],
  ])('%s', (_title, chunks, output) => {
    expect(outputOf(readAll([...chunks, finish('stop')]))).toMatchObject(output)
  })

  test.each([
    ['stop', 'response.completed', null],
    ['tool_calls', 'response.completed', null],
    ['function_call', 'response.completed', null],
    ['a new word', 'response.completed', null],
    ['length', 'response.incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'response.incomplete', { reason: 'content_filter' }],
  ])('finish reason %s ends it as %s', (reason, type, details) => {
    expect(lastOf(readAll([role, finish(reason)]))).toMatchObject({ type, response: { incomplete_details: details } })
  })

  test('the last usage counts, wherever it stands; none is null', () => {
    const early = chunk({ content: 'a' }, {}, { usage: { prompt_tokens: 1, completion_tokens: 1 } })
    expect(lastOf(readAll([early, finish('stop'), usageChunk(usage)]))['response']).toMatchObject({ usage: { input_tokens: 120 } })
    expect(lastOf(readAll([early, finish('stop')]))['response']).toMatchObject({ usage: { input_tokens: 1, total_tokens: 2 } })
    expect(lastOf(readAll([finish('stop'), usageChunk({ prompt_tokens: '1' })]))['response']).toMatchObject({ usage: null })
  })

  test.each<[title: string, chunks: readonly Json[]]>([
    ['a stream that ends without a finish reason has failed', [role, chunk({ content: 'a' })]],
    ['so has one whose finish reason is empty', [role, finish('')]],
    ['and one that never began', []],
  ])('%s', (_title, chunks) => {
    const events = readAll(chunks)
    expect(events[0]?.type).toBe('response.created')
    expect(lastOf(events)).toMatchObject({ type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' }, output: [] } })
  })

  test('waits for an id with its first event, so that the id never changes', () => {
    const reader = chatTranslator.reader(telling)
    expect(reader.read(null, { id: '', choices: [], prompt_filter_results: [] })).toEqual([])
    expect(reader.read(null, role)[0]).toMatchObject({ type: 'response.created', response: { id: 'resp_abc' } })
  })

  test('makes up what the upstream does not say', () => {
    const [created] = readAll([{ choices: [{ delta: { content: 'a' } }] }])
    expect(created?.['response']).toMatchObject({ id: 'resp_1795000000', created_at: 1_795_000_000, model: 'asked' })
  })

  test('gives the model its client back where mapping changed it', () => {
    const reader = chatTranslator.reader({ ...telling, restore: 'mine' as ClientModel })
    const events = readAll([role, finish('stop')], reader)
    expect(events.filter((event) => 'response' in event).map((event) => (event['response'] as Json)['model'])).toEqual(['mine', 'mine', 'mine'])
  })

  test('says nothing more once it is closed', () => {
    const reader = chatTranslator.reader(telling)
    readAll([role, finish('stop')], reader)
    expect(reader.read(null, role)).toEqual([])
    expect(reader.close()).toEqual([])
  })
})

describe('what an answer under way may keep', () => {
  const big = 'x'.repeat(1024 * 1024)
  const failure = { type: 'response.failed', response: { error: { message: 'The answer is longer than can be translated.' } } }

  test('an answer as long as the bound is told whole', () => {
    const pieces = Array.from({ length: 7 }, () => chunk({ content: big }))
    const rest = chunk({ content: 'y'.repeat(keptCharactersMax - 7 * big.length - 512) })
    const events = readAll([...pieces, rest, finish('stop')])
    expect(lastOf(events).type).toBe('response.completed')
    expect(JSON.stringify(outputOf(events)).length).toBeGreaterThan(keptCharactersMax - 1024)
  })

  test('a longer one has failed, and keeps nothing', () => {
    const pieces = Array.from({ length: 8 }, () => chunk({ content: big }))
    const events = readAll([...pieces, chunk({ content: 'y' }), finish('stop')])
    expect(typesOf(events).filter((type) => type.endsWith('.done'))).toEqual([])
    expect(lastOf(events)).toMatchObject(failure)
  })

  test('texts that come together are told and counted like others', () => {
    const reader = chatTranslator.reader(telling)
    for (const each of [role, begun(0, 'call_1'), input(0, '{'), chunk({ refusal: 'No' }), chunk({ content: 'a' })]) reader.read(null, each)
    expect(reader.grow('b')).toBe(true)
    reader.read(null, input(0, '"q"'))
    expect(reader.grow(':1}')).toBe(true)
    reader.read(null, finish('stop'))
    const output = JSON.stringify(outputOf(reader.close()))
    expect(output).toContain('"arguments":"{\\"q\\":1}"')
    expect(output).toContain('"text":"ab"')

    const long = chatTranslator.reader(telling)
    for (const each of [role, chunk({ content: 'a' })]) long.read(null, each)
    expect(long.grow('x'.repeat(keptCharactersMax - 513))).toBe(true)
    expect(long.grow('x')).toBe(false)
    long.read(null, chunk({ content: 'y' }))
    expect(long.close().at(-1)).toMatchObject(failure)
  })

  test('calls without a word are counted too', () => {
    const reader = chatTranslator.reader(telling)
    for (let index = 0; index < keptCharactersMax / 512 + 1; index++) reader.read(null, begun(index, ''))
    expect(reader.close().at(-1)).toMatchObject(failure)
  })

  test('so are log probabilities', () => {
    const reader = chatTranslator.reader(telling)
    const each = { token: 'x', logprob: -0.5, bytes: Array.from({ length: 1000 }, () => 120), top_logprobs: [] }
    const many = chunk({ content: '' }, { logprobs: { content: Array.from({ length: 100 }, () => each) } })
    for (let index = 0; index < 30; index++) reader.read(null, many)
    expect(reader.close().at(-1)).toMatchObject(failure)
  })

  test('one event with very many log probabilities does no harm', () => {
    const logprobs = { content: Array.from({ length: 300_000 }, () => ({ token: 'x' })) }
    expect(() => readAll([chunk({ content: 'x' }, { logprobs }), finish('stop')])).not.toThrow()
  })
})

describe('whatever an upstream sends', () => {
  const text = fc.oneof(fc.constantFrom('', 'x', 'stop', 'length'), fc.jsonValue())
  const entry = fc.record(
    {
      index: fc.oneof(fc.nat(3), fc.jsonValue()),
      id: text,
      type: fc.constantFrom('function', 'custom', 5),
      function: fc.oneof(fc.record({ name: text, arguments: text }), fc.jsonValue()),
      custom: fc.oneof(fc.record({ name: text, input: text }), fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  const delta = fc.record(
    { role: text, content: text, refusal: text, tool_calls: fc.oneof(fc.array(entry), fc.jsonValue()), annotations: fc.jsonValue() },
    { requiredKeys: [] },
  )
  const choice = fc.record(
    {
      index: fc.constantFrom(0, 0, 1, 'x'),
      delta: fc.oneof(delta, fc.jsonValue()),
      logprobs: fc.oneof(fc.record({ content: fc.jsonValue() }), fc.jsonValue()),
      finish_reason: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: text }),
    },
    { requiredKeys: [] },
  )
  const chunks = fc.record(
    {
      id: text,
      created: text,
      model: text,
      choices: fc.oneof(fc.array(choice), fc.jsonValue()),
      usage: fc.jsonValue(),
      service_tier: text,
      error: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )

  test('the reader never throws, opens first, and ends once', () => {
    fc.assert(
      fc.property(fc.array(chunks), (all) => {
        const types = typesOf(readAll(all))
        expect(types[0]).toBe('response.created')
        expect(types.filter((type) => terminals.has(type))).toEqual([types.at(-1)])
        const opened = types.filter((type) => type === 'response.output_item.added').length
        const closed = types.filter((type) => type === 'response.output_item.done').length
        expect(closed).toBe(types.at(-1) === 'response.failed' ? 0 : opened)
      }),
      { numRuns: 500 },
    )
  })
})
