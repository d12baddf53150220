import type { Translator } from '../hub.ts'
import { answerFromHub } from './answer-from-hub.ts'
import { answerToHub } from './answer-to-hub.ts'
import { questionFromHub } from './question-from-hub.ts'
import { questionToHub } from './question-to-hub.ts'
import { ChatStreamReader } from './stream-reader.ts'
import { ChatStreamWriter } from './stream-writer.ts'

/** Between Chat Completions and the hub (protocols.md 4). */
export const chatTranslator: Translator = {
  toHub: questionToHub,
  fromHub: questionFromHub,
  answerToHub,
  answerFromHub,
  reader: (telling) => new ChatStreamReader(telling),
  writer: (telling) => new ChatStreamWriter(telling),
}
