import { isObject, type JsonObject } from './error.ts'
import { frame } from './frame.ts'
import { inLane } from './socket-script.ts'

/** What a client says into a running answer. */
export interface Steer {
  readonly id: string
  /** The answer that it steers. */
  readonly target: string
  /** As it came. */
  readonly input: unknown
  readonly items: readonly JsonObject[]
}

export type SteerCode =
  | 'response_not_found'
  | 'invalid_input'
  | 'steering_not_supported'
  | 'too_many_pending_steers'
  | 'response_already_completed'
  | 'response_not_active'
  | 'successor_creation_failed'

const sentences: Readonly<Record<SteerCode, string>> = {
  response_not_found: 'The response is not available on this connection.',
  invalid_input: "A steer has 'type', 'previous_response_id' and 'input' only, and its input is a text or messages of the user.",
  steering_not_supported: 'This response does not support steering.',
  too_many_pending_steers: 'Too much steering input is pending for this response.',
  response_already_completed: 'The response completed and no longer accepts steering input.',
  response_not_active: 'The response no longer accepts steering input.',
  successor_creation_failed: 'The successor response could not be created.',
}

/** The items of a steer's input; null where it is not valid. */
export function steerItems(fields: JsonObject): readonly JsonObject[] | null {
  const { type: _, previous_response_id: target, input, ...others } = fields
  if (typeof target !== 'string' || Object.keys(others).length > 0) return null
  if (typeof input === 'string') return input === '' ? null : [{ type: 'message', role: 'user', content: input }]
  return Array.isArray(input) && input.length > 0 && input.every(isUserMessage) ? (input as readonly JsonObject[]) : null
}

const messageMembers: ReadonlySet<string> = new Set(['type', 'role', 'content'])

function isUserMessage(item: unknown): boolean {
  if (!isObject(item) || item['role'] !== 'user' || (item['type'] ?? 'message') !== 'message') return false
  return Object.keys(item).every((member) => messageMembers.has(member)) && (typeof item['content'] === 'string' || Array.isArray(item['content']))
}

export function accepted(steer: Steer, lane: string, sequence: number): string {
  return inLane(frame({ type: 'response.steer.accepted', sequence_number: sequence, steer: told(steer) }).text, lane)
}

/** The answer wants the outputs of its calls before the steer can be said. */
export function pending(steer: Steer, lane: string, required: readonly JsonObject[]): string {
  const fields = { sequence_number: 0, reason: 'waiting_for_required_input', required_input: required, steer: told(steer) }
  return inLane(frame({ type: 'response.steer.pending', ...fields }).text, lane)
}

/** `steer.id`: left out where none was given out. */
export function steerFailed(code: SteerCode, steer: { readonly id?: string; readonly target: unknown; readonly input: unknown }, lane: string): string {
  const error = { type: 'invalid_request_error', code, message: sentences[code] }
  const back = { ...(steer.id === undefined ? {} : { id: steer.id }), previous_response_id: steer.target, input: steer.input }
  return inLane(frame({ type: 'response.steer.failed', sequence_number: 0, error, steer: back }).text, lane)
}

const told = ({ id, target }: Steer) => ({ id, previous_response_id: target })
