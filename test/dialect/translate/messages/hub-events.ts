import type { Json } from '../../../../src/dialect/json.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'

/** Events of the hub, as OpenAI sends them. */

export const response = (more: Json = {}): Json => ({
  id: 'resp_abc',
  object: 'response',
  status: 'completed',
  model: 'gpt-up',
  output: [],
  incomplete_details: null,
  usage: {
    input_tokens: 115,
    input_tokens_details: { cached_tokens: 100, cache_write_tokens: 5 },
    output_tokens: 30,
    output_tokens_details: { reasoning_tokens: 20 },
    total_tokens: 145,
  },
  ...more,
})
export const created: HubEvent = { type: 'response.created', response: response({ status: 'in_progress', usage: null }) }
export const completed = (more: Json = {}): HubEvent => ({ type: 'response.completed', response: response(more) })
export const incomplete = (reason: string, more: Json = {}): HubEvent => ({
  type: 'response.incomplete',
  response: response({ status: 'incomplete', incomplete_details: { reason }, ...more }),
})

export const added = (index: number, item: Json): HubEvent => ({ type: 'response.output_item.added', output_index: index, item })
export const done = (index: number, item: Json): HubEvent => ({ type: 'response.output_item.done', output_index: index, item })

export const messageItem = (index: number, ...texts: readonly string[]): Json => ({
  id: `msg_${index}`,
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: texts.map((text) => ({ type: 'output_text', text, annotations: [] })),
})
export const textDelta = (index: number, delta: string, part = 0): HubEvent => ({
  type: 'response.output_text.delta',
  item_id: `msg_${index}`,
  output_index: index,
  content_index: part,
  delta,
  logprobs: [],
})
export const textEvents = (index: number, ...deltas: readonly string[]): readonly HubEvent[] => [
  added(index, { ...messageItem(index), status: 'in_progress' }),
  {
    type: 'response.content_part.added',
    item_id: `msg_${index}`,
    output_index: index,
    content_index: 0,
    part: { type: 'output_text', text: '', annotations: [] },
  },
  ...deltas.map((delta) => textDelta(index, delta)),
  { type: 'response.output_text.done', item_id: `msg_${index}`, output_index: index, content_index: 0, text: deltas.join(''), logprobs: [] },
  done(index, messageItem(index, deltas.join(''))),
]

export const callItem = (index: number, json: string, more: Json = {}): Json => ({
  id: `fc_${index}`,
  type: 'function_call',
  call_id: `call_${index}`,
  name: 'lookup',
  arguments: json,
  status: 'completed',
  ...more,
})
export const callAdded = (index: number): HubEvent => added(index, callItem(index, '', { status: 'in_progress' }))
export const argumentsDelta = (index: number, delta: string): HubEvent => ({
  type: 'response.function_call_arguments.delta',
  item_id: `fc_${index}`,
  output_index: index,
  delta,
})
export const callEvents = (index: number, ...deltas: readonly string[]): readonly HubEvent[] => [
  callAdded(index),
  ...deltas.map((delta) => argumentsDelta(index, delta)),
  { type: 'response.function_call_arguments.done', item_id: `fc_${index}`, output_index: index, arguments: deltas.join('') },
  done(index, callItem(index, deltas.join(''))),
]

export const reasoningItem = (index: number, seal: string | null, ...summary: readonly string[]): Json => ({
  id: `rs_${index}`,
  type: 'reasoning',
  summary: summary.map((text) => ({ type: 'summary_text', text })),
  ...(seal === null ? {} : { encrypted_content: seal }),
})
export const summaryDelta = (index: number, delta: string, part = 0): HubEvent => ({
  type: 'response.reasoning_summary_text.delta',
  item_id: `rs_${index}`,
  output_index: index,
  summary_index: part,
  delta,
})
export const reasoningAdded = (index: number): HubEvent => added(index, { ...reasoningItem(index, null), encrypted_content: '' })
