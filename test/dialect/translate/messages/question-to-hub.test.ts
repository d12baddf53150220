import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { parseExact } from '../../../../src/lib/exact-json.ts'
import { listIn, toHub } from './support.ts'

const hello = { role: 'user', content: 'hello' }
const base: Json = { model: 'claude-opus-5', max_tokens: 64, messages: [hello] }
const helloItem = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] }
const hubBase: Json = { model: 'claude-opus-5', max_output_tokens: 64, input: [helloItem], store: false }

const include = ['reasoning.encrypted_content']
const inputOf = (...messages: readonly Json[]): unknown => toHub({ ...base, messages: [...messages, hello] })['input']

describe('a question of Messages in the words of the hub', () => {
  const schema = { type: 'object', properties: { q: { type: 'number' } } }
  test.each<[title: string, more: Json, said: Json]>([
    ['says nothing more than it did, and is never stored', {}, {}],
    ['streams where it did', { stream: true }, { stream: true }],
    ['has its system prompt as instructions', { system: 'be brief' }, { instructions: 'be brief' }],
    ['joins the blocks of its system prompt', { system: [text('one'), text('two')] }, { instructions: 'one\n\ntwo' }],
    ['leaves out what is said to the service alone', { system: [text('x-anthropic-billing-header: cc_version=2.1'), text('two')] }, { instructions: 'two' }],
    ['says nothing of an empty system prompt', { system: '' }, {}],
    ['keeps temperature and top_p', { temperature: 0.5, top_p: 0.9 }, { temperature: 0.5, top_p: 0.9 }],
    ['drops hints that change no answer', { cache_control: { type: 'ephemeral' }, context_management: { edits: [] }, diagnostics: {} }, {}],
    ['takes null for nothing', { thinking: null, tools: null, metadata: null, container: null, top_k: null, unknown: null, stop_sequences: null }, {}],
    ['may be answered anywhere', { inference_geo: 'global' }, {}],
    ['has no words to stop at', { stop_sequences: [] }, {}],
    ['is fast', { speed: 'fast' }, { service_tier: 'priority' }],
    ['is as fast as others', { speed: 'standard' }, {}],
    ['drops what is said of bought capacity', { service_tier: 'standard_only' }, {}],
    ['drops that it may use bought capacity', { service_tier: 'auto' }, {}],
    ['keeps a tier of another dialect, which rules have to see', { service_tier: 'flex' }, { service_tier: 'flex' }],
    ['names its user', { metadata: { user_id: 'u-1' } }, { safety_identifier: 'u-1' }],
    ['names no user', { metadata: { user_id: null } }, {}],
    ['does not think', { thinking: { type: 'disabled' } }, { reasoning: { effort: 'none' } }],
    ['does not think, whatever its effort', { thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, { reasoning: { effort: 'none' } }],
    ['thinks as it sees fit', { thinking: { type: 'adaptive' } }, { reasoning: {}, include }],
    ['thinks with an effort', { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }, { reasoning: { effort: 'max' }, include }],
    ['only names an effort', { output_config: { effort: 'low' } }, { reasoning: { effort: 'low' }, include }],
    ['shows what it thinks', { thinking: { type: 'adaptive', display: 'summarized' } }, { reasoning: { summary: 'auto' }, include }],
    ['hides what it thinks', { thinking: { type: 'adaptive', display: 'omitted' } }, { reasoning: {}, include }],
    ['thinks between tools', { thinking: { type: 'between_tools' }, output_config: { effort: 'low' } }, { reasoning: { effort: 'low' }, include }],
    ['prefers a named effort to a budget', { thinking: budget(512), output_config: { effort: 'high' } }, { reasoning: { effort: 'high' }, include }],
    [
      'wants JSON of a schema',
      { output_config: { format: { type: 'json_schema', schema } } },
      { text: { format: { type: 'json_schema', name: 'output', schema } } },
    ],
  ])('%s', (_title, more, said) => expect(toHub({ ...base, ...more })).toEqual({ ...hubBase, ...said }))

  test.each([
    [512, 'minimal'],
    [513, 'low'],
    [1024, 'low'],
    [1025, 'medium'],
    [8192, 'medium'],
    [8193, 'high'],
    [24_576, 'high'],
    [24_577, 'xhigh'],
    [31_999, 'xhigh'],
  ])('a budget of %i tokens is taken for the effort "%s"', (tokens, effort) => {
    expect(toHub({ ...base, thinking: budget(tokens) })['reasoning']).toEqual({ effort })
  })

  test.each([
    ['of 128 characters is kept', 'u'.repeat(128), 'u'.repeat(128)],
    ['that is longer is hashed', 'u'.repeat(129), expect.stringMatching(/^[0-9a-f]{64}$/)],
  ])('a user %s', (_title, user, said) => {
    expect(toHub({ ...base, metadata: { user_id: user } })['safety_identifier']).toEqual(said)
  })

  test('a number that a double cannot hold stays as it was written', () => {
    const question = parseExact('{"model":"m","max_tokens":1,"messages":[],"temperature":0.12345678901234567890}') as Json
    expect(JSON.stringify(toHub(question))).toContain('"temperature":0.12345678901234567890')
  })
})

describe('a dialogue of Messages in the words of the hub', () => {
  const part = (said: string) => ({ type: 'input_text', text: said })
  const user = (...content: readonly Json[]) => ({ type: 'message', role: 'user', content })
  const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
  const pngPart = { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }
  test.each<[title: string, messages: readonly Json[], items: readonly Json[]]>([
    ['text blocks', [{ role: 'user', content: [text('a'), text('b')] }], [user(part('a'), part('b'))]],
    ['an answer', [{ role: 'assistant', content: 'yes' }], [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'yes' }] }]],
    ['instructions in the middle', [{ role: 'system', content: 'now be brief' }], [{ type: 'message', role: 'developer', content: [part('now be brief')] }]],
    ['an image', [{ role: 'user', content: [png] }], [user(pngPart)]],
    [
      'an image by its URL',
      [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://a/b.png' } }] }],
      [user({ type: 'input_image', image_url: 'https://a/b.png', detail: 'auto' })],
    ],
    [
      'a PDF',
      [{ role: 'user', content: [document({ type: 'base64', media_type: 'application/pdf', data: 'AA' })] }],
      [user({ type: 'input_file', filename: 'document.pdf', file_data: 'data:application/pdf;base64,AA' })],
    ],
    [
      'a PDF with a name and a word about it',
      [{ role: 'user', content: [{ ...document({ type: 'base64', media_type: 'application/pdf', data: 'AA' }), title: 'a.pdf', context: 'read it' }] }],
      [user(part('read it'), { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA' })],
    ],
    [
      'a document by its URL',
      [{ role: 'user', content: [document({ type: 'url', url: 'https://a/b.pdf' })] }],
      [user({ type: 'input_file', file_url: 'https://a/b.pdf' })],
    ],
    [
      'a document of text',
      [{ role: 'user', content: [{ ...document({ type: 'text', media_type: 'text/plain', data: 'abc' }), title: 'Notes' }] }],
      [user(part('Notes'), part('abc'))],
    ],
    ['a document of blocks', [{ role: 'user', content: [document({ type: 'content', content: [text('abc'), png] })] }], [user(part('abc'), pngPart)]],
    [
      'words, a call and its result',
      [
        { role: 'assistant', content: [text('let me see'), { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { q: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '42' }, text('and now?')] },
      ],
      [
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'let me see' }] },
        { type: 'function_call', call_id: 'toolu_1', name: 'lookup', arguments: '{"q":1}' },
        { type: 'function_call_output', call_id: 'toolu_1', output: '42' },
        user(part('and now?')),
      ],
    ],
    [
      'a call of nothing',
      [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'now' }] }],
      [{ type: 'function_call', call_id: 't', name: 'now', arguments: '{}' }],
    ],
    ['a result of nothing', [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] }], [outputItem('')]],
    ['a result of one text', [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [text('42')] }] }], [outputItem('42')]],
    [
      'a result with an image',
      [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [text('see'), png] }] }],
      [outputItem([part('see'), pngPart])],
    ],
    [
      'a result that is an error',
      [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'no', is_error: true }] }],
      [outputItem('Error: no')],
    ],
    [
      'an error with an image',
      [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [png], is_error: true }] }],
      [outputItem([part('Error:'), pngPart])],
    ],
    ['thoughts that Claude signed', [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'EqQB' }] }], []],
    ['thoughts that nobody reads', [{ role: 'assistant', content: [{ type: 'redacted_thinking', data: 'EqQB' }] }], []],
    [
      'thoughts that came from there',
      [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'turnout.responses.gAAA' }] }],
      [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'gAAA' }],
    ],
    [
      'thoughts that came from there, unseen',
      [{ role: 'assistant', content: [{ type: 'thinking', thinking: '', signature: 'turnout.responses.gAAA' }] }],
      [{ type: 'reasoning', summary: [], encrypted_content: 'gAAA' }],
    ],
  ])('%s', (_title, messages, items) => expect(inputOf(...messages)).toEqual([...items, helloItem]))
})

