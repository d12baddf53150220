import type { FaultSpec } from './fault-spec.ts'
import type { HeaderValues } from './frame.ts'

/** Every fault that answers something else, whatever was asked. */
export type Trouble = SaidTrouble | Page

/** What each dialect says in its own words. */
export type SaidTrouble =
  | 'status'
  | 'quota'
  | 'quota-403'
  | 'rate'
  | 'credential'
  | 'credential-bare'
  | 'token-invalidated'
  | 'forbidden'
  | 'overload'
  | 'overload-529'
  | 'server'
  | 'model'
  | 'payment'

/** What something says that stands in front of the upstream, and knows no dialect. */
type Page = 'edge' | 'redirect' | 'html-404'

/** What an answer in place of the one that was asked for may speak of. */
export interface At {
  readonly nowMs: number
  /** Null where the request names none. */
  readonly model: string | null
  readonly requestId: string
}

/** An answer in place of the one that was asked for. */
export interface Instead {
  readonly status: number
  readonly headers: HeaderValues
  readonly text: string
}

export type Say = (spec: FaultSpec, at: At) => Instead

const htmlOf = (title: string) => `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`
const htmlType = { 'content-type': 'text/html; charset=UTF-8' }
export const jsonType = { 'content-type': 'application/json' }

export const pages: Readonly<Record<Page, Say>> = {
  edge: page(403, 'Attention Required'),
  'html-404': page(404, 'Not Found'),
  redirect: (spec) => ({
    status: spec.status ?? 302,
    headers: { ...htmlType, location: spec.location ?? '/v1/redirected', ...spec.headers },
    text: htmlOf('Found'),
  }),
}

export function isPage(trouble: Trouble): trouble is Page {
  return Object.hasOwn(pages, trouble)
}

function page(status: number, title: string): Say {
  const text = htmlOf(title)
  return (spec) => ({ status: spec.status ?? status, headers: { ...htmlType, ...spec.headers }, text })
}

/** Any status with any body. `otherwise`: the body where none was asked for. */
export function anyStatus(spec: FaultSpec, hints: HeaderValues, otherwise: string): Instead {
  const { body } = spec
  const text = body === undefined || body === null ? otherwise : typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body !== 'string' ? jsonType : /^\s*</.test(body) ? htmlType : { 'content-type': 'text/plain' }
  return { status: spec.status ?? 500, headers: { ...type, ...hints, ...spec.headers }, text }
}

/** Until a spent quota is whole again; null: it is not said. */
export const secondsToReset = (spec: FaultSpec) => (spec.resetsInSeconds === undefined ? 5 : spec.resetsInSeconds)
