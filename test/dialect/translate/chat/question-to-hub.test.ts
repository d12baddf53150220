import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import { parseExact } from '../../../../src/lib/exact-json.ts'

const hello = { role: 'user', content: 'hello' }
const base: Json = { model: 'gpt-5.5', messages: [hello] }
const helloItem = { type: 'message', role: 'user', content: 'hello' }
const hubBase: Json = { model: 'gpt-5.5', input: [helloItem], store: false }

function hubOf(question: Json): Json {
  const said = chatTranslator.toHub(question)
  if (said.kind === 'unsayable') throw new Error(said.refusal.message)
  return said.question
}

const inputOf = (...messages: readonly Json[]): unknown => hubOf({ model: 'm', messages })['input']

describe('a question of Chat in the words of the hub', () => {
  test.each<[title: string, more: Json, said: Json]>([
    ['says nothing more than it did', {}, {}],
    ['streams where it did, and asks for no usage, which the hub always tells', { stream: true, stream_options: { include_usage: true } }, { stream: true }],
    [
      'keeps what it said of obfuscation',
      { stream_options: { include_usage: true, include_obfuscation: false } },
      { stream_options: { include_obfuscation: false } },
    ],
    ['keeps tier and stream as they stand, null too', { service_tier: null, stream: null }, { service_tier: null, stream: null }],
    ['is stored only where it asks for it', { store: true }, { store: true }],
    ['is not stored where it does not', { store: null }, { store: false }],
    ['is bounded by max_completion_tokens', { max_completion_tokens: 100 }, { max_output_tokens: 100 }],
    ['is bounded by the older max_tokens', { max_tokens: 100 }, { max_output_tokens: 100 }],
    ['is bounded by the newer of two words', { max_completion_tokens: 7, max_tokens: 100 }, { max_output_tokens: 7 }],
    ['names its effort', { reasoning_effort: 'high' }, { reasoning: { effort: 'high' } }],
    ['names its verbosity', { verbosity: 'low' }, { text: { verbosity: 'low' } }],
    ['asks for log probabilities', { logprobs: true, top_logprobs: 3 }, { include: ['message.output_text.logprobs'], top_logprobs: 3 }],
    ['asks for none', { logprobs: false, top_logprobs: null }, {}],
    ['wants JSON', { response_format: { type: 'json_object' } }, { text: { format: { type: 'json_object' } } }],
    [
      'wants JSON of a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: true, description: 'd' } } },
      { text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true, description: 'd' } } },
    ],
    [
      'searches the web',
      { web_search_options: { search_context_size: 'low', user_location: { type: 'approximate', approximate: { city: 'Bonn' } } } },
      { tools: [{ type: 'web_search', search_context_size: 'low', user_location: { type: 'approximate', city: 'Bonn' } }] },
    ],
    [
      'keeps all that has the same name',
      {
        temperature: 0.5,
        top_p: 0.9,
        metadata: { a: 'b' },
        user: 'u',
        safety_identifier: 's',
        prompt_cache_key: 'k',
        parallel_tool_calls: false,
        moderation: { model: 'm' },
      },
      {
        temperature: 0.5,
        top_p: 0.9,
        metadata: { a: 'b' },
        user: 'u',
        safety_identifier: 's',
        prompt_cache_key: 'k',
        parallel_tool_calls: false,
        moderation: { model: 'm' },
      },
    ],
    ['drops what is null', { temperature: null, metadata: null, seed: null, stop: null, audio: null, prediction: null, tools: null, tool_choice: null }, {}],
    [
      'drops what asks for nothing',
      { n: 1, stop: [], frequency_penalty: 0, presence_penalty: 0.0, logit_bias: {}, modalities: ['text'], functions: [], tools: [], web_search_options: null },
      {},
    ],
  ])('%s', (_title, more, said) => {
    expect(hubOf({ ...base, ...more })).toEqual({ ...hubBase, ...said })
  })

  test('keeps numbers that a double cannot hold', () => {
    const question = parseExact('{"model":"m","messages":[],"temperature":0.70000000000000000001,"metadata":{"n":123456789012345678901}}') as Json
    expect(JSON.stringify(hubOf(question))).toContain('"temperature":0.70000000000000000001')
    expect(JSON.stringify(hubOf(question))).toContain('123456789012345678901')
  })
})

