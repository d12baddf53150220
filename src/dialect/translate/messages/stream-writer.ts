import { isObject, type Json } from '../../json.ts'
import type { DeltaForm, HubEvent, StreamWriter, Telling } from '../hub.ts'
import { coreOf } from './ids.ts'
import { ItemTeller } from './item-teller.ts'
import { modelOf } from './response.ts'
import { stopDetailsOf, stopReasonOf } from './stop.ts'
import { messageDelta, messageStart, messageStop, ping } from './stream-events.ts'
import { countsFromHub, usageFromHub } from './usage.ts'

const nothing: readonly Buffer[] = []

/** Writes a stream of Messages out of the hub (protocols.md 5.7). Failures are told elsewhere: after one, nothing more is written here. */
export class MessagesWriter implements StreamWriter {
  readonly #telling: Telling
  readonly #items: ItemTeller
  #isBegun = false
  #isOver = false

  constructor(telling: Telling) {
    this.#telling = telling
    this.#items = new ItemTeller(telling.memo)
  }

  write(event: HubEvent): readonly Buffer[] {
    if (this.#isOver) return nothing
    switch (event.type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        this.#begin(event['response'])
        break
      case 'response.completed':
      case 'response.incomplete':
        this.#begin(event['response'])
        this.#end(isObject(event['response']) ? event['response'] : {}, event.type === 'response.incomplete' ? 'incomplete' : 'completed')
        break
      case 'response.failed':
      case 'error':
        this.#isOver = true
        break
      default:
        // Nothing of an answer stands before its beginning.
        if (typeof event['output_index'] === 'number') this.#begin(null)
        this.#items.see(event)
        this.#isOver = this.#items.isLost
    }
    const said = this.#items.blocks.taken()
    // An answer that is not all told has no end.
    return this.#items.isLost ? nothing : said
  }

  lastDelta(): DeltaForm | null {
    return this.#items.blocks.form
  }

  grow(text: string): void {
    this.#items.grow(text)
  }

  #begin(said: unknown): void {
    if (this.#isBegun) return
    this.#isBegun = true
    const response = isObject(said) ? said : {}
    const core = coreOf(response['id'], this.#telling)
    this.#items.core = core
    const message = {
      id: `msg_${core}`,
      type: 'message',
      role: 'assistant',
      model: modelOf(response['model'], this.#telling),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: usageFromHub(null, null),
      container: null,
      diagnostics: null,
    }
    this.#items.blocks.push(messageStart(message))
    this.#items.blocks.push(ping)
  }

  #end(response: Json, status: 'completed' | 'incomplete'): void {
    this.#isOver = true
    this.#items.end(response['output'])
    if (this.#items.isLost) return
    const details = response['incomplete_details']
    const { hasCalls, hasRefusal, blocks } = this.#items
    const stopReason = stopReasonOf({ status, reason: isObject(details) ? details['reason'] : null, hasCalls, hasRefusal })
    const delta = { stop_reason: stopReason, stop_sequence: null, stop_details: stopDetailsOf(stopReason), container: null }
    blocks.push(messageDelta(delta, countsFromHub(response['usage'])))
    blocks.push(messageStop)
  }
}
