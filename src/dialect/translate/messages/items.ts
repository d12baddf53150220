import type { Json } from '../../json.ts'

/** Finished items of the hub's output, as this translation makes them (protocols.md 1.3). */

export type ItemStatus = 'completed' | 'incomplete'

export function textPart(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

export function messageItem(id: string, text: string, status: ItemStatus): Json {
  return { id, type: 'message', role: 'assistant', status, content: [textPart(text)] }
}

/** @param seal null: nothing in it can be continued. */
export function reasoningItem(id: string, thinking: string, seal: string | null, status: ItemStatus): Json {
  const summary = thinking === '' ? [] : [{ type: 'summary_text', text: thinking }]
  return { id, type: 'reasoning', summary, ...(seal === null ? {} : { encrypted_content: seal }), status }
}

/** A call of a tool, before its input is known. */
export interface Call {
  readonly type: 'function_call' | 'custom_tool_call'
  readonly id: string
  readonly callId: string
  readonly name: string
}

/** @param input the arguments as JSON, or the text of a custom tool. */
export function callItem({ type, id, callId, name }: Call, input: string, status: ItemStatus | 'in_progress'): Json {
  return { id, type, call_id: callId, name, ...(type === 'function_call' ? { arguments: input } : { input }), status }
}
