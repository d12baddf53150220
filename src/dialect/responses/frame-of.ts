import { Body } from '../../lib/body.ts'
import { openBrace, skipSpace } from '../../lib/json-scan.ts'
import { eventFields, joinedData, jsonType } from '../../lib/sse.ts'
import { isObject } from '../json.ts'

const closeBrace = 0x7d

/**
 * A server-sent event as the frame that a WebSocket brings in its place: its data, the very bytes where they stand in one line and no lane is to be
 * named. Null for what has no data, and for data that is no object, such as `[DONE]`.
 *
 * @param streamId the client's lane; null: the default one.
 */
export function frameOf(bytes: Buffer, start: number, end: number, streamId: string | null): Buffer | null {
  const json = joinedData(bytes, start, end)
  const brace = json === null ? 0 : skipSpace(json, 0, json.length)
  if (json === null || json[brace] !== openBrace) return null
  const type = jsonType(json, brace, json.length) === null ? missingType(json, eventFields(bytes, start, end).event) : null
  const members = [...(streamId === null ? [] : [`"stream_id":${JSON.stringify(streamId)}`]), ...(type === null ? [] : [`"type":${JSON.stringify(type)}`])]
  if (members.length === 0) return json
  const isEmpty = json[skipSpace(json, brace + 1, json.length)] === closeBrace
  return Buffer.concat([Buffer.from(`{${members.join(',')}${isEmpty ? '' : ','}`), json.subarray(brace + 1)])
}

/** The type that only the event's name tells, since a frame has no other place for it. An error object without a type is an error. */
function missingType(json: Buffer, event: string | null): string | null {
  const data = Body.of(json)
  if (data === null || data.span('type') !== null) return null
  return event ?? (isObject(data.value('error')) ? 'error' : null)
}
