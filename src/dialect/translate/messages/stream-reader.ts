import { isObject, type Json } from '../../json.ts'
import { inOwnWords } from '../../responses/own-words.ts'
import type { HubEvent, StreamReader, Telling } from '../hub.ts'
import { callIdOf, coreOf, itemId } from './ids.ts'
import type { ItemStatus } from './items.ts'
import { OpenCall, OpenReasoning, OpenText, type OpenItem } from './open-items.ts'
import { responseOf } from './response.ts'
import { endedBy } from './stop.ts'
import { merged } from './usage.ts'

/**
 * What is kept of an answer for its finished items and for the terminal event, which has all of them. Unit: characters; each item counts as
 * `itemWeight` besides. Beyond it the answer ends as failed: finished items without their text would be lies.
 */
export const keptCharactersMax = 16 * 1024 * 1024
const itemWeight = 1024

const nothing: readonly HubEvent[] = []

/** Reads a stream of Messages into the hub (protocols.md 5.8). Blocks come one after another, so that one item at most is open. */
export class MessagesReader implements StreamReader {
  readonly #telling: Telling
  #core: string | null = null
  #model: unknown = null
  #usage: Json | null = null
  #stopReason: unknown = null
  #open: OpenItem | null = null
  /** The upstream's index of the block that is open. */
  #block: unknown = null
  /** Whether the open block has ended: whether it is whole is known only with what follows. */
  #hasStopped = false
  readonly #output: Json[] = []
  #kept = 0
  #isOver = false

  constructor(telling: Telling) {
    this.#telling = telling
  }

  read(name: string | null, data: Json): readonly HubEvent[] {
    if (this.#isOver) return nothing
    const type: unknown = data['type'] ?? name
    switch (type) {
      case 'message_start':
        return this.#start(isObject(data['message']) ? data['message'] : {})
      case 'content_block_start':
        return [...this.#begun(), ...this.#finish('completed'), ...this.#openBlock(data)]
      case 'content_block_delta':
        return this.#delta(data)
      case 'content_block_stop':
        this.#hasStopped = true
        return nothing
      case 'message_delta':
        return this.#ending(data)
      case 'message_stop':
        return [...this.#begun(), ...this.#finish(this.#lastStatus()), ...this.#end()]
      case 'error':
        return this.#fail(isObject(data['error']) ? data['error'] : {})
      default:
        return nothing
    }
  }

  grow(text: string): boolean {
    const before = this.#open?.length ?? 0
    this.#open?.said.add(text)
    this.#kept += (this.#open?.length ?? 0) - before
    return this.#kept <= keptCharactersMax
  }

  close(): readonly HubEvent[] {
    return this.#isOver ? nothing : this.#fail({ message: 'The upstream ended its answer before it was complete.' })
  }

  #start(message: Json): readonly HubEvent[] {
    if (this.#core !== null) return nothing
    this.#core = coreOf(message['id'], this.#telling)
    this.#model = message['model']
    this.#usage = merged(this.#usage, message['usage'])
    return ['response.created', 'response.in_progress'].map((type) => ({ type, response: this.#response({ status: 'in_progress' }) }))
  }

  /** A reader of the hub wants the beginning first, whatever is missing. */
  #begun(): readonly HubEvent[] {
    return this.#core === null ? this.#start({}) : nothing
  }

  #openBlock(data: Json): readonly HubEvent[] {
    const block = isObject(data['content_block']) ? data['content_block'] : {}
    this.#block = data['index']
    this.#hasStopped = false
    this.#open = this.#opened(block)
    if (this.#open === null) return nothing
    this.#kept += itemWeight
    return this.#bounded([...this.#open.added(), ...this.#grown(this.#open, block)])
  }

  /** Null: a block that nobody asked for, since no question here offers tools that the service itself runs. */
  #opened(block: Json): OpenItem | null {
    const core = this.#core ?? ''
    const index = this.#output.length
    switch (block['type']) {
      case 'text':
        return new OpenText(itemId('message', core, index), index)
      case 'thinking':
      case 'redacted_thinking':
        return new OpenReasoning(itemId('reasoning', core, index), index, block)
      case 'tool_use': {
        const { id, name } = block
        const type = typeof name === 'string' && this.#telling.memo?.customTools.has(name) === true ? 'custom_tool_call' : 'function_call'
        return new OpenCall(
          { type, id: itemId(type, core, index), callId: callIdOf(id, core, index), name: typeof name === 'string' ? name : '' },
          index,
          jsonOf(block['input'] ?? {}),
        )
      }
      default:
        return null
    }
  }

  #delta(data: Json): readonly HubEvent[] {
    const { delta } = data
    if (this.#open === null || this.#hasStopped || data['index'] !== this.#block || !isObject(delta)) return nothing
    return this.#bounded(this.#grown(this.#open, delta))
  }

  #grown(open: OpenItem, delta: Json): readonly HubEvent[] {
    const before = open.length
    const events = open.grow(delta)
    this.#kept += open.length - before
    return events
  }

  #ending(data: Json): readonly HubEvent[] {
    const { delta } = data
    const reason = isObject(delta) ? (delta['stop_reason'] ?? null) : null
    if (reason !== null) this.#stopReason = reason
    this.#usage = merged(this.#usage, data['usage'])
    return reason === null ? nothing : this.#finish(this.#lastStatus())
  }

  /** Of the item that comes last: a limit cuts what it stands in. */
  #lastStatus(): ItemStatus {
    return endedBy(this.#stopReason).status
  }

  #finish(status: ItemStatus): readonly HubEvent[] {
    const open = this.#open
    if (open === null) return nothing
    this.#open = null
    const { item, events } = open.finish(status)
    this.#output.push(item)
    return events
  }

  #end(): readonly HubEvent[] {
    this.#isOver = true
    const ended = endedBy(this.#stopReason)
    return [{ type: `response.${ended.status}`, response: this.#response(ended) }]
  }

  #bounded(events: readonly HubEvent[]): readonly HubEvent[] {
    return this.#kept > keptCharactersMax ? this.#fail({ message: 'The answer is longer than can be translated.' }) : events
  }

  #fail({ type, message }: Json): readonly HubEvent[] {
    this.#isOver = true
    const said = typeof message === 'string' ? message : 'The upstream did not say why.'
    const { code } = inOwnWords({ code: typeof type === 'string' ? type : null, type: null, message: said })
    const error = { code: code ?? 'server_error', message: said }
    const response = { ...this.#response({ status: 'failed' }), error }
    this.#open = null
    this.#output.length = 0
    return [{ type: 'response.failed', response }]
  }

  #response(ended: Parameters<typeof responseOf>[2]): Json {
    const core = this.#core ?? coreOf(null, this.#telling)
    return responseOf({ core, model: this.#model, usage: this.#usage, output: ended.status === 'in_progress' ? [] : [...this.#output] }, this.#telling, ended)
  }
}

/** What is nested too deeply to be said again is none. */
function jsonOf(input: unknown): string {
  try {
    return JSON.stringify(input)
  } catch {
    return '{}'
  }
}
