import type { Account, Credential } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import { assert } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import { collect, type Collected } from '../lib/collect.ts'
import type { Route, Visit } from '../ports/routes.ts'
import type { Settings } from '../ports/settings.ts'
import type { Owners } from '../ports/stores.ts'
import type { Call, Transport } from '../ports/transport.ts'
import { Cancelled, wasCancelled } from '../turn/cancel.ts'
import { HttpSink } from './http-sink.ts'
import type { OpenTurns } from './open-turns.ts'
import type { Refuser } from './refuse.ts'

/** What requests about a stored answer need. */
export interface ResponsesDoor {
  readonly owners: Owners
  readonly transport: Transport
  readonly refuser: Refuser
  readonly open: OpenTurns
  readonly clock: Clock
  settings(): Settings
  /** Null: this account is gone. Its health is of no account: nobody else has the answer. */
  owned(account: AccountId): { readonly account: Account; readonly credential: Credential } | null
}

/** Parameters that go on to the upstream (protocols 1.5); others stay here. */
const passed = new Set(['include', 'include[]', 'include_obfuscation', 'after', 'before', 'limit', 'order'])

/** Requests about an answer that an upstream stored: they go to its owner, and are no turns. */
export function responsesRoutes(door: ResponsesDoor): readonly Route[] {
  const row = (method: 'GET' | 'POST' | 'DELETE', below: string): Route => ({
    method,
    path: `/v1/responses/:id${below}`,
    guard: 'key',
    handle: (visit) => passOn(door, method, below, visit),
  })
  return [row('GET', ''), row('DELETE', ''), row('POST', '/cancel'), row('GET', '/input_items')]
}

async function passOn(door: ResponsesDoor, method: Call['method'], below: string, visit: Visit): Promise<void> {
  const { response } = visit
  const id = visit.params['id'] ?? ''
  const controller = door.open.begin()
  const { signal } = controller
  response.on('close', () => {
    if (!response.writableFinished) controller.abort(new Cancelled('client'))
  })
  try {
    const query = readQuery(visit.url)
    const no = query.kind === 'refused' ? query.refusal : await ask(door, { visit, id, method, path: `/responses/${id}${below}${query.search}`, signal })
    if (no !== null) door.refuser.refuse(visit, no)
  } catch (reason) {
    const cancelled = wasCancelled(signal)
    if (cancelled === null) throw reason
    if (cancelled.by === 'shutdown') door.refuser.refuse(visit, refusal('shutting_down', 'The gateway is shutting down.'), [['connection', 'close']])
  } finally {
    door.open.end(controller)
  }
}

interface Question {
  readonly visit: Visit
  readonly id: string
  readonly method: Call['method']
  readonly path: string
  readonly signal: AbortSignal
}

/** Null: the client has its answer. */
async function ask(door: ResponsesDoor, question: Question): Promise<Refusal | null> {
  const { visit, id, method, path, signal } = question
  const { caller, request, response, requestId } = visit
  assert(caller !== null, 'a route with the guard key has a caller')
  const owner = /^[A-Za-z0-9_-]{1,256}$/.test(id) ? await door.owners.find(id) : null
  const owned = owner === null || owner.key !== caller.key ? null : door.owned(owner.account)
  if (owned === null) return notFound(id)
  const { times, bounds } = door.settings()
  signal.throwIfAborted()
  const sent = await door.transport.send({
    ...owned,
    method,
    path,
    clientHeaders: request.headers,
    omit: [],
    body: null,
    connectMs: times.connectMs,
    headMs: times.answerMs,
    signal,
  })
  if (sent.kind === 'signal') return unreached(sent.signal.kind)
  const told = refusedByUpstream(sent.status, id)
  if (told !== null) {
    sent.body.cancel()
    return told
  }
  const body = await Promise.race([collect(sent.body, bounds.answerBytes, door.clock, times.answerMs), rejectedBy(signal)])
  if (body.kind !== 'whole') return unreadable(body, bounds.answerBytes)
  const sink = new HttpSink(response, requestId, times.clientWriteMs)
  const pass = sent.pass.filter(([name]) => name.toLowerCase() !== 'content-length')
  sink.head(sent.status, sent.status === 204 ? pass : [...pass, ['content-length', String(body.bytes.length)]])
  if (body.bytes.length > 0) sink.write([body.bytes])
  await sink.end()
  return null
}

/** One and the same whatever the reason: another key's answers are not to be found out. */
function notFound(id: string): Refusal {
  return refusal('response_not_found', `Response with id '${id.slice(0, 256)}' not found.`)
}

function unreached(kind: 'unreachable' | 'silent'): Refusal {
  if (kind === 'silent') return refusal('upstream_timeout', 'The account that owns this response did not answer in time.')
  return refusal('upstream_unreachable', 'The account that owns this response could not be reached.')
}

function unreadable(body: Exclude<Collected, { kind: 'whole' }>, bytesMax: number): Refusal {
  switch (body.kind) {
    case 'too-late':
      return unreached('silent')
    case 'too-large':
      return refusal('upstream_unreachable', `The upstream's answer is larger than the ${bytesMax} bytes that are taken here.`)
    case 'broken':
      return refusal('upstream_unreachable', `The upstream's answer broke off: ${body.detail}.`)
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}

/** What an upstream says of our credential, or of our address, is no news for the client. */
function refusedByUpstream(status: number, id: string): Refusal | null {
  if (status === 401 || status === 402 || status === 403) {
    return refusal('upstream_credential', 'The account that owns this response is refused by its upstream at the moment.', { retryAfterMs: 60_000 })
  }
  if (status === 404) return notFound(id)
  if (status < 200 || (status >= 300 && status < 400)) return refusal('upstream_unreachable', `The upstream answered with the status ${status}.`)
  return null
}

type Query = { readonly kind: 'query'; readonly search: string } | { readonly kind: 'refused'; readonly refusal: Refusal }

function readQuery(url: URL): Query {
  if (url.searchParams.get('stream') === 'true') {
    return { kind: 'refused', refusal: refusal('invalid_body', 'Streaming a stored response is not available in this version.', { param: 'stream' }) }
  }
  const kept = new URLSearchParams([...url.searchParams].filter(([name]) => passed.has(name)))
  return { kind: 'query', search: kept.size === 0 ? '' : `?${kept.toString()}` }
}
