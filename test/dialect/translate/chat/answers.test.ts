import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import type { Json } from '../../../../src/dialect/json.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import { parseExact } from '../../../../src/lib/exact-json.ts'
import { telling } from './streams.ts'

const chatUsage = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
}
const hubUsage = {
  input_tokens: 120,
  input_tokens_details: { cached_tokens: 100, cache_write_tokens: 10 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 150,
}
const source = { start_index: 0, end_index: 1, title: 't', url: 'https://x' }
const token = { token: 'Hi', logprob: -0.5, bytes: [72, 105], top_logprobs: [] }

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_795_000_000,
  model: 'gpt-5.5',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'Hi',
        refusal: null,
        annotations: [{ type: 'url_citation', url_citation: source }],
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"q":1}' } },
          { id: 'call_2', type: 'custom', custom: { name: 'patch', input: '***' } },
        ],
      },
      logprobs: { content: [token], refusal: null },
      finish_reason: 'tool_calls',
    },
  ],
  usage: chatUsage,
  service_tier: 'default',
}
const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_795_000_000,
  status: 'completed',
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
  model: 'gpt-5.5',
  output: [
    {
      id: 'msg_1_0',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hi', annotations: [{ type: 'url_citation', ...source }], logprobs: [token] }],
    },
    { id: 'fc_1_1', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'lookup', arguments: '{"q":1}' },
    { id: 'ctc_1_2', type: 'custom_tool_call', status: 'completed', call_id: 'call_2', name: 'patch', input: '***' },
  ],
  parallel_tool_calls: true,
  previous_response_id: null,
  service_tier: 'default',
  store: false,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  usage: hubUsage,
}

const toHub = (answer: Json): Json => chatTranslator.answerToHub(answer, telling)
const fromHub = (answer: Json): Json => chatTranslator.answerFromHub(answer, telling)
const withChoice = (choice: Json): Json => ({ ...completion, choices: [choice] })
const firstOf = (answer: Json): Json => (answer['choices'] as readonly Json[])[0] ?? {}

describe('a whole answer of Chat in the words of the hub', () => {
  test('says all that it said, and what clients of the hub require', () => {
    expect(toHub(completion)).toEqual(response)
  })

  test.each<[title: string, choice: Json, said: Json]>([
    ['may refuse', { message: { content: null, refusal: 'no' } }, { status: 'completed', output: [{ content: [{ type: 'refusal', refusal: 'no' }] }] }],
    ['may say nothing', { message: { content: '' }, finish_reason: 'stop' }, { status: 'completed', output: [] }],
    [
      'may be cut short',
      { message: { content: 'a' }, finish_reason: 'length' },
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [{ status: 'incomplete' }] },
    ],
    [
      'may be cut short in its last call',
      { message: { content: 'a', tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{' } }] }, finish_reason: 'length' },
      { output: [{ status: 'completed' }, { status: 'incomplete', call_id: 'c' }] },
    ],
    [
      'may be filtered',
      { message: { content: null }, finish_reason: 'content_filter' },
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [] },
    ],
    ['needs no finish reason', { message: { content: 'a' } }, { status: 'completed', output: [{ content: [{ text: 'a' }] }] }],
    [
      'gives ids to calls that have none, or one twice',
      { message: { tool_calls: [{ function: { name: 'f', arguments: '' } }, { id: 'c' }, { id: 'c' }] } },
      { output: [{ call_id: 'call_1_0' }, { call_id: 'c' }, { call_id: 'call_1_2' }] },
    ],
  ])('%s', (_title, choice, said) => {
    expect(toHub(withChoice(choice))).toMatchObject(said)
  })

  test('without a choice it has failed', () => {
    expect(toHub({ ...completion, choices: [] })).toMatchObject({ status: 'failed', error: { code: 'server_error' }, output: [] })
  })

  test('an unknown usage stays unknown', () => {
    expect(toHub({ ...completion, usage: null })).toMatchObject({ usage: null })
  })

  test('names the model as its client does where mapping changed it, and else as the upstream does', () => {
    expect(chatTranslator.answerToHub(completion, { ...telling, restore: 'mine' as ClientModel })).toMatchObject({ model: 'mine' })
    expect(toHub({ ...completion, model: 'gpt-5.5-2026' })).toMatchObject({ model: 'gpt-5.5-2026' })
    expect(toHub({ ...completion, model: undefined })).toMatchObject({ model: 'asked' })
  })

  test('an id without the usual prefix is kept as it is, and an endless one is cut', () => {
    expect(toHub({ ...completion, id: 'gen-7' })).toMatchObject({ id: 'resp_gen-7', output: [{ id: 'msg_gen-7_0' }, {}, {}] })
    expect(toHub({ ...completion, id: 'x'.repeat(1000) })['id']).toHaveLength(133)
    expect(toHub({ ...completion, id: '' })).toMatchObject({ id: 'resp_1795000000' })
  })

  test('log probabilities keep digits that a double cannot hold', () => {
    const exact = parseExact('{"choices":[{"message":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.12345678901234567891}]}}]}') as Json
    expect(JSON.stringify(toHub(exact))).toContain('"logprob":-0.12345678901234567891')
  })
})

describe('a response of the hub as a whole answer of Chat', () => {
  test('says all that it said', () => {
    expect(fromHub(response)).toEqual(completion)
  })

  test.each<[title: string, said: Json, choice: Json]>([
    [
      'messages are said as one',
      {
        output: [
          { type: 'message', content: [{ type: 'output_text', text: 'a' }] },
          { type: 'reasoning' },
          { type: 'message', content: [{ type: 'output_text', text: 'b' }] },
        ],
      },
      { message: { role: 'assistant', content: 'ab', refusal: null, annotations: [] }, finish_reason: 'stop', logprobs: null },
    ],
    ['saying nothing is an empty text', { output: [] }, { message: { content: '' }, finish_reason: 'stop' }],
    ['a refusal has no text', { output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }] }, { message: { content: null, refusal: 'no' } }],
    ['nor has a call', { output: [response.output[1]] }, { message: { content: null }, finish_reason: 'tool_calls' }],
    ['what was cut short is so, calls or not', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, { finish_reason: 'length' }],
    ['what was filtered is so', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, { finish_reason: 'content_filter' }],
    ['what was cut short for another reason is not whole', { status: 'incomplete', incomplete_details: null }, { finish_reason: 'length' }],
  ])('%s', (_title, said, choice) => {
    expect(firstOf(fromHub({ ...response, ...said }))).toMatchObject(choice)
  })

  test('an unknown usage is not told', () => {
    expect(fromHub({ ...response, usage: null })).not.toHaveProperty('usage')
  })
})

test('whatever it is, an answer is translated without a throw', () => {
  fc.assert(
    fc.property(fc.object(), (answer) => {
      expect(toHub(answer)).toHaveProperty('id')
      expect(fromHub(answer)).toHaveProperty('id')
    }),
  )
  const keys = [
    'id',
    'created',
    'created_at',
    'model',
    'choices',
    'output',
    'usage',
    'message',
    'content',
    'tool_calls',
    'function',
    'logprobs',
    'index',
    'type',
    'text',
  ]
  const near = fc.object({ key: fc.constantFrom(...keys), maxDepth: 6, withNullPrototype: false })
  fc.assert(
    fc.property(near, (answer) => {
      expect(toHub(answer)).toHaveProperty('id')
      expect(fromHub(answer)).toHaveProperty('id')
    }),
  )
})
