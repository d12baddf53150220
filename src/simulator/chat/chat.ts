import type { Answer } from '../answer.ts'
import type { Place } from '../deed.ts'
import type { Dialect } from '../dialect.ts'
import { refused } from '../error.ts'
import { unnamed } from '../frame.ts'
import { chatTrouble } from '../openai-trouble.ts'
import { modelTold, openaiHeaders, openaiLimits } from '../openai.ts'
import { chunksOf, completionOf, endingChunks, failedText } from './events.ts'
import { readChat } from './read.ts'

/** Chat Completions (protocols.md 4). */
export const chat: Dialect = {
  name: 'chat',
  headers: openaiHeaders,
  refuser: () => refused,
  read: readChat,
  least: (model, text, stream) => ({
    model,
    messages: [{ role: 'user', content: text }],
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  }),
  trouble: chatTrouble,
  limits: openaiLimits,
  told: modelTold,
  events: chunksOf,
  whole: completionOf,
  failedWhole: (_said, error) => failedText(error),
  failedEvent: (_said, { deed }) => unnamed(failedText(deed.error)),
  place,
  malformed: unnamed('{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":'),
  // Such chunks are known: they tell what filters found, and have no choices.
  extra: (type) => unnamed(JSON.stringify({ id: '', object: type, created: 0, model: '', choices: [] })),
}

/** The chunk of the role, and the first one of the text. */
function place(place: Place, said: Answer, events: number): number {
  switch (place) {
    case 'output':
      return 1
    case 'more':
      return 2
    case 'end':
      return events - endingChunks(said)
  }
}
