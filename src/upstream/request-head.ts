import type { Call } from '../ports/transport.ts'
import type { Keeping } from './connection.ts'
import type { Way } from './connections.ts'
import { endpoints } from './endpoints.ts'
import { isHeaderValue, requestHeaders } from './headers.ts'

const unsayablePath = /[^\x21-\x7e\x80-\xff]/

/** The head of a request as it is written, in latin1. Throws where it cannot be said; the error names what, never the value. */
export function requestHead(call: Call, way: Way, keeping: Keeping): string {
  const target = way.basePath + call.path
  if (unsayablePath.test(target)) throw new Error('the path holds what a path cannot')
  const authorization = endpoints[call.account.upstream].authorization(call.credential)
  if (!isHeaderValue(authorization)) throw new Error('the credential holds what a header cannot')
  const list = requestHeaders(call.clientHeaders, call.omit)
  let head = `${call.method} ${target} HTTP/1.1\r\nhost: ${way.authority}\r\nauthorization: ${authorization}\r\naccept-encoding: identity\r\n`
  for (let at = 0; at < list.length; at += 2) head += `${list[at]}: ${list[at + 1]}\r\n`
  if (call.body !== null) head += 'content-type: application/json\r\n'
  if (call.body !== null || call.method === 'POST') head += `content-length: ${call.body?.bytes ?? 0}\r\n`
  return `${head}connection: ${keeping === 'kept' ? 'keep-alive' : 'close'}\r\n\r\n`
}
