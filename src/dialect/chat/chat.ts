import type { Dialect } from '../dialect.ts'
import { readError } from '../responses/error.ts'
import { refuse } from '../responses/tell.ts'
import { observeAnswer } from './answer.ts'
import { apply } from './apply.ts'
import { mannerOf } from './endpoints.ts'
import { gather } from './gather.ts'
import { ChatObserver } from './observe.ts'
import { governed, read } from './read.ts'
import { failInBand, keepAlive, retell } from './tell.ts'

/** OpenAI's Chat Completions, and those of its other endpoints that share their errors and headers (protocols.md 4, 7.2, 7.3). */
export const chat: Dialect = {
  name: 'chat',
  endsInErrors: false,
  governed,
  modelHeader: 'openai-model',
  requestIdHeader: 'x-request-id',
  read,
  path: (endpoint) => mannerOf(endpoint).path,
  headers: (_plan, headers) => headers,
  apply,
  observe: (watched) => new ChatObserver(watched),
  observeAnswer,
  gather,
  readError,
  refuse,
  retell,
  failInBand,
  keepAlive,
}
