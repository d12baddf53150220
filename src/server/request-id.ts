import { randomUUID } from 'node:crypto'
import type { Headers } from '../lib/headers.ts'

/** The client's own id where it is one that may stand in a header and a log, else a new one. */
export function requestIdOf(headers: Headers): string {
  const said = headers['x-request-id']
  return typeof said === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(said) ? said : newRequestId()
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}
