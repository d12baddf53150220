import type { Json } from '../../json.ts'
import { Growing } from '../growing.ts'
import type { HubEvent } from '../hub.ts'
import { callItem, itemId, messageItem, refusalPart, textPart, type Call, type ItemStatus } from './items.ts'

/** An item of the answer under way. It keeps what it has said for the events that close it. */
export interface OpenItem {
  /** Tells the events that close it, and gives the item. */
  close(status: ItemStatus, tell: Tell): Json
}

export type Tell = (event: HubEvent) => void

type PartKind = 'output_text' | 'refusal'

interface OpenPart {
  readonly kind: PartKind
  readonly index: number
  readonly said: Growing
  readonly annotations: Json[]
  readonly logprobs: Json[]
}

/** The message: text, a refusal, or both, each a part that is opened by the first word of it. */
export class OpenMessage implements OpenItem {
  readonly #id: string
  readonly #index: number
  readonly #parts: OpenPart[] = []

  constructor(stem: string, index: number, tell: Tell) {
    this.#id = itemId('message', stem, index)
    this.#index = index
    tell({ type: 'response.output_item.added', output_index: index, item: messageItem(this.#id, 'in_progress', []) })
  }

  /** Gives the text that has grown, as the others do. */
  text(delta: string, logprobs: readonly Json[], tell: Tell): Growing {
    const part = this.#part('output_text', tell)
    part.said.add(delta)
    for (const each of logprobs) part.logprobs.push(each)
    tell({ type: 'response.output_text.delta', item_id: this.#id, output_index: this.#index, content_index: part.index, delta, logprobs })
    return part.said
  }

  refusal(delta: string, tell: Tell): Growing {
    const part = this.#part('refusal', tell)
    part.said.add(delta)
    tell({ type: 'response.refusal.delta', item_id: this.#id, output_index: this.#index, content_index: part.index, delta })
    return part.said
  }

  annotate(annotation: Json, tell: Tell): void {
    const { annotations, index } = this.#part('output_text', tell)
    const place = { item_id: this.#id, output_index: this.#index, content_index: index }
    tell({ type: 'response.output_text.annotation.added', ...place, annotation_index: annotations.push(annotation) - 1, annotation })
  }

  close(status: ItemStatus, tell: Tell): Json {
    const content = this.#parts.map(({ kind, index, said: { text }, annotations, logprobs }) => {
      const place = { item_id: this.#id, output_index: this.#index, content_index: index }
      const part = kind === 'refusal' ? refusalPart(text) : textPart(text, annotations, logprobs)
      if (kind === 'refusal') tell({ type: 'response.refusal.done', ...place, refusal: text })
      else tell({ type: 'response.output_text.done', ...place, text, logprobs })
      tell({ type: 'response.content_part.done', ...place, part })
      return part
    })
    const item = messageItem(this.#id, status, content)
    tell({ type: 'response.output_item.done', output_index: this.#index, item })
    return item
  }

  #part(kind: PartKind, tell: Tell): OpenPart {
    const open = this.#parts.find((part) => part.kind === kind)
    if (open !== undefined) return open
    const part: OpenPart = { kind, index: this.#parts.length, said: new Growing(), annotations: [], logprobs: [] }
    this.#parts.push(part)
    const place = { item_id: this.#id, output_index: this.#index, content_index: part.index }
    tell({ type: 'response.content_part.added', ...place, part: kind === 'refusal' ? refusalPart('') : textPart('', [], []) })
    return part
  }
}

/** A call of a tool, by what its first chunk said of it. */
export class OpenCall implements OpenItem {
  readonly #id: string
  readonly #index: number
  readonly #call: Omit<Call, 'text' | 'name'>
  readonly #said = new Growing()
  #name: string

  constructor(stem: string, index: number, call: Omit<Call, 'text'>, tell: Tell) {
    this.#id = itemId(call.kind, stem, index)
    this.#index = index
    this.#call = call
    this.#name = call.name
    tell({ type: 'response.output_item.added', output_index: index, item: callItem(this.#id, 'in_progress', { ...call, text: '' }) })
  }

  /** Some upstreams name the tool later than they begin to call it. Gives how many characters are kept of it. */
  name(name: string): number {
    if (this.#name !== '') return 0
    this.#name = name
    return name.length
  }

  add(delta: string, tell: Tell): Growing {
    this.#said.add(delta)
    const type = this.#call.kind === 'custom' ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta'
    tell({ type, item_id: this.#id, output_index: this.#index, delta })
    return this.#said
  }

  close(status: ItemStatus, tell: Tell): Json {
    const { text } = this.#said
    const place = { item_id: this.#id, output_index: this.#index }
    if (this.#call.kind === 'custom') tell({ type: 'response.custom_tool_call_input.done', ...place, input: text })
    else tell({ type: 'response.function_call_arguments.done', ...place, arguments: text })
    const item = callItem(this.#id, status, { ...this.#call, name: this.#name, text })
    tell({ type: 'response.output_item.done', output_index: this.#index, item })
    return item
  }
}
