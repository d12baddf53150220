import { errorText, refused, type Refused } from './error.ts'
import type { Resource } from './resources.ts'

/** What a method and a path mean. */
export type Route =
  | { readonly kind: 'turn'; readonly endpoint: 'responses' | 'input-tokens' | 'compact' }
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'refused'; readonly refused: Refused }

/** The path without `/v1`, and its query. */
export function split(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return { path: path.startsWith('/v1/') ? path.slice(3) : path, query: new URLSearchParams(mark === -1 ? '' : target.slice(mark)) }
}

export function routeOf(method: string, path: string): Route {
  const [, first, second, third, ...rest] = path.split('/')
  const verb = `${method} ${[first, second === undefined ? null : '*', third].filter((part) => part !== null && part !== undefined).join('/')}`
  if (rest.length > 0 || second === '') return unknown(method, path)
  if (method === 'POST' && first === 'responses' && third === undefined) {
    if (second === undefined) return { kind: 'turn', endpoint: 'responses' }
    if (second === 'input_tokens') return { kind: 'turn', endpoint: 'input-tokens' }
    if (second === 'compact') return { kind: 'turn', endpoint: 'compact' }
  }
  const id = second === undefined ? '' : decoded(second)
  switch (verb) {
    case 'GET models':
      return { kind: 'resource', resource: { kind: 'models' } }
    case 'GET models/*':
      return { kind: 'resource', resource: { kind: 'model', name: id } }
    case 'GET responses/*':
      return { kind: 'resource', resource: { kind: 'read', id } }
    case 'DELETE responses/*':
      return { kind: 'resource', resource: { kind: 'delete', id } }
    case 'POST responses/*/cancel':
      return { kind: 'resource', resource: { kind: 'cancel', id } }
    case 'GET responses/*/input_items':
      return { kind: 'resource', resource: { kind: 'input-items', id } }
    case 'GET responses':
      return { kind: 'refused', refused: refused(426, 'This address speaks WebSocket: send an upgrade, or POST.') }
    default:
      return unknown(method, path)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function unknown(method: string, path: string): Route {
  return { kind: 'refused', refused: { kind: 'refused', status: 404, text: unknownText(method, path) } }
}

const unknownText = (method: string, path: string) =>
  errorText({ message: `Unknown request URL: ${method} ${path}.`, type: 'invalid_request_error', param: null, code: 'unknown_url' })
