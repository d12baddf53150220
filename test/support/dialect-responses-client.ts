import { isDeepStrictEqual } from 'node:util'
import type { Answer, Json } from './client.ts'
import {
  foreignWords,
  inOrder,
  isStream,
  listOf,
  nothingHeard,
  objectOf,
  parsed,
  rawEventsOf,
  textOf,
  told,
  type Call,
  type DialectClient,
  type Finish,
  type Heard,
  type Used,
  type Wishes,
} from './dialect-client.ts'

/** A client of the Responses API (protocols.md 1). */
export const responsesClient: DialectClient = {
  name: 'responses',
  path: '/v1/responses',
  headers: {},
  user: (text, images = []) => ({
    type: 'message',
    role: 'user',
    content: [{ type: 'input_text', text }, ...images.map((url) => ({ type: 'input_image', image_url: url, detail: 'low' }))],
  }),
  outputs: (calls, outputs) =>
    calls.map(({ id, kind }, at) => ({
      type: kind === 'custom' ? 'custom_tool_call_output' : 'function_call_output',
      call_id: id,
      output: outputs[at] ?? '',
    })),
  body,
  hear: (answer) => (isStream(answer) ? streamed(answer) : whole(answer)),
}

function body(dialogue: readonly Json[], wishes: Wishes): Json {
  const { model = 'gpt-5.5', stream = false, system, tools = [], customTools = [], choice, limit, effort, schema, more } = wishes
  return {
    model,
    stream,
    store: false,
    input: dialogue,
    ...(system === undefined ? {} : { instructions: system }),
    ...(tools.length + customTools.length === 0
      ? {}
      : {
          tools: [
            ...tools.map((name) => ({ type: 'function', name, parameters: { type: 'object', properties: {} }, strict: false })),
            ...customTools.map((name) => ({ type: 'custom', name })),
          ],
        }),
    ...(choice === undefined ? {} : { tool_choice: typeof choice === 'string' ? choice : { type: 'function', ...choice } }),
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    ...(effort === undefined ? {} : { reasoning: effort === 'none' ? { effort } : { effort, summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
    ...(schema === undefined ? {} : { text: { format: { type: 'json_schema', name: 'output', schema } } }),
    ...more,
  }
}

function whole(answer: Answer): Heard {
  const { status, end, json, headers } = answer
  const heard = { ...nothingHeard, status, end }
  if (status >= 400) return { ...heard, error: errorIn(status, objectOf(json['error'])), breaches: breachesOf(objectOf(json['error'])) }
  return { ...heard, isOver: true, ...responseOf(json), models: inOrder([json['model'], headers['openai-model']]), breaches: wrongsOf(json) }
}

function wrongsOf(response: Json): readonly string[] {
  const { object, id, output } = response
  return [
    ...(object === 'response' && textOf(id).startsWith('resp_') ? [] : [`no response: ${String(object)} ${String(id)}`]),
    ...listOf(output).flatMap((item) => (textOf(item['id']) === '' ? [`an item without an id: ${String(item['type'])}`] : [])),
    ...['parallel_tool_calls', 'tool_choice', 'tools', 'created_at', 'error', 'incomplete_details'].flatMap((name) =>
      response[name] === undefined ? [`a response without ${name}`] : [],
    ),
  ]
}

function errorIn(status: number | null, { code, type, param, message }: Json): Heard['error'] {
  return told(status, { code, type, param, message })
}

function breachesOf({ code, type, message }: Json): readonly string[] {
  return [...foreignWords(code, type), ...(typeof message === 'string' && message !== '' ? [] : ['an error without a message'])]
}

/** What stands in a response object. */
function responseOf(response: Json): Pick<Heard, 'text' | 'pieces' | 'refusal' | 'thought' | 'calls' | 'finish' | 'usage' | 'said'> {
  const output = listOf(response['output'])
  const parts = output.flatMap((item) => (item['type'] === 'message' ? listOf(item['content']) : []))
  const refusal = parts.map((part) => textOf(part['refusal'])).join('')
  const texts = parts.flatMap((part) => (part['type'] === 'output_text' ? [textOf(part['text'])] : []))
  const summaries = output.flatMap((item) => (item['type'] === 'reasoning' ? listOf(item['summary']) : []))
  const calls = output.flatMap(callsIn)
  return {
    text: texts.join(''),
    pieces: texts.filter((text) => text !== ''),
    refusal,
    thought: summaries.map(({ text }) => textOf(text)).join(''),
    calls,
    finish: finishOf(response, refusal, calls),
    usage: usageOf(response['usage']),
    said: output,
  }
}

function callsIn({ type, call_id: id, name, arguments: says, input }: Json): readonly Call[] {
  if (type === 'function_call') return [{ id: textOf(id), name: textOf(name), kind: 'function', says: parsed(textOf(says)) }]
  return type === 'custom_tool_call' ? [{ id: textOf(id), name: textOf(name), kind: 'custom', says: input }] : []
}

function finishOf({ status, incomplete_details: details }: Json, refusal: string, calls: readonly Call[]): Finish | null {
  if (status === 'incomplete') return objectOf(details)['reason'] === 'content_filter' ? 'refusal' : 'length'
  if (status !== 'completed') return null
  return refusal === '' ? (calls.length > 0 ? 'tool' : 'stop') : 'refusal'
}

function usageOf(usage: unknown): Used | null {
  const { input_tokens: input, output_tokens: output, input_tokens_details: read, output_tokens_details: made } = objectOf(usage)
  if (typeof input !== 'number' || typeof output !== 'number') return null
  return {
    input,
    cached: Number(objectOf(read)['cached_tokens'] ?? 0),
    written: Number(objectOf(read)['cache_write_tokens'] ?? 0),
    output,
    reasoning: Number(objectOf(made)['reasoning_tokens'] ?? 0),
  }
}

const terminal = new Set(['response.completed', 'response.incomplete', 'response.failed'])
const deltas = new Set([
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
  'response.reasoning_summary_text.delta',
  'response.refusal.delta',
])

/** Events of a stream, held against the rules by which the official client reads them (protocols.md 1.4). */
class Growth {
  readonly breaches: string[] = []
  readonly pieces: string[] = []
  readonly models: unknown[] = []
  readonly #open = new Map<unknown, { readonly item: Json; readonly said: string[] }>()
  readonly #done: Json[] = []
  thought = ''
  response: Json | null = null
  error: Heard['error'] = null
  isOver = false
  #count = 0
  #id: unknown = null

  add(data: Json): void {
    const type = textOf(data['type'])
    if (this.isOver || this.error !== null) this.breaches.push(`an event behind the end: ${type}`)
    // What the gateway itself adds to a stream that it has only passed on is not numbered.
    if (data['sequence_number'] !== this.#count && !(type === 'response.failed' && data['sequence_number'] === undefined))
      this.breaches.push(`${type} has number ${String(data['sequence_number'])}, not ${this.#count}`)
    this.#count++
    const response = data['response'] === undefined ? null : objectOf(data['response'])
    if (response !== null) this.#lifecycle(type, response)
    if (type === 'response.output_item.added') this.#add(data)
    if (type === 'response.output_item.done') this.#finish(data)
    if (deltas.has(type)) this.#grow(type, data)
    if (type === 'error') {
      const error = objectOf(data['error'] ?? data)
      this.error = errorIn(null, error)
      this.breaches.push(...breachesOf(error))
    }
  }

  #lifecycle(type: string, response: Json): void {
    if (this.#id === null && type !== 'response.created' && type !== 'response.failed') this.breaches.push(`${type} comes first`)
    this.#id ??= response['id']
    if (response['id'] !== this.#id) this.breaches.push(`the id changes from ${String(this.#id)} to ${String(response['id'])}`)
    this.models.push(response['model'])
    if (!terminal.has(type)) return
    if (type === 'response.failed') {
      this.error = errorIn(null, objectOf(response['error']))
      this.breaches.push(...breachesOf(objectOf(response['error'])))
      return
    }
    this.isOver = true
    this.response = response
    this.breaches.push(...wrongsOf(response))
    if (this.#open.size > 0) this.breaches.push('an end with open items')
    if (!isDeepStrictEqual(response['output'], this.#done)) this.breaches.push('the output is not what its items were')
  }

  #add({ output_index: index, item }: Json): void {
    const added = objectOf(item)
    if (this.#open.has(index) || this.#done.length + this.#open.size !== index) this.breaches.push(`item ${String(index)} is not the next`)
    if (textOf(added['id']) === '') this.breaches.push('an item without an id')
    this.#open.set(index, { item: added, said: [] })
  }

  #finish({ output_index: index, item }: Json): void {
    const done = objectOf(item)
    const open = this.#open.get(index)
    if (open === undefined) this.breaches.push(`item ${String(index)} ends, and was not begun`)
    else if (['id', 'type', 'call_id'].some((name) => open.item[name] !== done[name])) this.breaches.push(`item ${String(index)} ends as another`)
    else if (open.said.length > 0 && open.said.join('') !== saidBy(done)) this.breaches.push(`item ${String(index)} is not what its deltas were`)
    this.#open.delete(index)
    this.#done[Number(index)] = done
  }

  #grow(type: string, { output_index: index, content_index: content, summary_index: summary, item_id: id, delta }: Json): void {
    const open = this.#open.get(index)
    if (open === undefined || open.item['id'] !== id) this.breaches.push(`a delta of item ${String(index)}, which is not open`)
    else {
      const part = Number(content ?? summary ?? 0)
      open.said[part] = (open.said[part] ?? '') + textOf(delta)
    }
    if (type === 'response.output_text.delta') this.pieces.push(textOf(delta))
    if (type === 'response.reasoning_summary_text.delta') this.thought += textOf(delta)
  }
}

function saidBy({ content, summary, arguments: says, input }: Json): string {
  if (typeof says === 'string' || typeof input === 'string') return textOf(says ?? input)
  return [...listOf(content), ...listOf(summary)].map((part) => textOf(part['text'] ?? part['refusal'])).join('')
}

function streamed(answer: Answer): Heard {
  const { status, end, headers } = answer
  const growth = new Growth()
  for (const { event, data } of rawEventsOf(answer.text)) {
    const said = parsed(data)
    if (said === null) growth.breaches.push(`no JSON: ${data.slice(0, 80)}`)
    else if (event !== objectOf(said)['type']) growth.breaches.push(`an event ${String(event)} of type ${String(objectOf(said)['type'])}`)
    else growth.add(objectOf(said))
  }
  const { response, isOver, error, breaches, pieces, thought } = growth
  const heard = { ...nothingHeard, status, end, isOver, error, breaches, models: inOrder([...growth.models, headers['openai-model']]) }
  if (response === null) return { ...heard, text: pieces.join(''), pieces, thought }
  return { ...heard, ...responseOf(response), pieces }
}