describe('tools of Messages in the words of the hub', () => {
  const lookup = { name: 'lookup', description: 'looks up', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' } }
  const lookupTool = { type: 'function', name: 'lookup', description: 'looks up', parameters: { type: 'object' }, strict: false }
  const search = {
    type: 'web_search_20250305',
    name: 'web_search',
    max_uses: 8,
    allowed_domains: ['a.org'],
    user_location: { type: 'approximate', city: 'Bonn' },
  }

  test.each<[title: string, more: Json, said: Json]>([
    ['a tool', { tools: [lookup] }, { tools: [lookupTool] }],
    [
      'a tool that says what it is',
      { tools: [{ ...lookup, type: 'custom', strict: true, defer_loading: true }] },
      { tools: [{ ...lookupTool, strict: true }] },
    ],
    ['no tools', { tools: [] }, {}],
    [
      'the search of the web',
      { tools: [search] },
      { tools: [{ type: 'web_search', filters: { allowed_domains: ['a.org'] }, user_location: { type: 'approximate', city: 'Bonn' } }], max_tool_calls: 8 },
    ],
    ['a choice left open', { tools: [lookup], tool_choice: { type: 'auto' } }, { tools: [lookupTool], tool_choice: 'auto' }],
    ['a choice that has to be made', { tools: [lookup], tool_choice: { type: 'any' } }, { tools: [lookupTool], tool_choice: 'required' }],
    ['no choice', { tools: [lookup], tool_choice: { type: 'none' } }, { tools: [lookupTool], tool_choice: 'none' }],
    [
      'a choice that is made, of one call at a time',
      { tools: [lookup], tool_choice: { type: 'tool', name: 'lookup', disable_parallel_tool_use: true } },
      { tools: [lookupTool], tool_choice: { type: 'function', name: 'lookup' }, parallel_tool_calls: false },
    ],
    [
      'the search as the choice',
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }], tool_choice: { type: 'tool', name: 'web_search' } },
      { tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search' } },
    ],
  ])('%s', (_title, more, said) => expect(toHub({ ...base, ...more })).toEqual({ ...hubBase, ...said }))

  test('a name is shortened wherever it stands, the same way each time, and remembered', () => {
    const long = `mcp__${'server'.repeat(10)}__tool`
    const other = `${long}2`
    const question = {
      ...base,
      tools: [{ ...lookup, name: long }, { ...lookup, name: other }, lookup],
      tool_choice: { type: 'tool', name: long },
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: long, input: {} }] }, hello],
    }
    const said = messagesTranslator.toHub(question)
    if (said.kind === 'unsayable') throw new Error(said.refusal.message)
    const [first, second, third] = listIn(said.question['tools']).map((tool) => String(tool['name']))
    expect([first?.length, second?.length, third]).toEqual([64, 64, 'lookup'])
    expect(first).not.toBe(second)
    expect(said.question['tool_choice']).toEqual({ type: 'function', name: first })
    expect(listIn(said.question['input'])[0]).toMatchObject({ type: 'function_call', name: first })
    expect(said.memo).toEqual({
      customTools: new Set(),
      toolNames: new Map([
        [first, long],
        [second, other],
      ]),
    })
    expect(messagesTranslator.toHub(question)).toEqual(said)
  })

  test('a name of 64 characters stays', () => {
    const name = 'n'.repeat(64)
    const said = messagesTranslator.toHub({ ...base, tools: [{ ...lookup, name }] })
    expect(said).toMatchObject({ question: { tools: [{ name }] }, memo: { toolNames: new Map() } })
  })
})