describe('tools of Chat in the words of the hub', () => {
  const parameters = { type: 'object', properties: { q: { type: 'string' } } }
  test.each<[title: string, more: Json, said: Json]>([
    [
      'a function is flat, and never strict by silence',
      { tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters } }] },
      { tools: [{ type: 'function', name: 'f', description: 'd', parameters, strict: false }] },
    ],
    [
      'a strict function stays strict',
      { tools: [{ type: 'function', function: { name: 'f', parameters, strict: true } }] },
      { tools: [{ type: 'function', name: 'f', parameters, strict: true }] },
    ],
    [
      'a function without parameters takes an empty object',
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      { tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }] },
    ],
    [
      'the grammar of a custom tool is flat',
      { tools: [{ type: 'custom', custom: { name: 'c', description: 'd', format: { type: 'grammar', grammar: { definition: 'x', syntax: 'lark' } } } }] },
      { tools: [{ type: 'custom', name: 'c', description: 'd', format: { type: 'grammar', definition: 'x', syntax: 'lark' } }] },
    ],
    [
      'a custom tool may take any text',
      { tools: [{ type: 'custom', custom: { name: 'c', format: { type: 'text' } } }] },
      { tools: [{ type: 'custom', name: 'c', format: { type: 'text' } }] },
    ],
    [
      'the older functions are tools',
      { functions: [{ name: 'f', parameters }], function_call: { name: 'f' } },
      { tools: [{ type: 'function', name: 'f', parameters, strict: false }], tool_choice: { type: 'function', name: 'f' } },
    ],
    ['the older choice may be a word', { function_call: 'none' }, { tool_choice: 'none' }],
    ['a choice in a word stands', { tool_choice: 'required' }, { tool_choice: 'required' }],
    ['a choice of a function is flat', { tool_choice: { type: 'function', function: { name: 'f' } } }, { tool_choice: { type: 'function', name: 'f' } }],
    ['a choice of a custom tool is flat', { tool_choice: { type: 'custom', custom: { name: 'c' } } }, { tool_choice: { type: 'custom', name: 'c' } }],
    [
      'a choice among some is flat',
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] } } },
      { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } },
    ],
  ])('%s', (_title, more, said) => {
    expect(hubOf({ ...base, ...more })).toEqual({ ...hubBase, ...said })
  })
})

describe('messages of Chat in the words of the hub', () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
  const callItem = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' }
  const breakpoint = { prompt_cache_breakpoint: { mode: 'explicit' } }

  test.each<[title: string, messages: readonly Json[], items: readonly Json[]]>([
    [
      'instructions keep their role and place',
      [{ role: 'system', content: 'a' }, hello, { role: 'developer', content: [{ type: 'text', text: 'b' }] }],
      [{ type: 'message', role: 'system', content: 'a' }, helloItem, { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'b' }] }],
    ],
    [
      'a user shows images and files',
      [
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'look', ...breakpoint },
            { type: 'image_url', image_url: { url: 'https://x/y.png' } },
            { type: 'image_url', image_url: { url: 'data:', detail: 'high' } },
            { type: 'file', file: { file_data: 'data:', filename: 'a.pdf' } },
            { type: 'file', file: { file_id: 'file_1' } },
          ],
        },
      ],
      [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'look', ...breakpoint },
            { type: 'input_image', image_url: 'https://x/y.png', detail: 'auto' },
            { type: 'input_image', image_url: 'data:', detail: 'high' },
            { type: 'input_file', file_data: 'data:', filename: 'a.pdf' },
            { type: 'input_file', file_id: 'file_1' },
          ],
        },
      ],
    ],
    [
      'calls stand behind what the assistant said',
      [{ role: 'assistant', content: 'I look.', tool_calls: [call] }],
      [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] }, callItem],
    ],
    ['an assistant that only calls says nothing', [{ role: 'assistant', content: null, tool_calls: [call] }], [callItem]],
    [
      'an assistant that says nothing at all is left out',
      [
        { role: 'assistant', content: '' },
        { role: 'assistant', content: null },
      ],
      [],
    ],
    [
      'a refusal is a part, from wherever it comes',
      [
        { role: 'assistant', content: null, refusal: 'no' },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'yes' },
            { type: 'text', text: '' },
          ],
        },
      ],
      [
        { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'yes' }] },
      ],
    ],
    [
      'an answer may come back as it was given',
      [{ role: 'assistant', content: 'a', refusal: null, annotations: [], audio: null, function_call: null, tool_calls: null, reasoning_content: 'hm' }],
      [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }],
    ],
    [
      'an output is of the kind of its call',
      [
        { role: 'assistant', tool_calls: [call, { id: 'call_2', type: 'custom', custom: { name: 'c', input: 'x' } }] },
        { role: 'tool', tool_call_id: 'call_2', content: 'two' },
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'one' }] },
      ],
      [
        callItem,
        { type: 'custom_tool_call', call_id: 'call_2', name: 'c', input: 'x' },
        { type: 'custom_tool_call_output', call_id: 'call_2', output: 'two' },
        { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_text', text: 'one' }] },
      ],
    ],
    [
      'an older call gets an id, and so does its output',
      [hello, { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: 'one' }],
      [helloItem, { ...callItem, call_id: 'call_1' }, { type: 'function_call_output', call_id: 'call_1', output: 'one' }],
    ],
  ])('%s', (_title, messages, items) => {
    expect(inputOf(...messages)).toEqual(items)
  })
})

