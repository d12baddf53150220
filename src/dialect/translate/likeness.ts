import { stringEnd } from '../../lib/json-scan.ts'
import { isObject, type Json } from '../json.ts'

/*
 * Most events of a stream differ from the one before in one text alone, and in what numbers or pads them: what stands around it need not be parsed again.
 * Comparing costs a fraction of that.
 */

/** A text that makes an event another one: where it stands, and the same event with another. */
interface Place {
  readonly member: string
  textIn(data: Json): unknown
  put(data: Json, text: string): Json
}

const inDelta = (member: 'text' | 'thinking' | 'partial_json'): Place => ({
  member,
  textIn: ({ delta }) => (isObject(delta) ? delta[member] : undefined),
  put: (data, text) => ({ ...data, delta: { ...(data['delta'] as Json), [member]: text } }),
})

const places: readonly Place[] = [
  { member: 'delta', textIn: ({ delta }) => delta, put: (data, text) => Object.assign(data, { delta: text }) },
  inDelta('text'),
  inDelta('thinking'),
  inDelta('partial_json'),
  {
    member: 'content',
    textIn: (data) => onlyDelta(data)?.['content'],
    put: (data, text) => withDelta(data, { content: text }),
  },
  {
    member: 'arguments',
    textIn: (data) => functionIn(data)?.['arguments'],
    put: (data, text) => {
      const [call] = (onlyDelta(data)?.['tool_calls'] ?? []) as readonly Json[]
      return withDelta(data, { tool_calls: [{ ...call, function: { ...functionIn(data), arguments: text } }] })
    },
  },
]

function onlyDelta({ choices }: Json): Json | null {
  if (!Array.isArray(choices) || choices.length !== 1) return null
  const [choice] = choices as readonly unknown[]
  return isObject(choice) && isObject(choice['delta']) ? choice['delta'] : null
}

function functionIn(data: Json): Json | null {
  const calls = onlyDelta(data)?.['tool_calls']
  const call: unknown = Array.isArray(calls) && calls.length === 1 ? calls[0] : null
  return isObject(call) && isObject(call['function']) ? call['function'] : null
}

function withDelta(data: Json, delta: Json): Json {
  const [choice] = data['choices'] as readonly Json[]
  return { ...data, choices: [{ ...choice, delta: { ...onlyDelta(data), ...delta } }] }
}

/** A part of an event that may be another in the next one. `telling`: it is the text. */
interface Hole {
  readonly start: number
  readonly end: number
  readonly is: 'text' | 'digits'
  readonly telling: boolean
}

/** What numbers an event, and what only hides its length, is of no meaning to whoever translates it. */
const meaningless: readonly { readonly opening: string; readonly is: Hole['is'] }[] = [
  { opening: '"sequence_number":', is: 'digits' },
  { opening: '"obfuscation":"', is: 'text' },
]

/** Larger events are not for a few words, and not kept. Unit: bytes. */
const eventBytesMax = 4096

/** An event as it came, and what a parse has made of it. */
interface Parsed {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly name: string | null
  readonly data: Json
}

/** An event, and every other that differs from it in its text only. */
export class Likeness {
  readonly name: string | null
  readonly #data: Json
  readonly #place: Place
  readonly #holes: readonly Hole[]
  /** What stands before, between and behind the holes. */
  readonly #around: readonly Buffer[]

  private constructor({ name, data }: Parsed, place: Place, holes: readonly Hole[], around: readonly Buffer[]) {
    this.name = name
    // Its own, since the text is laid into it: an event a word is too much to make anew from ten members.
    this.#data = { ...data }
    this.#place = place
    this.#holes = holes
    this.#around = around
  }

  /** Null: its text cannot be told from the rest. */
  static to(event: Parsed): Likeness | null {
    if (event.end - event.start > eventBytesMax) return null
    const { data } = event
    const bytes = Buffer.from(event.bytes.subarray(event.start, event.end))
    const place = places.find((one) => typeof one.textIn(data) === 'string')
    const text = place === undefined ? null : holeBehind(bytes, `"${place.member}":"`, 'text', true)
    if (place === undefined || text === null || textOf(bytes, text.start, text.end) !== place.textIn(data)) return null
    const others = meaningless.flatMap(({ opening, is }) => holeBehind(bytes, opening, is, false) ?? [])
    const holes = [text, ...others].toSorted((a, b) => a.start - b.start)
    const starts = [0, ...holes.map(({ end }) => end)]
    return new Likeness(
      event,
      place,
      holes,
      starts.map((start, nth) => bytes.subarray(start, holes[nth]?.start ?? bytes.length)),
    )
  }

  /** What the event says, until the next one is read; null: it is not like this one. */
  read(bytes: Buffer, start: number, end: number): Json | null {
    let at = start
    let text: string | null = null
    for (let nth = 0; nth < this.#around.length; nth++) {
      const piece = this.#around[nth]
      const to = at + (piece?.length ?? 0)
      if (to > end || piece?.compare(bytes, at, to) !== 0) return null
      const hole = this.#holes[nth]
      if (hole === undefined) return to === end && text !== null ? this.#place.put(this.#data, text) : null
      at = hole.is === 'text' ? stringEnd(bytes, to, end) : digitsEnd(bytes, to, end)
      if (at === -1) return null
      if (hole.telling) text = textOf(bytes, to, at)
    }
    return null
  }
}

/** Null: there is no such member, or more than one. */
function holeBehind(bytes: Buffer, opening: string, is: Hole['is'], telling: boolean): Hole | null {
  const found = bytes.indexOf(opening)
  if (found === -1 || bytes.indexOf(opening, found + 1) !== -1) return null
  const start = found + opening.length
  const end = is === 'text' ? stringEnd(bytes, start, bytes.length) : digitsEnd(bytes, start, bytes.length)
  return end === -1 ? null : { start, end, is, telling }
}

/** Behind the digits of a number; -1 where there are none. */
function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at++
  return at === from ? -1 : at
}

/** A JSON string without its quotes; null where it is malformed. */
function textOf(bytes: Buffer, start: number, end: number): string | null {
  const text = bytes.toString('utf8', start, end)
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return null
  }
}