describe('what cannot be said in the hub is refused, and the member is named', () => {
  const ask = (content: Json) => ({ messages: [hello, { role: 'user', content: [text('a'), content] }] })
  test.each<[title: string, more: Json, param: string]>([
    ['top_k', { top_k: 40 }, 'top_k'],
    ['a word to stop at', { stop_sequences: ['END'] }, 'stop_sequences'],
    ['a warm-up', { max_tokens: 0 }, 'max_tokens'],
    ['a container', { container: 'c_1' }, 'container'],
    ['servers of tools', { mcp_servers: [] }, 'mcp_servers'],
    ['a member that nobody knows', { novelty: 1 }, 'novelty'],
    ['a place', { inference_geo: 'us' }, 'inference_geo'],
    ['a speed that nobody knows', { speed: 'ludicrous' }, 'speed'],
    ['a label', { metadata: { user_id: 'u', team: 'x' } }, 'metadata.team'],
    ['thinking of a kind that nobody knows', { thinking: { type: 'dreaming' } }, 'thinking.type'],
    ['a budget of a task', { output_config: { task_budget: {} } }, 'output_config.task_budget'],
    ['a form that nobody knows', { output_config: { format: { type: 'regex' } } }, 'output_config.format'],
    ['a tool of the service', { tools: [{ type: 'bash_20250124', name: 'bash' }] }, 'tools[0].type'],
    ['a search that leaves out places', { tools: [{ type: 'web_search_20250305', name: 'w', blocked_domains: ['b.org'] }] }, 'tools[0].blocked_domains'],
    ['a choice that nobody knows', { tool_choice: { type: 'some' } }, 'tool_choice.type'],
    ['a file of the service', ask(document({ type: 'file', file_id: 'file_1' })), 'messages[1].content[1]'],
    ['an image of the service', ask({ type: 'image', source: { type: 'file', file_id: 'file_1' } }), 'messages[1].content[1]'],
    ['an image of nothing', ask({ type: 'image' }), 'messages[1].content[1]'],
    ['a document of nothing', ask({ type: 'document' }), 'messages[1].content[1]'],
    ['a PDF of nothing', ask(document({ type: 'base64', media_type: 'application/pdf' })), 'messages[1].content[1]'],
    [
      'a document in a document',
      ask(document({ type: 'content', content: [document({ type: 'url', url: 'u' })] })),
      'messages[1].content[1].source.content[0]',
    ],
    ['citations', ask({ ...document({ type: 'text', data: 'x' }), citations: { enabled: true } }), 'messages[1].content[1].citations'],
    ['a block of the service', ask({ type: 'container_upload', file_id: 'f' }), 'messages[1].content[1]'],
    ['a block in a result', ask({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'search_result' }] }), 'messages[1].content[1].content[0]'],
    ['the beginning of the answer', { messages: [hello, { role: 'assistant', content: '{' }] }, 'messages[1]'],
  ])('%s', (_title, more, param) => {
    const said = messagesTranslator.toHub({ ...base, ...more })
    expect(said).toMatchObject({ kind: 'unsayable', refusal: { code: 'unsupported_parameter', param } })
    if (said.kind === 'unsayable') expect(said.refusal.message).toContain(`"${param}"`)
  })

  test.each<[title: string, more: Json, param: string]>([
    ['messages that are no list', { messages: 'hello' }, 'messages'],
    ['a role that nobody has', { messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    ['a message that is none', { messages: [7] }, 'messages[0].role'],
    ['a block that is none', { messages: [{ role: 'user', content: [null] }] }, 'messages[0].content[0]'],
    ['content that is none', { messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    ['a text that is none', { messages: [{ role: 'user', content: [{ type: 'text', text: {} }] }] }, 'messages[0].content[0].text'],
    ['places to search in that are none', { tools: [{ type: 'web_search_20250305', name: 'w', allowed_domains: [[]] }] }, 'tools[0].allowed_domains'],
    ['a system prompt that is none', { system: 7 }, 'system'],
    ['a system prompt of an image', { system: [{ type: 'image' }] }, 'system[0]'],
    ['tools that are no list', { tools: {} }, 'tools'],
    ['a tool that is none', { tools: ['x'] }, 'tools[0]'],
    ['a choice that is none', { tool_choice: 'auto' }, 'tool_choice'],
    ['thinking that is none', { thinking: true }, 'thinking'],
    ['a form that is none', { output_config: 1 }, 'output_config'],
    ['labels that are none', { metadata: 'x' }, 'metadata'],
  ])('%s is malformed', (_title, more, param) => {
    expect(messagesTranslator.toHub({ ...base, ...more })).toMatchObject({ kind: 'unsayable', refusal: { code: 'invalid_body', param } })
  })
})

function text(said: string): Json {
  return { type: 'text', text: said, cache_control: { type: 'ephemeral' } }
}

function document(source: Json): Json {
  return { type: 'document', source }
}

function budget(tokens: number): Json {
  return { type: 'enabled', budget_tokens: tokens }
}

function outputItem(output: unknown): Json {
  return { type: 'function_call_output', call_id: 't', output }
}
