import { onlyStreams, type Account, type Credential } from '../core/account.ts'
import type { UpstreamModel } from '../core/ids.ts'
import type { DialectName } from '../core/turn.ts'
import type { Call } from '../ports/transport.ts'
import { ourDialect, ourHeaders } from './endpoints.ts'
import { member } from './models.ts'

/** A question as small as can be, in the words of one dialect, and what its answer looks like. */
interface SmallQuestion {
  /** What its answers are called. */
  readonly called: string
  readonly ask: (account: Account, model: UpstreamModel) => object
  /** Whether this is an answer, as long as it was allowed to be. */
  readonly isAnswer: (json: unknown) => boolean
  /** All that was said in text. */
  readonly textOf: (json: unknown) => string
}

/** The smallest number that Responses accepts. */
const outputTokens = 16
const said = { role: 'user', content: 'ping' } as const

const questions: Readonly<Record<DialectName, SmallQuestion>> = {
  responses: {
    called: 'Responses',
    // One that only streams accepts no bound of its answer.
    ask: ({ upstream }, model) =>
      onlyStreams(upstream)
        ? { model, instructions: '', input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'ping' }] }], store: false, stream: true }
        : { model, input: 'ping', max_output_tokens: outputTokens, store: false },
    isAnswer: (json) => member(json, 'status') === 'completed' || member(json, 'status') === 'incomplete',
    textOf: (json) => listOf(json, 'output').flatMap(partsOf).map(textOf).join(''),
  },
  chat: {
    called: 'Chat Completions',
    // OpenAI's models that reason refuse `max_tokens`, which is all that many others know (protocols.md 4.1).
    ask: ({ upstream }, model) => ({ model, messages: [said], ...(upstream === 'openai' ? { max_completion_tokens: outputTokens } : { max_tokens: 1 }) }),
    isAnswer: (json) => listOf(json, 'choices').length > 0,
    textOf: (json) => asText(member(member(listOf(json, 'choices')[0], 'message'), 'content')),
  },
  messages: {
    called: 'Messages',
    ask: (_account, model) => ({ model, max_tokens: 1, messages: [said] }),
    isAnswer: (json) => member(json, 'type') === 'message',
    textOf: (json) => partsOf(json).map(textOf).join(''),
  },
}

/** What an account is asked where no client asks. */
export function smallQuestion(account: Account): SmallQuestion {
  return questions[ourDialect(account)]
}

const connectMs = 10_000
/** How long the answer may take, its head and its body each. Unit: milliseconds. */
export const answerMs = 60_000

/** @param path where that dialect's turns lie. */
export function smallCall(
  path: string,
  asked: { readonly account: Account; readonly credential: Credential; readonly signal: AbortSignal },
  model: UpstreamModel,
): Call {
  const { account, credential, signal } = asked
  const bytes = Buffer.from(JSON.stringify(smallQuestion(account).ask(account, model)))
  const clientHeaders = ourHeaders(account, onlyStreams(account.upstream) ? 'text/event-stream' : 'application/json')
  const body = { pieces: [bytes], bytes: bytes.length }
  return { account, credential, method: 'POST', path, clientHeaders, omit: [], body, connectMs, headMs: answerMs, signal }
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = member(value, name)
  return Array.isArray(list) ? list : []
}

/** A `content`, which is a list of parts. */
function partsOf(value: unknown): readonly unknown[] {
  return listOf(value, 'content')
}

function textOf(part: unknown): string {
  return asText(member(part, 'text'))
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
