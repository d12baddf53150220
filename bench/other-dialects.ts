/* What the fast upstream answers where it speaks another dialect than Responses: how an answer begins, goes on for as long as it must, and ends. */

export interface Spoken {
  readonly first: readonly string[]
  readonly one: string
  readonly last: readonly string[]
}

const chunk = (delta: object, more: object = {}): string => {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null }]
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1795000000, model: 'upstream-model', service_tier: 'default' }
  return `data: ${JSON.stringify({ ...head, choices, usage: null, ...more })}\n\n`
}

const named = (type: string, members: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`

const chatUsage = {
  prompt_tokens: 1000,
  completion_tokens: 50,
  total_tokens: 1050,
  prompt_tokens_details: { cached_tokens: 800 },
  completion_tokens_details: { reasoning_tokens: 10 },
}
const started = {
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'upstream-model',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: 200, cache_creation_input_tokens: 0, cache_read_input_tokens: 800, output_tokens: 1 },
}

/** By the end of the path that is asked. */
export const otherDialects: Readonly<Record<string, Spoken>> = {
  '/chat/completions': {
    first: [chunk({ role: 'assistant', content: '' })],
    one: chunk({ content: 'word ' }),
    last: [
      chunk({}, { choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }] }),
      chunk({}, { choices: [], usage: chatUsage }),
      'data: [DONE]\n\n',
    ],
  },
  '/messages': {
    first: [named('message_start', { message: started }), named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })],
    one: named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'word ' } }),
    last: [
      named('content_block_stop', { index: 0 }),
      named('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 50 } }),
      named('message_stop', {}),
    ],
  },
}
