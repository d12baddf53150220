import type { Scripted } from '../../src/simulator/script.ts'
import type { Name } from './dialects.ts'
import { textOf, within, type Fields } from './support.ts'

/** What a client makes of an answer, in no dialect's words. */
export interface Made {
  readonly text: string
  readonly thoughts: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly says: string }[]
  /** Why it ended; null: it has no end. */
  readonly ending: string | null
  /** The error that was told inside it. */
  readonly error: Fields | null
  readonly usage: { readonly input: unknown; readonly cached: unknown; readonly written: unknown; readonly output: unknown; readonly reasoned: unknown } | null
  /** Events that are no JSON. */
  readonly malformed: number
}

/** One event of a stream: its name, and its JSON; null: it has none. */
export interface Sent {
  readonly event: string | null
  readonly data: Fields | null
  readonly text: string
}

export function sentIn(scripted: Scripted): readonly Sent[] {
  const blocks = textOf(scripted).split('\n\n')
  return blocks.slice(0, -1).map((block) => {
    const lines = block.split('\n')
    const text = lines.find((line) => line.startsWith('data: '))?.slice(6) ?? ''
    return { event: lines.find((line) => line.startsWith('event: '))?.slice(7) ?? null, data: parsed(text), text }
  })
}

function parsed(text: string): Fields | null {
  try {
    return JSON.parse(text) as Fields
  } catch {
    return null
  }
}

const nothing: Made = { text: '', thoughts: '', calls: [], ending: null, error: null, usage: null, malformed: 0 }

/** Reads an answer as its client would: a stream by its events, a body by its members. */
export function makeOf(name: Name, scripted: Scripted): Made {
  const isStream = String(scripted.head?.headers['content-type']).startsWith('text/event-stream')
  return isStream ? readers[name](sentIn(scripted)) : wholes[name](JSON.parse(textOf(scripted)) as Fields)
}

type Lists = readonly Fields[]
const wordsAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = within(value, ...path)
  return typeof found === 'string' ? found : ''
}
const malformedIn = (all: readonly Sent[]) => all.filter(({ data, text }) => data === null && text !== '[DONE]').length

const responsesUsage = (usage: unknown) =>
  usage === null || usage === undefined
    ? null
    : {
        input: within(usage, 'input_tokens'),
        cached: within(usage, 'input_tokens_details', 'cached_tokens'),
        written: within(usage, 'input_tokens_details', 'cache_write_tokens'),
        output: within(usage, 'output_tokens'),
        reasoned: within(usage, 'output_tokens_details', 'reasoning_tokens'),
      }

const chatUsage = (usage: unknown) =>
  usage === null || usage === undefined
    ? null
    : {
        input: within(usage, 'prompt_tokens'),
        cached: within(usage, 'prompt_tokens_details', 'cached_tokens'),
        written: within(usage, 'prompt_tokens_details', 'cache_write_tokens'),
        output: within(usage, 'completion_tokens'),
        reasoned: within(usage, 'completion_tokens_details', 'reasoning_tokens'),
      }

/** The total is a sum here. */
function messagesUsage(usage: unknown) {
  if (usage === null || usage === undefined) return null
  const [input, written, cached] = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'].map((member) => within(usage, member))
  const isCounted = typeof input === 'number'
  const total = isCounted ? input + Number(written) + Number(cached) : input
  return { input: total, cached, written, output: within(usage, 'output_tokens'), reasoned: within(usage, 'output_tokens_details', 'thinking_tokens') ?? 0 }
}

