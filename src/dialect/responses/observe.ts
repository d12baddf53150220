import type { ResponseId } from '../../core/ids.ts'
import { Body, type Edit } from '../../lib/body.ts'
import { dataSpan, eventType, joinedData } from '../../lib/sse.ts'
import type { AnswerEnd, EventObserver, Seen, Watched } from '../dialect.ts'
import { blank, isObject, readErrorEvent, readErrorObject } from './error.ts'
import { endOf, itemsOf, restored } from './response.ts'
import { sealHash } from './read.ts'

const output: Seen = { kind: 'output' }
const nothingGoverned: ReadonlySet<string> = new Set()

/** Finished items are kept for a terminal event that comes without them, up to this. Unit: bytes. Beyond it such a terminal stays as it came. */
export const keptItemsBytesMax = 16 * 1024 * 1024

/** Watches a stream of Responses events. Only lifecycle events, finished items and the terminal one are looked into; deltas are passed by their name. */
export class ResponsesObserver implements EventObserver {
  readonly #watched: Watched
  #response: ResponseId | null = null
  #sealed: string[] = []
  #items: { readonly index: number; readonly json: Buffer }[] | null = []
  #itemsBytes = 0

  constructor(watched: Watched) {
    this.#watched = watched
  }

  see(bytes: Buffer, start: number, end: number): Seen {
    const type = eventType(bytes, start, end) ?? typeByParsing(bytes, start, end) ?? ''
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return { kind: 'held', bytes: this.#lifecycle(bytes, start, end) }
      case 'response.output_item.done':
        this.#finished(bytes, start, end)
        return output
      case 'response.completed':
        return this.#terminal(bytes, start, end, 'completed')
      case 'response.incomplete':
        return this.#terminal(bytes, start, end, 'incomplete')
      case 'response.failed':
        return this.#failed(bytes, start, end)
      case 'error':
        return this.#errorEvent(bytes, start, end)
      case 'response.metadata':
        return { kind: 'held', bytes: bytes.subarray(start, end) }
      default:
        return type.startsWith('response.') ? output : { kind: 'held', bytes: bytes.subarray(start, end) }
    }
  }

  sealed(): readonly string[] {
    const sealed = this.#sealed
    if (sealed.length > 0) this.#sealed = []
    return sealed
  }

  response(): ResponseId | null {
    return this.#response
  }

