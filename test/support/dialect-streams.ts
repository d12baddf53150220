import type { Spoken } from './dialect-client.ts'

/**
 * Streams as the services of each dialect send them, written by hand from the facts of the protocols: with comments, lines that end in CR LF, data on several
 * lines, pings, and events that nobody knows. Each says the same: a thought where that can be shown, a text, two calls.
 */

export interface Recorded {
  readonly title: string
  readonly text: string
  /** What any client makes of it, as far as all dialects can say it. */
  readonly heard: Readonly<Record<string, unknown>>
}

/** Events that stand one behind the other, in a stream that begins with a byte order mark, which is nobody's. */
const told = (events: readonly string[]): string => `\uFEFF${events.map((event) => `${event}\n\n`).join('')}`
const named = (type: string, more: string): string => `event: ${type}\ndata: {"type":"${type}",${more}}`
const crlf = (event: string): string => `${event.replaceAll('\n', '\r\n')}\r`

const text = 'Wörtchen "eins"\n🚂 und \\ zwei'
const pieces = ['Wört', 'chen "eins"\n', '🚂 und \\ ', 'zwei']
const quoted = (said: string): string => JSON.stringify(said)
const calls = [
  { name: 'lookup', kind: 'function', says: { q: 'ä{}', n: 1 } },
  { name: 'weigh', kind: 'function', says: {} },
]
const usage = { input: 120, cached: 100, written: 10, output: 30, reasoning: 20 }
const heard = { text, pieces, calls, finish: 'tool', usage, isOver: true, refusal: '' }

// protocols.md 1.3, 1.4
const responseOf = (status: string, output: string, more = ''): string =>
  `"response":{"id":"resp_01","object":"response","created_at":1795000000,"status":"${status}","model":"gpt-5.5","output":${output},"error":null,"incomplete_details":null,"tools":[],"tool_choice":"auto","parallel_tool_calls":true,"service_tier":"default"${more}}`
const responsesUsage =
  ',"usage":{"input_tokens":120,"input_tokens_details":{"cached_tokens":100,"cache_write_tokens":10},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":150}'
const itemsOf = [
  '{"id":"rs_01","type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA"}',
  `{"id":"msg_01","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":${quoted(text)},"annotations":[],"logprobs":[]}]}`,
  '{"id":"fc_01","type":"function_call","call_id":"call_01","name":"lookup","arguments":"{\\"q\\":\\"ä{}\\",\\"n\\":1}","status":"completed"}',
  '{"id":"fc_02","type":"function_call","call_id":"call_02","name":"weigh","arguments":"{}","status":"completed"}',
] as const
const [reasoning, message, lookup, weigh] = itemsOf
let number = 0
const numbered = (type: string, more: string): string => named(type, `"sequence_number":${number++},${more}`)

