import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { maxTokensOtherwise } from '../../../../src/dialect/translate/messages/question-from-hub.ts'
import { sealOfBlock } from '../../../../src/dialect/translate/messages/seal.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { parseExact } from '../../../../src/lib/exact-json.ts'
import { fromHub, listIn } from './support.ts'

const base: Json = { model: 'claude-opus-5', input: 'hello' }
const mark = { cache_control: { type: 'ephemeral' } }
const text = (said: string) => ({ type: 'text', text: said })
const hello = { role: 'user', content: [{ ...text('hello'), ...mark }] }
const said: Json = { model: 'claude-opus-5', max_tokens: maxTokensOtherwise, messages: [hello] }

describe('a question of the hub in the words of Messages', () => {
  const schema = { type: 'object', properties: { q: { type: 'number' } } }
  test.each<[title: string, more: Json, words: Json]>([
    ['says nothing more than it did, and has the limit that it must have', {}, {}],
    ['keeps its own limit', { max_output_tokens: 64 }, { max_tokens: 64 }],
    ['streams where it did', { stream: true, stream_options: { include_obfuscation: false } }, { stream: true }],
    ['has its instructions as the system prompt', { instructions: 'be brief' }, { system: [{ ...text('be brief'), ...mark }] }],
    ['has none of nothing', { instructions: '' }, {}],
    ['keeps temperature and top_p', { temperature: 0.5, top_p: 0.9 }, { temperature: 0.5, top_p: 0.9 }],
    ['is fast', { service_tier: 'priority' }, { speed: 'fast' }],
    ['is fast by another word', { service_tier: ' Fast ' }, { speed: 'fast' }],
    ['is as fast as others', { service_tier: 'auto' }, {}],
    ['is as fast as the default', { service_tier: 'default' }, {}],
    ['needs no capacity that was bought elsewhere', { service_tier: 'scale' }, {}],
    ['names its user', { safety_identifier: 's', user: 'u' }, { metadata: { user_id: 's' } }],
    ['names its user by the older word', { user: 'u' }, { metadata: { user_id: 'u' } }],
    ['does not reason', { reasoning: { effort: 'none' } }, { thinking: { type: 'disabled' } }],
    ['reasons a little', { reasoning: { effort: 'minimal' } }, { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }],
    ['reasons', { reasoning: { effort: 'xhigh', mode: 'standard', context: 'auto' } }, { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } }],
    [
      'shows its reasons',
      { reasoning: { effort: 'medium', summary: 'auto' } },
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'medium' } },
    ],
    ['only wants to see reasons', { reasoning: { summary: 'concise' } }, { thinking: { type: 'adaptive', display: 'summarized' } }],
    ['says nothing of reasons', { reasoning: { effort: null } }, {}],
    ['wants plain text', { text: { format: { type: 'text' }, verbosity: 'low' } }, {}],
    [
      'wants JSON of a schema, with an effort',
      { text: { format: { type: 'json_schema', name: 'n', schema, strict: true } }, reasoning: { effort: 'low' } },
      { output_config: { effort: 'low', format: { type: 'json_schema', schema } }, thinking: { type: 'adaptive' } },
    ],
    [
      'drops what changes no answer',
      {
        store: true,
        include: ['reasoning.encrypted_content'],
        metadata: { a: 'b' },
        client_metadata: { thread_id: 't' },
        prompt_cache_key: 'k',
        prompt_cache_options: { mode: 'implicit' },
        prompt_cache_retention: '24h',
        type: 'response.create',
        stream_id: 's',
        generate: true,
      },
      {},
    ],
    [
      'drops what means nothing',
      {
        background: false,
        truncation: 'disabled',
        top_logprobs: 0,
        context_management: [],
        previous_response_id: null,
        conversation: null,
        max_tool_calls: null,
      },
      {},
    ],
  ])('%s', (_title, more, words) => expect(fromHub({ ...base, ...more })).toEqual({ ...said, ...words }))

  test('a number that a double cannot hold stays as it was written', () => {
    const question = parseExact('{"model":"m","input":"x","temperature":0.12345678901234567890}') as Json
    expect(JSON.stringify(fromHub(question))).toContain('"temperature":0.12345678901234567890')
  })
})

/** The messages but for the mark of the cache in the last block. */
function messagesOf(...input: readonly Json[]): readonly Json[] {
  return listIn(fromHub({ ...base, input })['messages']).map(({ role, content }) => ({
    role,
    content: listIn(content).map(({ cache_control: _mark, ...block }) => block),
  }))
}

