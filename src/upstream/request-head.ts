import type { Call } from '../ports/transport.ts'
import type { Keeping } from './connection.ts'
import type { Way } from './connections.ts'
import { acceptOf, betaOf, credentialHeaders } from './endpoints.ts'
import { isHeaderValue, requestHeaders } from './headers.ts'

const unsayablePath = /[^\x21-\x7e\x80-\xff]/

/** The head of a request as it is written, in latin1. Throws where it cannot be said; the error names what, never the value. */
export function requestHead(call: Call, way: Way, keeping: Keeping): string {
  const target = way.basePath + call.path
  if (unsayablePath.test(target)) throw new Error('the path holds what a path cannot')
  const accept = acceptOf(call.account, call.path)
  const omit = accept === null ? call.omit : [...call.omit, 'accept']
  const list = requestHeaders(call.clientHeaders, omit, betaOf(call.account, call.credential))
  let head = `${call.method} ${target} HTTP/1.1\r\nhost: ${way.authority}\r\n`
  for (const [name, value] of call.credential === null ? [] : credentialHeaders(call.account, call.credential)) {
    if (!isHeaderValue(value)) throw new Error('the credential holds what a header cannot')
    head += `${name}: ${value}\r\n`
  }
  head += accept === null ? 'accept-encoding: identity\r\n' : `accept: ${accept}\r\naccept-encoding: identity\r\n`
  for (let at = 0; at < list.length; at += 2) head += `${list[at]}: ${list[at + 1]}\r\n`
  if (call.body !== null) head += `content-type: ${call.body.type ?? 'application/json'}\r\n`
  if (call.body !== null || call.method === 'POST') head += `content-length: ${call.body?.bytes ?? 0}\r\n`
  return `${head}connection: ${keeping === 'kept' ? 'keep-alive' : 'close'}\r\n\r\n`
}
