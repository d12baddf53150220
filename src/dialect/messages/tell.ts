import type { ErrorObject } from '../../core/failure.ts'
import { catalogue, refusalHead, type Refusal } from '../../core/refusal.ts'
import { sseEvent } from '../../lib/sse.ts'
import type { Told } from '../dialect.ts'
import { statusOf, typeOf } from './error.ts'

const json: readonly [string, string] = ['content-type', 'application/json']

/** An error in Anthropic's shape (protocols.md 5.4). The code that no type of theirs can say stands in its details, where their SDKs look for codes. */
function errorText(status: number, { code, message }: Pick<ErrorObject, 'code' | 'message'>): string {
  const type = typeOf(status)
  const details = code === null || code === type ? {} : { details: { error_code: code } }
  return JSON.stringify({ type: 'error', error: { type, message: code === 'context_length_exceeded' ? tooLong(message) : message, ...details } })
}

/** Anthropic has no code for a dialogue that is too long: Claude Code shortens it when it reads these words. */
function tooLong(message: string): string {
  return /prompt is too long/i.test(message) ? message : `prompt is too long: ${message}`
}

export function refuse(refusal: Refusal): Told {
  const { status, headers } = refusalHead(refusal)
  return { status, headers: [json, ...headers], body: Buffer.from(errorText(status, refusal)) }
}

/** An overload is a status of its own here. */
export function retell(status: number, error: ErrorObject): Told {
  const said = status === 503 ? 529 : status
  return { status: said, headers: [json], body: Buffer.from(errorText(said, error)) }
}

/** An `error` event. What follows is the connection's end, never `message_stop`. */
export function failInBand(error: { readonly code: string; readonly message: string }): Buffer {
  return sseEvent('error', errorText(statusOfCode(error.code), error))
}

/** A code of ours, or of an upstream of any dialect. */
function statusOfCode(code: string): number {
  return Object.hasOwn(catalogue, code) ? catalogue[code as keyof typeof catalogue].status : statusOf({ code, type: null })
}

const ping = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n')

/** SDKs take a ping for nothing, wherever it comes. */
export function keepAlive(): Buffer {
  return ping
}
