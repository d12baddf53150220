import type { ResponseId } from '../../core/ids.ts'
import { catalogue, refusal, type Refusal, type RefusalCode } from '../../core/refusal.ts'
import type { Turn } from '../../core/turn.ts'
import { assert } from '../../lib/assert.ts'
import { Body, type Edit } from '../../lib/body.ts'
import type { Told, WarmUp } from '../dialect.ts'
import { blank, readError } from './error.ts'
import { turnStateName } from './frame.ts'

/**
 * An HTTP error as the event that says the same: status at the top, since Codex ignores an error without one, and headers both there and in the
 * error, since clients differ in where they look (protocols.md 2.6). The error object's own members stay byte for byte.
 */
export function errorFrame(told: Told, streamId: string | null, eventId: string): Buffer {
  const span = Body.of(told.body)?.span('error') ?? null
  const error = (span === null ? null : Body.of(told.body, span.start, span.end)) ?? worded(told)
  const isPolicy = error.value('code') === 'policy_violation'
  const headers = JSON.stringify(Object.fromEntries(told.headers.filter(([name]) => !/^content-|^transfer-encoding$/i.test(name))))
  const { pieces } = error.edited([
    ...completing(error, told.status),
    // On a 403 Codex would ask again and again; on a 400 it stops and shows the message.
    ...(isPolicy ? [set('type', 'invalid_request_error')] : []),
    { kind: 'set', member: 'headers', json: headers },
  ])
  const lane = streamId === null ? '' : `,"stream_id":${JSON.stringify(streamId)}`
  const head = `{"type":"error","event_id":${JSON.stringify(eventId)},"status":${isPolicy ? 400 : told.status}${lane},"headers":${headers},"error":`
  return Buffer.concat([Buffer.from(head), ...pieces, Buffer.from('}')])
}

/** What goes wrong when a turn's events have begun to go out. A code that is not ours is an upstream's trouble. */
export function failInFrame(error: { readonly code: string; readonly message: string }, streamId: string | null, eventId: string): Buffer {
  const { code, message } = error
  const ours = isOurs(code) ? catalogue[code] : { status: 502, type: 'server_error' }
  const body = Buffer.from(JSON.stringify({ error: { type: ours.type, code, message, param: null } }))
  return errorFrame({ status: ours.status, headers: [], body }, streamId, eventId)
}

const keepAliveFrame = Buffer.from('{"type":"keepalive"}')

/** Null: pings do for this client. Codex's idle timer is reset by an event alone (clients.md). */
export function keepAliveInSession(turn: Turn): Buffer | null {
  return turn.isCodex ? keepAliveFrame : null
}

/** In a session Codex looks for its routing token in the headers of this event (protocols.md 2.7). */
export function turnStateFrame(state: string, streamId: string | null): Buffer {
  const lane = streamId === null ? {} : { stream_id: streamId }
  return Buffer.from(JSON.stringify({ type: 'response.metadata', ...lane, headers: { [turnStateName]: state } }))
}

const steering = 'Steering is not supported by the upstream of this session.'

/** A steer names no lane, and its answer names none; its own words come back with it, byte for byte. */
export function steerFailed(body: Body): Buffer {
  const error = { type: 'invalid_request_error', code: 'steering_not_supported', message: steering }
  const parts: Buffer[] = [Buffer.from(`{"type":"response.steer.failed","sequence_number":0,"error":${JSON.stringify(error)},"steer":{`)]
  for (const member of ['previous_response_id', 'input']) {
    const span = body.span(member)
    if (span === null) continue
    parts.push(Buffer.from(`${parts.length > 1 ? ',' : ''}"${member}":`), body.bytes.subarray(span.start, span.end))
  }
  return Buffer.concat([...parts, Buffer.from('}}')])
}

/** The whole answer to a warm-up that went to no upstream: nothing was generated, nothing is billed, and its id can be continued. */
export function warmUp({ id, turn, createdAtS, streamId }: WarmUp): { readonly created: Buffer; readonly completed: Buffer } {
  const previous = turn.references.find((reference) => reference.kind === 'response')?.id ?? null
  const response = {
    id,
    object: 'response',
    created_at: createdAtS,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: turn.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: previous,
    store: turn.stored,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage: null,
  }
  const event = (type: string, sequence: number, more: object): Buffer => {
    const lane = streamId === null ? {} : { stream_id: streamId }
    return Buffer.from(JSON.stringify({ type, ...lane, sequence_number: sequence, response: { ...response, ...more } }))
  }
  return { created: event('response.created', 0, {}), completed: event('response.completed', 1, { status: 'completed', usage: noUsage }) }
}

const noUsage = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
}

/** What a client hears when the dialogue cannot be said again: each in the form from which it recovers by sending all of it (protocols.md 2.6). */
export function lostInSession(turn: Turn): Refusal {
  if (turn.isCodex) return refusal('websocket_connection_limit_reached', 'This connection cannot go on with its dialogue. Please open another one.')
  const previous: ResponseId | undefined = turn.references.find((reference) => reference.kind === 'response')?.id
  const message = previous === undefined ? 'The earlier answer was not found.' : `Previous response with id '${previous}' not found.`
  return refusal('previous_response_not_found', message, { param: 'previous_response_id' })
}

/** The error of a body that has no error object: what it says in another form, or what its status says. */
function worded({ status, body }: Told): Body {
  const said = readError(body) ?? blank
  const message = said.message === '' ? `The upstream answered with status ${status}.` : said.message
  const error = Body.of(Buffer.from(JSON.stringify({ type: said.type ?? typeOf(status), code: said.code, message, param: said.param })))
  assert(error !== null, 'JSON of our own can be read')
  return error
}

/** What an upstream's error object leaves out, and clients look for. */
function completing(error: Body, status: number): readonly Edit[] {
  const absent = (member: string): boolean => error.span(member) === null
  return [
    ...(absent('type') ? [set('type', typeOf(status))] : []),
    ...(absent('code') ? [set('code', null)] : []),
    ...(absent('message') ? [set('message', `The upstream answered with status ${status}.`)] : []),
    ...(absent('param') ? [set('param', null)] : []),
  ]
}

function set(member: string, value: string | null): Edit {
  return { kind: 'set', member, json: JSON.stringify(value) }
}

function typeOf(status: number): string {
  if (status >= 500) return 'server_error'
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error'
}

function isOurs(code: string): code is RefusalCode {
  return Object.hasOwn(catalogue, code)
}
