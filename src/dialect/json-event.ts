import { Body, type Edit } from '../lib/body.ts'
import { parsedText } from '../lib/member-name.ts'
import { dataSpan, eventType, joinedData } from '../lib/sse.ts'
import type { Watched } from './dialect.ts'

interface Place {
  readonly start: number
  readonly end: number
  readonly framing: Watched['framing']
}

/** What stands around the data where that was said again in one line. */
interface Around {
  readonly before: Buffer
  readonly after: Buffer
}

/** An event whose data is a JSON object: the object as an index, and where it lies in the event. */
export class JsonEvent {
  readonly data: Body
  readonly #bytes: Buffer
  readonly #place: Place
  readonly #around: Around | null

  private constructor(data: Body, bytes: Buffer, place: Place, around: Around | null) {
    this.data = data
    this.#bytes = bytes
    this.#place = place
    this.#around = around
  }

  /** Null: it has no data, or its data is no object that can be read. */
  static parse(bytes: Buffer, place: Place): JsonEvent | null {
    const { start, end, framing } = place
    const span = framing === 'frames' ? place : dataSpan(bytes, start, end)
    if (span !== null) {
      const data = Body.of(bytes, span.start, span.end)
      return data === null ? null : new JsonEvent(data, bytes, place, null)
    }
    // Data over several lines: said again in one.
    const joined = joinedData(bytes, start, end)
    const data = joined === null ? null : Body.of(oneLine(joined))
    const name = eventType(bytes, start, end)
    const before = Buffer.from(`${name === null ? '' : `event: ${name}\n`}data: `)
    return data === null ? null : new JsonEvent(data, bytes, place, { before, after: Buffer.from('\n\n') })
  }

  /** All of the data, parsed; undefined where a string in it is malformed. */
  value(): unknown {
    const { bytes, range } = this.data
    return parsedText(bytes, range.start, range.end)
  }

  /** The event with these edits of its data, or of an object in it; its very bytes where there are none. */
  with(edits: readonly Edit[], object: Body = this.data): Buffer {
    const { start, end } = this.#place
    if (edits.length === 0) return this.#bytes.subarray(start, end)
    const { bytes, range } = this.data
    const left = bytes.subarray(this.#around === null ? start : range.start, object.range.start)
    const right = bytes.subarray(object.range.end, this.#around === null ? end : range.end)
    const { pieces } = object.edited(edits)
    return this.#around === null ? Buffer.concat([left, ...pieces, right]) : Buffer.concat([this.#around.before, left, ...pieces, right, this.#around.after])
  }
}

/** Line breaks between the lines of one data field are white space of its JSON. */
function oneLine(json: Buffer): Buffer {
  return Buffer.from(json.toString('latin1').replaceAll(/[\r\n]/g, ' '), 'latin1')
}