const wholes: Readonly<Record<Name, (body: Fields) => Made>> = {
  responses: (body) => {
    const output = (body['output'] ?? []) as Lists
    return {
      ...nothing,
      text: output.map((item) => (item['type'] === 'message' ? wordsAt(item, 'content', 0, 'text') : '')).join(''),
      thoughts: output.map((item) => wordsAt(item, 'summary', 0, 'text')).join(''),
      calls: output.flatMap((item) =>
        item['type'] === 'function_call' ? [{ id: String(item['call_id']), name: String(item['name']), says: String(item['arguments']) }] : [],
      ),
      ending: body['status'] === 'completed' ? 'done' : body['status'] === 'incomplete' ? 'limit' : null,
      error: (body['error'] ?? null) as Fields | null,
      usage: responsesUsage(body['usage']),
    }
  },
  chat: (body) => {
    const message = within(body, 'choices', 0, 'message')
    const calls = (within(message, 'tool_calls') ?? []) as Lists
    return {
      ...nothing,
      text: wordsAt(message, 'content'),
      calls: calls.map((call) => ({
        id: String(call['id']),
        name: String(within(call, 'function', 'name')),
        says: String(within(call, 'function', 'arguments')),
      })),
      ending: endings[String(within(body, 'choices', 0, 'finish_reason'))] ?? null,
      error: (body['error'] ?? null) as Fields | null,
      usage: chatUsage(body['usage']),
    }
  },
  messages: (body) => {
    const content = (body['content'] ?? []) as Lists
    return {
      ...nothing,
      text: content.map((block) => wordsAt(block, 'text')).join(''),
      thoughts: content.map((block) => wordsAt(block, 'thinking')).join(''),
      calls: content.flatMap((block) =>
        block['type'] === 'tool_use' ? [{ id: String(block['id']), name: String(block['name']), says: JSON.stringify(block['input']) }] : [],
      ),
      ending: endings[String(body['stop_reason'])] ?? null,
      error: (body['error'] ?? null) as Fields | null,
      usage: messagesUsage(body['usage']),
    }
  },
}

const endings: { readonly [word: string]: string } = {
  stop: 'done',
  tool_calls: 'done',
  length: 'limit',
  end_turn: 'done',
  tool_use: 'done',
  max_tokens: 'limit',
}

const readers: Readonly<Record<Name, (all: readonly Sent[]) => Made>> = {
  responses: (all) => {
    const last = all.findLast(({ event }) => /^response\.(completed|incomplete|failed)$/.test(event ?? ''))?.data
    const failed = all.find(({ event }) => event === 'error')?.data
    const made = last === undefined || last === null ? nothing : wholes.responses(last['response'] as Fields)
    const text = all.map(({ data }) => (data?.['type'] === 'response.output_text.delta' ? data['delta'] : '')).join('')
    return { ...made, text, error: failed ? ((failed['error'] ?? failed) as Fields) : made.error, malformed: malformedIn(all) }
  },
  chat: (all) => {
    const chunks = all.flatMap(({ data }) => (data === null ? [] : [data]))
    const deltas = chunks.map((chunk) => (within(chunk, 'choices', 0, 'delta') ?? {}) as Fields)
    const calls: { id: string; name: string; says: string }[] = []
    for (const call of deltas.flatMap((delta) => (delta['tool_calls'] ?? []) as Lists)) {
      const index = Number(call['index'])
      calls[index] ??= { id: String(call['id']), name: String(within(call, 'function', 'name')), says: '' }
      calls[index].says += String(within(call, 'function', 'arguments'))
    }
    const isOver = all.at(-1)?.text === '[DONE]'
    const finish = chunks.map((chunk) => within(chunk, 'choices', 0, 'finish_reason')).find((word) => typeof word === 'string')
    return {
      ...nothing,
      text: deltas.map((delta) => wordsAt(delta, 'content')).join(''),
      calls,
      ending: isOver ? (endings[String(finish)] ?? null) : null,
      error: (chunks.find((chunk) => 'error' in chunk)?.['error'] ?? null) as Fields | null,
      usage: chatUsage(chunks.at(-1)?.['usage']),
      malformed: malformedIn(all),
    }
  },
  messages: (all) => {
    const of = (event: string) => all.filter((one) => one.event === event).map((one) => one.data)
    const blocks = of('content_block_start').map((data) => ({ ...(within(data, 'content_block') as Fields), json: '' }))
    const deltas = of('content_block_delta')
    for (const data of deltas) {
      const block = blocks[Number(within(data, 'index'))]
      if (block !== undefined) block.json += wordsAt(data, 'delta', 'partial_json')
    }
    const ends = of('message_stop').length === 1 && all.at(-1)?.event === 'message_stop'
    return {
      text: deltas.map((data) => wordsAt(data, 'delta', 'text')).join(''),
      thoughts: deltas.map((data) => wordsAt(data, 'delta', 'thinking')).join(''),
      calls: blocks.flatMap((block: Fields) =>
        block['type'] === 'tool_use' ? [{ id: String(block['id']), name: String(block['name']), says: String(block['json']) }] : [],
      ),
      ending: ends ? (endings[String(within(of('message_delta')[0], 'delta', 'stop_reason'))] ?? null) : null,
      error: (within(of('error')[0], 'error') ?? null) as Fields | null,
      usage: messagesUsage(within(of('message_delta')[0], 'usage')),
      malformed: malformedIn(all),
    }
  },
}
