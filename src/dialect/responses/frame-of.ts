import { Body } from '../../lib/body.ts'
import { openBrace, quote, skipSpace } from '../../lib/json-scan.ts'
import { dataSpan, eventFields, joinedData } from '../../lib/sse.ts'
import { isObject } from './error.ts'

const nothingGoverned: ReadonlySet<string> = new Set()
const typeFirst = Buffer.from('{"type":"')
const backslash = 0x5c
const closeBrace = 0x7d

/** The type of an event that is a bare JSON text, where it comes first and plainly; null: only a parse can tell. */
export function frameType(bytes: Buffer, start: number, end: number): string | null {
  const from = start + typeFirst.length
  if (from >= end) return null
  for (let i = 0; i < typeFirst.length; i++) if (bytes[start + i] !== typeFirst[i]) return null
  for (let to = from; to < end; to++) {
    if (bytes[to] === quote) return bytes.toString('latin1', from, to)
    if (bytes[to] === backslash) return null
  }
  return null
}

/**
 * A server-sent event as the frame that a WebSocket brings in its place: its data, the very bytes where they stand in one line and no lane is to be
 * named. Null for what has no data, and for data that is no object, such as `[DONE]`.
 *
 * @param streamId the client's lane; null: the default one.
 */
export function frameOf(bytes: Buffer, start: number, end: number, streamId: string | null): Buffer | null {
  const span = dataSpan(bytes, start, end)
  const json = span === null ? joinedData(bytes, start, end) : bytes.subarray(span.start, span.end)
  const brace = json === null ? 0 : skipSpace(json, 0, json.length)
  if (json === null || json[brace] !== openBrace) return null
  const type = frameType(json, brace, json.length) === null ? missingType(json, eventFields(bytes, start, end).event) : null
  const members = [...(streamId === null ? [] : [`"stream_id":${JSON.stringify(streamId)}`]), ...(type === null ? [] : [`"type":${JSON.stringify(type)}`])]
  if (members.length === 0) return json
  const isEmpty = json[skipSpace(json, brace + 1, json.length)] === closeBrace
  return Buffer.concat([Buffer.from(`{${members.join(',')}${isEmpty ? '' : ','}`), json.subarray(brace + 1)])
}

/** The type that only the event's name tells, since a frame has no other place for it. An error object without a type is an error. */
function missingType(json: Buffer, event: string | null): string | null {
  const parsed = Body.parse(json, nothingGoverned)
  if (parsed.kind !== 'body' || parsed.body.span('type') !== null) return null
  return event ?? (isObject(parsed.body.value('error')) ? 'error' : null)
}
