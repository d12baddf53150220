import type { Headers } from '../lib/headers.ts'
import { header } from '../lib/headers.ts'
import type { Refuse, Refused } from './error.ts'
import type { DialectName } from './question.ts'
import type { Resource } from './resources.ts'

export type Endpoint = 'responses' | 'input-tokens' | 'compact' | 'chat' | 'embeddings' | 'moderations' | 'images' | 'messages' | 'count-tokens'

/** What a method and a path mean. */
export type Route =
  | { readonly kind: 'turn'; readonly endpoint: Endpoint }
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'refused'; readonly refused: Refused }

/** The path without `/v1`, and its query. */
export function split(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return { path: path.startsWith('/v1/') ? path.slice(3) : path, query: new URLSearchParams(mark === -1 ? '' : target.slice(mark)) }
}

/** In which dialect a request is spoken to: by its path; where that belongs to none, by the header that only Anthropic's clients send. */
export function dialectNameOf(target: string, headers: Headers): DialectName {
  const [, first = ''] = split(target).path.split('/')
  switch (first) {
    case 'responses':
    case 'messages':
    case 'chat':
      return first
    case 'embeddings':
    case 'moderations':
    case 'images':
      return 'chat'
    default:
      return header(headers, 'anthropic-version') === null ? 'responses' : 'messages'
  }
}

const turns: ReadonlyMap<string, Endpoint> = new Map([
  ['responses', 'responses'],
  ['responses/input_tokens', 'input-tokens'],
  ['responses/compact', 'compact'],
  ['chat/completions', 'chat'],
  ['embeddings', 'embeddings'],
  ['moderations', 'moderations'],
  ['images/generations', 'images'],
  ['messages', 'messages'],
  ['messages/count_tokens', 'count-tokens'],
])

export function routeOf(method: string, path: string, refuse: Refuse): Route {
  const endpoint = method === 'POST' ? turns.get(path.slice(1)) : undefined
  if (endpoint !== undefined) return { kind: 'turn', endpoint }
  const [, first, second, third, ...rest] = path.split('/')
  const verb = `${method} ${[first, second === undefined ? null : '*', third].filter((part) => part !== null && part !== undefined).join('/')}`
  if (rest.length > 0 || second === '') return unknown(method, path, refuse)
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
      return { kind: 'refused', refused: refuse(426, 'This address speaks WebSocket: send an upgrade, or POST.') }
    default:
      return unknown(method, path, refuse)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function unknown(method: string, path: string, refuse: Refuse): Route {
  return { kind: 'refused', refused: refuse(404, `Unknown request URL: ${method} ${path}.`, { code: 'unknown_url' }) }
}
