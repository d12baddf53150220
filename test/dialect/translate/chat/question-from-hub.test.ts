import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'

const hello = { role: 'user', content: 'hello' }
const base: Json = { model: 'gpt-5.5', input: 'hello' }
const chatBase: Json = { model: 'gpt-5.5', messages: [hello] }

function chatOf(question: Json): Json {
  const said = chatTranslator.fromHub(question)
  if (said.kind === 'unsayable') throw new Error(said.refusal.message)
  return said.question
}

const messagesOf = (...input: readonly Json[]): unknown => chatOf({ model: 'm', input })['messages']

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: null }]
const chatTools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]

describe('a question of the hub in the words of Chat', () => {
  test.each<[title: string, more: Json, said: Json]>([
    ['says nothing more than it did', {}, {}],
    ['keeps tier and stream as they stand', { service_tier: 'flex', stream: true }, { service_tier: 'flex', stream: true }],
    ['leaves the options of the stream to the native dialect', { stream_options: { include_obfuscation: false } }, {}],
    ['begins with its instructions', { instructions: 'be brief' }, { messages: [{ role: 'system', content: 'be brief' }, hello] }],
    [
      'calls its instructions what it calls others',
      { instructions: 'be brief', input: [{ role: 'developer', content: 'x' }] },
      {
        messages: [
          { role: 'developer', content: 'be brief' },
          { role: 'developer', content: 'x' },
        ],
      },
    ],
    ['is bounded by max_completion_tokens', { max_output_tokens: 100 }, { max_completion_tokens: 100 }],
    [
      'names its effort, and says nothing of summaries',
      { reasoning: { effort: 'high', summary: 'auto', context: 'all_turns', mode: 'standard' } },
      { reasoning_effort: 'high' },
    ],
    [
      'names format and verbosity',
      { text: { verbosity: 'low', format: { type: 'json_schema', name: 'n', schema: {}, strict: true } } },
      { verbosity: 'low', response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {}, strict: true } } },
    ],
    ['wants JSON', { text: { format: { type: 'json_object' } } }, { response_format: { type: 'json_object' } }],
    ['asks for log probabilities', { include: ['message.output_text.logprobs'], top_logprobs: 3 }, { logprobs: true, top_logprobs: 3 }],
    ['asks for none where it would not be told them', { include: ['reasoning.encrypted_content'], top_logprobs: 3 }, {}],
    ['is stored only where it asks for it', { store: true }, { store: true }],
    ['does not speak of storing else', { store: false }, {}],
    ['hands out tools', { tools, tool_choice: 'auto', parallel_tool_calls: true }, { tools: chatTools, tool_choice: 'auto', parallel_tool_calls: true }],
    ['says nothing of tools that it does not hand out', { tools: [], tool_choice: 'auto', parallel_tool_calls: true }, {}],
    [
      'hands out custom tools',
      { tools: [{ type: 'custom', name: 'c', format: { type: 'grammar', definition: 'x', syntax: 'regex' } }] },
      { tools: [{ type: 'custom', custom: { name: 'c', format: { type: 'grammar', grammar: { definition: 'x', syntax: 'regex' } } } }] },
    ],
    [
      'chooses a function',
      { tools, tool_choice: { type: 'function', name: 'f' } },
      { tools: chatTools, tool_choice: { type: 'function', function: { name: 'f' } } },
    ],
    [
      'chooses among some',
      { tools, tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] } },
      { tools: chatTools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] } } },
    ],
    [
      'keeps the options of the cache that Chat has',
      { prompt_cache_options: { mode: 'explicit', ttl: '30m', prewarm: false, comparison_response_id: null } },
      { prompt_cache_options: { mode: 'explicit', ttl: '30m' } },
    ],
    [
      'drops what asks for nothing',
      {
        background: false,
        truncation: 'disabled',
        context_management: [],
        previous_response_id: null,
        conversation: null,
        prompt: null,
        max_tool_calls: null,
        generate: true,
        client_metadata: { thread_id: 't' },
      },
      {},
    ],
  ])('%s', (_title, more, said) => {
    expect(chatOf({ ...base, ...more })).toEqual({ ...chatBase, ...said })
  })
})

