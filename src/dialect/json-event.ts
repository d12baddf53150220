import { Body, type Edit } from '../lib/body.ts'
import { dataSpan, eventType, joinedData } from '../lib/sse.ts'
import type { Watched } from './dialect.ts'

interface Place {
  readonly start: number
  readonly end: number
  readonly framing: Watched['framing']
}

const nothing = Buffer.alloc(0)

/** An event whose data is a JSON object: the object as an index, and where it lies in the event. */
export class JsonEvent {
  readonly data: Body
  readonly #whole: Buffer
  readonly #before: Buffer
  readonly #after: Buffer

  private constructor(data: Body, whole: Buffer, before: Buffer, after: Buffer) {
    this.data = data
    this.#whole = whole
    this.#before = before
    this.#after = after
  }

  /** Null: it has no data, or its data is no object that can be read. */
  static parse(bytes: Buffer, { start, end, framing }: Place): JsonEvent | null {
    const whole = bytes.subarray(start, end)
    if (framing === 'frames') {
      const data = Body.of(bytes, start, end)
      return data === null ? null : new JsonEvent(data, whole, nothing, nothing)
    }
    const span = dataSpan(bytes, start, end)
    if (span !== null) {
      const data = Body.of(bytes, span.start, span.end)
      return data === null ? null : new JsonEvent(data, whole, bytes.subarray(start, span.start), bytes.subarray(span.end, end))
    }
    // Data over several lines: said again in one.
    const joined = joinedData(bytes, start, end)
    const data = joined === null ? null : Body.of(oneLine(joined))
    const name = eventType(bytes, start, end)
    return data === null ? null : new JsonEvent(data, whole, Buffer.from(`${name === null ? '' : `event: ${name}\n`}data: `), Buffer.from('\n\n'))
  }

  /** All of the data, parsed; undefined where a string in it is malformed. */
  value(): unknown {
    try {
      return JSON.parse(Buffer.concat(this.data.edited([]).pieces).toString('utf8'))
    } catch {
      return undefined
    }
  }

  /** The event with these edits of its data; its very bytes where there are none. */
  with(edits: readonly Edit[]): Buffer {
    return edits.length === 0 ? this.#whole : Buffer.concat([this.#before, ...this.data.edited(edits).pieces, this.#after])
  }
}

/** Line breaks between the lines of one data field are white space of its JSON. */
function oneLine(json: Buffer): Buffer {
  return Buffer.from(json.toString('latin1').replaceAll(/[\r\n]/g, ' '), 'latin1')
}
