import { skipSpace } from '../lib/json-scan.ts'
import { parsedValue } from '../lib/member-name.ts'
import { membersOf } from '../lib/members.ts'

/* What is looked up in an upstream's text frame to know whose it is. Most frames are told by their first bytes; none is parsed for it as a whole. */

/** How nearly every frame begins. */
const opening = Buffer.from('{"type":"')
const typeBytesMax = 128
const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const idName = Buffer.from('"id"')
const streamIdName = Buffer.from('"stream_id"')
/** Frames about errors and steers are small; a larger one is not looked into. */
const parsedBytesMax = 256 * 1024
/** The id of a response stands at the front of its first event. */
const idWithinBytes = 512

/** How the frames begin that most answers consist of. They are nobody's first or last, and no errors or steers. */
const output = Buffer.from('{"type":"response.output_')

/** Whether the frame is plainly a part of a running answer's output, so that its type need not be known. */
export function isPlainOutput(frame: Buffer): boolean {
  if (frame.length < output.length) return false
  for (let i = output.length - 1; i >= 0; i--) if (frame[i] !== output[i]) return false
  return true
}

/** The `type` of a frame; null where it has none, or is no JSON object. */
export function frameType(frame: Buffer): string | null {
  if (frame.length > opening.length && opening.compare(frame, 0, opening.length) === 0) {
    const end = frame.indexOf(quote, opening.length)
    const isPlain = end !== -1 && end - opening.length <= typeBytesMax && frame[end - 1] !== backslash
    const type = isPlain ? frame.toString('latin1', opening.length, end) : '\\'
    if (!type.includes('\\')) return type
  }
  return textMember(frame, 'type')
}

/** The lane that a frame names; empty where it names none. */
export function frameLane(frame: Buffer): string {
  // Inside a string the quotes would be escaped: nearly every frame without a lane is told by one search.
  return frame.includes(streamIdName) ? (textMember(frame, 'stream_id') ?? '') : ''
}

/** Whether a frame of this type is the last of its response. */
export function isTerminal(type: string | null): boolean {
  return type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed' || type === 'error'
}

/** The code of an `error` event, wherever it stands. */
export function errorCode(frame: Buffer): string | null {
  const event = small(frame)
  const code = text(member(event, 'error'), 'code') ?? text(event, 'code')
  return code === '' ? null : code
}

/** What a `response.steer.*` event is about. */
export interface Steer {
  readonly id: string | null
  /** The response that was steered. */
  readonly response: string | null
}

export function steerOf(frame: Buffer): Steer {
  const steer = member(small(frame), 'steer')
  return { id: text(steer, 'id'), response: text(steer, 'previous_response_id') }
}

/** The id of the response that `response.created` begins, where it stands at the front. */
export function createdId(frame: Buffer): string | null {
  for (let at = frame.indexOf(idName); at !== -1 && at < idWithinBytes; at = frame.indexOf(idName, at + 1)) {
    const point = skipSpace(frame, at + idName.length, frame.length)
    const start = skipSpace(frame, point + 1, frame.length)
    if (frame[point] !== colon || frame[start] !== quote) continue
    const id = frame.toString('latin1', start + 1, frame.indexOf(quote, start + 1))
    if (id !== '' && id.length <= idWithinBytes && !id.includes('\\')) return id
  }
  return null
}

/** A top-level member that is a string; null where it is absent, anything else, or the frame is no JSON object. The last one of that name counts. */
function textMember(frame: Buffer, name: string): string | null {
  const [span = null] = membersOf(frame, { start: 0, end: frame.length }, name) ?? []
  const value = span === null ? null : parsedValue(frame, span.start, span.end)
  return typeof value === 'string' ? value : null
}

function small(frame: Buffer): unknown {
  if (frame.length > parsedBytesMax) return null
  try {
    return JSON.parse(frame.toString('utf8'))
  } catch {
    return null
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

function text(value: unknown, name: string): string | null {
  const found = member(value, name)
  return typeof found === 'string' ? found : null
}

/** A frame that names no lane, said again for one: its client tells its turns apart by that. */
export function inLane(frame: Buffer, lane: string): Buffer {
  const open = skipSpace(frame, 0, frame.length) + 1
  return lane === '' ? frame : Buffer.concat([Buffer.from(`{"stream_id":${JSON.stringify(lane)},`), frame.subarray(open)])
}
