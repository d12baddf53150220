import { describe, expect, it } from 'vitest'
import { put, say } from '../dialects.ts'
import { errorOf, jsonOf, remembering, type Fields } from '../support.ts'

const hello = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello there' }] }
const lookup = { type: 'function', function: { name: 'lookup', parameters: {} } }
const note = { type: 'custom', custom: { name: 'note' } }
const user = (content: unknown) => ({ role: 'user', content })
const call = (id: string) => ({ id, type: 'function', function: { name: 'lookup', arguments: '{}' } })
const calling = (...ids: readonly string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map(call) })
const tool = (id: string, content: unknown = '42') => ({ role: 'tool', tool_call_id: id, content })
const ask = (body: object, path?: string) => put(remembering(), 'chat', body, path === undefined ? {} : { path })

describe('a request of Chat Completions', () => {
  const good: readonly (readonly [title: string, more: object])[] = [
    [
      'with parts of every kind',
      {
        messages: [
          user([
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:,' } },
            { type: 'file', file: { file_id: 'f' } },
          ]),
        ],
      },
    ],
    [
      'with every role',
      {
        messages: [
          { role: 'system', content: 'a' },
          { role: 'developer', content: [{ type: 'text', text: 'b' }] },
          user('c'),
          { role: 'assistant', content: 'd' },
          user('e'),
        ],
      },
    ],
    ['with calls that were answered in any order', { messages: [user('a'), calling('c1', 'c2'), tool('c2'), tool('c1', [{ type: 'text', text: '1' }])] }],
    ['with a refusal', { messages: [user('a'), { role: 'assistant', content: null, refusal: 'no' }, user('b')] }],
    [
      'with a function of the old kind',
      {
        messages: [
          user('a'),
          { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
          { role: 'function', name: 'f', content: '1' },
        ],
      },
    ],
    ['with functions for a model that reasons no more', { model: 'gpt-6-sol', reasoning_effort: 'none', tools: [lookup] }],
    ['with custom tools for a model that refuses functions', { model: 'gpt-6-sol', tools: [note] }],
    ['with a choice among allowed tools', { tools: [lookup], tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } }],
    ['with one choice', { n: 1 }],
    ['with nulls', { max_tokens: null, tools: null, stream: null, stream_options: null, tool_choice: null }],
  ]
  it.each(good)('%s is answered', (_, more) => expect(ask({ ...hello, ...more }).head?.status).toBe(200))

  const wrong: readonly (readonly [title: string, more: object, about: Fields])[] = [
    ['without a model', { model: undefined }, { param: 'model', code: 'missing_required_parameter' }],
    ['without messages', { messages: undefined }, { param: 'messages', code: 'missing_required_parameter' }],
    ['with messages that are no list', { messages: 'hello' }, { param: 'messages', code: 'invalid_type' }],
    ['with no messages', { messages: [] }, { param: 'messages', code: 'empty_array' }],
    ['with a message that is no object', { messages: ['hello'] }, { param: 'messages[0]' }],
    ['with a message without a role', { messages: [{ content: 'a' }] }, { param: 'messages[0].role' }],
    ['with a role that nobody plays', { messages: [user('a'), { role: 'model', content: 'a' }] }, { param: 'messages[1].role', code: 'invalid_value' }],
    ['with a user who says nothing', { messages: [user(null)] }, { param: 'messages[0].content' }],
    ['with an assistant who says nothing', { messages: [user('a'), { role: 'assistant', content: null }] }, { param: 'messages[1].content' }],
    ['with a part of the Responses API', { messages: [user([{ type: 'input_text', text: 'a' }])] }, { param: 'messages[0].content[0]' }],
    ['with a part of Messages', { messages: [user([{ type: 'image', source: {} }])] }, { param: 'messages[0].content[0]' }],
    [
      'with a picture among a tool’s words',
      { messages: [user('a'), calling('c1'), tool('c1', [{ type: 'image_url', image_url: {} }])] },
      { param: 'messages[2].content[0]' },
    ],
    ['with an output without its call', { messages: [user('a'), tool('c1')] }, { param: 'messages[1].role' }],
    ['with an output that names no call', { messages: [user('a'), calling('c1'), { role: 'tool', content: '1' }] }, { param: 'messages[2].tool_call_id' }],
    ['with an output twice', { messages: [user('a'), calling('c1'), tool('c1'), tool('c1')] }, { param: 'messages[3].role' }],
    [
      'with a call that somebody else answers',
      { messages: [user('a'), calling('c1'), user('b'), tool('c1')] },
      { param: 'messages', message: expect.stringMatching(/did not have response messages: c1$/) as unknown },
    ],
    [
      'with a call that nobody answers',
      { messages: [user('a'), calling('c1', 'c2'), tool('c1')] },
      { param: 'messages', message: expect.stringMatching(/: c2$/) as unknown },
    ],
    [
      'with no calls in a list of them',
      { messages: [user('a'), { role: 'assistant', content: 'b', tool_calls: [] }] },
      { param: 'messages[1].tool_calls', code: 'empty_array' },
    ],
    [
      'with a call without an id',
      { messages: [user('a'), { role: 'assistant', tool_calls: [{ ...call('c'), id: undefined }] }] },
      { param: 'messages[1].tool_calls[0].id' },
    ],
    [
      'with arguments that are no text',
      { messages: [user('a'), { role: 'assistant', tool_calls: [{ ...call('c'), function: { name: 'f', arguments: {} } }] }] },
      { param: 'messages[1].tool_calls[0].function.arguments' },
    ],
    [
      'with a tool of the Responses API',
      { tools: [{ type: 'function', name: 'f', parameters: {} }] },
      { param: 'tools[0].function', code: 'missing_required_parameter' },
    ],
    ['with a tool of Messages', { tools: [{ name: 'f', input_schema: {} }] }, { param: 'tools[0].type' }],
    ['with a tool that the service would run', { tools: [{ type: 'web_search' }] }, { param: 'tools[0].type', code: 'invalid_value' }],
    ['with a tool whose name is too long', { tools: [{ type: 'function', function: { name: 'f'.repeat(65) } }] }, { param: 'tools[0].function.name' }],
    ['with a choice among no tools', { tool_choice: 'auto' }, { param: 'tool_choice' }],
    [
      'with a choice of a tool that is not there',
      { tools: [lookup], tool_choice: { type: 'function', function: { name: 'other' } } },
      { param: 'tool_choice' },
    ],
    ['with a choice of the Responses API', { tools: [lookup], tool_choice: { type: 'function', name: 'lookup' } }, { param: 'tool_choice' }],
    ['with the old limit, for a model that knows the new one only', { max_tokens: 10 }, { param: 'max_tokens', code: 'unsupported_parameter' }],
    ['with the old limit, for a newer model', { model: 'gpt-6.1-sol', max_tokens: 10 }, { param: 'max_tokens', code: 'unsupported_parameter' }],
    ['with both limits', { model: 'other', max_tokens: 1, max_completion_tokens: 1 }, { param: 'max_tokens' }],
    [
      'with functions for a model that reasons',
      { model: 'gpt-6-sol', tools: [lookup] },
      { param: 'tools', code: 'unsupported_parameter', message: expect.stringMatching(/use \/v1\/responses/) as unknown },
    ],
    ['with functions of the old kind for it', { model: 'gpt-6-sol', functions: [{ name: 'f' }] }, { param: 'tools', code: 'unsupported_parameter' }],
    ['with an effort that the model cannot make', { model: 'gpt-6.1-sol', reasoning_effort: 'none' }, { param: 'reasoning_effort', code: 'unsupported_value' }],
    ['with options of a stream that is none', { stream_options: { include_usage: true } }, { param: 'stream_options' }],
    ['with a stream that is no boolean', { stream: 'yes' }, { param: 'stream', code: 'invalid_type' }],
    ['with two choices', { n: 2 }, { param: 'n' }],
    ['with a member of the Responses API', { max_output_tokens: 10 }, { param: 'max_output_tokens', code: 'unknown_parameter' }],
    ['with a member of Messages', { system: 'a' }, { param: 'system', code: 'unknown_parameter' }],
  ]
  it.each(wrong)('%s is refused', (_, more, about) => {
    const answer = ask({ ...hello, ...more })
    expect(answer.head?.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({ type: 'invalid_request_error', ...about })
  })

  it('below another address is not found', () => {
    for (const path of ['/v1/chat', '/v1/chat/completions/1', '/v1/completions']) expect(ask(hello, path).head?.status).toBe(404)
  })

  it('leaves nothing behind that the Responses API could continue, or must forget something for', () => {
    const memory = remembering({ storedMax: 2 })
    const [item] = jsonOf(say(memory, 'responses'))['output'] as readonly Fields[]
    const ids = Array.from({ length: 20 }, () => jsonOf(say(memory, 'chat'))['id'])
    expect(put(memory, 'responses', { model: 'gpt-5.5', input: 'a', previous_response_id: ids[0] }).head?.status).toBe(400)
    const next = { model: 'gpt-5.5', input: [{ type: 'item_reference', id: item?.['id'] }, user('go on')] }
    expect([memory.storedCount, put(memory, 'responses', next).head?.status]).toEqual([1, 200])
  })
})
