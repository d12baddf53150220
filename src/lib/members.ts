import type { Span } from './cuts.ts'
import { found, memberNumbers, skipSpace, walkObject } from './json-scan.ts'
import { isNamed } from './member-name.ts'

/**
 * Where the values of these members stand in the object at this range, each the last of its name; null where it has none. Null: it is no object, or cannot be read.
 * For one look: whoever looks again is better off with the index that a `Body` is.
 */
export function membersOf(bytes: Buffer, { start, end }: Span, ...names: readonly string[]): readonly (Span | null)[] | null {
  const last = walkObject(bytes, skipSpace(bytes, start, end), end)
  return last === -1 || skipSpace(bytes, last, end) !== end ? null : names.map((name) => lastNamed(bytes, name))
}

function lastNamed(bytes: Buffer, name: string): Span | null {
  for (let at = found.count - memberNumbers; at >= 0; at -= memberNumbers) {
    if (isNamed(bytes, found.at(at), found.at(at + 1), name)) return { start: found.at(at + 2), end: found.at(at + 3) }
  }
  return null
}
