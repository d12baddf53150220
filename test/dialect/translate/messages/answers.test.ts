import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import type { Json } from '../../../../src/dialect/json.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { blockOfSeal, sealOfBlock } from '../../../../src/dialect/translate/messages/seal.ts'
import { memberOf, startedAtS, telling } from './support.ts'

const answerToHub = (answer: Json, more = telling()) => messagesTranslator.answerToHub(answer, more)
const answerFromHub = (response: Json, more = telling()) => messagesTranslator.answerFromHub(response, more)
const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 5,
  cache_read_input_tokens: 100,
  output_tokens: 30,
  output_tokens_details: { thinking_tokens: 20 },
  service_tier: 'standard',
}
const message = (content: readonly Json[], more: Json = {}): Json => ({
  id: 'msg_abc',
  type: 'message',
  role: 'assistant',
  model: 'claude-up',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage,
  ...more,
})
const text = (said: string): Json => ({ type: 'text', text: said, citations: null })

describe('a message as the hub has it', () => {
  const patch = '*** Begin Patch\n"x"\n'
  const content = [
    { type: 'thinking', thinking: 'hm', signature: 'EqQB' },
    { type: 'redacted_thinking', data: 'EqQC' },
    text('Hi'),
    { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { q: 1 } },
    { type: 'tool_use', id: 'toolu_2', name: 'apply_patch', input: { input: patch } },
    { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
  ]
  const said = answerToHub(message(content, { stop_reason: 'tool_use' }), telling({ memo: { customTools: new Set(['apply_patch']), toolNames: new Map() } }))

  test('has every member that its readers rely on', () => {
    expect(said).toEqual({
      id: 'resp_abc',
      object: 'response',
      created_at: startedAtS,
      status: 'completed',
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      model: 'claude-up',
      output: expect.any(Array),
      parallel_tool_calls: true,
      previous_response_id: null,
      service_tier: 'default',
      store: false,
      temperature: null,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_p: null,
      usage: {
        input_tokens: 115,
        input_tokens_details: { cached_tokens: 100, cache_write_tokens: 5 },
        output_tokens: 30,
        output_tokens_details: { reasoning_tokens: 20 },
        total_tokens: 145,
      },
    })
  })

  test('has an item for each of its blocks, but for those that nobody asked for', () => {
    expect(said['output']).toEqual([
      { id: 'rs_abc_0', type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: expect.any(String), status: 'completed' },
      { id: 'rs_abc_1', type: 'reasoning', summary: [], encrypted_content: expect.any(String), status: 'completed' },
      {
        id: 'msg_abc_2',
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Hi', annotations: [], logprobs: [] }],
      },
      { id: 'fc_abc_3', type: 'function_call', call_id: 'toolu_1', name: 'lookup', arguments: '{"q":1}', status: 'completed' },
      { id: 'ctc_abc_4', type: 'custom_tool_call', call_id: 'toolu_2', name: 'apply_patch', input: patch, status: 'completed' },
    ])
  })

  test.each([
    ['end_turn', 'completed', null],
    ['stop_sequence', 'completed', null],
    ['tool_use', 'completed', null],
    ['pause_turn', 'completed', null],
    ['max_tokens', 'incomplete', { reason: 'max_output_tokens' }],
    ['model_context_window_exceeded', 'incomplete', { reason: 'max_output_tokens' }],
    ['refusal', 'incomplete', { reason: 'content_filter' }],
  ])('which ended by %s is %s', (reason, status, details) => {
    expect(answerToHub(message([text('a'), text('b')], { stop_reason: reason }), telling())).toMatchObject({
      status,
      incomplete_details: details,
      output: [{ status: 'completed' }, { status }],
    })
  })

  test.each<[title: string, usage: Json, tier: string | undefined]>([
    ['that was fast', { speed: 'fast', service_tier: 'standard' }, 'priority'],
    ['that was not', { speed: 'standard' }, 'default'],
    ['on bought capacity', { service_tier: 'priority' }, 'default'],
    ['that does not say', {}, undefined],
  ])('%s is of the tier', (_title, more, tier) => {
    expect(answerToHub(message([], { usage: { input_tokens: 1, output_tokens: 1, ...more } }), telling())['service_tier']).toBe(tier)
  })

  test('of which no usage is known says none', () => {
    expect(answerToHub(message([], { usage: null }), telling())['usage']).toBeNull()
    expect(answerToHub(message([], { usage: { input_tokens: -1, output_tokens: 1 } }), telling())['usage']).toBeNull()
  })

  test('a custom tool that was called in another way is taken at its words', () => {
    const memo = { customTools: new Set(['p']), toolNames: new Map<string, string>() }
    const called = answerToHub(message([{ type: 'tool_use', id: 't', name: 'p', input: { patch: 'x' } }]), telling({ memo }))
    expect(called['output']).toMatchObject([{ type: 'custom_tool_call', input: '{"patch":"x"}' }])
  })
})

describe('a response of the hub as a message', () => {
  const response = (output: readonly Json[], more: Json = {}): Json => ({
    id: 'resp_abc',
    object: 'response',
    status: 'completed',
    model: 'gpt-up',
    service_tier: 'default',
    output,
    usage: {
      input_tokens: 115,
      input_tokens_details: { cached_tokens: 100, cache_write_tokens: 5 },
      output_tokens: 30,
      output_tokens_details: { reasoning_tokens: 20 },
      total_tokens: 145,
    },
    ...more,
  })
  const part = (said: string) => ({ type: 'output_text', text: said, annotations: [] })
  const words = (...content: readonly Json[]) => ({ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content })

  test('has every member of one', () => {
    expect(answerFromHub(response([words(part('Hi'))]), telling())).toEqual({
      id: 'msg_abc',
      type: 'message',
      role: 'assistant',
      model: 'gpt-up',
      content: [text('Hi')],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 5,
        cache_read_input_tokens: 100,
        cache_creation: null,
        output_tokens: 30,
        output_tokens_details: { thinking_tokens: 20 },
        server_tool_use: null,
        service_tier: 'standard',
        speed: 'standard',
        inference_geo: null,
      },
    })
  })

  test.each<[title: string, output: readonly Json[], content: readonly Json[]]>([
    ['each part of a text is a block', [words(part('a'), part('b'))], [text('a'), text('b')]],
    ['what is empty is none', [words(part('')), { type: 'reasoning', summary: [] }], []],
    ['what the service did is none', [{ type: 'web_search_call', id: 'ws_1' }, words(part('found'))], [text('found')]],
    [
      'reasoning is thinking, and what sealed it its signature',
      [{ type: 'reasoning', summary: [summary('a'), summary(''), summary('b')], encrypted_content: 'gAAA' }],
      [{ type: 'thinking', thinking: 'a\n\nb', signature: 'turnout.responses.gAAA' }],
    ],
    [
      'reasoning that is not sealed',
      [{ type: 'reasoning', summary: [summary('a')], encrypted_content: '' }],
      [{ type: 'thinking', thinking: 'a', signature: '' }],
    ],
    [
      'reasoning that is told in full is thinking too',
      [{ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'because' }] }],
      [{ type: 'thinking', thinking: 'because', signature: '' }],
    ],
    [
      'a call',
      [{ type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'lookup', arguments: '{"q":1}' }],
      [{ type: 'tool_use', id: 'call_1', name: 'lookup', input: { q: 1 } }],
    ],
    [
      'a call without its id',
      [words(part('a')), { type: 'function_call', name: 'lookup', arguments: '' }],
      [text('a'), { type: 'tool_use', id: 'call_abc_1', name: 'lookup', input: {} }],
    ],
    [
      'a call of a custom tool',
      [{ type: 'custom_tool_call', call_id: 'call_1', name: 'note', input: 'x' }],
      [{ type: 'tool_use', id: 'call_1', name: 'note', input: { input: 'x' } }],
    ],
  ])('%s', (_title, output, content) => expect(answerFromHub(response(output), telling())['content']).toEqual(content))

  const call = { type: 'function_call', call_id: 'c', name: 'n', arguments: '{}' }
  const refusal = words({ type: 'refusal', refusal: 'no' })
  const details = { type: 'refusal', category: null, explanation: null }
  test.each<[title: string, output: readonly Json[], more: Json, reason: string, stopDetails: unknown]>([
    ['a text', [words(part('a'))], {}, 'end_turn', null],
    ['a call', [call], {}, 'tool_use', null],
    ['a refusal', [refusal], {}, 'refusal', details],
    ['a refusal and a call all the same', [refusal, call], {}, 'tool_use', null],
    ['a limit', [call], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'max_tokens', null],
    ['a filter', [words(part('a'))], { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'refusal', details],
    ['something else', [words(part('a'))], { status: 'incomplete', incomplete_details: { reason: 'steered' } }, 'max_tokens', null],
    ['something unsaid', [words(part('a'))], { status: 'incomplete', incomplete_details: null }, 'max_tokens', null],
  ])('which ended by %s', (_title, output, more, reason, stopDetails) => {
    expect(answerFromHub(response(output, more), telling())).toMatchObject({ stop_reason: reason, stop_details: stopDetails })
  })

  test.each([
    ['priority', 'fast'],
    ['fast', 'fast'],
    ['default', 'standard'],
    ['flex', 'standard'],
    [undefined, null],
  ])('of the tier %s ran at the speed %s', (tier, speed) => {
    expect(memberOf(answerFromHub(response([], { service_tier: tier }), telling()), 'usage', 'speed')).toBe(speed)
  })

  test('of which no usage is known counts nothing, as its clients add it up', () => {
    expect(answerFromHub(response([], { usage: null }), telling())['usage']).toMatchObject({ input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 })
  })

  test('gives a tool its own name back', () => {
    const memo = { customTools: new Set<string>(), toolNames: new Map([['short', 'the long name']]) }
    expect(answerFromHub(response([{ ...call, name: 'short' }, call]), telling({ memo }))['content']).toMatchObject([{ name: 'the long name' }, { name: 'n' }])
  })
})

