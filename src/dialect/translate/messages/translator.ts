import type { Translator } from '../hub.ts'
import { answerFromHub } from './answer-from-hub.ts'
import { answerToHub } from './answer-to-hub.ts'
import { questionFromHub } from './question-from-hub.ts'
import { questionToHub } from './question-to-hub.ts'
import { MessagesReader } from './stream-reader.ts'
import { MessagesWriter } from './stream-writer.ts'

/** Between Anthropic Messages and the hub (protocols.md 5.6 to 5.8). */
export const messagesTranslator: Translator = {
  toHub: questionToHub,
  fromHub: questionFromHub,
  answerToHub,
  answerFromHub,
  reader: (telling) => new MessagesReader(telling),
  writer: (telling) => new MessagesWriter(telling),
}
