import { isObject, refused, type JsonObject, type Refused } from '../error.ts'
import { isSet, missing, wrongType } from '../members.ts'
import type { Flavour } from '../question.ts'

/** What each role may say, by the types of its parts. */
const partsOf: ReadonlyMap<unknown, ReadonlySet<unknown>> = new Map([
  ['system', new Set(['text'])],
  ['developer', new Set(['text'])],
  ['user', new Set(['text', 'image_url', 'input_audio', 'file'])],
  ['assistant', new Set(['text', 'refusal'])],
  ['tool', new Set(['text'])],
  ['function', new Set()],
])

interface Reader {
  readonly items: JsonObject[]
  /** Calls that still want their message. */
  readonly open: Map<string, Flavour>
}

/** The messages as items of the Responses API. Calls and their outputs are held together. */
export function readMessages(messages: unknown): { readonly items: readonly JsonObject[] } | Refused {
  if (!Array.isArray(messages)) return wrongType('messages', 'array')
  if (messages.length === 0) return refused(400, "Invalid 'messages': empty array. Expected at least one.", { param: 'messages', code: 'empty_array' })
  const reader: Reader = { items: [], open: new Map() }
  for (const [at, message] of (messages as readonly unknown[]).entries()) {
    const param = `messages[${at}]`
    if (!isObject(message)) return wrongType(param, 'object')
    const wrong = checkRole(message, param) ?? (message['role'] === 'tool' ? null : unanswered(reader)) ?? readMessage(message, param, reader)
    if (wrong !== null) return wrong
  }
  return unanswered(reader) ?? { items: reader.items }
}

function checkRole({ role, content }: JsonObject, param: string): Refused | null {
  if (!isSet(role)) return missing(`${param}.role`)
  const allowed = partsOf.get(role)
  if (allowed === undefined) {
    const message = `Invalid value: ${JSON.stringify(role)}. Supported values are: ${[...partsOf.keys()].map((name) => `'${String(name)}'`).join(', ')}.`
    return refused(400, message, { param: `${param}.role`, code: 'invalid_value' })
  }
  if (!isSet(content)) return role === 'assistant' ? null : wrongType(`${param}.content`, 'a string or an array of objects')
  if (typeof content === 'string') return null
  if (!Array.isArray(content)) return wrongType(`${param}.content`, 'a string or an array of objects')
  const at = content.findIndex((part) => !isObject(part) || !allowed.has(part['type']) || !isWhole(part))
  if (at === -1) return null
  return refused(400, `Invalid value for '${param}.content[${at}]'.`, { param: `${param}.content[${at}]`, code: 'invalid_value' })
}

/** Each part keeps what it says in the member that is called like its type. */
function isWhole(part: JsonObject): boolean {
  const own = part[String(part['type'])]
  return part['type'] === 'text' || part['type'] === 'refusal' ? typeof own === 'string' : isObject(own)
}

/** An assistant's calls must be answered before anybody else speaks. */
function unanswered({ open }: Reader): Refused | null {
  if (open.size === 0) return null
  const message = `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open.keys()].join(', ')}`
  return refused(400, message, { param: 'messages' })
}

function readMessage(message: JsonObject, param: string, reader: Reader): Refused | null {
  switch (message['role']) {
    case 'assistant':
      return readAssistant(message, param, reader)
    case 'tool':
      return readOutput(message, param, reader)
    case 'function':
      // Its call has no id: it is found by its name.
      if (typeof message['name'] !== 'string') return missing(`${param}.name`)
      reader.items.push({ type: 'function_call_output', call_id: message['name'], output: message['content'] })
      return null
    default:
      reader.items.push({ type: 'message', role: message['role'], content: contentOf(message['content'], 'input_text') })
      return null
  }
}

function readOutput({ tool_call_id: id, content }: JsonObject, param: string, { items, open }: Reader): Refused | null {
  if (typeof id !== 'string') return missing(`${param}.tool_call_id`)
  const flavour = open.get(id)
  if (flavour === undefined) {
    const message = "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
    return refused(400, message, { param: `${param}.role` })
  }
  open.delete(id)
  items.push({ type: flavour === 'function' ? 'function_call_output' : 'custom_tool_call_output', call_id: id, output: contentOf(content, 'input_text') })
  return null
}

function readAssistant(message: JsonObject, param: string, reader: Reader): Refused | null {
  const { content, tool_calls: calls } = message
  const says = isSet(content) ? contentOf(content, 'output_text') : message['refusal']
  if (isSet(calls) && !Array.isArray(calls)) return wrongType(`${param}.tool_calls`, 'array')
  if (Array.isArray(calls) && calls.length === 0) {
    return refused(400, `Invalid '${param}.tool_calls': empty array.`, { param: `${param}.tool_calls`, code: 'empty_array' })
  }
  if (!isSet(says) && !isSet(calls) && !isSet(message['function_call'])) return wrongType(`${param}.content`, 'a string or an array of objects')
  if (isSet(says) && says !== '') reader.items.push({ type: 'message', role: 'assistant', content: says })
  const { function_call: legacy } = message
  // As with its output, the name is all there is.
  if (isObject(legacy)) reader.items.push({ type: 'function_call', call_id: legacy['name'], name: legacy['name'], arguments: legacy['arguments'] })
  for (const [at, call] of ((calls ?? []) as readonly unknown[]).entries()) {
    const wrong = readCall(call, `${param}.tool_calls[${at}]`, reader)
    if (wrong !== null) return wrong
  }
  return null
}

function readCall(call: unknown, param: string, { items, open }: Reader): Refused | null {
  if (!isObject(call)) return wrongType(param, 'object')
  const { id, type } = call
  if (typeof id !== 'string' || id === '') return missing(`${param}.id`)
  if (type !== 'function' && type !== 'custom') return missing(`${param}.type`)
  const own = call[type]
  if (!isObject(own) || typeof own['name'] !== 'string') return missing(`${param}.${type}.name`)
  const word = type === 'function' ? 'arguments' : 'input'
  const says = own[word]
  if (typeof says !== 'string') return missing(`${param}.${type}.${word}`)
  open.set(id, type)
  items.push({ type: type === 'function' ? 'function_call' : 'custom_tool_call', call_id: id, name: own['name'], [word]: says })
  return null
}

/** A text stays one; parts become those of the Responses API. */
function contentOf(content: unknown, type: 'input_text' | 'output_text'): unknown {
  if (!Array.isArray(content)) return content
  return (content as readonly JsonObject[]).map((part) => {
    const text = part['type'] === 'text' ? part['text'] : part['refusal']
    return typeof text === 'string' ? { type, text } : { type: part['type'] }
  })
}