describe.each([
  ['to the hub', answerToHub, 'resp_'],
  ['from the hub', answerFromHub, 'msg_'],
] as const)('an answer %s', (_title, say, prefix) => {
  test.each<[title: string, id: unknown, core: string]>([
    ['of Messages', 'msg_01Ab', '01Ab'],
    ['of the hub', 'resp_01Ab', '01Ab'],
    ['of Chat', 'chatcmpl-01Ab', '01Ab'],
    ['of another', 'gen-01Ab', 'gen-01Ab'],
    ['of nobody', '', String(startedAtS)],
    ['that is none', 7, String(startedAtS)],
    ['of nothing but its prefix', 'msg_', String(startedAtS)],
  ])('keeps what is its own of an id %s', (_title, id, core) => expect(say({ id }, telling())['id']).toBe(prefix + core))

  test('names the model as the client did, else as the upstream did, else as it was asked for', () => {
    expect(say({ model: 'up' }, telling({ restore: 'alias' as ClientModel }))['model']).toBe('alias')
    expect(say({ model: 'up' }, telling())['model']).toBe('up')
    expect(say({}, telling())['model']).toBe('the-model')
  })
})

describe('a seal', () => {
  test.each<[title: string, block: Json]>([
    ['of thoughts', { type: 'thinking', thinking: 'hm “x”', signature: 'EqQB' }],
    ['of thoughts that are not shown', { type: 'thinking', thinking: '', signature: 'EqQB' }],
    ['of thoughts that nobody reads', { type: 'redacted_thinking', data: 'EqQC' }],
  ])('%s gives back the very block', (_title, block) => {
    const seal = sealOfBlock(block)
    expect(seal).toMatch(/^turnout\.claude\.[\w-]+$/)
    expect(blockOfSeal(seal)).toEqual(block)
  })

  test.each<[title: string, block: Json]>([
    ['without a signature', { type: 'thinking', thinking: 'hm', signature: '' }],
    ['without content', { type: 'redacted_thinking' }],
  ])('thoughts %s have none', (_title, block) => expect(sealOfBlock(block)).toBeNull())

  test.each([
    ['of another', 'gAAA'],
    ['that is none', undefined],
    ['of nothing', 'turnout.claude.'],
    ['of no JSON', 'turnout.claude.AAAA'],
    ['of no object', `turnout.claude.${Buffer.from('7').toString('base64url')}`],
    ['of an empty object', `turnout.claude.${Buffer.from('{}').toString('base64url')}`],
  ])('%s gives none', (_title, seal) => expect(blockOfSeal(seal)).toBeNull())
})

function summary(said: string): Json {
  return { type: 'summary_text', text: said }
}
