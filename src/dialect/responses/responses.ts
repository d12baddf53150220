import type { Endpoint } from '../../core/turn.ts'
import type { FrameDialect, SessionDialect } from '../dialect.ts'
import { apply } from './apply.ts'
import { readError } from './error.ts'
import { parseFrame, readCreate, readFrame, update } from './frame.ts'
import { frameOf } from './frame-of.ts'
import { gather } from './gather.ts'
import { itemsOf } from './items.ts'
import { ResponsesObserver } from './observe.ts'
import { governed, read } from './read.ts'
import { observeAnswer } from './response.ts'
import { failInBand, keepAlive, refuse, retell } from './tell.ts'
import { errorFrame, failInFrame, keepAliveInSession, lostInSession, steerFailed, turnStateFrame, warmUp } from './tell-frame.ts'

const paths: Readonly<Partial<Record<Endpoint, string>>> = {
  compact: '/responses/compact',
  input_tokens: '/responses/input_tokens',
}

const frames: FrameDialect = {
  parse: parseFrame,
  read: readFrame,
  readCreate,
  itemsOf,
  update,
  frameOf,
  errorFrame,
  failInBand: failInFrame,
  steerFailed,
  keepAlive: keepAliveInSession,
  turnState: turnStateFrame,
  warmUp,
  lostInSession,
}

/** OpenAI's Responses API (protocols.md 1 and 2). */
export const responses: SessionDialect = {
  name: 'responses',
  endsInErrors: true,
  governed,
  modelHeader: 'openai-model',
  requestIdHeader: 'x-request-id',
  read,
  path: (endpoint) => paths[endpoint] ?? '/responses',
  headers: (_plan, headers) => headers,
  apply,
  observe: (watched) => new ResponsesObserver(watched),
  observeAnswer,
  gather,
  readError,
  refuse,
  retell,
  failInBand,
  keepAlive,
  frames,
}
