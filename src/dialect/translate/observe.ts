import type { ErrorObject, Signal } from '../../core/failure.ts'
import type { ResponseId } from '../../core/ids.ts'
import type { Items } from '../../core/transcript.ts'
import type { Reading } from '../../core/windows.ts'
import { eventParts } from '../../lib/sse.ts'
import { unknownEnd } from '../answer.ts'
import type { AnswerEnd, Dialect, EventObserver, Seen } from '../dialect.ts'
import { isObject, type Json } from '../json.ts'
import { readErrorObject } from '../responses/error.ts'
import { copied, listOf } from '../responses/items.ts'
import { keptItemsBytesMax } from '../responses/observe.ts'
import { sealHash } from '../question.ts'
import type { Place } from '../stencil.ts'
import type { HubEvent, StreamReader, StreamWriter } from './hub.ts'
import { Run } from './run.ts'

type Failed = Extract<Seen, { kind: 'failed' }>
type Terminal = Extract<Seen, { kind: 'terminal' }>

interface ObserverParts {
  readonly client: Dialect
  /** Sees the stream as it comes: what it is to the turn, and what the books hear of it, is for it alone to say. */
  readonly upstream: EventObserver
  readonly reader: StreamReader
  readonly writer: StreamWriter
  /** Whether the answer may be said again, so that its items are kept. */
  readonly keepsItems: boolean
}

/** So many events in a row that are like none before them, and the stream is one in which comparing does not help. */
const strangersMax = 32

/** Watches one attempt's stream in its upstream's dialect, and yields it in the client's. */
export class TranslatedObserver implements EventObserver {
  readonly #parts: ObserverParts
  #response: ResponseId | null = null
  #sealed: string[] = []
  /** Items as they were finished; null: more than is kept. */
  #items: Buffer[] | null = []
  #itemsBytes = 0
  #run: Run | null = null
  #strangers = 0

  constructor(parts: ObserverParts) {
    this.#parts = parts
  }

  see(bytes: Buffer, start: number, end: number): Seen {
    const next = this.#run?.next(bytes, start, end) ?? null
    if (next !== null) {
      this.#strangers = 0
      return { kind: 'instead', events: [next], isOutput: true }
    }
    this.#endRun()
    const seen = this.#parts.upstream.see(bytes, start, end)
    if (seen.kind === 'failed') return this.#failed(seen)
    const isOutput = seen.kind === 'output' || (seen.kind === 'instead' && seen.isOutput)
    const events = this.#read(bytes, start, end)
    if (seen.kind === 'terminal') return this.#terminal(seen, events)
    const said = this.#instead(events, isOutput)
    if (isOutput && said.kind === 'instead' && said.events.length === 1) this.#begin({ bytes, start, end }, events)
    return said
  }

  close(): Terminal | null {
    this.#endRun()
    const seen = this.#parts.upstream.close()
    const said = seen === null ? null : this.#terminal(seen, [])
    return said?.kind === 'terminal' ? said : null
  }

  sealed(): readonly string[] {
    const sealed = this.#sealed
    if (sealed.length > 0) this.#sealed = []
    return sealed
  }

  response(): ResponseId | null {
    return this.#response
  }

  items(): Items | null {
    return this.#items === null ? null : copied(listOf(this.#items.map((json) => [json])))
  }

  turnStates(): readonly string[] {
    return this.#parts.upstream.turnStates()
  }

  readings(): readonly Reading[] {
    return this.#parts.upstream.readings()
  }

