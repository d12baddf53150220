import { assert } from '../lib/assert.ts'
import type { Route } from '../ports/routes.ts'

export type Matched =
  | { readonly kind: 'route'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  /** The path is known, the method is not; `allow` lists those that are. */
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'unknown' }

interface Node {
  readonly fixed: Map<string, Node>
  varied: { readonly name: string; readonly node: Node } | null
  /** Routes that end here, by method. */
  readonly ends: Map<string, Route>
  /** Routes that take the rest from here, by method. */
  readonly rest: Map<string, Route>
}

const node = (): Node => ({ fixed: new Map(), varied: null, ends: new Map(), rest: new Map() })
const noParams: Readonly<Record<string, string>> = Object.freeze({})

/** Finds the row for a request. A fixed segment goes before a varied one, that before a rest. */
export class Router {
  readonly #root = node()
  /** Whole paths without varied parts: one look-up for almost every request. */
  readonly #fixed = new Map<string, Map<string, Route>>()
  /** `METHOD path` of every row, for people who mistyped one. */
  readonly known: readonly string[]

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      this.#add(route, route.path)
      if (route.path.startsWith('/v1/')) this.#add(route, route.path.slice(3))
    }
    this.known = routes.map((route) => `${route.method} ${route.path}`)
  }

  match(method: string, path: string): Matched {
    const wanted = method === 'HEAD' ? 'GET' : method
    const fixed = this.#fixed.get(path)
    const route = fixed?.get(wanted)
    if (route !== undefined) return { kind: 'route', route, params: noParams }
    const params: Record<string, string> = {}
    const ends = walk(this.#root, path.split('/'), 1, params)
    const methods = fixed ?? ends
    if (methods === null) return { kind: 'unknown' }
    const found = methods.get(wanted)
    return found === undefined ? { kind: 'wrong-method', allow: allowed(methods) } : { kind: 'route', route: found, params }
  }

  #add(route: Route, path: string): void {
    const parts = path.split('/').slice(1)
    let at = this.#root
    for (const [index, part] of parts.entries()) {
      if (part === '*') {
        assert(index === parts.length - 1, `${path}: a rest stands last`)
        put(at.rest, route, path)
        return
      }
      at = part.startsWith(':') ? variedChild(at, part.slice(1)) : fixedChild(at, part)
    }
    put(at.ends, route, path)
    if (!path.includes('/:')) this.#fixed.set(path, at.ends)
  }
}

function put(methods: Map<string, Route>, route: Route, path: string): void {
  assert(!methods.has(route.method), `two routes for ${route.method} ${path}`)
  methods.set(route.method, route)
}

function fixedChild(at: Node, part: string): Node {
  const child = at.fixed.get(part) ?? node()
  at.fixed.set(part, child)
  return child
}

function variedChild(at: Node, name: string): Node {
  at.varied ??= { name, node: node() }
  assert(at.varied.name === name, `:${at.varied.name} and :${name} stand in one place`)
  return at.varied.node
}

function walk(at: Node, parts: readonly string[], index: number, params: Record<string, string>): ReadonlyMap<string, Route> | null {
  const part = parts[index]
  if (part === undefined) return at.ends.size > 0 ? at.ends : null
  const child = at.fixed.get(part)
  const below = child === undefined ? null : walk(child, parts, index + 1, params)
  if (below !== null) return below
  const value = at.varied === null || part === '' ? null : decoded(part)
  if (at.varied !== null && value !== null) {
    const found = walk(at.varied.node, parts, index + 1, params)
    if (found !== null) {
      params[at.varied.name] = value
      return found
    }
  }
  if (at.rest.size === 0) return null
  params['*'] = parts.slice(index).join('/')
  return at.rest
}

/** Null: not a percent-encoded text, so it names nothing. */
function decoded(part: string): string | null {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}

function allowed(methods: ReadonlyMap<string, Route>): readonly string[] {
  const names = [...methods.keys()]
  return methods.has('GET') ? ['GET', 'HEAD', ...names.filter((name) => name !== 'GET')] : names
}
