import { header, type Headers } from '../lib/headers.ts'
import { answer, type Answer } from './answer.ts'
import type { Deed } from './deed.ts'
import { errorText, refused, type Refused } from './error.ts'
import { eventsOf, jsonOf } from './events.ts'
import type { Fault } from './fault.ts'
import type { Memory } from './memory.ts'
import { alter, stepsOf, stream, whole, type HeaderValues, type Play, type Step } from './play.ts'
import { parseBody, readQuestion, type Asker, type Question } from './question.ts'
import { resource, type Resource } from './resources.ts'
import { seal } from './seal.ts'

/** One request, whole. */
export interface Asked {
  readonly method: string
  /** With its query; with or without `/v1`. */
  readonly path: string
  readonly headers: Headers
  readonly body: Buffer
  readonly nowMs: number
}

/** The whole performance: what is answered to one request, and when. */
export interface Scripted {
  /** Null: the head is never sent, and the steps say what happens instead. */
  readonly head: { readonly status: number; readonly headers: HeaderValues } | null
  readonly headAfterMs: number
  readonly steps: readonly Step[]
  /** The faults that struck. */
  readonly faults: readonly string[]
}

type Route =
  | { readonly kind: 'turn'; readonly endpoint: 'responses' | 'input-tokens' | 'compact' }
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'refused'; readonly refused: Refused }

/** The key that a request names; null where it names none. */
export function keyOf(headers: Headers): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header(headers, 'authorization') ?? '')
  return match?.[1] ?? null
}

/** Decides everything about the answer to one request. Touches nothing but `memory`: no clock, no connection. */
export function script(asked: Asked, memory: Memory): Scripted {
  const key = keyOf(asked.headers)
  if (key === null) return scripted(asked, memory.id('req_'), ofRefusal(refused(401, 'No API key was given: send it as `Authorization: Bearer <key>`.')))
  const behaviour = memory.behaviour(key)
  if (behaviour === null) return scripted(asked, memory.id('req_'), ofRefusal(refused(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })))
  const { path, query } = split(asked.path)
  const route = routeOf(asked.method, path)
  const body = route.kind === 'turn' ? parseBody(asked.body) : noBody
  const model = body.kind === 'fields' && typeof body.fields['model'] === 'string' ? body.fields['model'] : null
  const struck = memory.struck(key, { kind: route.kind === 'turn' ? 'turn' : 'other', model, nowMs: asked.nowMs, dice: memory.dice })
  const asker = { key, behaviour, memory }
  const play = statusPlay(struck, asked.nowMs, model) ?? playOf(route, body, query, { asked, asker, struck })
  const headed = { ...play, headers: { ...behaviour.headers, ...play.headers } }
  return scripted(asked, memory.id('req_'), headed, struck)
}

interface Scene {
  readonly asked: Asked
  readonly asker: Asker
  readonly struck: readonly Fault[]
}

const noBody = refused(400, 'A body is missing.')

function playOf(route: Route, body: ReturnType<typeof parseBody>, query: URLSearchParams, scene: Scene): Play {
  switch (route.kind) {
    case 'refused':
      return altered(ofRefusal(route.refused), scene.struck, null)
    case 'resource': {
      const found = resource(route.resource, query, scene.asker)
      return altered('kind' in found ? ofRefusal(found) : found, scene.struck, null)
    }
    case 'turn': {
      if (body.kind === 'refused') return altered(ofRefusal(body), scene.struck, null)
      const question = readQuestion(body.fields, scene.asked.body.length, scene.asker)
      if (question.kind === 'refused') return altered(ofRefusal(question), scene.struck, null)
      return route.endpoint === 'responses' ? respond(question, scene) : altered(aside(route.endpoint, question, scene), scene.struck, null)
    }
  }
}

/** An answer proper: said, altered by the faults, and remembered when it came to a good end. */
function respond(question: Question, scene: Scene): Play {
  const { asker, struck, asked } = scene
  const said = struck.reduce((one, fault) => reworded(one, fault.deed), answer(question, asker, asked.nowMs))
  const headers = { 'openai-model': said.model }
  const plain = question.stream ? stream(eventsOf(said, asker.behaviour.paceMs), headers) : whole(200, jsonOf(said), headers)
  const play = altered(plain, struck, said)
  remember(said, play, scene)
  return play
}

function reworded(said: Answer, deed: Deed): Answer {
  if (deed.kind === 'empty-output') return { ...said, terminalOutput: 'empty' }
  return deed.kind === 'usage' ? { ...said, usage: deed.usage } : said
}

