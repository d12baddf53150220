import { isObject, type Json } from '../../json.ts'
import type { Growing } from '../growing.ts'
import type { HubEvent, StreamReader, Telling } from '../hub.ts'
import { chatPrefix, endingOf, madeOf, responseOf, type Ending, type Made } from './answer.ts'
import { choiceOf } from './answer-to-hub.ts'
import { annotationsToHub, logprobsToHub, objectsOf } from './asides.ts'
import { CallIds, contentText, readCall, textOf } from './items.ts'
import { OpenCall, OpenMessage, type OpenItem, type Tell } from './open-items.ts'
import { usageToHub } from './usage.ts'

/**
 * How much of an answer is kept for the events that close its items. Unit: characters, of two bytes at most, so 16 MiB. It is many times what a model can say
 * in one answer. Beyond it the answer ends as failed: closing events without their text would tell clients that nothing was said.
 */
export const keptCharactersMax = 8 * 1024 * 1024

/** What an item costs beside its text. */
const charactersPerItem = 512

/** What the first chunk of a call says of it. */
interface Begun {
  readonly kind: 'function' | 'custom'
  readonly name: string
  readonly own: string
}

const nothing: readonly HubEvent[] = []

/** Chunks of Chat Completions as events of the hub (protocols.md 4.5). Items stay open until the finish reason; the terminal event comes with `close`. */
export class ChatStreamReader implements StreamReader {
  readonly #telling: Telling
  #made: Made | null = null
  #items: OpenItem[] = []
  #message: OpenMessage | null = null
  /** By the upstream's index; `own` is the id that the upstream gave it, if any. */
  #calls = new Map<number, { readonly own: string; readonly call: OpenCall }>()
  #lastCall = 0
  #callIds = new CallIds()
  /** The text that has grown last. */
  #growing: Growing | null = null
  #kept = 0
  #state: 'open' | 'finished' | 'too-long' | 'closed' = 'open'
  #ending: Ending = endingOf(null)
  #output: readonly Json[] = []
  #usage: Json | null = null
  #tier = ''

  constructor(telling: Telling) {
    this.#telling = telling
  }

  read(_name: string | null, data: Json): readonly HubEvent[] {
    if (this.#state === 'closed') return nothing
    this.#usage = usageToHub(data['usage']) ?? this.#usage
    this.#tier = textOf(data['service_tier']) || this.#tier
    const choice = choiceOf(data['choices'])
    const events: HubEvent[] = []
    const tell: Tell = (event) => events.push(event)
    // Some upstreams send a chunk about the question first, whose id is empty.
    if (this.#made === null && (choice !== null || textOf(data['id']) !== '')) this.#open(data, tell)
    if (this.#made === null || choice === null || this.#state !== 'open') return events
    if (isObject(choice['delta'])) this.#delta(choice['delta'], choice['logprobs'], this.#made, tell)
    if (this.#kept > keptCharactersMax) this.#giveUp()
    else if (textOf(choice['finish_reason']) !== '') this.#finish(choice['finish_reason'], tell)
    return events
  }

  grow(text: string): boolean {
    this.#growing?.add(text)
    this.#kept += text.length
    return this.#kept <= keptCharactersMax
  }

  close(): readonly HubEvent[] {
    if (this.#state === 'closed') return nothing
    const events: HubEvent[] = []
    const made = this.#made ?? this.#open({}, (event) => events.push(event))
    events.push(this.#terminal(made))
    this.#state = 'closed'
    this.#output = []
    return events
  }

  #open(data: Json, tell: Tell): Made {
    const made = madeOf(data, data['created'], chatPrefix, this.#telling)
    const response = responseOf(made, { status: 'in_progress', output: [], usage: null, tier: this.#tier })
    tell({ type: 'response.created', response })
    tell({ type: 'response.in_progress', response })
    this.#made = made
    return made
  }

  #delta(delta: Json, logprobs: unknown, made: Made, tell: Tell): void {
    const text = contentText(delta['content'])
    const tokens = isObject(logprobs) ? logprobsToHub(logprobs['content']) : []
    if (text !== '' || tokens.length > 0) {
      this.#kept += text.length + weightOf(tokens)
      this.#growing = this.#messageOf(made, tell).text(text, tokens, tell)
    }
    const refusal = textOf(delta['refusal'])
    if (refusal !== '') {
      this.#kept += refusal.length
      this.#growing = this.#messageOf(made, tell).refusal(refusal, tell)
    }
    for (const annotation of annotationsToHub(delta['annotations'])) {
      this.#kept += weightOf([annotation])
      this.#messageOf(made, tell).annotate(annotation, tell)
    }
    for (const entry of objectsOf(delta['tool_calls'])) this.#call(entry, made, tell)
  }

  #messageOf({ stem }: Made, tell: Tell): OpenMessage {
    if (this.#message !== null) return this.#message
    this.#message = new OpenMessage(stem, this.#items.length, tell)
    this.#opened(this.#message)
    return this.#message
  }

  #call(entry: Json, made: Made, tell: Tell): void {
    const { kind, name, text } = readCall(entry)
    const at = this.#place(entry)
    const call = this.#calls.get(at)?.call ?? this.#openCall(at, { kind, name, own: textOf(entry['id']) }, made, tell)
    this.#kept += call.name(name)
    if (text === '') return
    this.#kept += text.length
    this.#growing = call.add(text, tell)
  }

  /** Which call an entry goes on with. Some upstreams give no index, or the same one to all calls; then a new id begins a new call. */
  #place({ index, id }: Json): number {
    const at = typeof index === 'number' ? index : this.#lastCall
    const own = this.#calls.get(at)?.own ?? ''
    if (own !== '' && textOf(id) !== '' && id !== own) this.#calls.delete(at)
    return at
  }

  #openCall(at: number, { own, ...call }: Begun, { stem }: Made, tell: Tell): OpenCall {
    const index = this.#items.length
    const callId = this.#callIds.give(own, `call_${stem}_${index}`)
    const open = new OpenCall(stem, index, { ...call, callId }, tell)
    this.#calls.set(at, { own, call: open })
    this.#lastCall = at
    this.#kept += callId.length + call.name.length
    this.#opened(open)
    return open
  }

  #opened(item: OpenItem): void {
    this.#items.push(item)
    this.#kept += charactersPerItem
  }

  #finish(reason: unknown, tell: Tell): void {
    this.#ending = endingOf(reason)
    const last = this.#items.length - 1
    this.#output = this.#items.map((item, index) => item.close(index === last ? this.#ending.status : 'completed', tell))
    this.#state = 'finished'
    this.#forget()
  }

  #giveUp(): void {
    this.#state = 'too-long'
    this.#forget()
  }

  #forget(): void {
    this.#items = []
    this.#message = null
    this.#growing = null
    this.#calls = new Map()
    this.#callIds = new CallIds()
  }

  #terminal(made: Made): HubEvent {
    const said = { usage: this.#usage, tier: this.#tier }
    if (this.#state === 'finished') {
      const { status } = this.#ending
      return { type: `response.${status}`, response: responseOf(made, { ...said, ...this.#ending, output: this.#output }) }
    }
    const message = this.#state === 'too-long' ? 'The answer is longer than can be translated.' : 'The upstream ended its answer without a finish reason.'
    return { type: 'response.failed', response: responseOf(made, { ...said, status: 'failed', output: [], error: { code: 'server_error', message } }) }
  }
}

function weightOf(asides: readonly Json[]): number {
  return asides.length === 0 ? 0 : JSON.stringify(asides).length
}
