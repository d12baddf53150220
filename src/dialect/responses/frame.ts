import type { ClientModel, ResponseId, UpstreamModel } from '../../core/ids.ts'
import { refusal } from '../../core/refusal.ts'
import { Body, type Parsed, type Pieces } from '../../lib/body.ts'
import type { Headers } from '../../lib/headers.ts'
import type { ClientFrame, FrameRead, Read } from '../dialect.ts'
import { invalid, isModelName } from '../question.ts'
import { governed, readTurn } from './read.ts'

/** Where Codex's routing token stands in a frame (protocols.md 2.7). */
export const turnStateName = 'x-codex-turn-state'

const onlyType: ReadonlySet<string> = new Set(['type'])
const onlyTurnState: ReadonlySet<string> = new Set([turnStateName])

/**
 * A client's frame as a body. Which governed members stand twice is a question for frames that are acted on; of others only their type must be
 * beyond doubt, since they go upstream byte for byte.
 */
export function parseFrame(bytes: Buffer): Parsed {
  const parsed = Body.parse(bytes, governed)
  if (parsed.kind !== 'duplicate') return parsed
  const again = Body.parse(bytes, onlyType)
  if (again.kind !== 'body') return again
  const type = again.body.value('type')
  return type === 'response.create' || type === 'session.update' ? parsed : again
}

/** What a frame is, by its type alone. */
export function readFrame(body: Body): FrameRead {
  const type = body.value('type')
  switch (type) {
    case 'response.create':
      return readResponseCreate(body)
    case 'session.update':
      return readUpdate(body)
    case 'response.steer':
      return frame({ kind: 'steer', previous: previousOf(body) })
    case 'response.processed':
      return frame({ kind: 'processed' })
    default:
      return frame({ kind: 'other', type: typeof type === 'string' ? type : '' })
  }
}

/** The turn that a `response.create` asks for. A frame is always answered by events, whatever it says of streaming. */
export function readCreate(body: Body, headers: Headers, model: ClientModel): Read {
  return readTurn(body, { endpoint: 'responses', headers, model, stream: 'always' })
}

/** A `session.update` for an account whose name of the model is another one; else its very bytes. */
export function update(body: Body, renamed: UpstreamModel | null): Pieces {
  const span = renamed === null ? null : body.span('session')
  const session = span === null ? null : body.within(span)
  if (session === null || session.span('model') === null) return body.edited([])
  const { pieces } = session.edited([{ kind: 'set', member: 'model', json: JSON.stringify(renamed) }])
  return body.edited([{ kind: 'set', member: 'session', json: pieces }])
}

const laneName = /^[A-Za-z0-9_.-]{1,256}$/

function readResponseCreate(body: Body): FrameRead {
  const streamId = body.value('stream_id') ?? null
  if (streamId !== null && !(typeof streamId === 'string' && laneName.test(streamId))) {
    const message = '`stream_id` must be 1 to 256 letters, digits, `_`, `.` or `-`; leave it out for the default lane.'
    return { kind: 'refused', refusal: refusal('invalid_stream_id', message, { param: 'stream_id' }) }
  }
  const model = body.value('model')
  return frame({
    kind: 'create',
    streamId,
    model: isModelName(model) ? model : null,
    previous: previousOf(body),
    isWarmUp: body.value('generate') === false,
    turnState: turnStateOf(body),
  })
}

function readUpdate(body: Body): FrameRead {
  const span = body.span('session')
  const parsed = span === null ? null : Body.parse(body.bytes, governed, span.start, span.end)
  if (parsed === null || parsed.kind === 'not-an-object') return frame({ kind: 'update', model: null })
  if (parsed.kind === 'not-json') return invalid('session', 'an object that can be read')
  if (parsed.kind === 'duplicate') {
    const param = `session.${parsed.member}`
    return { kind: 'refused', refusal: refusal('duplicate_member', `\`${param}\` stands twice.`, { param }) }
  }
  const model = parsed.body.value('model') ?? null
  if (model !== null && !isModelName(model)) return invalid('session.model', 'the name of a model, as text')
  return frame({ kind: 'update', model })
}

function frame(frame: ClientFrame): FrameRead {
  return { kind: 'frame', frame }
}

function previousOf(body: Body): ResponseId | null {
  const previous = body.value('previous_response_id')
  return typeof previous === 'string' ? (previous as ResponseId) : null
}

/** Of what stands twice, or is no text, nobody can tell which account it is from: the empty text is nobody's. */
function turnStateOf(body: Body): string | null {
  const span = body.span('client_metadata')
  const parsed = span === null ? null : Body.parse(body.bytes, onlyTurnState, span.start, span.end)
  if (parsed === null || parsed.kind === 'not-an-object') return null
  if (parsed.kind !== 'body') return ''
  const state = parsed.body.value(turnStateName)
  return state === undefined ? null : typeof state === 'string' ? state : ''
}
