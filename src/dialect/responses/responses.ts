import type { Endpoint } from '../../core/turn.ts'
import type { Dialect } from '../dialect.ts'
import { apply } from './apply.ts'
import { readError } from './error.ts'
import { ResponsesObserver } from './observe.ts'
import { governed, read } from './read.ts'
import { observeAnswer } from './response.ts'
import { failInBand, keepAlive, refuse, retell } from './tell.ts'

const paths: Readonly<Record<Endpoint, string>> = {
  responses: '/responses',
  compact: '/responses/compact',
  input_tokens: '/responses/input_tokens',
}

/** OpenAI's Responses API (protocols.md 1). */
export const responses: Dialect = {
  name: 'responses',
  governed,
  modelHeader: 'openai-model',
  read,
  path: (endpoint) => paths[endpoint],
  apply,
  observe: (watched) => new ResponsesObserver(watched),
  observeAnswer,
  readError,
  refuse,
  retell,
  failInBand,
  keepAlive,
}
