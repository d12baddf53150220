/** Where a request goes, before anything is decoded. */
export interface Target {
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly search: string
}

/** Null: the request line names no path (`*`, an authority, another scheme). */
export function readTarget(raw: string): Target | null {
  if (!raw.startsWith('/')) return absolute(raw)
  const query = raw.indexOf('?')
  return query === -1 ? { path: raw, search: '' } : { path: raw.slice(0, query), search: raw.slice(query) }
}

/** A server must understand the form that is sent to proxies, too (RFC 9112 3.2.2). */
function absolute(raw: string): Target | null {
  if (!/^https?:\/\//i.test(raw) || !URL.canParse(raw)) return null
  const url = new URL(raw)
  return { path: url.pathname, search: url.search }
}

/** The target as a URL, for routes that read its query. The host is of no account. */
export function targetUrl(target: Target): URL {
  return new URL(`http://turnout${target.path}${target.search}`)
}

const names = new Set(['api_key', 'apikey', 'api-key', 'x-api-key', 'access_token', 'token', 'authorization', 'key'])
const valuesLookedUp = 32

/**
 * The parameter that carries a key, or null. Addresses end up in logs of proxies and in histories of shells, so a key in one is refused even where it is right.
 *
 * @param isKey tells a value that is one of our keys, whatever its form; asked for the first `valuesLookedUp` values.
 * @param allowed a name that means something else on this route.
 */
export function keyInQuery(search: string, isKey: (value: string) => boolean, allowed: string | null): string | null {
  if (search.length < 2) return null
  let looked = 0
  for (const [name, value] of new URLSearchParams(search)) {
    const lower = name.toLowerCase()
    if (names.has(lower) && lower !== allowed) return name
    if (/^(sk-|bearer )/i.test(value)) return name
    if (looked++ < valuesLookedUp && value !== '' && isKey(value)) return name
  }
  return null
}
