import { noMemo, type DeltaForm, type HubEvent, type StreamReader, type StreamWriter, type Telling, type Translated, type Translator } from './hub.ts'
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

  grow(): true {
    return true
  }

  close(): readonly HubEvent[] {
    return []
  }
}

class ResponsesWriter implements StreamWriter {
  readonly #telling: Telling
  #written = 0
  /** The delta that was written last, up to its text. */
  #delta: string | null = null

  constructor(telling: Telling) {
    this.#telling = telling
  }

  write(event: HubEvent): readonly Buffer[] {
    const { response, delta, ...rest } = event
    if (typeof delta === 'string') {
      // Its text comes last, so that another can stand in its place.
      this.#delta = `${opened(event.type, rest)},"delta":`
      return [this.#framed(`${this.#delta}${JSON.stringify(delta)}`)]
    }
    return [this.#framed(opened(event.type, isObject(response) ? { ...event, response: named(response, this.#telling) } : event))]
  }

  lastDelta(): DeltaForm | null {
    return this.#delta === null ? null : { before: `${this.#delta}"`, behind: `"${numbering}`, number: this.#written, end: closing }
  }

  grow(_text: string, events: number): void {
    this.#written += events
  }

  #framed(text: string): Buffer {
    return Buffer.from(`${text}${numbering}${this.#written++}${closing}`)
  }
}

const numbering = ',"sequence_number":'
const closing = '}\n\n'

/** An event whose object is still open. JSON of ours has no line breaks, and at least its type. */
function opened(type: string, event: Json): string {
  return `event: ${type}\ndata: ${JSON.stringify(event).slice(0, -1)}`
}

function isHubEvent(data: Json): data is HubEvent {
  return typeof data['type'] === 'string'
}
