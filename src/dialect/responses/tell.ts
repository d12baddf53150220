import type { ErrorObject } from '../../core/failure.ts'
import type { ResponseId } from '../../core/ids.ts'
import { catalogue, refusalHead, type Refusal } from '../../core/refusal.ts'
import type { Turn } from '../../core/turn.ts'
import { sseEvent } from '../../lib/sse.ts'
import type { Told } from '../dialect.ts'
import { inOwnWords } from './own-words.ts'

const json: readonly [string, string] = ['content-type', 'application/json']

export function refuse(refusal: Refusal): Told {
  const { status, headers } = refusalHead(refusal)
  return { status, headers: [json, ...headers], body: Buffer.from(JSON.stringify({ error: errorOf(refusal) })) }
}

/** A reset far away is said in the form that Codex shows to its user. */
function errorOf(refusal: Refusal): object {
  const error = { message: refusal.message, type: catalogue[refusal.code].type, param: refusal.param, code: refusal.code }
  if (refusal.reset === null) return error
  return {
    ...error,
    type: 'usage_limit_reached',
    resets_at: Math.ceil(refusal.reset.atMs / 1000),
    resets_in_seconds: Math.ceil(refusal.reset.inMs / 1000),
  }
}

export function retell(status: number, error: ErrorObject): Told {
  const { message, param } = error
  const { type, code } = inOwnWords(error)
  return { status, headers: [json], body: Buffer.from(JSON.stringify({ error: { message, type: type ?? 'server_error', param, code } })) }
}

/** `response.failed`, with the id that the client has seen: what follows is the connection's end, never a clean one. */
export function failInBand(error: { readonly code: string; readonly message: string }, response: ResponseId | null): Buffer {
  const { code } = inOwnWords({ ...error, type: null })
  const failed = {
    type: 'response.failed',
    response: {
      id: response ?? 'resp_unknown',
      object: 'response',
      status: 'failed',
      error: { code: code ?? 'server_error', message: error.message },
      incomplete_details: null,
      output: [],
      usage: null,
    },
  }
  return sseEvent('response.failed', JSON.stringify(failed))
}

const forCodex = sseEvent('keepalive', '{"type":"keepalive"}')
const forOthers = Buffer.from(': keep-alive\n\n')

/** A comment does not reset Codex's idle timer; an event that it does not know does (clients.md). */
export function keepAlive(turn: Turn): Buffer {
  return turn.isCodex ? forCodex : forOthers
}
