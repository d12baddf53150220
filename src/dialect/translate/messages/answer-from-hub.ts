import { isObject, type Json } from '../../json.ts'
import type { Telling } from '../hub.ts'
import { inputOf, inputOfText } from './calls.ts'
import { callIdOf, coreOf } from './ids.ts'
import { modelOf } from './response.ts'
import { signatureOf } from './seal.ts'
import { stopDetailsOf, stopReasonOf } from './stop.ts'
import { usageFromHub } from './usage.ts'

/** The hub's response object as a whole message (protocols.md 5.7). It never throws, whatever came. */
export function answerFromHub(response: Json, telling: Telling): Json {
  const output: readonly unknown[] = Array.isArray(response['output']) ? response['output'] : []
  const items = output.filter(isObject)
  const core = coreOf(response['id'], telling)
  const content = items.flatMap((item, index) => blocksOfItem(item, { core, index }, telling))
  const details = response['incomplete_details']
  const stopReason = stopReasonOf({
    status: response['status'],
    reason: isObject(details) ? details['reason'] : null,
    hasCalls: content.some((block) => block['type'] === 'tool_use'),
    hasRefusal: items.some(isRefusal),
  })
  return {
    id: `msg_${core}`,
    type: 'message',
    role: 'assistant',
    model: modelOf(response['model'], telling),
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: stopDetailsOf(stopReason),
    usage: usageFromHub(response['usage'], response['service_tier']),
    container: null,
    diagnostics: null,
  }
}

interface Place {
  readonly core: string
  readonly index: number
}

/** None for what the service did on its own: what came of it stands in the text. */
function blocksOfItem(item: Json, { core, index }: Place, { memo }: Telling): readonly Json[] {
  switch (item['type']) {
    case 'message':
      return partsIn(item['content']).flatMap((part) => textBlocks(saidIn(part)))
    case 'reasoning':
      return thinkingBlocks(item)
    case 'function_call':
    case 'custom_tool_call': {
      const input = item['type'] === 'function_call' ? inputOf(item['arguments']) : inputOfText(textOf(item['input']))
      return [{ type: 'tool_use', id: callIdOf(item['call_id'], core, index), name: clientName(item['name'], memo), input }]
    }
    default:
      return []
  }
}

function isRefusal(item: Json): boolean {
  return item['type'] === 'message' && partsIn(item['content']).some((part) => part['type'] === 'refusal')
}

export function partsIn(content: unknown): readonly Json[] {
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts.filter(isObject)
}

/** What a part of a message says. */
export function saidIn(part: Json): string {
  return textOf(part['type'] === 'refusal' ? part['refusal'] : part['text'])
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Clients send their history back, and an empty block in it would be refused. */
function textBlocks(text: string): readonly Json[] {
  return text === '' ? [] : [{ type: 'text', text, citations: null }]
}

function thinkingBlocks(item: Json): readonly Json[] {
  const thinking = thinkingIn(item)
  const signature = signatureOf(item['encrypted_content'])
  return thinking === '' && signature === '' ? [] : [{ type: 'thinking', thinking, signature }]
}

/** What of its reasoning a model shows: a summary, or, of some, the reasoning itself. */
export function thinkingIn(item: Json, voice: 'summary' | 'content' | null = null): string {
  const summary = voice === 'content' ? '' : joined(item['summary'])
  return summary === '' && voice !== 'summary' ? joined(item['content']) : summary
}

export const betweenParts = '\n\n'

function joined(parts: unknown): string {
  return partsIn(parts)
    .map(saidIn)
    .filter((text) => text !== '')
    .join(betweenParts)
}

/** The client's own name of a tool that had to be called otherwise upstream. */
export function clientName(name: unknown, memo: Telling['memo']): string {
  return typeof name === 'string' ? (memo?.toolNames.get(name) ?? name) : ''
}
