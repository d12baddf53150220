import type { Span } from './body.ts'

const lf = 0x0a
const cr = 0x0d
const space = 0x20
const colon = 0x3a
const quote = 0x22
const backslash = 0x5c
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const eventField = Buffer.from('event')
const dataField = Buffer.from('data')
const typeFirst = Buffer.from('{"type":"')

const newline = Buffer.from('\n')
const lineBreak = /[\r\n]/
const lineBreaks = /\r\n|\r|\n/g

/** Most lines but those of data are shorter; up to here a loop beats a call. */
const nearBytes = 256

/** Pieces of an event that came in very small chunks are joined from time to time, so that a list of them stays short. */
const piecesMax = 4096

/** What the last byte seen leaves open. */
type State =
  /** Nothing of the next event has come but blank lines, which belong to it. */
  | 'before'
  | 'in-line'
  | 'after-lf'
  /** The carriage return may yet be half of a pair. */
  | 'after-cr'
  /** A blank line, whose carriage return the pair's other half may follow. */
  | 'after-lf-cr'

/** Takes one whole event, `bytes[start, end)`, its closing blank line included. The bytes may be a chunk that other events share. */
export type TakeEvent = (bytes: Buffer, start: number, end: number) => void

/**
 * Finds where the events of a stream end, on its bytes, and copies none that lies within one chunk. Laid end to end, the events and `rest`
 * are the stream, but for a byte order mark at its start. Lines end in LF, CR LF or CR; blank lines before an event are part of it.
 */
export class EventSplitter {
  readonly #eventBytesMax: number
  #state: State = 'before'
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #isFirst = true
  /** Where in the chunk at hand the next LF and the next CR stand; its length where there is none. */
  #lf = 0
  #cr = 0

  constructor(eventBytesMax: number) {
    this.#eventBytesMax = eventBytesMax
  }

  /** Bytes of an event that is not yet complete. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** The same as bytes: what is left when the stream has ended. */
  rest(): Buffer {
    return this.#pieces.length === 1 && this.#pieces[0] !== undefined ? this.#pieces[0] : Buffer.concat(this.#pieces)
  }

  /** False: an event is larger than the bound, and nothing can be made of what follows. Events before it were taken. */
  push(chunk: Buffer, take: TakeEvent): boolean {
    this.#lf = this.#cr = -1
    let start = 0
    for (let end = this.#boundary(chunk, 0); end !== -1; end = this.#boundary(chunk, end)) {
      if (this.#pendingBytes + end - start > this.#eventBytesMax) return false
      this.#give(chunk, start, end, take)
      start = end
    }
    if (start < chunk.length) this.#keep(start === 0 ? chunk : chunk.subarray(start))
    return this.#pendingBytes <= this.#eventBytesMax
  }

  #give(chunk: Buffer, start: number, end: number, take: TakeEvent): void {
    const isWhole = this.#pendingBytes === 0
    const bytes = isWhole ? chunk : Buffer.concat([...this.#pieces, chunk.subarray(start, end)])
    const from = isWhole ? start : 0
    const to = isWhole ? end : bytes.length
    const skip = this.#isFirst && byteOrderMark.compare(bytes, from, Math.min(to, from + 3)) === 0 ? 3 : 0
    this.#isFirst = false
    this.#pieces = []
    this.#pendingBytes = 0
    take(bytes, from + skip, to)
  }

  #keep(piece: Buffer): void {
    if (this.#pieces.length === piecesMax) this.#pieces = [Buffer.concat(this.#pieces)]
    this.#pieces.push(piece)
    this.#pendingBytes += piece.length
  }

  /** Where the event ends that is under way at `from`; -1 when it goes on behind the chunk. */
  #boundary(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length) {
      const byte = chunk[at]
      switch (this.#state) {
        case 'before':
          if (byte === lf || byte === cr) at++
          else this.#state = 'in-line'
          break
        case 'in-line':
          at = this.#lineBreak(chunk, at)
          if (at === chunk.length) break
          this.#state = chunk[at++] === lf ? 'after-lf' : 'after-cr'
          break
        case 'after-lf':
          if (byte === cr) {
            this.#state = 'after-lf-cr'
            at++
            break
          }
          if (byte === lf) return this.#ended(at + 1)
          this.#state = 'in-line'
          break
        case 'after-cr':
          if (byte === cr) return this.#ended(at + 1)
          this.#state = byte === lf ? 'after-lf' : 'in-line'
          if (byte === lf) at++
          break
        case 'after-lf-cr':
          return this.#ended(byte === lf ? at + 1 : at)
      }
    }
    return -1
  }

  #ended(at: number): number {
    this.#state = 'before'
    return at
  }

  /** The next LF or CR at or behind `at`. Each is sought once over the chunk, however many of the other kind lie between. */
  #lineBreak(chunk: Buffer, at: number): number {
    if (this.#lf < at) this.#lf = found(chunk, lf, at)
    if (this.#cr < at) this.#cr = found(chunk, cr, at)
    return Math.min(this.#lf, this.#cr)
  }
}

function found(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from)
  return at === -1 ? chunk.length : at
}