describe('what the hub has no words for', () => {
  const withMessage = (message: Json): Json => ({ messages: [hello, message] })
  test.each<[param: string, more: Json]>([
    ['n', { n: 2 }],
    ['stop', { stop: ['\n'] }],
    ['stop', { stop: '\n' }],
    ['seed', { seed: 1 }],
    ['logit_bias', { logit_bias: { 50256: -100 } }],
    ['frequency_penalty', { frequency_penalty: 0.1 }],
    ['presence_penalty', { presence_penalty: -1 }],
    ['prediction', { prediction: { type: 'content', content: 'x' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'alloy', format: 'wav' } }],
    ['top_k', { top_k: 5 }],
    ['__proto__', JSON.parse('{"__proto__":1}') as Json],
    ['stream_options.more', { stream_options: { more: true } }],
    [
      'messages[1].content[1]',
      withMessage({
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'input_audio', input_audio: { data: '', format: 'wav' } },
        ],
      }),
    ],
    ['messages[1].audio', withMessage({ role: 'assistant', audio: { id: 'a' } })],
    ['messages[1]', withMessage({ role: 'function', name: 'f', content: 'x' })],
    ['messages[1]', withMessage({ role: 'critic', content: 'x' })],
    ['messages[1].mood', withMessage({ role: 'user', content: 'x', mood: 'good' })],
    ['messages[1].content[0].mood', withMessage({ role: 'user', content: [{ type: 'text', text: 'x', mood: 'good' }] })],
    ['messages[1].tool_calls[0]', withMessage({ role: 'assistant', tool_calls: [{ id: 'c', type: 'mcp' }] })],
    ['tools[1]', { tools: [{ type: 'function', function: { name: 'f' } }, { type: 'mcp' }] }],
    ['tools[0].function.mood', { tools: [{ type: 'function', function: { name: 'f', mood: 'good' } }] }],
    ['tool_choice', { tool_choice: { type: 'mcp' } }],
  ])('%s is refused by its name', (param, more) => {
    const said = chatTranslator.toHub({ ...base, ...more })
    expect(said).toMatchObject({ kind: 'unsayable', refusal: { code: 'unsupported_parameter', param } })
  })

  test.each<[param: string, more: Json]>([
    ['messages', { messages: 'hello' }],
    ['messages[0]', { messages: ['hello'] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content[0]', { messages: [{ role: 'user', content: ['a'] }] }],
    ['tools', { tools: {} }],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['stream_options', { stream_options: true }],
    ['response_format.json_schema', { response_format: { type: 'json_schema', json_schema: 'x' } }],
  ])('%s that cannot be read is refused as such', (param, more) => {
    expect(chatTranslator.toHub({ ...base, ...more })).toMatchObject({ kind: 'unsayable', refusal: { code: 'invalid_body', param } })
  })

  test('the refusal says what cannot be said, where, and what to do', () => {
    const said = chatTranslator.toHub({ ...base, seed: 1 })
    expect(said.kind === 'unsayable' ? said.refusal.message : null).toBe(
      'The member "seed" cannot be said in the Responses dialect. Leave it out, or ask for a model of an account that speaks Chat Completions natively.',
    )
  })

  test('a name of any length makes a short refusal', () => {
    const said = chatTranslator.toHub({ ...base, ['x'.repeat(1_000_000)]: 1 })
    expect(said.kind === 'unsayable' ? said.refusal.message.length : 0).toBeLessThan(500)
  })
})
