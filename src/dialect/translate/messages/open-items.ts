import type { Json } from '../../json.ts'
import { Growing } from '../growing.ts'
import type { HubEvent } from '../hub.ts'
import { textOfInput } from './calls.ts'
import { callItem, messageItem, reasoningItem, textPart, type Call, type ItemStatus } from './items.ts'
import { sealOfBlock } from './seal.ts'

/** An item of the hub's output while its block is still coming: its events, in the order that readers of the hub rely on (protocols.md 1.4). */
export interface OpenItem {
  /** Characters kept of it. */
  readonly length: number
  /** Its text so far. */
  readonly said: Growing
  added(): readonly HubEvent[]
  /** @param delta of its block, or the block itself as it began, whose members are named alike. */
  grow(delta: Json): readonly HubEvent[]
  finish(status: ItemStatus): { readonly item: Json; readonly events: readonly HubEvent[] }
}

const nothing: readonly HubEvent[] = []

function added(index: number, item: Json): HubEvent {
  return { type: 'response.output_item.added', output_index: index, item }
}

function done(index: number, item: Json): HubEvent {
  return { type: 'response.output_item.done', output_index: index, item }
}

export class OpenText implements OpenItem {
  readonly #id: string
  readonly #index: number
  readonly said = new Growing()

  constructor(id: string, index: number) {
    this.#id = id
    this.#index = index
  }

  get length(): number {
    return this.said.length
  }

  added(): readonly HubEvent[] {
    const item = { ...messageItem(this.#id, '', 'completed'), status: 'in_progress', content: [] }
    return [added(this.#index, item), { type: 'response.content_part.added', ...this.#place(), part: textPart('') }]
  }

  grow({ text }: Json): readonly HubEvent[] {
    if (typeof text !== 'string' || text === '') return nothing
    this.said.add(text)
    return [{ type: 'response.output_text.delta', ...this.#place(), delta: text, logprobs: [] }]
  }

  finish(status: ItemStatus): ReturnType<OpenItem['finish']> {
    const { text } = this.said
    const item = messageItem(this.#id, text, status)
    return {
      item,
      events: [
        { type: 'response.output_text.done', ...this.#place(), text, logprobs: [] },
        { type: 'response.content_part.done', ...this.#place(), part: textPart(text) },
        done(this.#index, item),
      ],
    }
  }

  #place(): Json {
    return { item_id: this.#id, output_index: this.#index, content_index: 0 }
  }
}

export class OpenReasoning implements OpenItem {
  readonly #id: string
  readonly #index: number
  readonly #type: unknown
  readonly #data: unknown
  readonly said = new Growing()
  #signature: unknown

  /** @param block as it began; one that is redacted has all of its content. */
  constructor(id: string, index: number, { type, data }: Json) {
    this.#id = id
    this.#index = index
    this.#type = type
    this.#data = data
  }

  get length(): number {
    // Once as its summary and once in the seal.
    return 2 * this.said.length + lengthOf(this.#data) + lengthOf(this.#signature)
  }

  added(): readonly HubEvent[] {
    return [added(this.#index, { ...reasoningItem(this.#id, '', null, 'completed'), status: 'in_progress' })]
  }

  grow({ thinking, signature }: Json): readonly HubEvent[] {
    if (typeof signature === 'string' && signature !== '') this.#signature = signature
    if (typeof thinking !== 'string' || thinking === '') return nothing
    const isFirst = this.said.length === 0
    this.said.add(thinking)
    const delta: HubEvent = { type: 'response.reasoning_summary_text.delta', ...this.#place(), delta: thinking }
    return isFirst ? [{ type: 'response.reasoning_summary_part.added', ...this.#place(), part: { type: 'summary_text', text: '' } }, delta] : [delta]
  }

  finish(status: ItemStatus): ReturnType<OpenItem['finish']> {
    const { text } = this.said
    const seal = sealOfBlock({ type: this.#type, data: this.#data, thinking: text, signature: this.#signature })
    const item = reasoningItem(this.#id, text, seal, status)
    const events: readonly HubEvent[] = [
      { type: 'response.reasoning_summary_text.done', ...this.#place(), text },
      { type: 'response.reasoning_summary_part.done', ...this.#place(), part: { type: 'summary_text', text } },
    ]
    return { item, events: [...(text === '' ? nothing : events), done(this.#index, item)] }
  }

  #place(): Json {
    return { item_id: this.#id, output_index: this.#index, summary_index: 0 }
  }
}

function lengthOf(seal: unknown): number {
  return typeof seal === 'string' ? seal.length : 0
}

export class OpenCall implements OpenItem {
  readonly #call: Call
  readonly #index: number
  /** What it began with, as JSON: some upstreams leave it at that. */
  readonly #input: string
  readonly said = new Growing()

  constructor(call: Call, index: number, input: string) {
    this.#call = call
    this.#index = index
    this.#input = input
  }

  get length(): number {
    return this.said.length
  }

  added(): readonly HubEvent[] {
    return [added(this.#index, callItem(this.#call, '', 'in_progress'))]
  }

  /** The text of a custom tool is known only when all of its JSON is. */
  grow({ partial_json: json }: Json): readonly HubEvent[] {
    if (typeof json !== 'string' || json === '') return nothing
    this.said.add(json)
    return this.#call.type === 'function_call' ? [{ type: 'response.function_call_arguments.delta', ...this.#place(), delta: json }] : nothing
  }

  finish(status: ItemStatus): ReturnType<OpenItem['finish']> {
    const { text } = this.said
    const json = text === '' ? this.#input : text
    const isFunction = this.#call.type === 'function_call'
    const input = isFunction ? json : textOfInput(json)
    const item = callItem(this.#call, input, status)
    const [name, member] = isFunction ? ['function_call_arguments', 'arguments'] : ['custom_tool_call_input', 'input']
    const isTold = isFunction && text !== ''
    const events: readonly HubEvent[] = [
      ...(isTold || input === '' ? nothing : [{ type: `response.${name}.delta`, ...this.#place(), delta: input }]),
      { type: `response.${name}.done`, ...this.#place(), [member]: input },
      done(this.#index, item),
    ]
    return { item, events }
  }

  #place(): Json {
    return { item_id: this.#call.id, output_index: this.#index }
  }
}