function remember(said: Answer, play: Play, { asked, asker }: Scene): void {
  const { key, memory } = asker
  const { question } = said
  const stored = question.store && play.good
  const reasoned = said.items.find((item) => item.kind === 'reasoning')?.id ?? null
  for (const item of said.items) {
    memory.give(item.id, { key, stored, needs: item.kind === 'reasoning' ? null : reasoned, call: item.kind === 'call' ? item.callId : null })
  }
  if (!stored) return
  memory.keep({
    id: said.id,
    key,
    response: () => jsonOf({ ...said, terminalOutput: 'whole' }),
    input: question.input,
    background: question.fields['background'] === true,
    tokens: question.inputTokens + said.outputTokens,
    items: question.items + said.items.length,
    openCalls: said.items.flatMap((item) => (item.kind === 'call' ? [item.callId] : [])),
    bytes: asked.body.length + said.outputTokens * 4,
  })
}

/** The turns that are not answers: counting tokens, and compacting a dialogue. */
function aside(endpoint: 'input-tokens' | 'compact', question: Question, { asker, asked }: Scene): Play {
  if (endpoint === 'input-tokens') return whole(200, JSON.stringify({ object: 'response.input_tokens', input_tokens: question.inputTokens }))
  const said = answer({ ...question, fields: { ...question.fields, tools: [] } }, asker, asked.nowMs)
  const id = asker.memory.id('cmp_')
  const compaction = { id, type: 'compaction', encrypted_content: seal(asker.key, id, asker.behaviour.sealedBytes) }
  const output = [...question.input.filter((item) => item['role'] === 'user'), compaction]
  const model = { 'openai-model': said.model }
  const tier = { service_tier: said.tierServed }
  return whole(
    200,
    JSON.stringify({ id: asker.memory.id('resp_'), object: 'response.compaction', created_at: said.createdAtS, output, usage: said.usage, ...tier }),
    model,
  )
}

/** The first fault that answers in place of everything else. */
function statusPlay(struck: readonly Fault[], nowMs: number, model: string | null): Play | null {
  for (const { deed } of struck) {
    if (deed.kind === 'status') return altered({ ...whole(deed.status, deed.say({ nowMs, model }), deed.headers), good: false }, struck, null)
  }
  return null
}

const altered = (play: Play, struck: readonly Fault[], said: Answer | null) => struck.reduce((one, fault) => alter(one, fault.deed, said), play)
const ofRefusal = (refusal: Refused) => whole(refusal.status, refusal.text)

function scripted(asked: Asked, requestId: string, play: Play, struck: readonly Fault[] = []): Scripted {
  const { headers, steps } = stepsOf(play)
  const common = { 'x-request-id': requestId, 'openai-version': '2020-10-01', 'openai-processing-ms': '7' }
  const silent = play.headAfterMs === Infinity
  return {
    head: silent ? null : { status: play.status, headers: { ...common, ...headers } },
    headAfterMs: silent ? 0 : play.headAfterMs,
    steps: asked.method === 'HEAD' ? steps.filter((step) => step.kind !== 'send') : steps,
    faults: struck.map((fault) => fault.name),
  }
}

function split(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return { path: path.startsWith('/v1/') ? path.slice(3) : path, query: new URLSearchParams(mark === -1 ? '' : target.slice(mark)) }
}

function routeOf(method: string, path: string): Route {
  const [, first, second, third, ...rest] = path.split('/')
  const verb = `${method} ${[first, second === undefined ? null : '*', third].filter((part) => part !== null && part !== undefined).join('/')}`
  if (rest.length > 0 || second === '') return unknown(method, path)
  if (method === 'POST' && first === 'responses' && third === undefined) {
    if (second === undefined) return { kind: 'turn', endpoint: 'responses' }
    if (second === 'input_tokens') return { kind: 'turn', endpoint: 'input-tokens' }
    if (second === 'compact') return { kind: 'turn', endpoint: 'compact' }
  }
  const id = second === undefined ? '' : decoded(second)
  switch (verb) {
    case 'GET models':
      return { kind: 'resource', resource: { kind: 'models' } }
    case 'GET models/*':
      return { kind: 'resource', resource: { kind: 'model', name: id } }
    case 'GET responses/*':
      return { kind: 'resource', resource: { kind: 'read', id } }
    case 'DELETE responses/*':
      return { kind: 'resource', resource: { kind: 'delete', id } }
    case 'POST responses/*/cancel':
      return { kind: 'resource', resource: { kind: 'cancel', id } }
    case 'GET responses/*/input_items':
      return { kind: 'resource', resource: { kind: 'input-items', id } }
    case 'GET responses':
      return { kind: 'refused', refused: refused(426, 'This address speaks WebSocket only to those that upgrade, and this simulator does not.') }
    default:
      return unknown(method, path)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function unknown(method: string, path: string): Route {
  return { kind: 'refused', refused: { kind: 'refused', status: 404, text: unknownText(method, path) } }
}

const unknownText = (method: string, path: string) =>
  errorText({ message: `Unknown request URL: ${method} ${path}.`, type: 'invalid_request_error', param: null, code: 'unknown_url' })
