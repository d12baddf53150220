import type { Answer, Item } from '../answer.ts'
import type { Told } from '../deed.ts'
import { errorText, isObject } from '../error.ts'
import { obfuscation, unnamed, type Frame } from '../frame.ts'
import { chatUsage } from './usage.ts'

type Call = Extract<Item, { kind: 'call' }>

/** Writes the chunks of one answer in their order (protocols.md 4.2). */
class ChunkWriter {
  readonly frames: Frame[] = []
  readonly #answer: Answer
  readonly #paceMs: number
  readonly #usage: string

  constructor(answer: Answer, paceMs: number) {
    this.#answer = answer
    this.#paceMs = paceMs
    this.#usage = wantsUsage(answer) ? ',"usage":null' : ''
  }

  /** Until the end nobody knows the tier that will have been served. */
  add(delta: object, waitMs = 0, padding = ''): void {
    this.#push(`${headOf(this.#answer, 'chat.completion.chunk', tierAsked(this.#answer))},${choice(delta, null)}${this.#usage}${padding}}`, waitMs)
  }

  delta(delta: object): void {
    this.add(delta, this.#paceMs, this.#answer.obfuscated ? obfuscation(this.frames.length) : '')
  }

  end(): void {
    const head = headOf(this.#answer, 'chat.completion.chunk', this.#answer.tierServed)
    this.#push(`${head},${choice({}, finishOf(this.#answer))}${this.#usage}}`)
    if (tellsUsage(this.#answer)) this.#push(`${head},"choices":[],"usage":${JSON.stringify(chatUsage(this.#answer.usage))}}`)
    this.#push('[DONE]')
  }

  #push(text: string, waitMs = 0): void {
    this.frames.push(unnamed(text, waitMs))
  }
}

/** Every chunk of an answer, `[DONE]` last. */
export function chunksOf(answer: Answer, paceMs: number): readonly Frame[] {
  const writer = new ChunkWriter(answer, paceMs)
  writer.add({ role: 'assistant', content: '', refusal: null })
  for (const item of answer.items) if (item.kind === 'message') for (const content of item.pieces) writer.delta({ content })
  for (const [index, call] of callsOf(answer).entries()) writeCall(writer, index, call)
  writer.end()
  return writer.frames
}

/** What tells that an answer is over: why it ended, the usage where it was asked for, and `[DONE]`. */
export const endingChunks = (answer: Answer) => (tellsUsage(answer) ? 3 : 2)

/** The whole answer as one JSON object. */
export function completionOf(answer: Answer): string {
  const calls = callsOf(answer).map((call) => ({ id: call.callId, type: call.flavour, [call.flavour]: { name: call.name, [wordOf(call)]: call.says } }))
  const isTold = answer.terminalOutput === 'whole'
  const texts = answer.items.flatMap((item) => (item.kind === 'message' ? [item.pieces.join('')] : []))
  const content = isTold && texts.length > 0 ? texts.join('') : null
  const message = { role: 'assistant', content, refusal: null, annotations: [], ...(isTold && calls.length > 0 ? { tool_calls: calls } : {}) }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(answer) }]
  const usage = chatUsage(answer.usage)
  const rest = usage === null ? '' : `,"usage":${JSON.stringify(usage)}`
  return `${headOf(answer, 'chat.completion', answer.tierServed)},"choices":${JSON.stringify(choices)}${rest}}`
}

/** What stands in an answer, streamed or not, that failed. */
export function failedText({ message, code }: Told): string {
  return errorText({ message, type: 'server_error', param: null, code })
}

function headOf(answer: Answer, object: string, tier: string): string {
  const made = `"created":${answer.createdAtS},"model":${JSON.stringify(answer.model)},"service_tier":${JSON.stringify(tier)}`
  return `{"id":"${answer.id}","object":"${object}",${made},"system_fingerprint":"fp_simulated"`
}

const choice = (delta: object, finish: string | null) =>
  `"choices":[{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]`

const tierAsked = ({ question: { wishes } }: Answer) => wishes.tier ?? 'auto'
const callsOf = ({ items }: Answer) => items.filter((item): item is Call => item.kind === 'call')
const wordOf = ({ flavour }: Call) => (flavour === 'function' ? 'arguments' : 'input')

function finishOf(answer: Answer): string {
  if (answer.ending === 'max_output_tokens') return 'length'
  return callsOf(answer).length > 0 ? 'tool_calls' : 'stop'
}

function wantsUsage({ question: { fields } }: Answer): boolean {
  const options = fields['stream_options']
  return isObject(options) && options['include_usage'] === true
}

const tellsUsage = (answer: Answer) => wantsUsage(answer) && chatUsage(answer.usage) !== null

function writeCall(writer: ChunkWriter, index: number, call: Call): void {
  const word = wordOf(call)
  const half = Math.ceil(call.says.length / 2)
  writer.add({ tool_calls: [{ index, id: call.callId, type: call.flavour, [call.flavour]: { name: call.name, [word]: '' } }] })
  for (const piece of [call.says.slice(0, half), call.says.slice(half)]) writer.delta({ tool_calls: [{ index, [call.flavour]: { [word]: piece } }] })
}
