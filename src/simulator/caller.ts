import { header, type Headers } from '../lib/headers.ts'
import type { Behaviour } from './behaviour.ts'
import type { Refuse, Refused } from './error.ts'
import type { Memory } from './memory.ts'

/** Who asks. */
export type Caller =
  | { readonly kind: 'caller'; readonly key: string; readonly behaviour: Behaviour }
  /** `key`: null where none was named that is good. */
  | { readonly kind: 'nobody'; readonly key: string | null; readonly refused: Refused }

/** The credential that a request names, in either header; null: none. */
export function credentialOf(headers: Headers): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header(headers, 'authorization') ?? '')
  return match?.[1] ?? /^\S+$/.exec(header(headers, 'x-api-key')?.trim() ?? '')?.[0] ?? null
}

export function callerOf(headers: Headers, memory: Memory, refuse: Refuse): Caller {
  const credential = credentialOf(headers)
  if (credential === null) {
    const message = 'No API key was given: send it as `Authorization: Bearer <key>` or as `x-api-key`.'
    return { kind: 'nobody', key: null, refused: refuse(401, message) }
  }
  const key = memory.tokens.keyOf(credential)
  if (key === null) return { kind: 'nobody', key, refused: refuse(401, 'The access token has expired.', { code: 'token_expired' }) }
  const behaviour = memory.behaviour(key)
  if (behaviour === null) return { kind: 'nobody', key, refused: refuse(401, 'Incorrect API key provided.', { code: 'invalid_api_key' }) }
  return { kind: 'caller', key, behaviour }
}
