import type { ResponseId } from '../../core/ids.ts'
import type { Items } from '../../core/transcript.ts'
import type { Reading } from '../../core/windows.ts'
import type { Body, Edit, Span } from '../../lib/body.ts'
import { parsedValue } from '../../lib/member-name.ts'
import { membersOf } from '../../lib/members.ts'
import { dataSpan, eventType, jsonType, startsWith } from '../../lib/sse.ts'
import { restored, unknownEnd } from '../answer.ts'
import type { AnswerEnd, EventObserver, Seen, Watched } from '../dialect.ts'
import { JsonEvent } from '../json-event.ts'
import { isObject } from '../json.ts'
import { blank, readErrorEvent, readErrorObject } from './error.ts'
import { statusOf } from './error-status.ts'
import { turnStateName } from './frame.ts'
import { copied, filled, listOf } from './items.ts'
import { readingsOf } from './rate-limits.ts'
import { endOf, idsOf, sealIn } from './response.ts'

const output: Seen = { kind: 'output' }

/** How nearly all events begin. They need no look at what they are called. */
const words: Readonly<Record<Watched['framing'], Buffer>> = {
  sse: Buffer.from('event: response.output_text.delta\ndata: {"type":"response.output_text.delta"'),
  frames: Buffer.from('{"type":"response.output_text.delta"'),
}

/** Finished items are kept for a terminal event that comes without them, up to this. Unit: bytes. Beyond it such a terminal stays as it came. */
export const keptItemsBytesMax = 16 * 1024 * 1024

/** Routing tokens that nobody has asked for yet; of more the latest count. */
const turnStatesMax = 16

/** The same of windows of the quota. */
const readingsMax = 16

/** JSON text somewhere in a buffer. */
interface Text extends Span {
  readonly bytes: Buffer
}

/** What of an attempt this observer must know. */
type ResponsesWatched = Pick<Watched, 'restore' | 'framing' | 'client'>

/** Watches a stream of Responses events. Only lifecycle events, finished items and the terminal one are looked into; deltas are passed by their name. */
export class ResponsesObserver implements EventObserver {
  readonly #watched: ResponsesWatched
  /** Of each event this is all that is asked. */
  readonly #framing: ResponsesWatched['framing']
  #response: ResponseId | null = null
  #sealed: string[] = []
  #items: { readonly index: number; readonly json: Buffer }[] | null = []
  #itemsBytes = 0
  /** Whether a finished item could not be read. */
  #itemsLost = false
  #turnStates: string[] = []
  #readings: readonly Reading[] = []
  /** The response of the terminal event, for a client that keeps what it heard. */
  #last: Body | null = null

  constructor(watched: ResponsesWatched) {
    this.#watched = watched
    this.#framing = watched.framing
  }

