import { isObject, type Json } from '../../json.ts'
import { contentToHub } from './parts.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/**
 * Members that say nothing to the model, or nothing that the hub could pass on: the speaker's name, hints for a cache, and what comes back with an
 * earlier answer, its reasoning and annotations.
 */
const dropped = ['name', 'cache_control', 'annotations', 'reasoning', 'reasoning_content', 'reasoning_details'] as const
const inputMembers = new Set<string>(['role', 'content', ...dropped])
const toolMembers = new Set([...inputMembers, 'tool_call_id'])
const assistantMembers = new Set([...inputMembers, 'refusal', 'tool_calls', 'function_call'])
const callMembers = new Set(['id', 'type', 'index', 'function', 'custom'])
const functionMembers = new Set(['name', 'arguments'])
const customMembers = new Set(['name', 'input'])

/** The dialogue as the hub's input (protocols.md 4.3). */
export function itemsOf(messages: unknown, unsaid: Unsaid): readonly Json[] {
  const dialogue = new Dialogue(unsaid)
  return unsaid.list(messages, 'messages').flatMap((message, index) => dialogue.items(message, index))
}

/** Goes through the messages in order: what kind a tool's output is, only the call before it tells. */
class Dialogue {
  readonly #unsaid: Unsaid
  readonly #customCalls = new Set<unknown>()
  /** Id of the last call of the older kind, which has none of its own. */
  #olderCall: string | null = null

  constructor(unsaid: Unsaid) {
    this.#unsaid = unsaid
  }

  items(message: unknown, index: number): readonly Json[] {
    const path = `messages[${index}]`
    if (!isObject(message)) {
      this.#unsaid.malformed(path, 'an object')
      return []
    }
    const { role } = message
    switch (role) {
      case 'system':
      case 'developer':
      case 'user':
        this.#unsaid.others(message, inputMembers, path)
        return [{ type: 'message', role, content: contentToHub(message['content'], `${path}.content`, this.#unsaid) }]
      case 'assistant':
        return this.#assistant(message, index, path)
      case 'tool':
        this.#unsaid.others(message, toolMembers, path)
        return [this.#output(message, path)]
      case 'function':
        this.#unsaid.others(message, inputMembers, path)
        return this.#olderOutput(message, path)
      default:
        this.#unsaid.note(path, typeof role === 'string' ? `a message of role "${role}"` : 'a message of no role')
        return []
    }
  }

  /** The calls stand behind the message, and a message that says nothing is left out. */
  #assistant(message: Json, index: number, path: string): readonly Json[] {
    this.#unsaid.others(message, assistantMembers, path)
    const { refusal, tool_calls: calls, function_call: older } = message
    const content = this.#said(message['content'], `${path}.content`)
    if (typeof refusal === 'string' && refusal !== '') content.push({ type: 'refusal', refusal })
    const items: Json[] = content.length === 0 ? [] : [{ type: 'message', role: 'assistant', content }]
    for (const [at, call] of this.#unsaid.list(calls, `${path}.tool_calls`).entries()) {
      const item = this.#call(call, `${path}.tool_calls[${at}]`)
      if (item !== null) items.push(item)
    }
    const olderCall = this.#unsaid.object(older, `${path}.function_call`)
    if (olderCall === null) return items
    this.#olderCall = `call_${index}`
    items.push(this.#function(olderCall, this.#olderCall, `${path}.function_call`))
    return items
  }

  #said(content: unknown, path: string): Json[] {
    if (typeof content === 'string') return content === '' ? [] : [{ type: 'output_text', text: content }]
    const parts: Json[] = []
    for (const [index, part] of this.#unsaid.list(content, path).entries()) {
      if (isObject(part) && part['type'] === 'refusal') parts.push({ type: 'refusal', refusal: part['refusal'] })
      else if (isObject(part) && part['type'] === 'text') {
        if (part['text'] !== '') parts.push({ type: 'output_text', text: part['text'] })
      } else this.#unsaid.note(`${path}[${index}]`, isObject(part) ? `a part ${typeOf(part)}` : null)
    }
    return parts
  }

  #call(call: unknown, path: string): Json | null {
    if (!isObject(call)) {
      this.#unsaid.malformed(path, 'an object')
      return null
    }
    this.#unsaid.others(call, callMembers, path)
    const { id, type = 'function', function: called, custom } = call
    if (type === 'function' && isObject(called)) return this.#function(called, id, `${path}.function`)
    if (type === 'custom' && isObject(custom)) {
      this.#unsaid.others(custom, customMembers, `${path}.custom`)
      this.#customCalls.add(id)
      return { type: 'custom_tool_call', call_id: id, name: custom['name'], input: custom['input'] }
    }
    this.#unsaid.note(path, `a call ${typeOf(call)}`)
    return null
  }

  #function(called: Json, id: unknown, path: string): Json {
    this.#unsaid.others(called, functionMembers, path)
    return { type: 'function_call', call_id: id, name: called['name'], arguments: called['arguments'] }
  }

  #output(message: Json, path: string): Json {
    const { tool_call_id: id, content } = message
    const type = this.#customCalls.has(id) ? 'custom_tool_call_output' : 'function_call_output'
    return { type, call_id: id, output: contentToHub(content, `${path}.content`, this.#unsaid) }
  }

  #olderOutput(message: Json, path: string): readonly Json[] {
    if (this.#olderCall === null) {
      this.#unsaid.note(path, 'the output of a function that nobody called')
      return []
    }
    return [{ type: 'function_call_output', call_id: this.#olderCall, output: contentToHub(message['content'], `${path}.content`, this.#unsaid) }]
  }
}