  #lifecycle(bytes: Buffer, start: number, end: number): Buffer {
    if (this.#response !== null && this.#watched.restore === null) return bytes.subarray(start, end)
    const event = Event.parse(bytes, start, end)
    const id = event?.response?.value('id')
    if (typeof id === 'string') this.#response = id as ResponseId
    return event?.withResponse(restored(event.response, this.#watched.restore)) ?? bytes.subarray(start, end)
  }

  /** Copied, so that a small item does not keep a large read alive. */
  #finished(bytes: Buffer, start: number, end: number): void {
    const data = Event.parse(bytes, start, end)?.data
    const span = data?.span('item') ?? null
    if (data === undefined || span === null) return
    const item = data.within(span)
    const content = item?.value('type') === 'reasoning' ? item.value('encrypted_content') : null
    if (typeof content === 'string') this.#sealed.push(sealHash(content))
    const index = data.value('output_index')
    this.#itemsBytes += span.end - span.start
    if (this.#itemsBytes > keptItemsBytesMax) this.#items = null
    this.#items?.push({ index: typeof index === 'number' ? index : this.#items.length, json: Buffer.from(data.bytes.subarray(span.start, span.end)) })
  }

  /** A terminal event that cannot be read ends the turn all the same; what it would have said is unknown. */
  #terminal(bytes: Buffer, start: number, end: number, status: AnswerEnd['status']): Seen {
    const event = Event.parse(bytes, start, end)
    const response = event?.response ?? null
    if (event === null || response === null) {
      return { kind: 'terminal', bytes: bytes.subarray(start, end), end: { ...unknownEnd, status, response: this.#response } }
    }
    const ended = { ...endOf(response), status }
    if (ended.response !== null) this.#response = ended.response
    const rebuilt = this.#rebuiltOutput(response)
    const edits = [...restored(response, this.#watched.restore), ...(rebuilt === null ? [] : [rebuilt])]
    return { kind: 'terminal', bytes: event.withResponse(edits), end: rebuilt === null ? ended : { ...ended, items: this.#itemIds() } }
  }

  #failed(bytes: Buffer, start: number, end: number): Seen {
    const event = Event.parse(bytes, start, end)
    const response = event?.response ?? null
    const error = readErrorObject(response?.value('error')) ?? blank
    const ended: AnswerEnd = { ...(response === null ? unknownEnd : endOf(response)), status: 'failed', code: error.code }
    return {
      kind: 'failed',
      bytes: event?.withResponse(restored(response, this.#watched.restore)) ?? bytes.subarray(start, end),
      end: ended,
      signal: { kind: 'told', status: null, headers: {}, error },
    }
  }

  #errorEvent(bytes: Buffer, start: number, end: number): Seen {
    const { error, status, headers } = readErrorEvent(Event.parse(bytes, start, end)?.value())
    return {
      kind: 'failed',
      bytes: bytes.subarray(start, end),
      end: { ...unknownEnd, response: this.#response, code: error.code ?? error.type },
      signal: { kind: 'told', status, headers, error },
    }
  }

  /** Some backends end with an empty `output` although items were streamed, and clients take an empty list for "nothing was said". */
  #rebuiltOutput(response: Body): Edit | null {
    if (this.#items === null || this.#items.length === 0) return null
    const items = response.items('output')
    if (items !== null && items.length > 0) return null
    const ordered = this.#items.toSorted((a, b) => a.index - b.index).map((item) => item.json)
    return {
      kind: 'set',
      member: 'output',
      json: Buffer.concat([Buffer.from('['), ...ordered.flatMap((json, i) => (i === 0 ? [json] : [comma, json])), Buffer.from(']')]),
    }
  }

  #itemIds(): readonly string[] {
    return itemsOf((this.#items ?? []).map((item) => item.json))
  }
}

const comma = Buffer.from(',')
const unknownEnd: AnswerEnd = { status: 'failed', response: null, items: [], usage: null, tierServed: null, code: null }

/** An event's data as an index, and where it lies in the event. */
class Event {
  readonly data: Body
  readonly response: Body | null
  readonly #whole: Buffer
  readonly #before: Buffer
  readonly #after: Buffer

  private constructor(data: Body, whole: Buffer, before: Buffer, after: Buffer) {
    this.data = data
    this.#whole = whole
    this.#before = before
    this.#after = after
    const span = data.span('response')
    this.response = span === null ? null : data.within(span)
  }

  static parse(bytes: Buffer, start: number, end: number): Event | null {
    const whole = bytes.subarray(start, end)
    const span = dataSpan(bytes, start, end)
    if (span !== null) {
      const parsed = Body.parse(bytes, nothingGoverned, span.start, span.end)
      return parsed.kind === 'body' ? new Event(parsed.body, whole, bytes.subarray(start, span.start), bytes.subarray(span.end, end)) : null
    }
    // Data over several lines: said again in one.
    const joined = joinedData(bytes, start, end)
    const parsed = joined === null ? null : Body.parse(oneLine(joined), nothingGoverned)
    const name = eventType(bytes, start, end)
    return parsed?.kind === 'body' ? new Event(parsed.body, whole, Buffer.from(`${name === null ? '' : `event: ${name}\n`}data: `), Buffer.from('\n\n')) : null
  }

  /** All of it, parsed; undefined where a string in it is malformed. */
  value(): unknown {
    try {
      return JSON.parse(Buffer.concat(this.data.edited([]).pieces).toString('utf8'))
    } catch {
      return undefined
    }
  }

  /** The event with these edits inside its `response`; its very bytes where there are none. */
  withResponse(edits: readonly Edit[]): Buffer {
    if (edits.length === 0 || this.response === null) return this.#whole
    const response = Buffer.concat(this.response.edited(edits).pieces)
    return Buffer.concat([this.#before, ...this.data.edited([{ kind: 'set', member: 'response', json: response }]).pieces, this.#after])
  }
}

/** Line breaks between the lines of one data field are white space of its JSON. */
function oneLine(json: Buffer): Buffer {
  return Buffer.from(json.toString('latin1').replaceAll(/[\r\n]/g, ' '), 'latin1')
}

/** An error object without a type is an error event too: clients throw on it. */
function typeByParsing(bytes: Buffer, start: number, end: number): string | null {
  const data = Event.parse(bytes, start, end)?.data
  const type = data?.value('type')
  if (typeof type === 'string') return type
  return isObject(data?.value('error')) ? 'error' : null
}
