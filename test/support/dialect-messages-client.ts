import type { Answer, Json } from './client.ts'
import {
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

/** What each type of error has for its status (protocols.md 5.4). */
const statuses: Readonly<Record<string, readonly number[]>> = {
  invalid_request_error: [400, 404, 405, 408, 415, 422, 426],
  authentication_error: [401],
  billing_error: [402],
  permission_error: [403],
  not_found_error: [404],
  conflict_error: [409],
  request_too_large: [413],
  rate_limit_error: [429],
  api_error: [500, 502, 503],
  timeout_error: [504],
  overloaded_error: [529],
}

/** A client of Anthropic Messages (protocols.md 5). */
export const messagesClient: DialectClient = {
  name: 'messages',
  path: '/v1/messages',
  headers: { 'anthropic-version': '2023-06-01' },
  user: (text, images = []) => ({ role: 'user', content: images.length === 0 ? text : [{ type: 'text', text }, ...images.map(imageOf)] }),
  outputs: (calls, outputs) => [{ role: 'user', content: calls.map(({ id }, at) => ({ type: 'tool_result', tool_use_id: id, content: outputs[at] ?? '' })) }],
  body,
  hear: (answer) => (isStream(answer) ? streamed(answer) : whole(answer)),
}

function body(dialogue: readonly Json[], { model = 'gpt-5.5', stream = false, system, tools = [], choice, limit = 4096, effort, schema, more }: Wishes): Json {
  const output = {
    ...(effort === undefined || effort === 'none' ? {} : { effort }),
    ...(schema === undefined ? {} : { format: { type: 'json_schema', schema } }),
  }
  return {
    model,
    stream,
    max_tokens: limit,
    messages: dialogue,
    ...(system === undefined ? {} : { system }),
    ...(tools.length === 0 ? {} : { tools: tools.map((name) => ({ name, input_schema: { type: 'object', properties: {} } })) }),
    ...(choice === undefined ? {} : { tool_choice: choiceOf(choice) }),
    ...(effort === undefined ? {} : { thinking: effort === 'none' ? { type: 'disabled' } : { type: 'adaptive', display: 'summarized' } }),
    ...(Object.keys(output).length === 0 ? {} : { output_config: output }),
    ...more,
  }
}

function choiceOf(choice: NonNullable<Wishes['choice']>): Json {
  if (typeof choice !== 'string') return { type: 'tool', ...choice }
  return { type: choice === 'required' ? 'any' : 'none' }
}

function imageOf(url: string): Json {
  const [, type, data] = /^data:([^;]+);base64,(.*)$/.exec(url) ?? []
  return { type: 'image', source: data === undefined ? { type: 'url', url } : { type: 'base64', media_type: type, data } }
}

function whole(answer: Answer): Heard {
  const { status, end, json } = answer
  const heard = { ...nothingHeard, status, end }
  if (status >= 400 || json['type'] === 'error') return { ...heard, error: errorIn(status, json), breaches: breachesOf(status, json) }
  const content = listOf(json['content'])
  const breaches = [
    ...(json['type'] === 'message' && json['role'] === 'assistant' ? [] : ['no message of an assistant']),
    ...(textOf(json['id']).startsWith('msg_') ? [] : [`the id is ${String(json['id'])}`]),
    ...content.flatMap((block) => (block['type'] === 'text' && block['text'] === '' ? ['an empty text'] : [])),
  ]
  return {
    ...heard,
    isOver: true,
    ...saidIn(content),
    finish: finishOf(json['stop_reason']),
    usage: usageOf(json['usage']),
    models: inOrder([json['model']]),
    breaches,
  }
}

/** What stands in the blocks of a message. */
function saidIn(content: readonly Json[]): Pick<Heard, 'text' | 'pieces' | 'thought' | 'calls' | 'said'> {
  const texts = content.flatMap(({ type, text }) => (type === 'text' ? [textOf(text)] : []))
  const calls = content.flatMap(({ type, id, name, input }): Call[] =>
    type === 'tool_use' ? [{ id: textOf(id), name: textOf(name), kind: 'function', says: input }] : [],
  )
  const thought = content.flatMap(({ type, thinking }) => (type === 'thinking' ? [textOf(thinking)] : [])).join('')
  return { text: texts.join(''), pieces: texts.filter((text) => text !== ''), thought, calls, said: [{ role: 'assistant', content }] }
}

function errorIn(status: number | null, json: Json): Heard['error'] {
  const { type, message, details } = objectOf(json['error'])
  return told(status, { code: objectOf(details)['error_code'], type, message })
}

function breachesOf(status: number | null, json: Json): readonly string[] {
  const { type, message } = objectOf(json['error'])
  const allowed = statuses[textOf(type)]
  return [
    ...(json['type'] === 'error' ? [] : ['an error that does not say that it is one']),
    ...(typeof message === 'string' && message !== '' ? [] : ['an error without a message']),
    ...(allowed !== undefined && (status === null || allowed.includes(status)) ? [] : [`an error of type ${String(type)} under status ${String(status)}`]),
  ]
}

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool',
  refusal: 'refusal',
}

function finishOf(reason: unknown): Finish | null {
  return finishes[textOf(reason)] ?? null
}

