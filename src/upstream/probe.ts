import { secretsOf, type Account, type Credential } from '../core/account.ts'
import type { Signal } from '../core/failure.ts'
import type { UpstreamModel } from '../core/ids.ts'
import { answerSignal, withoutSecrets } from '../core/signal.ts'
import type { DialectName } from '../core/turn.ts'
import type { Dialect } from '../dialect/dialect.ts'
import type { Clock } from '../lib/clock.ts'
import { collect, type Collected } from '../lib/collect.ts'
import type { Sent, Transport } from '../ports/transport.ts'
import { ourDialect } from './endpoints.ts'
import { listBytesMax, modelNames, modelsCall, parsed } from './models.ts'
import { answerMs, smallCall, smallQuestion } from './small-question.ts'

/** What asking an account whether it serves came to. */
export type Probed = { readonly kind: 'well' } | { readonly kind: 'unwell'; readonly signal: Signal }

export interface ProbeParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly dialectNamed: (name: DialectName) => Pick<Dialect, 'path' | 'readError'>
}

export interface ProbeWish {
  readonly account: Account
  readonly credential: Credential
  /** What the turn of one token asks for; null: only the list of models can be asked for, and an upstream without one counts as unwell. */
  readonly model: UpstreamModel | null
  readonly signal: AbortSignal
}

type Answer = Extract<Sent, { kind: 'answer' }>
type Errors = Pick<Dialect, 'readError'>

/** How much of an error body is read, and for how long: what is more, or later, is judged by its head alone. */
const errorBytesMax = 64 * 1024
const errorMs = 5_000
const answerBytesMax = 1024 * 1024
/** How upstreams say that they have no list of models. */
const noListStatuses: ReadonlySet<number> = new Set([404, 405, 501])

/** How long asking one account may take in all. Unit: milliseconds. */
const probeMs = 75_000

/** Asks whether an account serves: with the first model that its mapping names, where it names one, and bounded in time. Never rejects. */
export async function probeAccount(parts: ProbeParts, account: Account, credential: Credential): Promise<Probed> {
  const [model] = account.mapping.exact.values()
  const signal = AbortSignal.timeout(probeMs)
  try {
    const probed = await probe(parts, { account, credential, model: (model ?? null) as UpstreamModel | null, signal })
    return probed.kind === 'well' ? probed : { ...probed, signal: withoutSecrets(probed.signal, secretsOf(credential)) }
  } catch (error) {
    if (!signal.aborted) throw error
    return { kind: 'unwell', signal: { kind: 'silent', waitingFor: 'whole-answer' } }
  }
}

/** Asks for the list of models, and where the upstream has none, for a turn as short as can be. Rejects only with the signal's reason. */
export async function probe(parts: ProbeParts, wish: ProbeWish): Promise<Probed> {
  const listed = await parts.transport.send(modelsCall(wish.account, wish.credential, wish.signal))
  if (listed.kind === 'signal') return { kind: 'unwell', signal: listed.signal }
  const dialect = parts.dialectNamed(ourDialect(wish.account))
  const judged = await judgeList(parts.clock, dialect, listed)
  wish.signal.throwIfAborted()
  if (judged.kind !== 'no-list') return judged
  if (wish.model === null) return { kind: 'unwell', signal: judged.signal }
  const sent = await parts.transport.send(smallCall(dialect.path(ourDialect(wish.account)), wish, wish.model))
  if (sent.kind === 'signal') return { kind: 'unwell', signal: sent.signal }
  const probed = await judgeTurn({ clock: parts.clock, dialect, account: wish.account }, sent)
  // Breaking the probe off breaks its answer too, and that is no evidence.
  wish.signal.throwIfAborted()
  return probed
}

async function judgeList(clock: Clock, dialect: Errors, answer: Answer): Promise<Probed | { readonly kind: 'no-list'; readonly signal: Signal }> {
  const isList = answer.status === 200
  const collected = await collect(answer.body, isList ? listBytesMax : errorBytesMax, clock, errorMs)
  if (isList && modelNames(bytesOf(collected)) !== null) return { kind: 'well' }
  const signal = evidence(dialect, answer, bytesOf(collected))
  return { kind: isList || noListStatuses.has(answer.status) ? 'no-list' : 'unwell', signal }
}

interface Asked {
  readonly clock: Clock
  readonly dialect: Errors
  readonly account: Account
}

async function judgeTurn({ clock, dialect, account }: Asked, answer: Answer): Promise<Probed> {
  const collected = await collect(answer.body, answerBytesMax, clock, answer.status === 200 ? answerMs : errorMs)
  const bytes = bytesOf(collected)
  if (answer.status !== 200) return { kind: 'unwell', signal: evidence(dialect, answer, bytes) }
  const { called, isAnswer } = smallQuestion(account)
  if (isAnswer(parsed(bytes))) return { kind: 'well' }
  const error = dialect.readError(bytes)
  if (error !== null) return { kind: 'unwell', signal: { kind: 'told', status: null, headers: answer.headers, error } }
  return { kind: 'unwell', signal: { kind: 'ended', detail: `the answer to a probe was no ${called} answer` } }
}

/** What there is to judge by; nothing of what broke off or came too late. */
export function bytesOf(collected: Collected): Buffer {
  return collected.kind === 'whole' || collected.kind === 'too-large' ? collected.bytes : Buffer.alloc(0)
}

export function evidence(dialect: Errors, answer: Answer, body: Buffer): Signal {
  return answerSignal(answer.status, answer.headers, body, dialect.readError(body))
}
