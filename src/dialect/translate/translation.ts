import type { Signal } from '../../core/failure.ts'
import type { Plan } from '../../core/shape.ts'
import { refusal } from '../../core/refusal.ts'
import type { Endpoint } from '../../core/turn.ts'
import { Body } from '../../lib/body.ts'
import { parseExact } from '../../lib/exact-json.ts'
import { header, type Headers } from '../../lib/headers.ts'
import type { Dialect, Memo, SeenAnswer, Translation, Watched, Worded, WordingWish } from '../dialect.ts'
import { isObject, type Json } from '../json.ts'
import type { Translator } from './hub.ts'
import { errorOf, sealedIn, TranslatedObserver } from './observe.ts'

/** A dialect and its way to the hub. */
export interface Side {
  readonly dialect: Dialect
  readonly translator: Translator
}

/** What is asked of the one endpoint of a dialect that can be translated. */
const mainEndpoints: Readonly<Record<Dialect['name'], Endpoint>> = { responses: 'responses', chat: 'chat', messages: 'messages' }

/** Headers that say the same whatever is spoken. */
const plain = ['accept', 'user-agent', 'traceparent', 'tracestate'] as const

/** Speaks for clients of the one dialect with upstreams of the other: question and answer go through the hub. */
export function translationOf(client: Side, upstream: Side): Translation {
  const { dialect } = upstream
  const endpoint = mainEndpoints[dialect.name]
  const native = (watched: Watched): Watched => ({ ...watched, endpoint, restore: null, client: 'sse', wantsUsage: true })
  return {
    to: dialect.name,
    word: (plan, body, about) => worded(client, upstream, { plan, body, ...about }),
    path: () => dialect.path(endpoint),
    headers: (plan, headers) => dialect.headers(plan, plainHeaders(dialect, headers)),
    observe: (watched) =>
      new TranslatedObserver({
        client: client.dialect,
        upstream: dialect.observe(native(watched)),
        reader: upstream.translator.reader(watched),
        writer: client.translator.writer(watched),
        keepsItems: watched.client === 'frames',
      }),
    observeAnswer: (bytes, watched) => translated(client, upstream, { bytes, watched, seen: dialect.observeAnswer(bytes, native(watched)) }),
    gather: (bytes) => dialect.gather(bytes),
    readError: (body) => dialect.readError(body),
  }
}

interface Asked extends WordingWish {
  readonly plan: Plan
  readonly body: Body
}

function worded(client: Side, upstream: Side, { plan, body, cacheKey, unsealed }: Asked): Worded {
  const question = questionIn(client.dialect, plan, body)
  if (question === null) return { kind: 'unsayable', refusal: refusal('invalid_json', 'The request body is not valid JSON.') }
  const hub = client.translator.toHub(question)
  if (hub.kind === 'unsayable') return hub
  const opened = unsealed.size === 0 ? hub.question : { ...hub.question, input: withoutSealed(hub.question['input'], unsealed) }
  const keyed = cacheKey === null || (opened['prompt_cache_key'] ?? null) !== null ? opened : { ...opened, prompt_cache_key: cacheKey }
  const said = upstream.translator.fromHub(keyed)
  if (said.kind === 'unsayable') return said
  const parsed = Body.of(Buffer.from(JSON.stringify(said.question)))
  // Another dialect may nest what it says one level deeper.
  if (parsed === null) return { kind: 'unsayable', refusal: refusal('invalid_body', 'The request body is nested too deeply to be said in another dialect.') }
  const theirs: Plan = { ...plan, endpoint: mainEndpoints[upstream.dialect.name], frame: null, dropItems: [] }
  return { kind: 'worded', text: parsed.edited(upstream.dialect.apply(theirs, parsed)), memo: merged(hub.memo, said.memo) }
}

/** The client's question as it would say it to an upstream of its own dialect, but for model and tier, which the upstream's dialect says. Null: it is no JSON. */
function questionIn(dialect: Dialect, plan: Plan, body: Body): Json | null {
  const own: Plan = { ...plan, upstream: 'openai', renamed: null, tier: { kind: 'pass', rule: null, canonical: null } }
  const { pieces } = body.edited(dialect.name === 'responses' ? dialect.apply(own, body) : [])
  try {
    const question = parseExact(Buffer.concat(pieces).toString('utf8'))
    if (!isObject(question)) return null
    return plan.tier.kind === 'filter' ? withoutTier(question) : question
  } catch {
    return null
  }
}

/** What a rule filters need have no words in the other dialect. */
function withoutTier({ service_tier: _tier, speed: _speed, ...question }: Json): Json {
  return question
}

/** Reasoning that another account sealed. Of a Responses question it has stayed behind already. */
function withoutSealed(input: unknown, unsealed: ReadonlySet<string>): unknown {
  return Array.isArray(input) ? input.filter((item: unknown) => !sealedIn([item]).some((hash) => unsealed.has(hash))) : input
}

function merged(a: Memo, b: Memo): Memo {
  return { customTools: new Set([...a.customTools, ...b.customTools]), toolNames: new Map([...a.toolNames, ...b.toolNames]) }
}

/** Who reads Messages has to be told of which version they are; this one takes all that is said in translation (protocols.md 5.1). */
const ownHeaders: Readonly<Record<Dialect['name'], Headers>> = { responses: {}, chat: {}, messages: { 'anthropic-version': '2023-06-01' } }

function plainHeaders({ name }: Dialect, headers: Headers): Headers {
  const kept = plain.flatMap((each): readonly (readonly [string, string])[] => {
    const value = header(headers, each)
    return value === null ? [] : [[each, value]]
  })
  return { ...Object.fromEntries(kept), ...ownHeaders[name] }
}

interface Came {
  readonly bytes: Buffer
  readonly watched: Watched
  readonly seen: SeenAnswer
}

/** A whole answer in the client's words. What its upstream said of it for the books stays; nobody can refer to it later. */
function translated(client: Side, upstream: Side, { bytes, watched, seen }: Came): SeenAnswer {
  const end = { ...seen.end, response: null, items: [] }
  if (seen.signal !== null) {
    const { body } = client.dialect.retell(statusIn(seen.signal), errorOf(seen.signal))
    return { ...seen, end, pieces: [body], bytes: body.length }
  }
  const answer = parsedAnswer(bytes)
  if (answer === null) return { ...seen, end, pieces: [], bytes: 0, signal: { kind: 'ended', detail: 'the answer is no JSON object' }, sealed: [] }
  const response = upstream.translator.answerToHub(answer, watched)
  const json = Buffer.from(JSON.stringify(client.translator.answerFromHub(response, watched)))
  return { end, pieces: [json], bytes: json.length, signal: null, sealed: sealedIn(response['output']) }
}

function parsedAnswer(bytes: Buffer): Json | null {
  try {
    const answer = parseExact(bytes.toString('utf8'))
    return isObject(answer) ? answer : null
  } catch {
    return null
  }
}

function statusIn(signal: Signal): number {
  return 'status' in signal ? (signal.status ?? 500) : 500
}
