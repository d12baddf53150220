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
} from './dialect-client.ts'

/** A client of Chat Completions (protocols.md 4). */
export const chatClient: DialectClient = {
  name: 'chat',
  path: '/v1/chat/completions',
  headers: {},
  user: (text, images = []) => ({
    role: 'user',
    content: images.length === 0 ? text : [{ type: 'text', text }, ...images.map((url) => ({ type: 'image_url', image_url: { url, detail: 'low' } }))],
  }),
  outputs: (calls, outputs) => calls.map(({ id }, at) => ({ role: 'tool', tool_call_id: id, content: outputs[at] ?? '' })),
  body: (dialogue, { model = 'gpt-5.5', stream = false, system, tools = [], customTools = [], choice, limit, effort, schema, more }) => ({
    model,
    stream,
    messages: [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...dialogue],
    ...(tools.length + customTools.length === 0
      ? {}
      : {
          tools: [
            ...tools.map((name) => ({ type: 'function', function: { name, parameters: { type: 'object', properties: {} } } })),
            ...customTools.map((name) => ({ type: 'custom', custom: { name } })),
          ],
        }),
    ...(choice === undefined ? {} : { tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: choice } }),
    ...(limit === undefined ? {} : { max_completion_tokens: limit }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(schema === undefined ? {} : { response_format: { type: 'json_schema', json_schema: { name: 'output', schema } } }),
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    ...more,
  }),
  hear: (answer) => (isStream(answer) ? streamed(answer) : whole(answer)),
}

function whole(answer: Answer): Heard {
  const { status, end, json, headers } = answer
  const heard = { ...nothingHeard, status, end }
  if (status >= 400 || json['error'] !== undefined) return { ...heard, error: errorIn(status, json), breaches: breachesOf(json) }
  const [choice, another] = listOf(json['choices'])
  const message = objectOf(choice?.['message'])
  const calls = listOf(message['tool_calls']).map(callOf)
  const text = textOf(message['content'])
  return {
    ...heard,
    isOver: true,
    text,
    pieces: text === '' ? [] : [text],
    refusal: textOf(message['refusal']),
    calls,
    finish: finishOf(choice?.['finish_reason']),
    usage: usageOf(json['usage']),
    models: inOrder([json['model'], headers['openai-model']]),
    breaches: [
      ...(json['object'] === 'chat.completion' ? [] : [`the object is ${String(json['object'])}`]),
      ...(another === undefined ? [] : ['two choices']),
      ...(message['role'] === 'assistant' ? [] : ['nobody says it']),
      ...(calls.length > 0 && text === '' && message['content'] !== null ? ['content that is empty and not null'] : []),
      ...(typeof json['created'] === 'number' ? [] : ['no created']),
    ],
    said: [message],
  }
}

function errorIn(status: number | null, json: Json): Heard['error'] {
  const { code, type, param, message } = objectOf(json['error'])
  return told(status, { code, type, param, message })
}

function breachesOf(json: Json): readonly string[] {
  const { code, type, message } = objectOf(json['error'])
  return [...foreignWords(code, type), ...(typeof message === 'string' && message !== '' ? [] : ['an error without a message'])]
}

function callOf({ id, type, ...more }: Json): Call {
  const kind = type === 'custom' ? 'custom' : 'function'
  const own = objectOf(more[kind])
  return { id: textOf(id), name: textOf(own['name']), kind, says: kind === 'custom' ? own['input'] : parsed(textOf(own['arguments'])) }
}

const finishes: Readonly<Record<string, Finish>> = { stop: 'stop', length: 'length', tool_calls: 'tool', content_filter: 'refusal' }

function finishOf(reason: unknown): Finish | null {
  return finishes[textOf(reason)] ?? null
}

function usageOf(usage: unknown): Used | null {
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: read, completion_tokens_details: made } = objectOf(usage)
  if (typeof input !== 'number' || typeof output !== 'number') return null
  return {
    input,
    cached: Number(objectOf(read)['cached_tokens'] ?? 0),
    written: Number(objectOf(read)['cache_write_tokens'] ?? 0),
    output,
    reasoning: Number(objectOf(made)['reasoning_tokens'] ?? 0),
  }
}