  see(bytes: Buffer, start: number, end: number): Seen {
    const framing = this.#framing
    if (startsWith(bytes, start, end, words[framing])) return output
    const first = framing === 'sse' ? eventType(bytes, start, end) : jsonType(bytes, start, end)
    const type = first ?? typeByParsing(JsonEvent.parse(bytes, { start, end, framing })?.data) ?? ''
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
      case 'codex.response.metadata':
        this.#metadata(bytes, start, end)
        return { kind: 'held', bytes: bytes.subarray(start, end) }
      case 'codex.rate_limits':
        this.#metered(bytes, start, end)
        return { kind: 'held', bytes: bytes.subarray(start, end) }
      default:
        return type.startsWith('response.') ? output : { kind: 'held', bytes: bytes.subarray(start, end) }
    }
  }

  /** A stream of this dialect always says that it is over. */
  close(): null {
    return null
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
    const last = this.#last === null ? null : filled(this.#last, 'output')
    if (last !== null) return last.length > keptItemsBytesMax ? null : copied([last])
    return this.#items === null || this.#itemsLost ? null : copied(this.#list(this.#items))
  }

  turnStates(): readonly string[] {
    const states = this.#turnStates
    if (states.length > 0) this.#turnStates = []
    return states
  }

  readings(): readonly Reading[] {
    const readings = this.#readings
    if (readings.length > 0) this.#readings = []
    return readings
  }

  #event(bytes: Buffer, start: number, end: number): JsonEvent | null {
    return JsonEvent.parse(bytes, { start, end, framing: this.#framing })
  }

  #metadata(bytes: Buffer, start: number, end: number): void {
    const headers = this.#event(bytes, start, end)?.data.value('headers')
    if (!isObject(headers)) return
    for (const [name, state] of Object.entries(headers)) {
      if (name.toLowerCase() !== turnStateName || typeof state !== 'string') continue
      this.#turnStates = [...this.#turnStates.slice(1 - turnStatesMax), state]
    }
  }

  #metered(bytes: Buffer, start: number, end: number): void {
    this.#readings = [...this.#readings, ...readingsOf(this.#event(bytes, start, end)?.data.value('rate_limits'))].slice(-readingsMax)
  }

  #lifecycle(bytes: Buffer, start: number, end: number): Buffer {
    const { restore } = this.#watched
    if (this.#response !== null && restore === null) return bytes.subarray(start, end)
    const data = this.#framing === 'frames' ? { start, end } : dataSpan(bytes, start, end)
    if (data === null) return this.#lifecycleInLines(bytes, start, end)
    const [response = null] = membersOf(bytes, data, 'response') ?? []
    const [id = null, model = null] = (response === null ? null : membersOf(bytes, response, 'id', 'model')) ?? []
    this.#noteResponse(id === null ? null : parsedValue(bytes, id.start, id.end))
    if (restore === null || model === null) return bytes.subarray(start, end)
    return Buffer.concat([bytes.subarray(start, model.start), Buffer.from(JSON.stringify(restore)), bytes.subarray(model.end, end)])
  }

  /** The same of data over several lines. */
  #lifecycleInLines(bytes: Buffer, start: number, end: number): Buffer {
    const event = this.#event(bytes, start, end)
    const response = responseIn(event)
    this.#noteResponse(response?.value('id'))
    return event === null ? bytes.subarray(start, end) : withResponse(event, response, restored(response, this.#watched.restore))
  }

  #noteResponse(id: unknown): void {
    if (typeof id === 'string') this.#response = id as ResponseId
  }

  /** Copied, so that a small item does not keep a large read alive. */
  #finished(bytes: Buffer, start: number, end: number): void {
    const data = this.#data(bytes, start, end)
    const [item = null, index = null] = (data === null ? null : membersOf(data.bytes, data, 'item', 'output_index')) ?? []
    if (data === null || item === null) {
      this.#itemsLost = true
      return
    }
    const json = Buffer.from(data.bytes.subarray(item.start, item.end))
    const seal = sealIn(json)
    if (seal !== null) this.#sealed.push(seal)
    const place = index === null ? null : parsedValue(data.bytes, index.start, index.end)
    this.#itemsBytes += json.length
    if (this.#itemsBytes > keptItemsBytesMax) this.#items = null
    this.#items?.push({ index: typeof place === 'number' ? place : this.#items.length, json })
  }

  /** Where an event's data stands; where it came over several lines, in one. */
  #data(bytes: Buffer, start: number, end: number): Text | null {
    if (this.#framing === 'frames') return { bytes, start, end }
    const span = dataSpan(bytes, start, end)
    if (span !== null) return { bytes, ...span }
    const data = this.#event(bytes, start, end)?.data
    return data === undefined ? null : { bytes: data.bytes, ...data.range }
  }

  /** A terminal event that cannot be read ends the turn all the same; what it would have said is unknown. */
  #terminal(bytes: Buffer, start: number, end: number, status: AnswerEnd['status']): Seen {
    const event = this.#event(bytes, start, end)
    const response = responseIn(event)
    if (event === null || response === null) {
      return { kind: 'terminal', bytes: bytes.subarray(start, end), end: { ...unknownEnd, status, response: this.#response } }
    }
    const ended = { ...endOf(response), status }
    if (ended.response !== null) this.#response = ended.response
    if (this.#watched.client === 'frames') this.#last = response
    const rebuilt = this.#rebuiltOutput(response)
    const edits = [...restored(response, this.#watched.restore), ...(rebuilt === null ? [] : [rebuilt])]
    return { kind: 'terminal', bytes: withResponse(event, response, edits), end: rebuilt === null ? ended : { ...ended, items: this.#itemIds() } }
  }

  #failed(bytes: Buffer, start: number, end: number): Seen {
    const event = this.#event(bytes, start, end)
    const response = responseIn(event)
    const error = readErrorObject(response?.value('error')) ?? blank
    const ended: AnswerEnd = { ...(response === null ? unknownEnd : endOf(response)), status: 'failed', code: error.code }
    return {
      kind: 'failed',
      bytes: event === null ? bytes.subarray(start, end) : withResponse(event, response, restored(response, this.#watched.restore)),
      end: ended,
      signal: { kind: 'told', status: null, headers: {}, error },
    }
  }

  #errorEvent(bytes: Buffer, start: number, end: number): Seen {
    const event = this.#event(bytes, start, end)
    const { error, status, headers } = readErrorEvent(event?.value())
    const toBe = status ?? statusOf(error)
    // Over a WebSocket the status is a member, and Codex ignores an error without one (protocols.md 2.6).
    const isUntold = this.#watched.client === 'frames' && !Number.isInteger(event?.data.value('status'))
    return {
      kind: 'failed',
      bytes: (isUntold ? event?.with([{ kind: 'set', member: 'status', json: String(toBe) }]) : null) ?? bytes.subarray(start, end),
      end: { ...unknownEnd, response: this.#response, code: error.code ?? error.type },
      signal: { kind: 'told', status, headers, error },
    }
  }

  /** Some backends end with an empty `output` although items were streamed, and clients take an empty list for "nothing was said". */
  #rebuiltOutput(response: Body): Edit | null {
    if (this.#items === null || this.#items.length === 0 || filled(response, 'output') !== null) return null
    return { kind: 'set', member: 'output', json: this.#list(this.#items) }
  }

  /** In the order of the answer, whatever that of their ends was. */
  #list(items: readonly { readonly index: number; readonly json: Buffer }[]): readonly Buffer[] {
    return listOf(items.toSorted((a, b) => a.index - b.index).map(({ json }) => [json]))
  }

  #itemIds(): readonly string[] {
    return idsOf((this.#items ?? []).map((item) => item.json))
  }
}

function responseIn(event: JsonEvent | null): Body | null {
  const span = event?.data.span('response') ?? null
  return event === null || span === null ? null : event.data.within(span)
}

/** The event with these edits inside its `response`; its very bytes where there are none. */
function withResponse(event: JsonEvent, response: Body | null, edits: readonly Edit[]): Buffer {
  return response === null ? event.with([]) : event.with(edits, response)
}

/** An error object without a type is an error event too: clients throw on it. */
function typeByParsing(data: Body | undefined): string | null {
  const type = data?.value('type')
  if (typeof type === 'string') return type
  return isObject(data?.value('error')) ? 'error' : null
}