/** What one event says. */
export interface EventFields {
  /** Of its last `event:` line; null where there is none, or an empty one. */
  readonly event: string | null
  /** The values of its `data:` lines. */
  readonly data: readonly Span[]
}

export function eventFields(bytes: Buffer, start: number, end: number): EventFields {
  const data: Span[] = []
  let event: string | null = null
  for (let at = start; at < end;) {
    const to = lineEnd(bytes, at, end)
    if (isField(bytes, at, to, dataField)) data.push({ start: valueStart(bytes, at, to, dataField), end: to })
    else if (isField(bytes, at, to, eventField)) event = bytes.toString('utf8', valueStart(bytes, at, to, eventField), to)
    at = to + 1
  }
  return { event: event === '' ? null : event, data }
}

/** The range of an event's data where that stands in one line, as it nearly always does; else null. */
export function dataSpan(bytes: Buffer, start: number, end: number): Span | null {
  const { data } = eventFields(bytes, start, end)
  return data.length === 1 ? (data[0] ?? null) : null
}

/** An event's data, however many lines it takes: a part of the same bytes where it takes one. Null where it has none. */
export function joinedData(bytes: Buffer, start: number, end: number): Buffer | null {
  return eventParts(bytes, start, end).json
}

/** An event's name and its data, as `joinedData` gives it. */
export function eventParts(bytes: Buffer, start: number, end: number): { readonly event: string | null; readonly json: Buffer | null } {
  const { event, data } = eventFields(bytes, start, end)
  const [first] = data
  if (first === undefined) return { event, json: null }
  if (data.length === 1) return { event, json: bytes.subarray(first.start, first.end) }
  const lines = data.flatMap((line) => [newline, bytes.subarray(line.start, line.end)])
  return { event, json: Buffer.concat(lines.slice(1)) }
}

/**
 * An event's type at the price of a look at its beginning: the JSON's own where that comes first in it, else that of the `event:` line.
 * Null: only a parse of the data can tell.
 */
export function eventType(bytes: Buffer, start: number, end: number): string | null {
  let nameAt = start
  let nameEnd = start
  let isFirstData = true
  for (let at = start; at < end;) {
    if (isFirstData && bytes[at] === dataField[0] && isField(bytes, at, end, dataField)) {
      isFirstData = false
      const value = valueStart(bytes, at, end, dataField)
      if (startsWith(bytes, value, end, typeFirst)) return plainString(bytes, value + typeFirst.length, end)
    }
    const to = lineEnd(bytes, at, end)
    if (isField(bytes, at, to, eventField)) {
      nameAt = valueStart(bytes, at, to, eventField)
      nameEnd = to
    }
    at = to + 1
  }
  return nameAt < nameEnd ? bytes.toString('utf8', nameAt, nameEnd) : null
}

/** The type that a JSON object names, where it does so first and plainly; null: only a parse can tell. */
export function jsonType(bytes: Buffer, start: number, end: number): string | null {
  return startsWith(bytes, start, end, typeFirst) ? plainString(bytes, start + typeFirst.length, end) : null
}

/** An event as the wire has it. Line breaks that stand between the tokens of the JSON become lines of data. */
export function sseEvent(type: string, json: string | Buffer): Buffer {
  const isOneLine = typeof json === 'string' ? !lineBreak.test(json) : !json.includes(lf) && !json.includes(cr)
  const head = `event: ${type}\ndata: `
  if (!isOneLine) return Buffer.from(`${head}${json.toString().replaceAll(lineBreaks, '\ndata: ')}\n\n`)
  return typeof json === 'string' ? Buffer.from(`${head}${json}\n\n`) : Buffer.concat([Buffer.from(head), json, Buffer.from('\n\n')])
}

/** Where the line ends that begins at `at`: at its LF or CR. The empty line between the two of a pair does no harm. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  const near = Math.min(at + nearBytes, end)
  for (let to = at; to < near; to++) if (bytes[to] === lf || bytes[to] === cr) return to
  if (near === end) return end
  const far = bytes.subarray(near, end)
  const line = far.subarray(0, found(far, lf, 0))
  return near + found(line, cr, 0)
}

/** Whether the line is this field: its name, then a colon or nothing more. */
function isField(bytes: Buffer, at: number, end: number, name: Buffer): boolean {
  const behind = at + name.length
  return startsWith(bytes, at, end, name) && (behind === end || bytes[behind] === colon)
}

/** Behind the colon and the one space that may follow it. */
function valueStart(bytes: Buffer, at: number, end: number, name: Buffer): number {
  const value = Math.min(at + name.length + 1, end)
  return value < end && bytes[value] === space ? value + 1 : value
}

/** The rest of a JSON string up to its quote; null where it is escaped or cut off. */
function plainString(bytes: Buffer, from: number, end: number): string | null {
  for (let to = from; to < end; to++) {
    if (bytes[to] === quote) return bytes.toString('utf8', from, to)
    if (bytes[to] === backslash) return null
  }
  return null
}

export function startsWith(bytes: Buffer, at: number, end: number, what: Buffer): boolean {
  if (at + what.length > end) return false
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false
  return true
}
