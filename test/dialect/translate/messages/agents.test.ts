import { expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { fromHub, toHub } from './support.ts'

/** What the agents really send (clients.md), shortened. */

const mark = { cache_control: { type: 'ephemeral' } }

test('a question of Claude Code can be said in the hub', () => {
  const question: Json = {
    model: 'claude-opus-4-8',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>\nToday is Saturday.\n</system-reminder>' },
          { type: 'text', text: 'hi', ...mark },
        ],
      },
      { role: 'system', content: 'The user changed a file.' },
    ],
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.197; cch=abcde;' },
      { type: 'text', text: 'You are Claude Code.', ...mark },
      { type: 'text', text: 'Be brief.', ...mark },
    ],
    tools: [
      { name: 'Bash', description: 'Runs a command.', input_schema: { $schema: 'x', type: 'object', properties: { command: { type: 'string' } } } },
      { name: 'Read', description: 'Reads a file.', input_schema: { type: 'object', properties: {} }, eager_input_streaming: true, ...mark },
    ],
    metadata: { user_id: JSON.stringify({ device_id: 'd'.repeat(64), account_uuid: '', session_id: 's'.repeat(36) }) },
    max_tokens: 64_000,
    thinking: { type: 'adaptive' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    output_config: { effort: 'high' },
    stream: true,
  }
  expect(toHub(question)).toEqual({
    model: 'claude-opus-4-8',
    instructions: 'You are Claude Code.\n\nBe brief.',
    input: [
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: '<system-reminder>\nToday is Saturday.\n</system-reminder>' },
          { type: 'input_text', text: 'hi' },
        ],
      },
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'The user changed a file.' }] },
    ],
    tools: [
      {
        type: 'function',
        name: 'Bash',
        description: 'Runs a command.',
        parameters: { $schema: 'x', type: 'object', properties: { command: { type: 'string' } } },
        strict: false,
      },
      { type: 'function', name: 'Read', description: 'Reads a file.', parameters: { type: 'object', properties: {} }, strict: false },
    ],
    reasoning: { effort: 'high' },
    include: ['reasoning.encrypted_content'],
    max_output_tokens: 64_000,
    safety_identifier: expect.stringMatching(/^[0-9a-f]{64}$/),
    stream: true,
    store: false,
  })
})

test('the search of Claude Code can be said in the hub', () => {
  const question: Json = {
    model: 'claude-haiku-4-5',
    max_tokens: 4096,
    messages: [{ role: 'user', content: 'Perform a web search for the query: turnouts' }],
    tools: [{ type: 'web_search_20250305', name: 'web_search', allowed_domains: [], blocked_domains: [], max_uses: 8 }],
    tool_choice: { type: 'tool', name: 'web_search' },
  }
  expect(toHub(question)).toMatchObject({ tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search' }, max_tool_calls: 8 })
})

test('a question of Codex can be said in Messages', () => {
  const item = (role: string, text: string) => ({ type: 'message', id: 'msg_1', role, content: [{ type: 'input_text', text }] })
  const question: Json = {
    model: 'gpt-5.5',
    stream: true,
    input: [
      item('developer', 'You are Codex.'),
      item('developer', 'Skills.'),
      item('user', '<environment_context/>'),
      item('user', 'edit a.txt'),
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      { type: 'function_call', id: 'fc_1', name: 'exec_command', arguments: '{"cmd":"ls"}', call_id: 'call_1' },
      { type: 'function_call_output', id: 'fco_1', call_id: 'call_1', output: 'a.txt' },
      { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_2', name: 'apply_patch', input: '*** Begin Patch', status: 'completed' },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: 'Success.' },
    ],
    tools: [
      { type: 'function', name: 'exec_command', description: 'Runs.', strict: false, parameters: { type: 'object', properties: {} } },
      { type: 'custom', name: 'apply_patch', description: 'Patches.', format: { type: 'grammar', syntax: 'lark', definition: 'start: x' } },
      { type: 'tool_search', execution: 'client', description: 'x', parameters: {} },
      { type: 'web_search', external_web_access: false },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { effort: 'medium' },
    store: false,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'thread',
    text: { verbosity: 'low' },
    client_metadata: { thread_id: 'thread' },
  }
  expect(fromHub(question)).toEqual({
    model: 'gpt-5.5',
    max_tokens: 32_000,
    system: [
      { type: 'text', text: 'You are Codex.' },
      { type: 'text', text: 'Skills.', ...mark },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<environment_context/>' },
          { type: 'text', text: 'edit a.txt' },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'exec_command', input: { cmd: 'ls' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'a.txt' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_2', name: 'apply_patch', input: { input: '*** Begin Patch' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_2', content: 'Success.', ...mark }] },
    ],
    tools: [
      { name: 'exec_command', description: 'Runs.', input_schema: { type: 'object', properties: {} } },
      expect.objectContaining({ name: 'apply_patch', ...mark }),
    ],
    tool_choice: { type: 'auto' },
    thinking: { type: 'adaptive' },
    output_config: { effort: 'medium' },
    stream: true,
  })
})
