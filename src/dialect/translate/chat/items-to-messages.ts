import { isObject, type Json } from '../../json.ts'
import { contentOf, partsFromHub } from './parts.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/** What the gateway or a client wrote of an item's own being says nothing to the model. */
const dropped = ['type', 'id', 'status'] as const
const messageMembers = new Set<string>([...dropped, 'role', 'content', 'phase'])
const functionMembers = new Set<string>([...dropped, 'call_id', 'name', 'arguments', 'caller', 'async'])
const customMembers = new Set<string>([...dropped, 'call_id', 'name', 'input', 'caller', 'async'])
const outputMembers = new Set<string>([...dropped, 'call_id', 'output', 'name', 'caller'])

/** The hub's input as messages (protocols.md 4.4). @param instructions what stands before all of them; null: nothing. */
export function messagesOf(input: unknown, instructions: string | null, unsaid: Unsaid): readonly Json[] {
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : unsaid.list(input, 'input')
  const dialogue = new Dialogue(unsaid)
  for (const [index, item] of items.entries()) dialogue.add(item, `input[${index}]`)
  const leading = instructions === null ? [] : [{ role: instructionRole(items), content: instructions }]
  return [...leading, ...dialogue.messages()]
}

/** A question should not use both words for one thing, and the older one is known everywhere. */
function instructionRole(items: readonly unknown[]): 'system' | 'developer' {
  return items.some((item) => isObject(item) && item['role'] === 'developer') ? 'developer' : 'system'
}

type Block = { readonly kind: 'message'; readonly message: Json } | { readonly kind: 'assistant'; readonly said: Assistant }

/** Chat wants the outputs of all calls right behind the message that made them, so that both are gathered in one place. */
interface Assistant {
  readonly texts: Json[]
  refusal: string
  readonly calls: Json[]
  readonly outputs: Json[]
  /** What of the outputs is no text; Chat takes it from a user only. */
  readonly moved: Json[]
}

const elsewhere = 'The output is in the message after this one.'

class Dialogue {
  readonly #unsaid: Unsaid
  readonly #blocks: Block[] = []
  readonly #callers = new Map<unknown, Assistant>()

  constructor(unsaid: Unsaid) {
    this.#unsaid = unsaid
  }

  add(item: unknown, path: string): void {
    if (!isObject(item)) {
      this.#unsaid.malformed(path, 'an object')
      return
    }
    const { type = 'message' } = item
    switch (type) {
      case 'message':
        this.#unsaid.others(item, messageMembers, path)
        this.#message(item, path)
        return
      case 'function_call':
        this.#unsaid.others(item, functionMembers, path)
        this.#call(item, { id: item['call_id'], type: 'function', function: { name: item['name'], arguments: item['arguments'] } }, path)
        return
      case 'custom_tool_call':
        this.#unsaid.others(item, customMembers, path)
        this.#call(item, { id: item['call_id'], type: 'custom', custom: { name: item['name'], input: item['input'] } }, path)
        return
      case 'function_call_output':
      case 'custom_tool_call_output':
        this.#unsaid.others(item, outputMembers, path)
        this.#output(item, path)
        return
      case 'reasoning':
        // Its seal is for the account that made it, and Chat has no place for it.
        return
      default:
        this.#unsaid.note(path, `an item ${typeOf(item)}`)
    }
  }

  messages(): readonly Json[] {
    return this.#blocks.flatMap((block) => (block.kind === 'message' ? [block.message] : messagesOfAssistant(block.said)))
  }

  #message(item: Json, path: string): void {
    const { role } = item
    const parts = partsFromHub(item['content'], `${path}.content`, this.#unsaid)
    if (role === 'assistant') {
      // While calls wait for their outputs, no other message may come between.
      const said = this.#waiting() ?? this.#opened()
      for (const part of parts) {
        if (part['type'] === 'text') said.texts.push(part)
        else if (typeof part['refusal'] === 'string') said.refusal += part['refusal']
        else this.#unsaid.note(`${path}.content`, `a part ${typeOf(part)} of an assistant`)
      }
    } else if (role === 'user' || role === 'system' || role === 'developer') {
      if (parts.some((part) => part['type'] === 'refusal')) this.#unsaid.note(`${path}.content`, 'a refusal of somebody else than the assistant')
      this.#blocks.push({ kind: 'message', message: { role, content: contentOf(parts) } })
    } else this.#unsaid.note(path, typeof role === 'string' ? `a message of role "${role}"` : 'a message of no role')
  }

  #call(item: Json, call: Json, path: string): void {
    if (item['async'] === true) this.#unsaid.note(`${path}.async`)
    this.#checkCaller(item, path)
    const last = this.#blocks.at(-1)
    const said = last?.kind === 'assistant' && last.said.outputs.length === 0 ? last.said : this.#opened()
    said.calls.push(call)
    this.#callers.set(call['id'], said)
  }

  #output(item: Json, path: string): void {
    this.#checkCaller(item, path)
    const { call_id: id } = item
    const parts = partsFromHub(item['output'], `${path}.output`, this.#unsaid)
    const texts = parts.filter((part) => part['type'] === 'text')
    const moved = parts.filter((part) => part['type'] !== 'text')
    const said = this.#callers.get(id) ?? this.#opened()
    said.outputs.push({ role: 'tool', tool_call_id: id, content: texts.length === 0 && moved.length > 0 ? elsewhere : contentOf(texts) })
    if (moved.length === 0) return
    said.moved.push({ type: 'text', text: `Output of the call ${typeof id === 'string' ? id : 'above'}:` })
    for (const part of moved) said.moved.push(part)
  }

  /** Calls that a program made are not the model's own. */
  #checkCaller(item: Json, path: string): void {
    const { caller } = item
    if (isObject(caller) && caller['type'] !== 'direct') this.#unsaid.note(`${path}.caller`)
  }

  #waiting(): Assistant | null {
    const last = this.#blocks.at(-1)
    return last?.kind === 'assistant' && last.said.calls.length > 0 && last.said.outputs.length === 0 ? last.said : null
  }

  #opened(): Assistant {
    const said: Assistant = { texts: [], refusal: '', calls: [], outputs: [], moved: [] }
    this.#blocks.push({ kind: 'assistant', said })
    return said
  }
}

function messagesOfAssistant({ texts, refusal, calls, outputs, moved }: Assistant): readonly Json[] {
  const message: Json = {
    role: 'assistant',
    content: texts.length === 0 ? null : contentOf(texts),
    ...(refusal === '' ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  const isEmpty = texts.length === 0 && refusal === '' && calls.length === 0
  return [...(isEmpty ? [] : [message]), ...outputs, ...(moved.length === 0 ? [] : [{ role: 'user', content: moved }])]
}
