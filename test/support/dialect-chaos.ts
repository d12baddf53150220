import * as fc from 'fast-check'
import type { Spoken } from './dialect-client.ts'

/** Events of each dialect in any order, with members that are missing or nonsense: what no service should send, and some do. */

const text = fc.oneof(fc.constant(''), fc.string({ maxLength: 6 }), fc.constant('🚂 "\\\n'))
const index = fc.integer({ min: 0, max: 3 })
const nonsense = fc.oneof(fc.constant(null), fc.integer(), fc.constant('x'), fc.constant([]), fc.constant({}), fc.constant(true))

/** Now and then a member is missing, or something else. */
function spoilt(event: Readonly<Record<string, unknown>>): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const names = Object.keys(event)
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(event) },
    { weight: 1, arbitrary: fc.constantFrom(...names).map((name) => Object.fromEntries(Object.entries(event).filter(([own]) => own !== name))) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...names), nonsense).map(([name, value]) => ({ ...event, [name]: value })) },
  )
}

const usage = fc.oneof(fc.constant(null), fc.constant({ input_tokens: 3, output_tokens: 2, total_tokens: 5 }), nonsense)

const item = fc.oneof(
  fc.record({
    type: fc.constant('message'),
    id: fc.constantFrom('msg_1', 'msg_2'),
    role: fc.constant('assistant'),
    content: fc.array(fc.oneof(fc.record({ type: fc.constant('output_text'), text }), fc.record({ type: fc.constant('refusal'), refusal: text })), {
      maxLength: 2,
    }),
  }),
  fc.record({
    type: fc.constant('function_call'),
    id: fc.constantFrom('fc_1', 'fc_2'),
    call_id: fc.constantFrom('call_1', 'call_2'),
    name: fc.constant('f'),
    arguments: text,
  }),
  fc.record({ type: fc.constant('custom_tool_call'), id: fc.constant('ctc_1'), call_id: fc.constant('call_3'), name: fc.constant('g'), input: text }),
  fc.record({
    type: fc.constant('reasoning'),
    id: fc.constant('rs_1'),
    summary: fc.array(fc.record({ type: fc.constant('summary_text'), text }), { maxLength: 2 }),
    encrypted_content: fc.option(fc.constant('gAAA')),
  }),
  fc.record({ type: fc.constant('web_search_call'), id: fc.constant('ws_1') }),
)

const response = fc.record({
  id: fc.constantFrom('resp_1', 'resp_2'),
  model: fc.constant('gpt-5.5'),
  output: fc.array(item, { maxLength: 3 }),
  usage,
  incomplete_details: fc.option(fc.record({ reason: fc.constantFrom('max_output_tokens', 'content_filter') })),
  error: fc.option(fc.record({ code: fc.constant('server_error'), message: text })),
})

const logprobs = fc.constant([{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }])

const hubTypes = `output_text.delta refusal.delta function_call_arguments.delta custom_tool_call_input.delta reasoning_summary_text.delta reasoning_text.delta
  reasoning_summary_part.added content_part.added content_part.done output_text.done novel.delta`
  .split(/\s+/)
  .map((type) => `response.${type}`)

const responsesEvent = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      { type: fc.constantFrom(...hubTypes), item_id: fc.constant('i'), output_index: index, content_index: index, summary_index: index, delta: text, logprobs },
      { requiredKeys: ['type', 'item_id', 'output_index', 'content_index', 'summary_index', 'delta'] },
    ),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('response.output_item.added', 'response.output_item.done'), output_index: index, item }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('response.created', 'response.in_progress'), response }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('response.completed', 'response.incomplete', 'response.failed'), response }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('error', 'keepalive'), code: fc.constant('server_error'), message: text }) },
)

const toolCall = fc.record(
  {
    index,
    id: fc.constantFrom('call_1', 'call_2', ''),
    type: fc.constantFrom('function', 'custom'),
    function: fc.record({ name: fc.constantFrom('f', ''), arguments: text }, { requiredKeys: [] }),
    custom: fc.record({ name: fc.constant('g'), input: text }),
  },
  { requiredKeys: ['index'] },
)

const delta = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.option(text),
    refusal: fc.option(text),
    reasoning_content: text,
    tool_calls: fc.array(toolCall, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)

const finish = fc.oneof(
  { weight: 6, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter', 'novel') },
)

const choice = fc.record(
  { index: fc.constantFrom(0, 0, 0, 1), delta, finish_reason: finish, logprobs: fc.record({ content: logprobs, refusal: fc.constant(null) }) },
  { requiredKeys: ['index', 'delta', 'finish_reason'] },
)

const chatEvent = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      id: fc.constantFrom('chatcmpl-1', 'chatcmpl-1', ''),
      object: fc.constant('chat.completion.chunk'),
      model: fc.constant('gpt-5.5'),
      choices: fc.array(choice, { maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      id: fc.constant('chatcmpl-1'),
      choices: fc.constant([]),
      usage: fc.constant({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ error: fc.oneof(fc.record({ message: text, code: fc.constant('server_error') }), nonsense) }) },
)

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text }),
  fc.record({ type: fc.constant('thinking'), thinking: text, signature: text }),
  fc.record({ type: fc.constant('redacted_thinking'), data: text }),
  fc.record({ type: fc.constant('tool_use'), id: fc.constantFrom('toolu_1', 'toolu_2'), name: fc.constant('f'), input: fc.constantFrom({}, { q: 1 }) }),
  fc.record({ type: fc.constant('novel_block') }),
)

const growth = fc.oneof(
  fc.record({ type: fc.constant('text_delta'), text }),
  fc.record({ type: fc.constant('thinking_delta'), thinking: text }),
  fc.record({ type: fc.constant('signature_delta'), signature: text }),
  fc.record({ type: fc.constant('input_json_delta'), partial_json: fc.constantFrom('{"a', '":1}', '{}', '') }),
)

const stop = fc.constantFrom('end_turn', 'max_tokens', 'tool_use', 'refusal', 'pause_turn', 'novel', null)

const messagesEvent = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('message_start'), message: fc.record({ id: fc.constant('msg_1'), model: fc.constant('gpt-5.5'), usage }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('content_block_start'), index, content_block: block }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('content_block_delta'), index, delta: growth }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('content_block_stop'), index }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('message_delta'), delta: fc.record({ stop_reason: stop }), usage }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('message_stop', 'ping', 'novel_event') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('error'), error: fc.record({ type: fc.constant('overloaded_error'), message: text }) }) },
)

const named = (event: Readonly<Record<string, unknown>>): string => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`
const unnamed = (event: Readonly<Record<string, unknown>>): string => `data: ${JSON.stringify(event)}\n\n`
const noise = fc.constantFrom(': comment\n\n', 'data: {"type":\n\n', 'data: [1]\n\n', 'event: x\n\n', 'data:\n\n', 'data: null\n\n')

/** Any stream of an upstream's dialect, event by event. */
export const chaos: Readonly<Record<Spoken, fc.Arbitrary<readonly string[]>>> = {
  responses: streamOf(responsesEvent.chain(spoilt).map(named)),
  chat: streamOf(fc.oneof({ weight: 15, arbitrary: chatEvent.chain(spoilt).map(unnamed) }, { weight: 1, arbitrary: fc.constant('data: [DONE]\n\n') })),
  messages: streamOf(messagesEvent.chain(spoilt).map(named)),
}

function streamOf(event: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  return fc.array(fc.oneof({ weight: 20, arbitrary: event }, { weight: 1, arbitrary: noise }), { maxLength: 30 })
}