const responses = told([
  ': hello',
  numbered('response.created', responseOf('in_progress', '[]')),
  // What is not of the answer comes in between, and is not numbered.
  'event: codex.rate_limits\ndata: {"type":"codex.rate_limits","rate_limits":{}}',
  crlf(numbered('response.in_progress', responseOf('in_progress', '[]'))),
  numbered('response.output_item.added', '"output_index":0,"item":{"id":"rs_01","type":"reasoning","summary":[]}'),
  numbered('response.reasoning_summary_part.added', '"item_id":"rs_01","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}'),
  // Data on several lines: a line break stands where JSON may have one.
  numbered('response.reasoning_summary_text.delta', '"item_id":"rs_01","output_index":0,\ndata: "summary_index":0,\ndata: "delta":"Hm."'),
  numbered('response.reasoning_summary_text.done', '"item_id":"rs_01","output_index":0,"summary_index":0,"text":"Hm."'),
  numbered('response.reasoning_summary_part.done', '"item_id":"rs_01","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"Hm."}'),
  numbered('response.output_item.done', `"output_index":0,"item":${reasoning}`),
  numbered('response.output_item.added', '"output_index":1,"item":{"id":"msg_01","type":"message","role":"assistant","status":"in_progress","content":[]}'),
  numbered('response.content_part.added', '"item_id":"msg_01","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}'),
  ...pieces.map((piece, at) => {
    const event = numbered('response.output_text.delta', `"item_id":"msg_01","output_index":1,"content_index":0,"delta":${quoted(piece)},"logprobs":[]`)
    return at === 1 ? crlf(event) : event
  }),
  ': still here\n: and here',
  numbered('response.output_text.done', `"item_id":"msg_01","output_index":1,"content_index":0,"text":${quoted(text)},"logprobs":[]`),
  numbered(
    'response.content_part.done',
    `"item_id":"msg_01","output_index":1,"content_index":0,"part":{"type":"output_text","text":${quoted(text)},"annotations":[]}`,
  ),
  numbered('response.output_item.done', `"output_index":1,"item":${message}`),
  numbered(
    'response.output_item.added',
    '"output_index":2,"item":{"id":"fc_01","type":"function_call","call_id":"call_01","name":"lookup","arguments":"","status":"in_progress"}',
  ),
  numbered('response.function_call_arguments.delta', '"item_id":"fc_01","output_index":2,"delta":"{\\"q\\":\\"ä"'),
  numbered('response.novel.delta', '"item_id":"fc_01","output_index":2,"what":"nobody knows"'),
  numbered('response.function_call_arguments.delta', '"item_id":"fc_01","output_index":2,"delta":"{}\\",\\"n\\":1}"'),
  numbered('response.function_call_arguments.done', '"item_id":"fc_01","output_index":2,"arguments":"{\\"q\\":\\"ä{}\\",\\"n\\":1}"'),
  numbered('response.output_item.done', `"output_index":2,"item":${lookup}`),
  numbered(
    'response.output_item.added',
    '"output_index":3,"item":{"id":"fc_02","type":"function_call","call_id":"call_02","name":"weigh","arguments":"","status":"in_progress"}',
  ),
  numbered('response.function_call_arguments.delta', '"item_id":"fc_02","output_index":3,"delta":"{}"'),
  numbered('response.output_item.done', `"output_index":3,"item":${weigh}`),
  numbered('response.completed', responseOf('completed', `[${itemsOf.join(',')}]`, responsesUsage)),
])

// protocols.md 4.2
const chunk = (delta: string, finish = 'null'): string =>
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5.5","service_tier":"default","choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}],"usage":null}`
const chatUsage =
  '{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":10},"completion_tokens_details":{"reasoning_tokens":20}}'

const chat = told([
  ': OPENROUTER PROCESSING',
  // What filters found about the question, as some services put it in front.
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5.5","choices":[],"prompt_filter_results":[]}',
  chunk('{"role":"assistant","content":"","refusal":null}'),
  ...pieces.map((piece, at) => (at === 2 ? crlf(chunk(`{"content":${quoted(piece)}}`)) : chunk(`{"content":${quoted(piece)}}`))),
  ': still here',
  chunk('{"tool_calls":[{"index":0,"id":"call_01","type":"function","function":{"name":"lookup","arguments":""}}]}'),
  chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"q\\":\\"ä"}}]}').replace('"choices":', '\ndata: "choices":\ndata: '),
  chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{}\\",\\"n\\":1}"}}]}'),
  chunk('{"tool_calls":[{"index":1,"id":"call_02","type":"function","function":{"name":"weigh","arguments":"{}"}}]}'),
  chunk('{}', '"tool_calls"'),
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5.5","service_tier":"default","choices":[],"usage":${chatUsage}}`,
  'data: [DONE]',
])

// protocols.md 5.3
const messages = told([
  named(
    'message_start',
    '"message":{"id":"msg_01","type":"message","role":"assistant","model":"gpt-5.5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":1,"service_tier":"standard"}}',
  ),
  'event: ping\ndata: {"type": "ping"}',
  named('content_block_start', '"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}'),
  named('content_block_delta', '"index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}'),
  named('content_block_delta', '"index":0,"delta":{"type":"signature_delta","signature":"EqQB"}'),
  crlf(named('content_block_stop', '"index":0')),
  named('content_block_start', '"index":1,"content_block":{"type":"text","text":""}'),
  ...pieces.map((piece, at) => {
    const event = named('content_block_delta', `"index":1,"delta":{"type":"text_delta","text":${quoted(piece)}}`)
    return at === 3 ? event.replace('"index":1,', '"index":1,\ndata: ') : event
  }),
  'event: ping\ndata: {"type": "ping"}',
  named('content_block_stop', '"index":1'),
  ': a comment of something in between',
  named('content_block_start', '"index":2,"content_block":{"type":"tool_use","id":"toolu_01","name":"lookup","input":{}}'),
  named('content_block_delta', '"index":2,"delta":{"type":"input_json_delta","partial_json":""}'),
  named('content_block_delta', '"index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"q\\":\\"ä"}'),
  named('content_block_delta', '"index":2,"delta":{"type":"input_json_delta","partial_json":"{}\\",\\"n\\":1}"}'),
  named('content_block_stop', '"index":2'),
  named('novel_event', '"what":"nobody knows"'),
  // No input is an empty one.
  named('content_block_start', '"index":3,"content_block":{"type":"tool_use","id":"toolu_02","name":"weigh","input":{}}'),
  named('content_block_stop', '"index":3'),
  named(
    'message_delta',
    '"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":30,"output_tokens_details":{"thinking_tokens":20}}',
  ),
  named('message_stop', '"ok":true').replace(',"ok":true', ''),
])

