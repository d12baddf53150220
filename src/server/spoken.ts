import type { DialectName } from '../core/turn.ts'
import type { Headers } from '../lib/headers.ts'

/** Claude clients ask for lists of another shape at the same address, and say by a header which they are (protocols.md 5.5, 7.1). */
export function isForClaude(headers: Headers): boolean {
  return headers['anthropic-version'] !== undefined
}

/** Places of Chat Completions, and of what shares its manners. */
const chatPlaces = ['chat', 'embeddings', 'moderations', 'images'] as const

/** The dialect of a client that asks below this path, whether or not there is anything. */
export function spokenAt(path: string, headers: Headers): DialectName {
  if (isBelow(path, 'models')) return isForClaude(headers) ? 'messages' : 'responses'
  if (isBelow(path, 'messages')) return 'messages'
  return chatPlaces.some((place) => isBelow(path, place)) ? 'chat' : 'responses'
}

function isBelow(path: string, name: string): boolean {
  const place = path.startsWith('/v1/') ? path.slice(3) : path
  return place === `/${name}` || place.startsWith(`/${name}/`)
}
