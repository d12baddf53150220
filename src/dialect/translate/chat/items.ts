import { isObject, type Json } from '../../json.ts'
import { objectsOf } from './asides.ts'

/** The items of an answer in the hub, and the calls among them in Chat. */

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export function messageItem(id: string, status: ItemStatus, content: readonly Json[]): Json {
  return { id, type: 'message', role: 'assistant', status, content }
}

export function textPart(text: string, annotations: readonly Json[], logprobs: readonly Json[]): Json {
  return { type: 'output_text', text, annotations, logprobs }
}

export function refusalPart(refusal: string): Json {
  return { type: 'refusal', refusal }
}

/** A call of a tool. */
export interface Call {
  readonly kind: 'function' | 'custom'
  readonly callId: string
  readonly name: string
  /** A function's arguments, or the input of a custom tool. */
  readonly text: string
}

export function callItem(id: string, status: ItemStatus, { kind, callId, name, text }: Call): Json {
  if (kind === 'custom') return { id, type: 'custom_tool_call', status, call_id: callId, name, input: text }
  return { id, type: 'function_call', status, call_id: callId, name, arguments: text }
}

export function itemId(kind: 'message' | Call['kind'], stem: string, index: number): string {
  const prefix = kind === 'message' ? 'msg' : kind === 'custom' ? 'ctc' : 'fc'
  return `${prefix}_${stem}_${index}`
}

/** What an entry of `tool_calls` says, whole or in part. */
export function readCall(entry: Json): { readonly kind: Call['kind']; readonly name: string; readonly text: string } {
  const { function: called, custom } = entry
  const kind = entry['type'] === 'custom' || (isObject(custom) && !isObject(called)) ? 'custom' : 'function'
  const inner = kind === 'custom' ? custom : called
  if (!isObject(inner)) return { kind, name: '', text: '' }
  return { kind, name: textOf(inner['name']), text: textOf(kind === 'custom' ? inner['input'] : inner['arguments']) }
}

/** Gives out the ids of calls: those that came, and others where one is missing or was used before. Clients tell calls apart by nothing else. */
export class CallIds {
  readonly #used = new Set<string>()

  give(own: unknown, otherwise: string): string {
    const id = typeof own === 'string' && own !== '' && !this.#used.has(own) ? own : otherwise
    this.#used.add(id)
    return id
  }
}

/** An item of the hub as an entry of `tool_calls`; null: it is no call. @param text in place of its own. */
export function toolCallOf(item: Json, otherwise: string, text?: string): Json | null {
  const { type, call_id: callId, id: itemId } = item
  const id = textOf(callId) || textOf(itemId) || otherwise
  const name = textOf(item['name'])
  if (type === 'function_call') return { id, type: 'function', function: { name, arguments: text ?? textOf(item['arguments']) } }
  if (type === 'custom_tool_call') return { id, type: 'custom', custom: { name, input: text ?? textOf(item['input']) } }
  return null
}

/** The content of a message: text, or with some upstreams a list of parts, of which the texts count. */
export function contentText(content: unknown): string {
  return Array.isArray(content) ? objectsOf(content).reduce((text, part) => text + textOf(part['text']), '') : textOf(content)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
