import type { Endpoint, Turn } from '../../src/core/turn.ts'
import { governed, read } from '../../src/dialect/responses/read.ts'
import type { Read } from '../../src/dialect/dialect.ts'
import { Body } from '../../src/lib/body.ts'
import type { Headers } from '../../src/lib/headers.ts'

/** A client's body, from its text or from a value. */
export function bodyOf(said: string | object): Body {
  const parsed = Body.parse(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)), governed)
  if (parsed.kind !== 'body') throw new Error(`no body: ${parsed.kind}`)
  return parsed.body
}

export function readOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'responses'): Read {
  return read(bodyOf(said), endpoint, headers)
}

/** The turn that a body asks for; throws where it is refused. */
export function turnOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'responses'): Turn {
  const made = readOf(said, headers, endpoint)
  if (made.kind !== 'turn') throw new Error(`refused: ${made.refusal.message}`)
  return made.turn
}