const message = (role: string, content: unknown) => ({ type: 'message', role, content })
const call = (id: string, json = '{}') => ({ type: 'function_call', call_id: id, name: 'lookup', arguments: json })
const output = (id: string, said: unknown = 'ok') => ({ type: 'function_call_output', call_id: id, output: said })
const use = (id: string, input: Json = {}) => ({ type: 'tool_use', id, name: 'lookup', input })
const result = (id: string, content: unknown = 'ok') => ({ type: 'tool_result', tool_use_id: id, content })
const user = (...content: readonly Json[]) => ({ role: 'user', content })
const assistant = (...content: readonly Json[]) => ({ role: 'assistant', content })
const next = user(text('Continue.'))
const png = { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'high' }
const pngBlock = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }

describe('a dialogue of the hub in the words of Messages', () => {
  test.each<[title: string, input: readonly Json[], messages: readonly Json[]]>([
    ['a message without its type', [{ role: 'user', content: 'a' }], [user(text('a'))]],
    ['neighbours of one role are one message', [message('user', 'a'), message('user', [{ type: 'input_text', text: 'b' }])], [user(text('a'), text('b'))]],
    [
      'an answer, and what follows it',
      [
        message('user', 'a'),
        message('assistant', [
          { type: 'output_text', text: 'b', annotations: [] },
          { type: 'refusal', refusal: 'c' },
        ]),
        message('user', 'd'),
      ],
      [user(text('a')), assistant(text('b'), text('c')), user(text('d'))],
    ],
    ['an image', [message('user', [png])], [user(pngBlock)]],
    [
      'an image by its URL',
      [message('user', [{ type: 'input_image', image_url: 'https://a/b.png' }])],
      [user({ type: 'image', source: { type: 'url', url: 'https://a/b.png' } })],
    ],
    [
      'a PDF',
      [message('user', [{ type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA' }])],
      [user({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA' }, title: 'a.pdf' })],
    ],
    [
      'a file of text',
      [message('user', [{ type: 'input_file', file_data: 'data:text/markdown;charset=utf-8;base64,aGk=' }])],
      [user({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'hi' } })],
    ],
    [
      'a file by its URL',
      [message('user', [{ type: 'input_file', file_url: 'https://a/b.pdf' }])],
      [user({ type: 'document', source: { type: 'url', url: 'https://a/b.pdf' } })],
    ],
    [
      'nothing but space says nothing',
      [message('user', 'a'), message('user', ' \n'), message('assistant', ''), message('user', 'b')],
      [user(text('a'), text('b'))],
    ],
    [
      'instructions in the middle stay where they are',
      [message('user', 'a'), message('developer', 'now be brief'), message('assistant', 'b'), message('system', [{ type: 'input_text', text: 'stop' }])],
      [
        user(text('a'), text('<system-reminder>\nnow be brief\n</system-reminder>')),
        assistant(text('b')),
        user(text('<system-reminder>\nstop\n</system-reminder>')),
      ],
    ],
    [
      'a call and its result',
      [message('user', 'a'), call('c1', '{"q":12345678901234567890}'), output('c1', '42')],
      [user(text('a')), assistant(use('c1', parseExact('{"q":12345678901234567890}') as Json)), user(result('c1', '42'))],
    ],
    ['calls side by side', [call('c1'), call('c2'), output('c1'), output('c2')], [assistant(use('c1'), use('c2')), user(result('c1'), result('c2'))]],
    [
      'calls one after another',
      [call('c1'), output('c1'), call('c2'), output('c2')],
      [assistant(use('c1')), user(result('c1')), assistant(use('c2')), user(result('c2'))],
    ],
    [
      'results stand before what the user says',
      [call('c1'), message('user', 'wait'), output('c1'), message('user', 'go')],
      [assistant(use('c1')), user(result('c1'), text('wait'), text('go'))],
    ],
    [
      'a result that comes late stands right behind its call',
      [call('c1'), message('user', 'wait'), message('assistant', 'well'), output('c1'), message('user', 'go')],
      [assistant(use('c1')), user(result('c1'), text('wait')), assistant(text('well')), user(text('go'))],
    ],
    ['a result without its call stays', [message('user', 'a'), output('c9')], [user(result('c9'), text('a'))]],
    ['a call without arguments', [call('c1', ''), output('c1')], [assistant(use('c1')), user(result('c1'))]],
    ['a call that was cut', [call('c1', '{"q":'), output('c1')], [assistant(use('c1', { arguments: '{"q":' })), user(result('c1'))]],
    [
      'a call of more levels than a question may have',
      [call('c1', deep(257)), output('c1')],
      [assistant(use('c1', { arguments: deep(257) })), user(result('c1'))],
    ],
    ['a call of many levels', [call('c1', deep(256)), output('c1')], [assistant(use('c1', JSON.parse(deep(256)) as Json)), user(result('c1'))]],
    ['a result of nothing', [call('c1'), output('c1', '')], [assistant(use('c1')), user({ type: 'tool_result', tool_use_id: 'c1' })]],
    [
      'a result with an image',
      [call('c1'), output('c1', [{ type: 'input_text', text: 'see' }, png])],
      [assistant(use('c1')), user(result('c1', [text('see'), pngBlock]))],
    ],
    [
      'a call of a custom tool',
      [
        { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: '*** Begin Patch\n' },
        { type: 'custom_tool_call_output', call_id: 'c1', output: 'Done' },
      ],
      [assistant({ type: 'tool_use', id: 'c1', name: 'apply_patch', input: { input: '*** Begin Patch\n' } }), user(result('c1', 'Done'))],
    ],
    ['reasoning that another service sealed', [message('user', 'a'), reasoning('gAAA'), message('user', 'b')], [user(text('a'), text('b'))]],
    [
      'an answer at the end: it is the turn of the model again',
      [message('user', 'a'), message('assistant', 'b')],
      [user(text('a')), assistant(text('b')), next],
    ],
    ['nothing but instructions', [message('developer', 'be brief')], [next]],
    ['nothing', [], [next]],
  ])('%s', (_title, input, messages) => {
    expect(JSON.stringify(messagesOf(...input))).toBe(JSON.stringify(messages))
  })

  test('thoughts come back as they were signed, before what follows them', () => {
    const thought = { type: 'thinking', thinking: 'hm', signature: 'EqQB' }
    const hidden = { type: 'redacted_thinking', data: 'EqQC' }
    const items = [message('user', 'a'), reasoning(sealOfBlock(thought)), reasoning(sealOfBlock(hidden)), call('c1'), output('c1')]
    expect(messagesOf(...items)).toEqual([user(text('a')), assistant(thought, hidden, use('c1')), user(result('c1'))])
  })

  test('thoughts do not stand last', () => {
    const thought = reasoning(sealOfBlock({ type: 'thinking', thinking: 'hm', signature: 'EqQB' }))
    expect(messagesOf(message('user', 'a'), thought)).toEqual([user(text('a'))])
    expect(messagesOf(message('user', 'a'), message('assistant', 'b'), thought)).toEqual([user(text('a')), assistant(text('b')), next])
  })

  test('leading instructions belong to the system prompt, each in its own block', () => {
    const words = fromHub({ ...base, instructions: 'one', input: [message('developer', 'two'), message('system', 'three'), message('user', 'hello')] })
    expect(words).toEqual({ ...said, system: [text('one'), text('two'), { ...text('three'), ...mark }] })
  })

  test('an id that Messages would not take becomes one, the same for call and result', () => {
    const [uses, results] = messagesOf(call('call_1|fc_1'), output('call_1|fc_1'))
    const [id] = listIn(uses?.['content']).map((block) => block['id'])
    expect(id).toMatch(/^call_[0-9a-f]{24}$/)
    expect(listIn(results?.['content'])).toEqual([result(String(id))])
  })
})

describe('tools of the hub in the words of Messages', () => {
  const lookup = { type: 'function', name: 'lookup', description: 'looks up', parameters: { type: 'object', properties: {} }, strict: false }
  const lookupTool = { name: 'lookup', description: 'looks up', input_schema: { type: 'object', properties: {} } }
  const other = { ...lookup, name: 'other' }
  const marked = { ...lookupTool, ...mark }

  test.each<[title: string, more: Json, words: Json]>([
    ['a tool', { tools: [lookup] }, { tools: [marked] }],
    ['the last of the tools is remembered', { tools: [lookup, other] }, { tools: [lookupTool, { ...marked, name: 'other' }] }],
    ['a strict tool', { tools: [{ ...lookup, strict: true }] }, { tools: [{ ...lookupTool, strict: true, ...mark }] }],
    [
      'a tool of no parameters',
      { tools: [{ type: 'function', name: 'now', parameters: null, strict: null }] },
      { tools: [{ name: 'now', input_schema: { type: 'object', properties: {} }, ...mark }] },
    ],
    [
      'a tool whose schema does not say that it is an object',
      { tools: [{ type: 'function', name: 'now', parameters: { properties: {} } }] },
      { tools: [{ name: 'now', input_schema: { type: 'object', properties: {} }, ...mark }] },
    ],
    ['no tools, and so no choice', { tools: [], tool_choice: 'auto', parallel_tool_calls: false }, {}],
    ['a choice left open', { tools: [lookup], tool_choice: 'auto', parallel_tool_calls: true }, { tools: [marked], tool_choice: { type: 'auto' } }],
    [
      'one call at a time',
      { tools: [lookup], parallel_tool_calls: false },
      { tools: [marked], tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    ],
    ['a choice that has to be made', { tools: [lookup], tool_choice: 'required' }, { tools: [marked], tool_choice: { type: 'any' } }],
    ['no choice', { tools: [lookup], tool_choice: 'none', parallel_tool_calls: false }, { tools: [marked], tool_choice: { type: 'none' } }],
    [
      'a choice that is made',
      { tools: [lookup], tool_choice: { type: 'function', name: 'lookup' }, parallel_tool_calls: false },
      { tools: [marked], tool_choice: { type: 'tool', name: 'lookup', disable_parallel_tool_use: true } },
    ],
    [
      'a choice that has to be made leaves no time to think, only an effort',
      { tools: [lookup], tool_choice: 'required', reasoning: { effort: 'high' } },
      { tools: [marked], tool_choice: { type: 'any' }, output_config: { effort: 'high' } },
    ],
    [
      'only those that are allowed are offered',
      { tools: [lookup, other], tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'lookup' }] } },
      { tools: [marked], tool_choice: { type: 'any' } },
    ],
  ])('%s', (_title, more, words) => expect(fromHub({ ...base, ...more })).toEqual({ ...said, ...words }))

  test('a custom tool takes its text in one member, and its grammar is an instruction', () => {
    const tool = { type: 'custom', name: 'apply_patch', description: 'Edits files.', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } }
    const words = messagesTranslator.fromHub({ ...base, tools: [tool], tool_choice: { type: 'custom', name: 'apply_patch' } })
    expect(words).toMatchObject({
      question: {
        tools: [
          {
            name: 'apply_patch',
            description: expect.stringMatching(/^Edits files\.\n\n.*raw text[^]*\(lark\):\nstart: "x"$/),
            input_schema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
          },
        ],
        tool_choice: { type: 'tool', name: 'apply_patch' },
      },
      memo: { customTools: new Set(['apply_patch']), toolNames: new Map() },
    })
  })

  test('at most three marks of the cache are set, of the four that are allowed', () => {
    const input = [message('developer', 'a'), message('developer', 'b'), message('user', 'c'), call('c1'), output('c1'), message('user', 'd')]
    const words = JSON.stringify(fromHub({ ...base, instructions: 'x', input, tools: [lookup, other] }))
    expect(words.split('"cache_control"').length - 1).toBe(3)
  })
})

describe('what cannot be said in Messages is refused, and the member is named', () => {
  const ask = (item: Json) => ({ input: [message('user', 'a'), item] })
  test.each<[title: string, more: Json, param: string]>([
    ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a conversation', { conversation: { id: 'conv_1' } }, 'conversation'],
    ['a prompt of the service', { prompt: { id: 'p' } }, 'prompt'],
    ['the background', { background: true }, 'background'],
    ['truncation', { truncation: 'auto' }, 'truncation'],
    ['a bound of calls', { max_tool_calls: 3 }, 'max_tool_calls'],
    ['compaction', { context_management: [{ type: 'compaction' }] }, 'context_management'],
    ['log probabilities', { include: ['reasoning.encrypted_content', 'message.output_text.logprobs'] }, 'include[1]'],
    ['the best of log probabilities', { top_logprobs: 2 }, 'top_logprobs'],
    ['moderation', { moderation: { model: 'm' } }, 'moderation'],
    ['a member that nobody knows', { novelty: 1 }, 'novelty'],
    ['a cheaper tier', { service_tier: 'flex' }, 'service_tier'],
    ['a dearer tier', { service_tier: 'ultrafast' }, 'service_tier'],
    ['a tier that nobody knows', { service_tier: 'turbo' }, 'service_tier'],
    ['a warm-up', { generate: false }, 'generate'],
    ['a warm-up by another word', { prompt_cache_options: { prewarm: true } }, 'prompt_cache_options.prewarm'],
    ['a mode of reasoning', { reasoning: { mode: 'pro' } }, 'reasoning.mode'],
    ['a word about reasoning that nobody knows', { reasoning: { depth: 1 } }, 'reasoning.depth'],
    ['JSON of no schema', { text: { format: { type: 'json_object' } } }, 'text.format'],
    ['a word about text that nobody knows', { text: { tone: 'x' } }, 'text.tone'],
    ['a tool of the service', { tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    ['a search of tools', { tools: [{ type: 'tool_search' }] }, 'tools[0].type'],
    ['a shell of the service', { client_metadata: {}, tools: [{ type: 'local_shell' }] }, 'tools[0].type'],
    ['a namespace', { client_metadata: {}, tools: [{ type: 'namespace', name: 'n', tools: [] }] }, 'tools[0].type'],
    ['a tool that answers later', { tools: [{ type: 'function', name: 'a', parameters: null, async: true }] }, 'tools[0].async'],
    ['a tool of the service as the choice', { tool_choice: { type: 'web_search' } }, 'tool_choice'],
    ['a reference', ask({ type: 'item_reference', id: 'msg_1' }), 'input[1]'],
    ['a reference without its type', ask({ id: 'msg_1' }), 'input[1]'],
    ['what the service did', ask({ type: 'web_search_call', id: 'ws_1' }), 'input[1]'],
    ['a compacted dialogue', ask({ type: 'compaction', encrypted_content: 'x' }), 'input[1]'],
    ['a file of the service', ask(message('user', [{ type: 'input_file', file_id: 'file_1' }])), 'input[1].content[0]'],
    ['a file of another kind', ask(message('user', [{ type: 'input_file', file_data: 'data:application/zip;base64,AA' }])), 'input[1].content[0]'],
    ['an image of the service', ask(message('user', [{ type: 'input_image', file_id: 'file_1' }])), 'input[1].content[0]'],
    ['sound', ask(message('user', [{ type: 'input_audio', input_audio: {} }])), 'input[1].content[0]'],
    ['instructions that are an image', { input: [message('developer', [png])] }, 'input[0].content[0]'],
    ['a result that is sound', ask(output('c1', [{ type: 'input_audio' }])), 'input[1].output[0]'],
  ])('%s', (_title, more, param) => {
    const words = messagesTranslator.fromHub({ ...base, ...more })
    expect(words).toMatchObject({ kind: 'unsayable', refusal: { code: 'unsupported_parameter', param } })
    if (words.kind === 'unsayable') expect(words.refusal.message).toContain(`"${param}"`)
  })

  test.each<[title: string, more: Json, param: string]>([
    ['input that is none', { input: 7 }, 'input'],
    ['an item that is none', { input: [7] }, 'input[0]'],
    ['a role that nobody has', { input: [message('robot', 'x')] }, 'input[0].role'],
    ['content that is none', { input: [message('user', 7)] }, 'input[0].content'],
    ['a part that is none', { input: [message('user', [7])] }, 'input[0].content[0]'],
    ['a text that is none', { input: [message('user', [{ type: 'input_text', text: {} }])] }, 'input[0].content[0].text'],
    ['a call without its id', { input: [{ ...call('c'), call_id: undefined }] }, 'input[0].call_id'],
    ['a call without a name', { input: [{ ...call('c'), name: 7 }] }, 'input[0].name'],
    ['a result without its id', { input: [{ ...output('c'), call_id: 7 }] }, 'input[0].call_id'],
    ['a result that is none', { input: [output('c1', 7)] }, 'input[0].output'],
    ['instructions that are none', { instructions: 7 }, 'instructions'],
    ['tools that are no list', { tools: {} }, 'tools'],
    ['a tool that is none', { tools: [7] }, 'tools[0]'],
    ['a choice that is none', { tool_choice: 'some' }, 'tool_choice'],
    ['reasoning that is none', { reasoning: 'high' }, 'reasoning'],
    ['text that is none', { text: 'x' }, 'text'],
  ])('%s is malformed', (_title, more, param) => {
    expect(messagesTranslator.fromHub({ ...base, ...more })).toMatchObject({ kind: 'unsayable', refusal: { code: 'invalid_body', param } })
  })
})

function reasoning(seal: unknown): Json {
  return { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: seal }
}

/** JSON of so many levels. */
function deep(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
}