  #read(bytes: Buffer, start: number, end: number): readonly HubEvent[] {
    const { event: name, json } = eventParts(bytes, start, end)
    const data = json === null ? null : parsed(json)
    return data === null ? [] : this.#parts.reader.read(name, data)
  }

  #instead(events: readonly HubEvent[], isOutput: boolean): Seen {
    const gaveUp = errorIn(events)
    if (gaveUp !== null)
      return this.#failed({ kind: 'failed', bytes: nothing, end: unknownEnd, signal: { kind: 'told', status: null, headers: {}, error: gaveUp } })
    return { kind: 'instead', events: this.#write(events), isOutput }
  }

  #endRun(): void {
    this.#run?.settle()
    this.#run = null
  }

  /** What is like an event of output is output too, and tells the upstream's observer nothing more. */
  #begin(place: Place, [event, another]: readonly HubEvent[]): void {
    if (event === undefined || another !== undefined || ++this.#strangers > strangersMax) return
    const { delta, logprobs = [] } = event
    if (typeof delta === 'string' && Array.isArray(logprobs) && logprobs.length === 0) this.#run = Run.after(place, delta, this.#parts)
  }

  #write(events: readonly HubEvent[]): readonly Buffer[] {
    for (const event of events) this.#note(event)
    const [only] = events
    if (only !== undefined && events.length === 1) return this.#parts.writer.write(only)
    return events.flatMap((event) => this.#parts.writer.write(event))
  }

  /** What a client hears of the end is the hub's terminal event; an end without one would be a clean end of a cut answer. */
  #terminal(seen: Terminal, events: readonly HubEvent[]): Seen {
    const all = events.some(isEnd) ? events : [...events, ...this.#parts.reader.close()]
    const end = this.#end(seen.end)
    const last = all.find(isEnd)
    const before = this.#write(all.filter((event) => event !== last))
    const said = last === undefined ? [] : this.#write([last])
    const bytes = said.at(-1)
    if (bytes !== undefined) return { kind: 'terminal', bytes, end, before: [...before, ...said.slice(0, -1)] }
    return this.#failed({ ...seen, kind: 'failed', signal: { kind: 'told', status: null, headers: {}, error: errorIn(all) ?? endless } })
  }

  #failed(seen: Failed): Failed {
    const { code, type, message } = seen.signal.error
    const told = { code: code ?? type ?? 'server_error', message }
    return { ...seen, bytes: this.#parts.client.failInBand(told, this.#response), end: { ...this.#end(seen.end), status: 'failed' } }
  }

  /** Nobody can refer to a translated answer later: the client knows it under other ids. */
  #end(end: AnswerEnd): AnswerEnd {
    return { ...end, response: this.#response, items: [] }
  }

  #note(event: HubEvent): void {
    const { type } = event
    if (type === 'response.created' && isObject(event['response'])) {
      const { id } = event['response']
      if (typeof id === 'string') this.#response = id as ResponseId
    }
    if (type !== 'response.output_item.done') return
    this.#sealed.push(...sealedIn([event['item']]))
    if (!this.#parts.keepsItems || this.#items === null) return
    const json = Buffer.from(JSON.stringify(event['item'] ?? null))
    this.#itemsBytes += json.length
    if (this.#itemsBytes > keptItemsBytesMax) this.#items = null
    this.#items?.push(json)
  }
}

/** Hashes of what is sealed in the hub's items. */
export function sealedIn(items: unknown): readonly string[] {
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown) => {
    const sealed = isObject(item) && item['type'] === 'reasoning' ? item['encrypted_content'] : null
    return typeof sealed === 'string' ? [sealHash(sealed)] : []
  })
}

const nothing = Buffer.alloc(0)
const silent: ErrorObject = {
  code: 'server_error',
  type: null,
  message: 'The upstream did not say why.',
  param: null,
  resetsAt: undefined,
  resetsInSeconds: undefined,
}
const endless: ErrorObject = { ...silent, message: 'The upstream ended its answer without saying how.' }

/** Why the reader gave the answer up, where it did. */
function errorIn(events: readonly HubEvent[]): ErrorObject | null {
  const failed = events.find(({ type }) => type === 'response.failed')
  return isObject(failed?.['response']) ? readErrorObject(failed['response']['error']) : null
}

export function errorOf(signal: Signal): ErrorObject {
  return ('error' in signal ? signal.error : null) ?? silent
}

function isEnd({ type }: HubEvent): boolean {
  return type === 'response.completed' || type === 'response.incomplete'
}

function parsed(json: Buffer): Json | null {
  try {
    const data: unknown = JSON.parse(json.toString('utf8'))
    return isObject(data) ? data : null
  } catch {
    return null
  }
}
