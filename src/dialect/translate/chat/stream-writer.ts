import { isObject, type Json } from '../../json.ts'
import type { DeltaForm, HubEvent, StreamWriter, Telling } from '../hub.ts'
import { chatPrefix, finishOf, hubPrefix, madeOf } from './answer.ts'
import { saidIn, tokensOf } from './answer-from-hub.ts'
import { logprobsFromHub, objectsOf } from './asides.ts'
import { textOf, toolCallOf } from './items.ts'
import { usageFromHub } from './usage.ts'

/** Items of one answer that are told apart, many times what a model makes. What goes beyond is left out, and the answer is then said to be cut short. */
export const itemsMax = 4096

/** What the client has heard of an item. */
interface Heard {
  /** The number of its call, counted over calls alone; null: it is none, or the client has not heard of it. */
  call: number | null
  text: boolean
  refusal: boolean
  input: boolean
  isDone: boolean
}

const nothing: readonly Buffer[] = []
const done = Buffer.from('data: [DONE]\n\n')

/** How a choice ends whose delta is a word among others. */
const plainRest = ',"logprobs":null,"finish_reason":null}]'

/** What stands around the text of a delta. */
type Around = readonly [before: string, behind: string]
const aroundContent: Around = ['{"content":"', '"}']
const aroundRefusal: Around = ['{"refusal":"', '"}']
const aroundArguments = (call: number): Around => [`{"tool_calls":[{"index":${call},"function":{"arguments":"`, '"}}]}']
const aroundInput = (call: number): Around => [`{"tool_calls":[{"index":${call},"custom":{"input":"`, '"}}]}']

/** Events of the hub as chunks of Chat Completions (protocols.md 4.5). It keeps what was heard of each item, and nothing of what was said. */
export class ChatStreamWriter implements StreamWriter {
  readonly #telling: Telling
  /** How every chunk begins; null: none was written. */
  #head: string | null = null
  /** What stood around the text that was written last. */
  #delta: Around | null = null
  #items = new Map<number, Heard>()
  #calls = 0
  #isCut = false
  #isEnded = false

  constructor(telling: Telling) {
    this.#telling = telling
  }

  write(event: HubEvent): readonly Buffer[] {
    if (this.#isEnded) return nothing
    switch (event.type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#opened(event['response'])
      case 'response.output_text.delta':
        return this.#text(event)
      case 'response.refusal.delta':
        return this.#refusal(event)
      case 'response.output_item.added':
        return this.#added(event)
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#input(event)
      case 'response.output_item.done':
        return this.#finished(event)
      case 'response.completed':
      case 'response.incomplete':
        return this.#ended(event)
      case 'response.failed':
      case 'error':
        // Told by the client's own dialect.
        this.#isEnded = true
        return nothing
      default:
        return nothing
    }
  }

  lastDelta(): DeltaForm | null {
    if (this.#delta === null) return null
    const [before, behind] = this.#delta
    return { before, behind, number: null, end: '' }
  }

  /** Of text nothing is kept. */
  grow(): void {}

  #opened(response: unknown): readonly Buffer[] {
    if (this.#head !== null) return nothing
    const said = isObject(response) ? response : {}
    const { stem, atS, model } = madeOf(said, said['created_at'], hubPrefix, this.#telling)
    const head = JSON.stringify({ id: `${chatPrefix}${stem}`, object: 'chat.completion.chunk', created: atS, model })
    this.#head = `data: ${head.slice(0, -1)},`
    return [this.#chunk({ role: 'assistant', content: '', refusal: null })]
  }

  /** One chunk, ahead of it the first one where nothing was written so far. */
  #say(delta: Json, logprobs: Json | null = null): readonly Buffer[] {
    const opening = this.#opened(null)
    const chunk = this.#chunk(delta, logprobs)
    return opening.length === 0 ? [chunk] : [...opening, chunk]
  }

  /** A chunk whose delta is a text. */
  #sayText(text: string, [opening, closing]: Around): readonly Buffer[] {
    const first = this.#opened(null)
    const before = `${this.#head ?? ''}"choices":[{"index":0,"delta":${opening}`
    const behind = `${closing}${plainRest}${this.#closing}`
    this.#delta = [before, behind]
    const chunk = Buffer.from(`${before}${JSON.stringify(text).slice(1, -1)}${behind}`)
    return first.length === 0 ? [chunk] : [...first, chunk]
  }

  #chunk(delta: Json, logprobs: Json | null = null, finish: string | null = null): Buffer {
    const rest = logprobs === null && finish === null ? plainRest : `,"logprobs":${JSON.stringify(logprobs)},"finish_reason":${JSON.stringify(finish)}}]`
    return Buffer.from(`${this.#head ?? ''}"choices":[{"index":0,"delta":${JSON.stringify(delta)}${rest}${this.#closing}`)
  }

  get #closing(): string {
    return this.#telling.wantsUsage ? ',"usage":null}\n\n' : '}\n\n'
  }

