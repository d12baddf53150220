import { noMemo, type HubEvent, type StreamReader, type StreamWriter, type Telling, type Translated, type Translator } from './hub.ts'
import { isObject, type Json } from '../json.ts'

/** Responses is the hub: nothing is said differently. */
export const responsesTranslator: Translator = {
  toHub: same,
  fromHub: same,
  answerToHub: (answer) => answer,
  answerFromHub: named,
  reader: () => new ResponsesReader(),
  writer: (telling) => new ResponsesWriter(telling),
}

function same(question: Json): Translated {
  return { kind: 'translated', question, memo: noMemo }
}

function named(response: Json, { restore }: Telling): Json {
  return restore === null ? response : { ...response, model: restore }
}

class ResponsesReader implements StreamReader {
  read(name: string | null, data: Json): readonly HubEvent[] {
    if (isHubEvent(data)) return [data]
    return name === null ? [] : [{ ...data, type: name }]
  }

  close(): readonly HubEvent[] {
    return []
  }
}

/** A delta as it was written, in two parts: what stands before its text, and what stands behind it. */
interface Delta {
  readonly event: HubEvent
  readonly before: string
  readonly behind: string
}

class ResponsesWriter implements StreamWriter {
  readonly #telling: Telling
  #written = 0
  #delta: Delta | null = null

  constructor(telling: Telling) {
    this.#telling = telling
  }

  write(event: HubEvent): readonly Buffer[] {
    const { response, delta } = event
    const like = this.#delta
    if (typeof delta === 'string' && like !== null && isLike(event, like.event)) return [this.#framed(`${like.before}${JSON.stringify(delta)}${like.behind}`)]
    const said = isObject(response) ? { ...event, response: named(response, this.#telling) } : event
    // JSON of ours has no line breaks, and at least its type.
    const text = `event: ${event.type}\ndata: ${JSON.stringify(said).slice(0, -1)}`
    if (typeof delta === 'string') this.#delta = deltaOf(event, text, delta)
    return [this.#framed(text)]
  }

  #framed(text: string): Buffer {
    return Buffer.from(`${text},"sequence_number":${this.#written++}}\n\n`)
  }
}

function isHubEvent(data: Json): data is HubEvent {
  return typeof data['type'] === 'string'
}

/** Whether two deltas differ in their text alone. Most of a stream does, and only the text need then be written anew. */
function isLike(event: HubEvent, other: HubEvent): boolean {
  let members = 0
  for (const member in event) {
    members++
    if (member !== 'delta' && event[member] !== other[member] && !(isEmpty(event[member]) && isEmpty(other[member]))) return false
  }
  for (const _ in other) members--
  return members === 0
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** Null: its text cannot be told from the rest. */
function deltaOf(event: HubEvent, text: string, delta: string): Delta | null {
  const member = `"delta":${JSON.stringify(delta)}`
  const at = text.indexOf(member)
  if (at === -1 || text.indexOf(member, at + 1) !== -1) return null
  return { event, before: text.slice(0, at + '"delta":'.length), behind: text.slice(at + member.length) }
}
