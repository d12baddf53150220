import type { Dialect } from '../dialect.ts'
import { readError } from '../responses/error.ts'
import { refuse } from '../responses/tell.ts'
import { observeAnswer } from './answer.ts'
import { apply } from './apply.ts'
import { gather } from './gather.ts'
import { ChatObserver } from './observe.ts'
import { governed, read } from './read.ts'
import { failInBand, keepAlive, retell } from './tell.ts'

/** OpenAI's Chat Completions, and its embeddings, which share their manners (protocols.md 4 and 7.2). */
export const chat: Dialect = {
  name: 'chat',
  endsInErrors: false,
  governed,
  modelHeader: 'openai-model',
  requestIdHeader: 'x-request-id',
  read,
  path: (endpoint) => (endpoint === 'embeddings' ? '/embeddings' : '/chat/completions'),
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
