import { itemDone, type Answer, type Item } from '../answer.ts'
import type { Told } from '../deed.ts'
import type { JsonObject } from '../error.ts'
import { frame, obfuscation, type Frame } from '../frame.ts'

/** Writes the events of one answer in their order. */
class EventWriter {
  readonly frames: Frame[] = []
  readonly #paceMs: number
  readonly #obfuscated: boolean

  constructor(paceMs: number, obfuscated: boolean) {
    this.#paceMs = paceMs
    this.#obfuscated = obfuscated
  }

  /** @param members the event's own members as JSON, without braces. */
  add(type: string, members: string, waitMs = 0): void {
    this.frames.push({ waitMs, event: type, text: `{"type":"${type}","sequence_number":${this.frames.length},${members}}` })
  }

  delta(type: string, members: string, delta: string): void {
    const pad = this.#obfuscated ? obfuscation(this.frames.length) : ''
    this.add(type, `${members},"delta":${JSON.stringify(delta)}${pad}`, this.#paceMs)
  }
}

/** Every event of an answer, the terminal one last. */
export function eventsOf(answer: Answer, paceMs: number): readonly Frame[] {
  const writer = new EventWriter(paceMs, answer.obfuscated)
  const response = responseText(answer)
  writer.add('response.created', `"response":${response.begun}`)
  writer.add('response.in_progress', `"response":${response.begun}`)
  for (const [at, item] of answer.items.entries()) writeItem(writer, item, at)
  writer.add(`response.${statusOf(answer)}`, `"response":${response.ended(answer.terminalOutput === 'whole' ? outputText(answer) : '[]')}`)
  return writer.frames
}

/** The whole answer as one JSON object. */
export function jsonOf(answer: Answer): string {
  return responseText(answer).ended(answer.terminalOutput === 'whole' ? outputText(answer) : '[]')
}

/** An answer that failed, as one JSON object. */
export function failedJsonOf(answer: Answer, error: Told): string {
  return responseText(answer).failed(error)
}

export function failedFrame(answer: Answer, error: Told, sequence: number): Frame {
  const members = `"sequence_number":${sequence},"response":${responseText(answer).failed(error)}`
  return { waitMs: 0, event: 'response.failed', text: `{"type":"response.failed",${members}}` }
}

/** The events of a warm-up: it prepares, and says nothing. */
export function warmUpEventsOf(answer: Answer): readonly Frame[] {
  const writer = new EventWriter(0, false)
  const response = responseText(answer)
  writer.add('response.created', `"response":${response.begun}`)
  writer.add('response.completed', `"response":${response.ended('[]')}`)
  return writer.frames
}

/** An error event in the middle of a stream. `top`: what else stands at its top. */
export function errorFrame(error: Told, shape: 'nested' | 'flat', top: JsonObject): Frame {
  const fields = { code: error.code, message: error.message, param: null }
  return frame(shape === 'flat' ? { type: 'error', ...top, ...fields } : { type: 'error', ...top, error: { type: 'server_error', ...fields } })
}

const statusOf = (answer: Answer) => (answer.ending === 'completed' ? 'completed' : 'incomplete')
const outputText = (answer: Answer) => JSON.stringify(answer.items.map(itemDone))

/** The response object in its stages. What they have in common is written once, for a request may be long. */
function responseText(answer: Answer) {
  const { fields } = answer.question
  const head = `{"id":"${answer.id}","object":"response","created_at":${answer.createdAtS},"model":${JSON.stringify(answer.model)}`
  const asked = typeof fields['service_tier'] === 'string' ? fields['service_tier'] : 'auto'
  const incomplete = answer.ending === 'completed' ? 'null' : `{"reason":"${answer.ending}"}`
  let echoed: string | null = null
  const echo = () => (echoed ??= JSON.stringify(echoOf(fields)).slice(1))
  const stage = (status: string, members: string) => `${head},"status":"${status}",${members},${echo()}`
  return {
    begun: stage('in_progress', `"error":null,"incomplete_details":null,"output":[],"usage":null,"service_tier":${JSON.stringify(asked)}`),
    ended: (output: string) =>
      stage(
        statusOf(answer),
        `"completed_at":${answer.createdAtS},"error":null,"incomplete_details":${incomplete},"output":${output},"usage":${JSON.stringify(answer.usage)},"service_tier":${JSON.stringify(answer.tierServed)}`,
      ),
    failed: (error: Told) =>
      stage(
        'failed',
        `"error":${JSON.stringify({ code: error.code, message: error.message })},"incomplete_details":null,"output":[],"usage":null,"service_tier":${JSON.stringify(answer.tierServed)}`,
      ),
  }
}

function echoOf(fields: JsonObject): JsonObject {
  return {
    background: fields['background'] ?? false,
    instructions: fields['instructions'] ?? null,
    max_output_tokens: fields['max_output_tokens'] ?? null,
    metadata: fields['metadata'] ?? {},
    parallel_tool_calls: fields['parallel_tool_calls'] ?? true,
    previous_response_id: fields['previous_response_id'] ?? null,
    prompt_cache_key: fields['prompt_cache_key'] ?? null,
    reasoning: fields['reasoning'] ?? { effort: null, summary: null },
    store: fields['store'] ?? true,
    temperature: fields['temperature'] ?? 1,
    text: fields['text'] ?? { format: { type: 'text' } },
    tool_choice: fields['tool_choice'] ?? 'auto',
    tools: fields['tools'] ?? [],
    top_p: fields['top_p'] ?? 1,
    truncation: fields['truncation'] ?? 'disabled',
  }
}

function writeItem(writer: EventWriter, item: Item, at: number): void {
  const place = `"item_id":"${item.id}","output_index":${at}`
  writer.add('response.output_item.added', `"output_index":${at},"item":${JSON.stringify(itemBegun(item))}`)
  if (item.kind === 'message') writeText(writer, item.pieces, place)
  if (item.kind === 'reasoning' && item.summary !== null) writeSummary(writer, item.summary, place)
  if (item.kind === 'call') writeCall(writer, item, place)
  writer.add('response.output_item.done', `"output_index":${at},"item":${JSON.stringify(itemDone(item))}`)
}

function itemBegun(item: Item): JsonObject {
  const done = itemDone(item)
  switch (item.kind) {
    case 'reasoning':
      return { id: item.id, type: 'reasoning', summary: [] }
    case 'message':
      return { ...done, status: 'in_progress', content: [] }
    case 'call':
      return { ...done, status: 'in_progress', ...(item.flavour === 'function' ? { arguments: '' } : { input: '' }) }
  }
}

function writeText(writer: EventWriter, pieces: readonly string[], place: string): void {
  const where = `${place},"content_index":0`
  const text = JSON.stringify(pieces.join(''))
  writer.add('response.content_part.added', `${where},"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}`)
  for (const piece of pieces) writer.delta('response.output_text.delta', `${where},"logprobs":[]`, piece)
  writer.add('response.output_text.done', `${where},"logprobs":[],"text":${text}`)
  writer.add('response.content_part.done', `${where},"part":{"type":"output_text","annotations":[],"logprobs":[],"text":${text}}`)
}

function writeSummary(writer: EventWriter, summary: string, place: string): void {
  const where = `${place},"summary_index":0`
  const text = JSON.stringify(summary)
  const half = Math.ceil(summary.length / 2)
  writer.add('response.reasoning_summary_part.added', `${where},"part":{"type":"summary_text","text":""}`)
  for (const piece of [summary.slice(0, half), summary.slice(half)]) writer.delta('response.reasoning_summary_text.delta', where, piece)
  writer.add('response.reasoning_summary_text.done', `${where},"text":${text}`)
  writer.add('response.reasoning_summary_part.done', `${where},"part":{"type":"summary_text","text":${text}}`)
}

function writeCall(writer: EventWriter, item: Extract<Item, { kind: 'call' }>, place: string): void {
  const [type, member] = item.flavour === 'function' ? ['response.function_call_arguments', 'arguments'] : ['response.custom_tool_call_input', 'input']
  const half = Math.ceil(item.says.length / 2)
  for (const piece of [item.says.slice(0, half), item.says.slice(half)]) writer.delta(`${type}.delta`, place, piece)
  writer.add(`${type}.done`, `${place},"${member}":${JSON.stringify(item.says)}`)
}
