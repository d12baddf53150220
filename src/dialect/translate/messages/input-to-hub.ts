import { isObject, type Json } from '../../json.ts'
import type { Unsaid } from '../unsaid.ts'
import { contentParts, partsOf } from './content-to-hub.ts'
import { encryptedOf } from './seal.ts'
import type { ToolNames } from './tool-names.ts'

/** A dialogue as the hub's items (protocols.md 5.6). */

/** Tells a result that is an error from others: the hub has no member for it. */
const errorPrefix = 'Error: '

/** Whose words they are, in the hub. Instructions in the middle of a dialogue come from a developer. */
const roles: Readonly<Record<string, string>> = { user: 'user', assistant: 'assistant', system: 'developer' }

export function inputToHub(messages: unknown, names: ToolNames, unsaid: Unsaid): readonly Json[] {
  if (!Array.isArray(messages)) {
    unsaid.malformed('messages', 'a list')
    return []
  }
  const last: unknown = messages.at(-1)
  if (isObject(last) && last['role'] === 'assistant') unsaid.note(`messages[${messages.length - 1}]`, 'the beginning of an answer, to be continued')
  return messages.flatMap((message: unknown, index) => itemsOf(message, `messages[${index}]`, names, unsaid))
}

function itemsOf(message: unknown, path: string, names: ToolNames, unsaid: Unsaid): readonly Json[] {
  const role = isObject(message) && typeof message['role'] === 'string' ? roles[message['role']] : undefined
  if (!isObject(message) || role === undefined) {
    unsaid.malformed(`${path}.role`, '"user", "assistant" or "system"')
    return []
  }
  const { content } = message
  if (!Array.isArray(content)) return messageItem(role, contentParts(content, `${path}.content`, unsaid))
  const items: Json[] = []
  let parts: Json[] = []
  for (const [index, block] of content.entries()) {
    const place = `${path}.content[${index}]`
    const own = isObject(block) ? ownItems(block, place, names, unsaid) : null
    if (own === null) parts.push(...partsOf(block, place, unsaid))
    else {
      items.push(...messageItem(role, parts), ...own)
      parts = []
    }
  }
  return [...items, ...messageItem(role, parts)]
}

function messageItem(role: string, parts: readonly Json[]): readonly Json[] {
  if (parts.length === 0) return []
  const content = role === 'assistant' ? parts.map((part) => (part['type'] === 'input_text' ? { ...part, type: 'output_text' } : part)) : parts
  return [{ type: 'message', role, content }]
}

/** Blocks that are items of their own in the hub. Null: it is a part of its message. */
function ownItems(block: Json, path: string, names: ToolNames, unsaid: Unsaid): readonly Json[] | null {
  switch (block['type']) {
    case 'tool_use':
      return [{ type: 'function_call', call_id: block['id'], name: names.short(block['name']), arguments: JSON.stringify(block['input'] ?? {}) }]
    case 'tool_result':
      return [{ type: 'function_call_output', call_id: block['tool_use_id'], output: outputOf(block, path, unsaid) }]
    case 'thinking':
      return reasoningItems(block)
    case 'redacted_thinking':
      return []
    default:
      return null
  }
}

/** A text where it is nothing else. */
function outputOf({ content, is_error: isError }: Json, path: string, unsaid: Unsaid): unknown {
  const prefix = isError === true ? errorPrefix : ''
  if (typeof content === 'string' || (content ?? null) === null) return prefix + (typeof content === 'string' ? content : '')
  const parts = contentParts(content, `${path}.content`, unsaid)
  const [first] = parts
  if (first === undefined) return prefix
  if (parts.length === 1 && first['type'] === 'input_text' && typeof first['text'] === 'string') return prefix + first['text']
  return prefix === '' ? parts : [{ type: 'input_text', text: prefix.trimEnd() }, ...parts]
}

/** Only what came from there goes back there: thoughts that Claude signed mean nothing to another model. */
function reasoningItems({ signature, thinking }: Json): readonly Json[] {
  const encrypted = encryptedOf(signature)
  if (encrypted === null) return []
  const summary = typeof thinking === 'string' && thinking !== '' ? [{ type: 'summary_text', text: thinking }] : []
  return [{ type: 'reasoning', summary, encrypted_content: encrypted }]
}
