import { found, memberNumbers, walkObject } from '../lib/json-scan.ts'
import { closeOf, type Close } from './deed.ts'
import { isObject, refused, type JsonObject, type Refused } from './error.ts'

/** What a client's frame says. */
export type ClientFrame =
  /** `lane` is empty for the default one. */
  | { readonly kind: 'create'; readonly fields: JsonObject; readonly lane: string }
  | { readonly kind: 'steer'; readonly fields: JsonObject }
  /** `close`: null where the connection is kept. */
  | { readonly kind: 'wrong'; readonly refused: Refused; readonly close: Close | null }

/** Reads a text frame, as strictly as a service may. */
export function readFrame(bytes: Buffer): ClientFrame {
  const fields = parsed(bytes)
  if (fields === null) return wrong(refused(400, 'A frame must be one JSON object.', { code: 'invalid_json' }), closeOf(1008, 'not a JSON object'))
  const twice = standsTwice(bytes)
  if (twice !== null) return wrong(refused(400, `The member '${twice}' stands twice.`, { param: twice, code: 'duplicate_member' }))
  switch (fields['type']) {
    case 'response.create':
      return create(fields)
    case 'response.steer':
      return { kind: 'steer', fields }
    default:
      return wrong(
        refused(400, `Invalid value: ${JSON.stringify(fields['type']) ?? 'nothing'}. Supported values are: 'response.create' and 'response.steer'.`, {
          param: 'type',
          code: 'invalid_value',
        }),
      )
  }
}

export const binaryFrame: ClientFrame = wrong(refused(400, 'Frames must be text.', { code: 'binary_frame' }), closeOf(1003, 'binary frames are not accepted'))

const laneName = /^[\w.-]{1,256}$/

function create(fields: JsonObject): ClientFrame {
  const lane = fields['stream_id']
  if (lane === undefined) return { kind: 'create', fields, lane: '' }
  if (typeof lane === 'string' && laneName.test(lane)) return { kind: 'create', fields, lane }
  return wrong(refused(400, "Invalid 'stream_id': expected 1 to 256 of A-Z, a-z, 0-9, '_', '.' and '-'.", { param: 'stream_id', code: 'invalid_stream_id' }))
}

function wrong(refusal: Refused, close: Close | null = null): ClientFrame {
  return { kind: 'wrong', refused: refusal, close }
}

function parsed(bytes: Buffer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** The first top-level name that stands twice. */
function standsTwice(bytes: Buffer): string | null {
  walkObject(bytes, bytes.indexOf('{'), bytes.length)
  const parts = found.copy()
  const names = new Set<string>()
  for (let at = 0; at < parts.length; at += memberNumbers) {
    const name = JSON.parse(`"${bytes.toString('utf8', parts[at], parts[at + 1])}"`) as string
    if (names.has(name)) return name
    names.add(name)
  }
  return null
}