describe('items of the hub as messages', () => {
  const call = (id: string) => ({ type: 'function_call', id: `fc_${id}`, status: 'completed', call_id: id, name: 'f', arguments: '{}' })
  const toolCall = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
  const output = (id: string, said: unknown = id) => ({ type: 'function_call_output', call_id: id, output: said })
  const tool = (id: string, content: unknown = id) => ({ role: 'tool', tool_call_id: id, content })
  const said = (text: string) => ({
    type: 'message',
    role: 'assistant',
    id: 'msg_1',
    phase: 'commentary',
    content: [{ type: 'output_text', text, annotations: [] }],
  })
  const image = { type: 'input_image', image_url: 'data:', detail: 'auto' }

  test.each<[title: string, input: readonly Json[], messages: readonly Json[]]>([
    [
      'texts of one part are texts',
      [{ role: 'user', content: [{ type: 'input_text', text: 'a' }] }, said('b')],
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    ],
    [
      'a text that a cache begins behind is a part',
      [{ role: 'user', content: [{ type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }] }],
      [{ role: 'user', content: [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }] }],
    ],
    [
      'images and files are parts',
      [{ role: 'user', content: [image, { ...image, detail: 'low' }, { type: 'input_file', file_id: 'f', filename: 'n' }] }],
      [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:' } },
            { type: 'image_url', image_url: { url: 'data:', detail: 'low' } },
            { type: 'file', file: { file_id: 'f', filename: 'n' } },
          ],
        },
      ],
    ],
    [
      'calls belong to the message before them, reasoning or not',
      [said('I look.'), { type: 'reasoning', id: 'rs_1', summary: [] }, call('1'), call('2'), output('1'), output('2')],
      [{ role: 'assistant', content: 'I look.', tool_calls: [toolCall('1'), toolCall('2')] }, tool('1'), tool('2')],
    ],
    ['calls without a message make one', [call('1'), output('1')], [{ role: 'assistant', content: null, tool_calls: [toolCall('1')] }, tool('1')]],
    [
      'calls after outputs make another',
      [call('1'), output('1'), call('2'), output('2')],
      [
        { role: 'assistant', content: null, tool_calls: [toolCall('1')] },
        tool('1'),
        { role: 'assistant', content: null, tool_calls: [toolCall('2')] },
        tool('2'),
      ],
    ],
    [
      'what the assistant says while calls wait joins their message',
      [call('1'), said('and'), call('2'), output('1'), output('2')],
      [{ role: 'assistant', content: 'and', tool_calls: [toolCall('1'), toolCall('2')] }, tool('1'), tool('2')],
    ],
    [
      'an output stands right behind its call, whoever spoke in between',
      [call('1'), { role: 'user', content: 'hurry' }, output('1')],
      [{ role: 'assistant', content: null, tool_calls: [toolCall('1')] }, tool('1'), { role: 'user', content: 'hurry' }],
    ],
    [
      'an image that a tool gave is shown by a user, behind all outputs',
      [call('1'), call('2'), output('1', [image]), output('2', [{ type: 'input_text', text: 'two' }, image])],
      [
        { role: 'assistant', content: null, tool_calls: [toolCall('1'), toolCall('2')] },
        tool('1', 'The output is in the message after this one.'),
        tool('2', 'two'),
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Output of the call 1:' },
            { type: 'image_url', image_url: { url: 'data:' } },
            { type: 'text', text: 'Output of the call 2:' },
            { type: 'image_url', image_url: { url: 'data:' } },
          ],
        },
      ],
    ],
    [
      'custom tools are called by their own kind',
      [
        { type: 'custom_tool_call', call_id: '1', name: 'c', input: 'x' },
        { type: 'custom_tool_call_output', call_id: '1', output: '' },
      ],
      [{ role: 'assistant', content: null, tool_calls: [{ id: '1', type: 'custom', custom: { name: 'c', input: 'x' } }] }, tool('1', '')],
    ],
    [
      'a refusal is a member',
      [
        {
          role: 'assistant',
          content: [
            { type: 'output_text', text: 'a' },
            { type: 'refusal', refusal: 'no' },
          ],
        },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      ],
      [
        { role: 'assistant', content: 'a', refusal: 'no' },
        { role: 'assistant', content: null, refusal: 'no' },
      ],
    ],
    ['an output of no known call stays in its place', [output('9'), { role: 'user', content: 'x' }], [tool('9'), { role: 'user', content: 'x' }]],
    ['an assistant that says nothing is left out', [{ role: 'assistant', content: '' }], []],
  ])('%s', (_title, input, messages) => {
    expect(messagesOf(...input)).toEqual(messages)
  })
})

