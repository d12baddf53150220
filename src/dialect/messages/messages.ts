import type { Endpoint } from '../../core/turn.ts'
import type { Dialect } from '../dialect.ts'
import { observeAnswer } from './answer.ts'
import { apply, headers } from './apply.ts'
import { readError } from './error.ts'
import { gather } from './gather.ts'
import { MessagesObserver } from './observe.ts'
import { governed, read } from './read.ts'
import { failInBand, keepAlive, refuse, retell } from './tell.ts'

const paths: Readonly<Partial<Record<Endpoint, string>>> = { count_tokens: '/messages/count_tokens' }

/** Anthropic's Messages API (protocols.md 5). */
export const messages: Dialect = {
  name: 'messages',
  endsInErrors: false,
  governed,
  modelHeader: null,
  requestIdHeader: 'request-id',
  read,
  path: (endpoint) => paths[endpoint] ?? '/messages',
  headers,
  apply,
  observe: (watched) => new MessagesObserver(watched),
  observeAnswer,
  gather,
  readError,
  refuse,
  retell,
  failInBand,
  keepAlive,
}