  /** Null: its deltas come too late, or it is one too many. */
  #heard({ output_index: index }: HubEvent): Heard | null {
    const at = typeof index === 'number' ? index : -1
    const known = this.#items.get(at)
    if (known !== undefined) return known.isDone ? null : known
    if (this.#items.size >= itemsMax) {
      this.#isCut = true
      return null
    }
    const heard: Heard = { call: null, text: false, refusal: false, input: false, isDone: false }
    this.#items.set(at, heard)
    return heard
  }

  #text(event: HubEvent): readonly Buffer[] {
    const content = textOf(event['delta'])
    const logprobs = tokensOf(logprobsFromHub(event['logprobs']))
    const heard = content === '' && logprobs === null ? null : this.#heard(event)
    if (heard === null) return nothing
    heard.text = true
    return logprobs === null ? this.#sayText(content, aroundContent) : this.#say({ content }, logprobs)
  }

  #refusal(event: HubEvent): readonly Buffer[] {
    const refusal = textOf(event['delta'])
    const heard = refusal === '' ? null : this.#heard(event)
    if (heard === null) return nothing
    heard.refusal = true
    return this.#sayText(refusal, aroundRefusal)
  }

  #added(event: HubEvent): readonly Buffer[] {
    const heard = this.#heard(event)
    const call = isObject(event['item']) ? toolCallOf(event['item'], `call_${this.#calls}`, '') : null
    if (heard === null || heard.call !== null || call === null) return nothing
    heard.call = this.#calls++
    return this.#say({ tool_calls: [{ index: heard.call, ...call }] })
  }

  #input(event: HubEvent): readonly Buffer[] {
    const text = textOf(event['delta'])
    const heard = text === '' ? null : this.#heard(event)
    // A call that was never begun is told as a whole when it is done.
    if (heard === null || heard.call === null) return nothing
    heard.input = true
    return this.#sayText(text, event.type === 'response.custom_tool_call_input.delta' ? aroundInput(heard.call) : aroundArguments(heard.call))
  }

  /** What of the item was not heard as it came, is said now. */
  #finished(event: HubEvent): readonly Buffer[] {
    const heard = this.#heard(event)
    if (heard === null) return nothing
    heard.isDone = true
    const { item } = event
    if (!isObject(item)) return nothing
    const { text, refusal, annotations, logprobs, calls } = saidIn([item])
    const [call] = calls
    const out: Buffer[] = []
    if (text !== '' && !heard.text) out.push(...this.#say({ content: text }, tokensOf(logprobs)))
    if (refusal !== '' && !heard.refusal) out.push(...this.#say({ refusal }))
    if (annotations.length > 0) out.push(...this.#say({ annotations }))
    if (call !== undefined && !heard.input) out.push(...this.#wholeCall(heard, call))
    return out
  }

  #wholeCall(heard: Heard, call: Json): readonly Buffer[] {
    if (heard.call === null) {
      heard.call = this.#calls++
      return this.#say({ tool_calls: [{ index: heard.call, ...call }] })
    }
    const { function: called, custom } = call
    if (isObject(called))
      return called['arguments'] === '' ? nothing : this.#say({ tool_calls: [{ index: heard.call, function: { arguments: called['arguments'] } }] })
    return isObject(custom) && custom['input'] !== '' ? this.#say({ tool_calls: [{ index: heard.call, custom: { input: custom['input'] } }] }) : nothing
  }

  /** All that the client still gets. Items of which it heard nothing by any event are said first. */
  #ended(event: HubEvent): readonly Buffer[] {
    const response = isObject(event['response']) ? event['response'] : {}
    const { incomplete_details: details, service_tier: tier } = response
    const out = [...this.#opened(response)]
    if (this.#items.size === 0) {
      for (const [index, item] of objectsOf(response['output']).entries()) {
        out.push(...this.#finished({ type: 'response.output_item.done', output_index: index, item }))
      }
    }
    if (typeof tier === 'string') this.#head = `${this.#head ?? ''}"service_tier":${JSON.stringify(tier)},`
    const isWhole = event.type === 'response.completed' && !this.#isCut
    out.push(this.#chunk({}, null, finishOf(isWhole, isObject(details) ? details['reason'] : null, this.#calls > 0)))
    const usage = this.#telling.wantsUsage ? usageFromHub(response['usage']) : null
    if (usage !== null) out.push(Buffer.from(`${this.#head ?? ''}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`))
    out.push(done)
    this.#isEnded = true
    this.#items = new Map()
    return out
  }
}
