/* What the fast upstream answers, whichever way it goes. */

const usage = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 800, cache_write_tokens: 0 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 10 },
  total_tokens: 1050,
}
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(9)
const part = { type: 'output_text', text, annotations: [] }
const item = { id: 'msg_bench', type: 'message', role: 'assistant', status: 'completed', content: [part] }

/** Stands where the id of an answer will stand: as long as one. */
export const idPlace = 'resp_000000000000'

export const response = {
  id: idPlace,
  object: 'response',
  created_at: 1795000000,
  status: 'completed',
  model: 'upstream-model',
  service_tier: 'default',
  output: [item],
  usage,
}
const started = { ...response, status: 'in_progress', output: [], usage: null }

export interface Event {
  readonly type: string
  readonly [member: string]: unknown
}

const place = { item_id: 'msg_bench', output_index: 0, content_index: 0 }

export const delta = (i: number): Event => ({
  type: 'response.output_text.delta',
  sequence_number: i,
  ...place,
  delta: 'word ',
  logprobs: [],
  obfuscation: 'abcdefgh',
})

/** How every answer begins. */
export const first: readonly Event[] = [
  { type: 'response.created', response: started },
  { type: 'response.in_progress', response: started },
]
const last: Event = { type: 'response.completed', response }

/** An answer of so many events. */
export const burst = (events: number): readonly Event[] => [...first, ...Array.from({ length: events - 3 }, (_, i) => delta(i + 2)), last]

/** The fewest events in which one message comes. */
export const message: readonly Event[] = [
  ...first,
  { type: 'response.output_item.added', sequence_number: 2, output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
  { type: 'response.content_part.added', sequence_number: 3, ...place, part: { ...part, text: '' } },
  { ...delta(4), delta: text },
  { type: 'response.output_text.done', sequence_number: 5, ...place, text, logprobs: [] },
  { type: 'response.content_part.done', sequence_number: 6, ...place, part },
  { type: 'response.output_item.done', sequence_number: 7, output_index: 0, item },
  last,
]
