import { stringEnd } from '../../lib/json-scan.ts'
import { isObject, type Json } from '../json.ts'
import { digitsEnd, Stencil, stencilBytesMax, type Hole, type Place } from '../stencil.ts'

/** A text that makes an event another one: where it stands, and the same event with another. */
interface Text {
  readonly member: string
  textIn(data: Json): unknown
  put(data: Json, text: string): Json
}

const inDelta = (member: 'text' | 'thinking' | 'partial_json'): Text => ({
  member,
  textIn: ({ delta }) => (isObject(delta) ? delta[member] : undefined),
  put: (data, text) => ({ ...data, delta: { ...(data['delta'] as Json), [member]: text } }),
})

const texts: readonly Text[] = [
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

/** What numbers an event, and what only hides its length, is of no meaning to whoever translates it. */
const meaningless: readonly { readonly opening: string; readonly is: Hole['is'] }[] = [
  { opening: '"sequence_number":', is: 'digits' },
  { opening: '"obfuscation":"', is: 'text' },
]

/** An event as it came, and what a parse has made of it. */
interface Parsed extends Place {
  readonly name: string | null
  readonly data: Json
}

/** An event, and every other that differs from it in its text only. */
export class Likeness {
  readonly name: string | null
  readonly #data: Json
  readonly #text: Text
  readonly #stencil: Stencil
  /** Which of the holes is the text. */
  readonly #nth: number

  private constructor({ name, data }: Parsed, text: Text, stencil: Stencil, nth: number) {
    this.name = name
    // Its own, since the text is laid into it: an event a word is too much to make anew from ten members.
    this.#data = { ...data }
    this.#text = text
    this.#stencil = stencil
    this.#nth = nth
  }

  /** Null: its text cannot be told from the rest. */
  static to(event: Parsed): Likeness | null {
    const { bytes, start, end, data } = event
    if (end - start > stencilBytesMax) return null
    const text = texts.find((one) => typeof one.textIn(data) === 'string')
    const place = text === undefined ? null : holeBehind(event, `"${text.member}":"`, 'text')
    if (text === undefined || place === null || textOf(bytes, place.start, place.end) !== text.textIn(data)) return null
    const others = meaningless.flatMap(({ opening, is }) => holeBehind(event, opening, is) ?? [])
    const holes = [place, ...others].toSorted((a, b) => a.start - b.start)
    return new Likeness(event, text, new Stencil(event, holes), holes.indexOf(place))
  }

  /** What the event says, until the next one is read; null: it is not like this one. */
  read(bytes: Buffer, start: number, end: number): Json | null {
    if (!this.#stencil.matches(bytes, start, end)) return null
    const { bounds } = this.#stencil
    const text = textOf(bytes, bounds[2 * this.#nth] ?? 0, bounds[2 * this.#nth + 1] ?? 0)
    return text === null ? null : this.#text.put(this.#data, text)
  }
}

/** Null: there is no such member, or more than one. */
function holeBehind({ bytes, start, end }: Place, opening: string, is: Hole['is']): Hole | null {
  const event = bytes.subarray(start, end)
  const found = event.indexOf(opening)
  if (found === -1 || event.indexOf(opening, found + 1) !== -1) return null
  const from = start + found + opening.length
  const to = is === 'text' ? stringEnd(bytes, from, end) : digitsEnd(bytes, from, end)
  return to === -1 ? null : { start: from, end: to, is }
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
