import type { SocketManner } from './deed.ts'
import { isObject, type JsonObject } from './error.ts'
import { frame, type Frame, type HeaderValues } from './frame.ts'

/** Headers that say how a body travels over HTTP, which an event does not. */
const framing: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'cache-control'])

/** Headers as an event tells them: one text each. */
export function headersTold(headers: HeaderValues): { readonly [name: string]: string } {
  const told = Object.entries(headers).filter(([name]) => !framing.has(name.toLowerCase()))
  return Object.fromEntries(told.map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]))
}

/** The status of an error event whose fault names none. */
export const statusUntold = 500

export function statusTold(status: number, as: SocketManner['statusAs']): JsonObject {
  return as === 'none' ? {} : { [as]: status }
}

/** What HTTP would answer with a status of 400 and more. */
export interface Refusal {
  readonly status: number
  readonly headers: HeaderValues
  readonly text: string
  readonly statusAs: SocketManner['statusAs']
}

const textKeptMax = 2_000

/** The error event that stands over WebSocket for a refusal over HTTP (protocols.md 2.6): its error as it is, its headers in both places where they are looked for. */
export function errorEvent({ status, headers, text, statusAs }: Refusal): Frame {
  const { error, ...others } = membersOf(text)
  const told = headersTold(headers)
  const withHeaders = Object.keys(told).length === 0 ? {} : { headers: told }
  const fields = isObject(error)
    ? error
    : { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null, message: plain(error, text), param: null }
  return frame({ ...others, type: 'error', ...statusTold(status, statusAs), ...withHeaders, error: { ...fields, ...withHeaders } })
}

function membersOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

const plain = (error: unknown, text: string) => (typeof error === 'string' ? error : text.slice(0, textKeptMax))
