import { Body } from '../../lib/body.ts'
import { parseExact } from '../../lib/exact-json.ts'
import { EventSplitter, joinedData } from '../../lib/sse.ts'
import type { Gathered, Seen } from '../dialect.ts'
import { isObject, type Json } from '../json.ts'
import { choicesIn, indexOf } from './choices.ts'
import { Merged, MergedList } from './merged.ts'
import { ChatObserver } from './observe.ts'
import { retell } from './tell.ts'

/** The whole answer that a stream of chunks amounts to, for a client that asked for no stream of an upstream that gives nothing else. */
export function gather(bytes: Buffer): Gathered {
  const observer = new ChatObserver({ restore: null, wantsUsage: true })
  const completion = new Completion()
  let last: Extract<Seen, { kind: 'terminal' | 'failed' }> | null = null
  new EventSplitter(bytes.length).push(bytes, (event, start, end) => {
    if (last !== null) return
    const seen = observer.see(event, start, end)
    if (seen.kind === 'terminal' || seen.kind === 'failed') last = seen
    else completion.add(chunkOf(event, start, end))
  })
  return { ...gathered(last ?? observer.close(), completion), readings: [] }
}

type Amount = Gathered extends infer Each ? (Each extends unknown ? Omit<Each, 'readings'> : never) : never

function gathered(last: Extract<Seen, { kind: 'terminal' | 'failed' }> | null, completion: Completion): Amount {
  if (last === null) return { kind: 'cut' }
  return last.kind === 'terminal' ? { kind: 'whole', json: completion.json() } : { kind: 'told', signal: last.signal, end: last.end, json: errorBody(last) }
}

/** An event with an `error` is what an error answer would be. */
function errorBody({ bytes, signal }: Extract<Seen, { kind: 'failed' }>): Buffer {
  const data = joinedData(bytes, 0, bytes.length)
  return data === null || (Body.of(data)?.span('error') ?? null) === null ? retell(500, signal.error).body : data
}

function chunkOf(bytes: Buffer, start: number, end: number): Json | null {
  const data = joinedData(bytes, start, end)
  // Looked at first for its depth, which a parser that recurses would not survive.
  if (data === null || Body.of(data) === null) return null
  try {
    const chunk = parseExact(data.toString('utf8'))
    return isObject(chunk) ? chunk : null
  } catch {
    return null
  }
}

/** Padding against onlookers, which is no part of an answer. */
const padding = 'obfuscation'

/** A `chat.completion` that grows by its chunks (protocols.md 4.2). */
class Completion {
  readonly #members = new Map<string, unknown>()
  readonly #choices = new MergedList()

  add(chunk: Json | null): void {
    if (chunk === null) return
    for (const [name, value] of Object.entries(chunk)) {
      if (value !== null && name !== 'choices' && name !== padding) this.#members.set(name, value)
    }
    for (const choice of choicesIn(chunk['choices'])) this.#addChoice(choice)
  }

  #addChoice({ delta, ...choice }: Json): void {
    const index = indexOf(choice)
    const known = this.#choices.at(index)
    if (known.get('message') === undefined) known.add(begun(index))
    known.add({ ...choice, index })
    if (isObject(delta)) known.add({ message: delta })
  }

  json(): Buffer {
    for (const choice of this.#choices.indexed()) finish(choice)
    return Buffer.from(JSON.stringify({ ...Object.fromEntries(this.#members), object: 'chat.completion', choices: this.#choices }))
  }
}

function begun(index: number): Json {
  return { index, message: { role: 'assistant', content: null, refusal: null }, logprobs: null, finish_reason: null }
}

/** Only parts of a list tell by an index where they belong; and what calls or refuses, and says nothing else, has no content. */
function finish(choice: Merged): void {
  const message = choice.get('message')
  if (!(message instanceof Merged)) return
  const calls = message.get('tool_calls')
  const isCall = calls instanceof MergedList
  if (isCall) for (const call of calls.indexed()) call.drop('index')
  if (message.get('content') === '' && (isCall || message.get('refusal') !== null)) message.set('content', null)
}