interface Growing {
  id: string
  name: string
  kind: 'function' | 'custom'
  says: string
}

/** What the chunks of an answer add up to. */
class Growth {
  readonly pieces: string[] = []
  readonly calls: Growing[] = []
  readonly breaches: string[] = []
  readonly models: unknown[] = []
  refusal = ''
  finish: Finish | null = null
  usage: Used | null = null
  #id: unknown = null
  #hasRole = false

  add(chunk: Json): void {
    this.#id ??= chunk['id']
    const { id, object, model, choices, usage } = chunk
    if (id !== this.#id) this.breaches.push(`the id changes from ${String(this.#id)} to ${String(id)}`)
    if (object !== 'chat.completion.chunk') this.breaches.push(`the object is ${String(object)}`)
    this.models.push(model)
    if (usage !== undefined && usage !== null) this.#use(usage, listOf(choices))
    for (const choice of listOf(choices)) this.#choose(choice)
  }

  #use(usage: unknown, choices: readonly Json[]): void {
    if (choices.length > 0) this.breaches.push('a usage beside choices')
    if (this.finish === null) this.breaches.push('a usage before the end')
    if (this.usage !== null) this.breaches.push('two usages')
    this.usage = usageOf(usage)
  }

  #choose({ index, delta, finish_reason: finish }: Json): void {
    const { role, content, refusal, tool_calls: calls } = objectOf(delta)
    if (index !== 0) this.breaches.push(`choice ${String(index)}`)
    if (role !== undefined) this.#hasRole = true
    if (!this.#hasRole) this.breaches.push('a delta before the role')
    if (this.finish !== null) this.breaches.push('a choice behind its end')
    if (textOf(content) !== '') this.pieces.push(textOf(content))
    this.refusal += textOf(refusal)
    for (const call of listOf(calls)) this.#call(call)
    if (finish !== null && finish !== undefined) this.finish = finishOf(finish)
  }

  #call({ index, id, type, ...more }: Json): void {
    const at = Number(index)
    const known = this.calls[at]
    const own = objectOf(more['function'] ?? more['custom'])
    const says = textOf(own['arguments'] ?? own['input'])
    if (known !== undefined) {
      known.says += says
      return
    }
    if (at !== this.calls.length) this.breaches.push(`call ${at} comes as the ${this.calls.length}th`)
    if (textOf(id) === '' || textOf(own['name']) === '') this.breaches.push('a call without id or name')
    this.calls[at] = { id: textOf(id), name: textOf(own['name']), kind: type === 'custom' ? 'custom' : 'function', says }
  }
}

function streamed(answer: Answer): Heard {
  const { status, end, headers } = answer
  const growth = new Growth()
  let error: Heard['error'] = null
  let isOver = false
  for (const { event, data } of rawEventsOf(answer.text)) {
    if (isOver || error !== null) growth.breaches.push(`an event behind the end: ${data.slice(0, 80)}`)
    if (event !== null) growth.breaches.push(`an event with a name: ${event}`)
    if (data === '[DONE]') {
      isOver = true
      if (growth.finish === null) growth.breaches.push('an end without a finish reason')
      continue
    }
    const chunk = parsed(data)
    if (chunk === null) growth.breaches.push(`no JSON: ${data.slice(0, 80)}`)
    else if (objectOf(chunk)['error'] !== undefined) {
      error = errorIn(null, objectOf(chunk))
      growth.breaches.push(...breachesOf(objectOf(chunk)))
    } else growth.add(objectOf(chunk))
  }
  const { pieces, refusal, finish, usage, breaches } = growth
  const text = pieces.join('')
  const calls = growth.calls.map(({ says, ...call }): Call => ({ ...call, says: call.kind === 'custom' ? says : parsed(says) }))
  const toolCalls = growth.calls.map(({ id, name, kind, says }) => ({ id, type: kind, [kind]: { name, [kind === 'custom' ? 'input' : 'arguments']: says } }))
  const said = { role: 'assistant', content: text === '' ? null : text, ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }) }
  const models = inOrder([...growth.models, headers['openai-model']])
  return { ...nothingHeard, status, end, isOver, text, pieces, refusal, calls, finish: isOver ? finish : null, usage, models, error, breaches, said: [said] }
}