function usageOf(usage: unknown): Used | null {
  const {
    input_tokens: fresh,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: made,
    output_tokens: output,
    output_tokens_details: details,
  } = objectOf(usage)
  if (typeof fresh !== 'number' || typeof output !== 'number') return null
  const cached = Number(read ?? 0)
  const written = Number(made ?? 0)
  return { input: fresh + cached + written, cached, written, output, reasoning: Number(objectOf(details)['thinking_tokens'] ?? 0) }
}

interface Block {
  readonly begun: Json
  text: string
  signature: string
  isClosed: boolean
}

const growing: Readonly<Record<string, readonly [type: string, member: string]>> = {
  text_delta: ['text', 'text'],
  thinking_delta: ['thinking', 'thinking'],
  input_json_delta: ['tool_use', 'partial_json'],
}

/** What the events of a message add up to. */
class Growth {
  readonly breaches: string[] = []
  readonly pieces: string[] = []
  readonly blocks: Block[] = []
  message: Json | null = null
  stop: unknown = null
  usage: Json = {}
  isOver = false
  error: Heard['error'] = null

  add(data: Json): void {
    if (this.isOver || this.error !== null) this.breaches.push(`an event behind the end: ${String(data['type'])}`)
    if (this.message === null && !['message_start', 'ping', 'error'].includes(String(data['type']))) this.breaches.push(`${String(data['type'])} comes first`)
    switch (data['type']) {
      case 'message_start':
        if (this.message !== null) this.breaches.push('a second start')
        this.message = objectOf(data['message'])
        if (listOf(this.message['content']).length > 0) this.breaches.push('a start that has content')
        if (this.message['stop_reason'] !== null) this.breaches.push('a start that has stopped')
        this.usage = objectOf(this.message['usage'])
        return
      case 'content_block_start':
        return this.#begin(data)
      case 'content_block_delta':
        return this.#grow(data)
      case 'content_block_stop':
        return this.#close(data)
      case 'message_delta':
        if (this.blocks.some(({ isClosed }) => !isClosed)) this.breaches.push('an end with an open block')
        this.stop = objectOf(data['delta'])['stop_reason'] ?? this.stop
        this.usage = { ...this.usage, ...objectOf(data['usage']) }
        return
      case 'message_stop':
        if (this.stop === null) this.breaches.push('an end without a reason')
        this.isOver = true
        return
      case 'error':
        this.error = errorIn(null, data)
        this.breaches.push(...breachesOf(null, data))
    }
  }

  #begin({ index, content_block: block }: Json): void {
    if (this.blocks.some(({ isClosed }) => !isClosed)) this.breaches.push('a block inside another')
    if (index !== this.blocks.length) this.breaches.push(`block ${String(index)} comes as the ${this.blocks.length}th`)
    const begun = objectOf(block)
    this.blocks.push({ begun, text: textOf(begun['text'] ?? begun['thinking']), signature: '', isClosed: false })
  }

  #grow({ index, delta }: Json): void {
    const block = this.blocks.at(-1)
    if (block === undefined || index !== this.blocks.length - 1 || block.isClosed) {
      this.breaches.push(`a delta of block ${String(index)}, which is not open`)
      return
    }
    const said = objectOf(delta)
    if (said['type'] === 'signature_delta') block.signature += textOf(said['signature'])
    const [type, member] = growing[textOf(said['type'])] ?? []
    if (member === undefined) return
    if (type !== block.begun['type']) this.breaches.push(`a ${String(said['type'])} in a ${String(block.begun['type'])}`)
    block.text += textOf(said[member])
    if (type === 'text' && textOf(said[member]) !== '') this.pieces.push(textOf(said[member]))
  }

  #close({ index }: Json): void {
    const block = this.blocks.at(-1)
    if (block === undefined || index !== this.blocks.length - 1 || block.isClosed) this.breaches.push(`a stop of block ${String(index)}, which is not open`)
    else block.isClosed = true
  }
}

function contentOf({ begun, text, signature }: Block): Json {
  switch (begun['type']) {
    case 'text':
      return { ...begun, text }
    case 'thinking':
      return { ...begun, thinking: text, signature }
    case 'tool_use':
      return { ...begun, input: text === '' ? begun['input'] : parsed(text) }
    default:
      return begun
  }
}

function streamed(answer: Answer): Heard {
  const { status, end } = answer
  const growth = new Growth()
  for (const { event, data } of rawEventsOf(answer.text)) {
    const said = parsed(data)
    if (said === null) growth.breaches.push(`no JSON: ${data.slice(0, 80)}`)
    else if (event !== objectOf(said)['type']) growth.breaches.push(`an event ${String(event)} of type ${String(objectOf(said)['type'])}`)
    else growth.add(objectOf(said))
  }
  const { message, stop, usage, isOver, error, breaches, pieces } = growth
  const said = saidIn(growth.blocks.map(contentOf))
  return {
    ...nothingHeard,
    status,
    end,
    isOver,
    ...said,
    pieces,
    finish: isOver ? finishOf(stop) : null,
    usage: isOver ? usageOf(usage) : null,
    models: inOrder([message?.['model']]),
    error,
    breaches,
  }
}
