import { Body } from '../../lib/body.ts'
import { parseExact } from '../../lib/exact-json.ts'
import { EventSplitter, joinedData } from '../../lib/sse.ts'
import type { Gathered, Seen } from '../dialect.ts'
import { isObject, type Json } from '../json.ts'
import { MessagesObserver } from './observe.ts'

type Last = Extract<Seen, { kind: 'terminal' | 'failed' }>

/** The whole message that a stream of events amounts to, for a client that asked for no stream. */
export function gather(bytes: Buffer): Gathered {
  const observer = new MessagesObserver({ restore: null })
  const message = new GrowingMessage()
  let last: Last | null = null
  const splitter = new EventSplitter(bytes.length)
  splitter.push(bytes, (event, start, end) => {
    if (last !== null) return
    const seen = observer.see(event, start, end)
    if (seen.kind === 'terminal' || seen.kind === 'failed') last = seen
    else message.take(dataOf(event, start, end))
  })
  return { ...gathered(last, message), readings: [] }
}

function gathered(last: Last | null, message: GrowingMessage): Told {
  if (last === null) return { kind: 'cut' }
  if (last.kind === 'failed') {
    const json = joinedData(last.bytes, 0, last.bytes.length)
    return { kind: 'told', signal: last.signal, end: last.end, json: json ?? Buffer.from('{}') }
  }
  const json = message.json()
  return json === null ? { kind: 'cut' } : { kind: 'whole', json }
}

type Told = Gathered extends infer Each ? (Each extends unknown ? Omit<Each, 'readings'> : never) : never

function dataOf(event: Buffer, start: number, end: number): Json | null {
  const json = joinedData(event, start, end)
  return json === null ? null : objectIn(json)
}

/** Null: it is no object, or one that is nested deeper than anyone means, on which writing it down again would break. */
function objectIn(json: Buffer): Json | null {
  if (Body.of(json) === null) return null
  try {
    const value: unknown = parseExact(json.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Members that grow by deltas of these types, text by text. */
const growing: ReadonlyMap<unknown, string> = new Map([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
])

/** Members of a `message_delta` beside its `delta` that are the message's. */
const beside = ['context_management', 'input_transformations'] as const

/** A block of content as its deltas have made it so far. */
interface Block {
  readonly said: Record<string, unknown>
  readonly citations: unknown[]
  /** The input of a tool, which is JSON only once it is whole. */
  input: string
}

/** What an event adds is put in its place, so that a long stream costs no more than its bytes. */
class GrowingMessage {
  #hasBegun = false
  readonly #members = new Map<string, unknown>()
  readonly #usage = new Map<string, unknown>()
  readonly #blocks = new Map<number, Block>()

  take(data: Json | null): void {
    switch (data?.['type']) {
      case 'message_start':
        if (isObject(data['message'])) this.#begin(data['message'])
        return
      case 'content_block_start':
        if (isObject(data['content_block'])) this.#add(indexOf(data, this.#blocks.size), data['content_block'])
        return
      case 'content_block_delta': {
        const block = this.#blocks.get(indexOf(data, this.#blocks.size - 1))
        if (block !== undefined && isObject(data['delta'])) grow(block, data['delta'])
        return
      }
      case 'message_delta':
        this.#change(data)
    }
  }

  /** Null: it never began. */
  json(): Buffer | null {
    if (!this.#hasBegun) return null
    const blocks = [...this.#blocks].toSorted(([a], [b]) => a - b).map(([, block]) => finished(block))
    this.#members.set('content', blocks)
    if (this.#usage.size > 0) this.#members.set('usage', Object.fromEntries(this.#usage))
    return Buffer.from(JSON.stringify(Object.fromEntries(this.#members)))
  }

  #begin(message: Json): void {
    this.#hasBegun = true
    put(this.#members, message)
    put(this.#usage, message['usage'])
  }

  /** A fallback names the model that goes on, whose answer the message then is. */
  #add(index: number, block: Json): void {
    this.#blocks.set(index, begun(block))
    const to = block['type'] === 'fallback' ? block['to'] : null
    if (isObject(to) && typeof to['model'] === 'string') this.#members.set('model', to['model'])
  }

  /** Its usage is of the whole answer so far; the members of its `delta` are the message's. */
  #change(event: Json): void {
    put(this.#members, event['delta'])
    put(this.#usage, event['usage'])
    for (const name of beside) put(this.#members, { [name]: event[name] })
  }
}

/** What is null takes nothing away from what was said before. */
function put(members: Map<string, unknown>, said: unknown): void {
  if (!isObject(said)) return
  for (const [name, value] of Object.entries(said)) {
    if (value !== undefined && (value !== null || !members.has(name))) members.set(name, value)
  }
}

function indexOf({ index }: Json, otherwise: number): number {
  return typeof index === 'number' ? index : otherwise
}

function begun(block: Json): Block {
  return { said: { ...block }, citations: Array.isArray(block['citations']) ? [...(block['citations'] as unknown[])] : [], input: '' }
}

function grow(block: Block, delta: Json): void {
  const { said, citations } = block
  const member = growing.get(delta['type'])
  if (member !== undefined) said[member] = textOf(said[member]) + textOf(delta[member])
  else if (delta['type'] === 'signature_delta') said['signature'] = delta['signature']
  else if (delta['type'] === 'input_json_delta') block.input += textOf(delta['partial_json'])
  else if (delta['type'] === 'citations_delta') citations.push(delta['citation'])
  else if (delta['type'] === 'compaction_delta') for (const [name, value] of Object.entries(delta)) if (name !== 'type') said[name] = value
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** An input that was cut off by the end of the answer stays as it began: no part of JSON is JSON. */
function finished({ said, citations, input }: Block): Json {
  const whole = citations.length === 0 ? said : { ...said, citations }
  const given = objectIn(Buffer.from(input))
  return given === null ? whole : { ...whole, input: given }
}
