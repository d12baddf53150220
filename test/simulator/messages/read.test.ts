import { describe, expect, it } from 'vitest'
import { put, say } from '../dialects.ts'
import { makeOf } from '../made.ts'
import { errorOf, jsonOf, remembering } from '../support.ts'

const user = (content: unknown) => ({ role: 'user', content })
const assistant = (...content: readonly object[]) => ({ role: 'assistant', content })
const text = (words: string) => ({ type: 'text', text: words })
const use = (id: string) => ({ type: 'tool_use', id, name: 'lookup', input: {} })
const result = (id: string, content: unknown = '42') => ({ type: 'tool_result', tool_use_id: id, content })
const lookup = { name: 'lookup', input_schema: { type: 'object' } }
const hello = { model: 'claude-opus-4-8', max_tokens: 100, messages: [user('hello there')] }
const newer = { 'anthropic-version': '2026-10-21' }
const ask = (body: object, headers: object = {}, memory = remembering()) => put(memory, 'messages', body, { headers })

describe('a request of Messages', () => {
  const good: readonly (readonly [title: string, more: object, headers?: object])[] = [
    ['with blocks of every kind', { messages: [user([text('a'), { type: 'image', source: {} }, { type: 'document', source: {} }])] }],
    ['with a system in blocks', { system: [text('a'), { ...text('b'), cache_control: { type: 'ephemeral' } }] }],
    ['with a system in its midst', { messages: [user('a'), { role: 'system', content: 'b' }, { role: 'assistant', content: 'c' }, user('d')] }],
    [
      'with results in front of words',
      { messages: [user('a'), assistant(text('b'), use('t1'), use('t2')), user([result('t2'), result('t1', [text('c')]), text('d')])] },
    ],
    ['with the same role twice', { messages: [user('a'), user('b')] }],
    ['with the beginning of the answer', { messages: [user('a'), { role: 'assistant', content: 'b' }] }],
    ['with sampling, of an older version', { temperature: 0.5, top_p: 0.5, top_k: 5 }],
    ['with a budget for thinking', { max_tokens: 2048, thinking: { type: 'enabled', budget_tokens: 1024 } }],
    ['with a tool that the service runs', { tools: [{ type: 'web_search_20260209', name: 'web_search' }, lookup] }],
    ['with a tool that says its type', { tools: [{ ...lookup, type: 'custom' }], tool_choice: { type: 'any', disable_parallel_tool_use: true } }],
    [
      'with all that a coding client sends',
      { metadata: { user_id: '{}' }, context_management: {}, output_config: { effort: 'high' }, thinking: { type: 'adaptive' } },
      { 'anthropic-beta': 'a,b' },
    ],
    ['of the newer version', {}, newer],
  ]
  it.each(good.map(([title, more, headers]) => [title, more, headers ?? {}] as const))('%s is answered', (_, more, headers) =>
    expect(ask({ ...hello, ...more }, headers).head?.status).toBe(200),
  )

  const wrong: readonly (readonly [title: string, more: object, message: RegExp, headers?: object])[] = [
    ['without a version', {}, /^anthropic-version: header is required$/, { 'anthropic-version': undefined }],
    ['without a model', { model: undefined }, /^model: Field required$/],
    ['without a limit', { max_tokens: undefined }, /^max_tokens: Field required$/],
    ['with a limit below nought', { max_tokens: -1 }, /^max_tokens:/],
    ['without messages', { messages: undefined }, /^messages: Field required$/],
    ['with no messages', { messages: [] }, /^messages: at least one message is required$/],
    ['that begins with the assistant', { messages: [{ role: 'assistant', content: 'a' }] }, /first message must use the "user" role/],
    ['that begins with the system', { messages: [{ role: 'system', content: 'a' }, user('b')] }, /first message must use the "user" role/],
    ['with a role of OpenAI', { messages: [user('a'), { role: 'tool', content: 'b' }] }, /^messages\.1\.role:/],
    ['with a message without content', { messages: [{ role: 'user' }] }, /^messages\.0\.content:/],
    ['with a message that is empty', { messages: [user('')] }, /non-empty content/],
    ['with a block that is empty', { messages: [user([text('')])] }, /text content blocks must be non-empty$/],
    ['with a block of OpenAI', { messages: [user([{ type: 'input_text', text: 'a' }])] }, /^messages\.0\.content\.0: .*input_text/],
    ['with a call of the user', { messages: [user([use('t1')])] }, /^messages\.0\.content\.0/],
    ['with a system that is none', { system: [{ type: 'image' }] }, /^system\.0:/],
    [
      'with a result without its call',
      { messages: [user([result('t1')])] },
      /^messages\.0\.content\.0: unexpected `tool_use_id` found in `tool_result` blocks: t1\./,
    ],
    [
      'with a result of an earlier call',
      { messages: [user('a'), assistant(use('t1')), user([result('t1')]), assistant(text('b')), user([result('t1')])] },
      /^messages\.4\.content\.0: unexpected/,
    ],
    [
      'with a call without its result',
      { messages: [user('a'), assistant(use('t1'), use('t2')), user([result('t1')])] },
      /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: t2\./,
    ],
    ['with a call that nobody answers', { messages: [user('a'), assistant(use('t1'))] }, /^messages\.1: `tool_use` ids/],
    [
      'with a result that does not come at once',
      { messages: [user('a'), assistant(use('t1')), { role: 'system', content: 'b' }, user([result('t1')])] },
      /^messages\.1: `tool_use` ids/,
    ],
    [
      'with results in two messages',
      { messages: [user('a'), assistant(use('t1'), use('t2')), user([result('t1')]), user([result('t2')])] },
      /immediately after: t2/,
    ],
    ['with a result behind words', { messages: [user('a'), assistant(use('t1')), user([text('b'), result('t1')])] }, /must stand before/],
    ['with a call twice', { messages: [user('a'), assistant(use('t1'), use('t1')), user([result('t1')])] }, /ids must be unique/],
    ['with arguments that are a text', { messages: [user('a'), assistant({ ...use('t1'), input: '{}' }), user([result('t1')])] }, /tool_use\.input:/],
    ['with sampling, of the newer version', { temperature: 0.5 }, /^temperature:/, newer],
    ['with top_k, of the newer version', { top_k: 5 }, /^top_k:/, newer],
    ['with a document of the assistant, of the newer version', { messages: [user('a'), assistant({ type: 'document' }), user('b')] }, /document/, newer],
    ['with citations of the user, of the newer version', { messages: [user([{ ...text('a'), citations: [{}] }])] }, /citations/, newer],
    ['with a budget that is too small', { thinking: { type: 'enabled', budget_tokens: 100 } }, /budget_tokens/],
    ['with a budget over its limit', { thinking: { type: 'enabled', budget_tokens: 2000 } }, /must be greater than `thinking\.budget_tokens`/],
    ['with an effort for thinking', { thinking: { type: 'high' } }, /^thinking\.type/],
    ['with a tool of OpenAI', { tools: [{ type: 'function', function: { name: 'f' } }] }, /^tools\.0: .*"function"/],
    ['with a tool without a schema', { tools: [{ name: 'f' }] }, /^tools\.0\.custom\.input_schema: Field required/],
    ['with a tool whose schema is no object’s', { tools: [{ name: 'f', input_schema: {} }] }, /input_schema\.type/],
    ['with a tool twice', { tools: [lookup, lookup] }, /must be unique/],
    ['with a tool of a wrong name', { tools: [{ ...lookup, name: 'look up' }] }, /should match pattern/],
    ['with a choice in a word', { tools: [lookup], tool_choice: 'auto' }, /^tool_choice:/],
    ['with a choice of OpenAI', { tools: [lookup], tool_choice: { type: 'function', name: 'lookup' } }, /^tool_choice:/],
    ['with a choice of a tool that is not there', { tools: [lookup], tool_choice: { type: 'tool', name: 'other' } }, /'other' not found/],
    ['with a speed that nobody knows', { speed: 'faster' }, /^speed:/],
    ['with a tier of OpenAI', { service_tier: 'priority' }, /^service_tier:/],
    ['with a member of the Responses API', { max_output_tokens: 10 }, /^max_output_tokens: Extra inputs/],
    ['with a member of Chat Completions', { reasoning_effort: 'low' }, /^reasoning_effort: Extra inputs/],
  ]
  it.each(wrong.map(([title, more, message, headers]) => [title, more, message, headers ?? {}] as const))('%s is refused', (_, more, message, headers) => {
    const answer = ask({ ...hello, ...more }, headers)
    expect([answer.head?.status, jsonOf(answer)]).toEqual([
      400,
      {
        type: 'error',
        error: { type: 'invalid_request_error', message: expect.stringMatching(message) as unknown },
        request_id: answer.head?.headers['request-id'],
      },
    ])
  })

  const statuses: readonly (readonly [title: string, put: () => ReturnType<typeof ask>, status: number, type: string])[] = [
    ['without a key', () => put(remembering(), 'messages', hello, { headers: { 'x-api-key': '' } }), 401, 'authentication_error'],
    ['with a model that its key may not use', () => ask(hello, {}, remembering({ behaviour: { models: ['other'] } })), 404, 'not_found_error'],
    ['at an address that nobody knows', () => put(remembering(), 'messages', hello, { path: '/v1/messages/batches' }), 404, 'not_found_error'],
    ['at an address of nobody', () => put(remembering(), 'messages', hello, { path: '/v1/nowhere' }), 404, 'not_found_error'],
  ]
  it.each(statuses)('%s is refused in its own words', (_, put, status, type) => {
    const answer = put()
    expect([answer.head?.status, errorOf(answer)['type']]).toEqual([status, type])
  })
})

describe('counting', () => {
  const count = (body: object) => put(remembering(), 'messages', body, { path: '/v1/messages/count_tokens' })

  it('counts what a question would be counted as, its cache included', () => {
    const { max_tokens: _, ...asked } = hello
    expect(jsonOf(count(asked))).toEqual({ input_tokens: 3 })
    expect(jsonOf(count({ ...asked, cache_control: { type: 'ephemeral' }, tools: [lookup] }))).toEqual({
      input_tokens: makeOf('messages', say(remembering(), 'messages')).usage?.input,
    })
  })

  it('takes no limit, and is as strict as an answer', () => {
    expect([count(hello).head?.status, count({ model: 'a', messages: [] }).head?.status]).toEqual([400, 400])
  })
})
