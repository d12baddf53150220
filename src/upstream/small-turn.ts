import { onlyStreams, secretsOf, type Account, type Credential } from '../core/account.ts'
import type { Signal } from '../core/failure.ts'
import type { ClientModel, UpstreamModel } from '../core/ids.ts'
import { upstreamModel } from '../core/model.ts'
import { withoutSecrets } from '../core/signal.ts'
import type { DialectName } from '../core/turn.ts'
import type { Usage } from '../core/usage.ts'
import type { Dialect, SeenAnswer } from '../dialect/dialect.ts'
import type { Clock } from '../lib/clock.ts'
import { collect } from '../lib/collect.ts'
import { hiddenText } from '../lib/hide.ts'
import type { Sent, Transport } from '../ports/transport.ts'
import { ourDialect } from './endpoints.ts'
import { listModels, parsed } from './models.ts'
import { bytesOf, evidence } from './probe.ts'
import { answerMs, smallCall, smallQuestion } from './small-question.ts'

/** What one small turn came to. */
export type SmallTurn =
  | { readonly kind: 'answered'; readonly model: UpstreamModel; readonly text: string; readonly usage: Usage | null }
  | { readonly kind: 'unwell'; readonly model: UpstreamModel; readonly signal: Signal }
  /** Nobody said which model to ask, and the upstream lists none that the account would be asked for. */
  | { readonly kind: 'no-model' }

type Words = Pick<Dialect, 'path' | 'readError' | 'gather' | 'observeAnswer'>

export interface SmallTurnParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly dialectNamed: (name: DialectName) => Words
}

export interface SmallTurnWish {
  readonly account: Account
  readonly credential: Credential
  /** Null: the first that the account's mapping names, else a small one that its upstream lists. */
  readonly model: UpstreamModel | null
}

/** How much of an answer's text is kept: it is there to be looked at. Unit: characters. */
export const textMax = 200
const wholeMs = 75_000
const errorMs = 5_000
const answerBytesMax = 1024 * 1024
const errorBytesMax = 64 * 1024

/** Makes one turn of a few tokens at an account's upstream, past health, leases and the books. Bounded in time; never rejects. */
export async function smallTurn(parts: SmallTurnParts, wish: SmallTurnWish): Promise<SmallTurn> {
  const signal = AbortSignal.timeout(wholeMs)
  let model = wish.model ?? firstMapped(wish.account)
  try {
    model ??= smallOf(wish.account, (await listModels(parts, wish.account, wish.credential, signal)) ?? [])
    return model === null ? { kind: 'no-model' } : discreet(await ask(parts, wish, model, signal), secretsOf(wish.credential))
  } catch (error) {
    if (!signal.aborted) throw error
    return model === null ? { kind: 'no-model' } : { kind: 'unwell', model, signal: { kind: 'silent', waitingFor: 'whole-answer' } }
  }
}

/** Some upstreams repeat the credential, in their errors above all. */
function discreet(came: SmallTurn, secrets: readonly string[]): SmallTurn {
  if (came.kind === 'answered') return { ...came, text: hiddenText(came.text, secrets) }
  return came.kind === 'unwell' ? { ...came, signal: withoutSecrets(came.signal, secrets) } : came
}

async function ask(parts: SmallTurnParts, wish: SmallTurnWish, model: UpstreamModel, signal: AbortSignal): Promise<SmallTurn> {
  const { account } = wish
  const endpoint = ourDialect(account)
  const dialect = parts.dialectNamed(endpoint)
  const startedAtS = Math.floor(parts.clock.now() / 1000)
  const sent = await parts.transport.send(smallCall(dialect.path(endpoint), { ...wish, signal }, model))
  if (sent.kind === 'signal') return { kind: 'unwell', model, signal: sent.signal }
  const isAnswer = sent.status === 200
  const collected = await collect(sent.body, isAnswer ? answerBytesMax : errorBytesMax, parts.clock, isAnswer ? answerMs : errorMs)
  signal.throwIfAborted()
  const bytes = bytesOf(collected)
  if (!isAnswer) return { kind: 'unwell', model, signal: evidence(dialect, sent, bytes) }
  const whole = onlyStreams(account.upstream) ? gathered(dialect, sent, bytes) : { kind: 'whole' as const, json: bytes }
  if (whole.kind !== 'whole') return { kind: 'unwell', model, signal: whole.signal }
  const asked = { endpoint, model: model as string as ClientModel, wantsUsage: true, startedAtS, restore: null, memo: null } as const
  const seen = dialect.observeAnswer(whole.json, { ...asked, framing: 'sse', client: 'sse' })
  return judged({ model, question: smallQuestion(account) }, seen, parsed(whole.json))
}

/** An upstream that gives nothing but streams may still say its "no" in JSON. */
function gathered(
  dialect: Words,
  { headers }: Extract<Sent, { kind: 'answer' }>,
  bytes: Buffer,
): { readonly kind: 'whole'; readonly json: Buffer } | { readonly kind: 'told'; readonly signal: Signal } {
  const found = dialect.gather(bytes)
  if (found.kind !== 'cut') return found
  const error = dialect.readError(bytes)
  return {
    kind: 'told',
    signal: error === null ? { kind: 'ended', detail: 'the stream ended without an answer' } : { kind: 'told', status: null, headers, error },
  }
}

interface Question {
  readonly model: UpstreamModel
  readonly question: ReturnType<typeof smallQuestion>
}

function judged({ model, question }: Question, { signal, end }: SeenAnswer, json: unknown): SmallTurn {
  if (signal !== null) return { kind: 'unwell', model, signal }
  if (!question.isAnswer(json)) return { kind: 'unwell', model, signal: { kind: 'ended', detail: `what came back was no ${question.called} answer` } }
  return { kind: 'answered', model, text: question.textOf(json).slice(0, textMax), usage: end.usage }
}

function firstMapped({ mapping }: Account): UpstreamModel | null {
  const [model] = mapping.exact.values()
  return (model ?? null) as UpstreamModel | null
}

/** Words in names of models that answer no question in text. */
const otherwise = /audio|babbage|dall|davinci|embed|image|instruct|moderation|realtime|search|sora|transcribe|tts|whisper/
/** Words in names of models that cost little, the least first. */
const small = ['nano', 'mini', 'flash', 'haiku']

/** Of the models listed, one that answers in text and costs little; only such as the account's mapping yields. */
export function smallOf({ mapping }: Account, listed: readonly string[]): UpstreamModel | null {
  const yielded = listed.filter((name) => upstreamModel(mapping, name as ClientModel) === name)
  const answering = yielded.filter((name) => !otherwise.test(name))
  const cheap = small.map((word) => answering.find((name) => name.includes(word))).find((name) => name !== undefined)
  return (cheap ?? answering[0] ?? yielded[0] ?? null) as UpstreamModel | null
}
