import type { Json } from '../../json.ts'

/** The hub's items put together as messages: neighbours of one role are one, and results stand first, right behind their calls (protocols.md 5.2, 5.8). */

interface Message {
  readonly role: 'user' | 'assistant'
  readonly results: Json[]
  readonly blocks: Json[]
}

/** Thoughts may not stand last, and go with what follows them. */
const thoughts: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking'])

/**
 * What stands for the turn of a user who said nothing: a dialogue there has to end with one. A client of the hub that ends with an answer, because it
 * asks again after a stream broke off, wants what comes next and not the answer's continuation.
 */
const nextPlease: Json = { type: 'text', text: 'Continue.' }

export class Dialogue {
  readonly #messages: Message[] = []
  /** Where a call stands, by its id. */
  readonly #calls = new Map<unknown, number>()

  say(role: Message['role'], blocks: readonly Json[]): void {
    if (blocks.length > 0) this.#last(role).blocks.push(...blocks)
  }

  call(block: Json): void {
    this.say('assistant', [block])
    this.#calls.set(block['id'], this.#messages.length - 1)
  }

  result(block: Json): void {
    const call = this.#calls.get(block['tool_use_id'])
    const behind = call === undefined ? undefined : this.#messages[call + 1]
    const message = behind ?? this.#last('user')
    message.results.push(block)
  }

  messages(): readonly { readonly role: string; readonly content: readonly Json[] }[] {
    const all = this.#messages.map(({ role, results, blocks }) => ({ role, content: [...results, ...blocks] }))
    const last = all.at(-1)
    if (last?.role === 'assistant') {
      const end = last.content.findLastIndex((block) => !thoughts.has(block['type']))
      last.content.splice(end + 1)
      if (last.content.length === 0) all.pop()
    }
    return all.at(-1)?.role === 'user' ? all : [...all, { role: 'user', content: [nextPlease] }]
  }

  #last(role: Message['role']): Message {
    const last = this.#messages.at(-1)
    if (last?.role === role) return last
    const message: Message = { role, results: [], blocks: [] }
    this.#messages.push(message)
    return message
  }
}
