import { sseEvent } from '../../lib/sse.ts'
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
    const type = data['type'] ?? name
    return typeof type === 'string' ? [{ ...data, type }] : []
  }

  close(): readonly HubEvent[] {
    return []
  }
}

class ResponsesWriter implements StreamWriter {
  readonly #telling: Telling
  #written = 0

  constructor(telling: Telling) {
    this.#telling = telling
  }

  write(event: HubEvent): readonly Buffer[] {
    const { response } = event
    const said = isObject(response) ? { ...event, response: named(response, this.#telling) } : event
    return [sseEvent(event.type, JSON.stringify({ ...said, sequence_number: this.#written++ }))]
  }
}