describe('what Chat has no words for', () => {
  const withItem = (item: Json): Json => ({ input: [hello, item] })
  const hosted = [
    'web_search',
    'file_search',
    'code_interpreter',
    'mcp',
    'image_generation',
    'computer',
    'shell',
    'local_shell',
    'apply_patch',
    'tool_search',
    'namespace',
  ]
  const items = ['item_reference', 'web_search_call', 'mcp_call', 'compaction', 'configuration_update', 'program', 'shell_call', 'computer_call_output']
  test.each<[param: string, more: Json]>([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['background', { background: true }],
    ['truncation', { truncation: 'auto' }],
    ['max_tool_calls', { max_tool_calls: 3 }],
    ['context_management', { context_management: [{ type: 'compaction' }] }],
    ['generate', { generate: false }],
    ['access_programs', { access_programs: {} }],
    ['top_k', { top_k: 1 }],
    ['reasoning.mode', { reasoning: { mode: 'pro' } }],
    ['text.mood', { text: { mood: 'good' } }],
    ['prompt_cache_options.prewarm', { prompt_cache_options: { prewarm: true } }],
    ...hosted.map((type): [string, Json] => ['tools[1]', { tools: [...tools, { type }] }]),
    ...items.map((type): [string, Json] => ['input[1]', withItem({ type, id: 'x' })]),
    ['tools[0].defer_loading', { tools: [{ ...tools[0], defer_loading: true }] }],
    ['tool_choice', { tools, tool_choice: { type: 'web_search' } }],
    ['tool_choice.tools[0]', { tools, tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp', server_label: 'x' }] } }],
    ['input[1].content[0].file_url', withItem({ role: 'user', content: [{ type: 'input_file', file_url: 'https://x' }] })],
    ['input[1].content[0].file_id', withItem({ role: 'user', content: [{ type: 'input_image', file_id: 'file_1' }] })],
    ['input[1].content[0]', withItem({ role: 'user', content: [{ type: 'input_image', image_url: null }] })],
    ['input[1].content[0]', withItem({ role: 'user', content: [{ type: 'input_audio' }] })],
    ['input[1].content', withItem({ role: 'assistant', content: [{ type: 'input_image', image_url: 'data:' }] })],
    ['input[1].namespace', withItem({ type: 'function_call', call_id: '1', name: 'f', arguments: '', namespace: 'mcp' })],
    ['input[1].caller', withItem({ type: 'function_call', call_id: '1', name: 'f', arguments: '', caller: { type: 'program' } })],
    ['input[1]', withItem({ role: 'critic', content: 'x' })],
  ])('%s is refused by its name', (param, more) => {
    expect(chatTranslator.fromHub({ ...base, ...more })).toMatchObject({ kind: 'unsayable', refusal: { code: 'unsupported_parameter', param } })
  })

  test.each<[param: string, more: Json]>([
    ['input', { input: 5 }],
    ['input[0]', { input: ['hello'] }],
    ['instructions', { instructions: [hello] }],
    ['tools', { tools: 'f' }],
    ['reasoning', { reasoning: 'high' }],
    ['include', { include: 'message.output_text.logprobs' }],
  ])('%s that cannot be read is refused as such', (param, more) => {
    expect(chatTranslator.fromHub({ ...base, ...more })).toMatchObject({ kind: 'unsayable', refusal: { code: 'invalid_body', param } })
  })

  test('the refusal says what cannot be said, where, and what to do', () => {
    const said = chatTranslator.fromHub({ ...base, tools: [{ type: 'web_search' }] })
    expect(said.kind === 'unsayable' ? said.refusal.message : null).toBe(
      'The member "tools[0]" (a tool of type "web_search", which the service itself would run) cannot be said in Chat Completions. ' +
        'Leave it out, or ask for a model of an account that speaks Responses natively.',
    )
  })
})