const shortText = 'Nur kurz.'
const cutShort: Readonly<Record<Spoken, string>> = {
  responses: told([
    named('response.created', `"sequence_number":0,${responseOf('in_progress', '[]')}`),
    named(
      'response.output_item.added',
      '"sequence_number":1,"output_index":0,"item":{"id":"msg_01","type":"message","role":"assistant","status":"in_progress","content":[]}',
    ),
    named(
      'response.content_part.added',
      '"sequence_number":2,"item_id":"msg_01","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}',
    ),
    named('response.output_text.delta', `"sequence_number":3,"item_id":"msg_01","output_index":0,"content_index":0,"delta":"${shortText}"`),
    named(
      'response.output_item.done',
      `"sequence_number":4,"output_index":0,"item":{"id":"msg_01","type":"message","role":"assistant","status":"incomplete","content":[{"type":"output_text","text":"${shortText}","annotations":[]}]}`,
    ),
    named(
      'response.incomplete',
      `"sequence_number":5,${responseOf(
        'incomplete',
        `[{"id":"msg_01","type":"message","role":"assistant","status":"incomplete","content":[{"type":"output_text","text":"${shortText}","annotations":[]}]}]`,
        responsesUsage,
      ).replace('"incomplete_details":null', '"incomplete_details":{"reason":"max_output_tokens"}')}`,
    ),
  ]),
  chat: told([
    chunk('{"role":"assistant","content":""}'),
    chunk(`{"content":"${shortText}"}`),
    chunk('{}', '"length"'),
    `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5.5","choices":[],"usage":${chatUsage}}`,
    'data: [DONE]',
  ]),
  messages: messages
    .replace(/event: content_block_start\ndata: [^\n]*"index":0[\s\S]*(?=event: message_delta)/, '')
    .replace('"tool_use","stop_sequence"', '"max_tokens","stop_sequence"')
    .replace(
      'event: message_delta',
      [
        named('content_block_start', '"index":0,"content_block":{"type":"text","text":""}'),
        named('content_block_delta', `"index":0,"delta":{"type":"text_delta","text":"${shortText}"}`),
        named('content_block_stop', '"index":0'),
        'event: message_delta',
      ].join('\n\n'),
    ),
}

const refused: Readonly<Record<Spoken, string>> = {
  responses: cutShort.responses.replace('"reason":"max_output_tokens"', '"reason":"content_filter"'),
  chat: cutShort.chat.replace('"length"', '"content_filter"'),
  messages: cutShort.messages.replace('"max_tokens"', '"refusal"'),
}

const brief = { text: shortText, pieces: [shortText], calls: [], usage, isOver: true }

/** By the dialect of the upstream. */
export const recorded: Readonly<Record<Spoken, readonly Recorded[]>> = {
  responses: [
    { title: 'a thought, a text and two calls', text: responses, heard },
    { title: 'an answer that reached its limit', text: cutShort.responses, heard: { ...brief, finish: 'length' } },
    { title: 'an answer that a filter ended', text: refused.responses, heard: { ...brief, finish: 'refusal' } },
  ],
  chat: [
    { title: 'a text and two calls', text: chat, heard },
    { title: 'an answer that reached its limit', text: cutShort.chat, heard: { ...brief, finish: 'length' } },
    { title: 'an answer that a filter ended', text: refused.chat, heard: { ...brief, finish: 'refusal' } },
  ],
  messages: [
    { title: 'a thought, a text and two calls', text: messages, heard },
    { title: 'an answer that reached its limit', text: cutShort.messages, heard: { ...brief, finish: 'length' } },
    { title: 'an answer that was refused', text: refused.messages, heard: { ...brief, finish: 'refusal' } },
  ],
}
