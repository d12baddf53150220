import { isDeepStrictEqual } from 'node:util'
import { shown } from './masked.ts'
import type { Configuration } from './schema.ts'

/** Settings by their place, as in `accounts[main].priority`, with secrets masked; a setting that is not there is not among them. */
export type Settings = Readonly<Record<string, unknown>>

/** What became of a configuration: the settings that changed, as they were and as they are. Null: none did. */
export function difference(before: Configuration, after: Configuration): { readonly before: Settings; readonly after: Settings } | null {
  const found: Found = { before: {}, after: {} }
  compare('', { raw: before, shown: shown(before) }, { raw: after, shown: shown(after) }, found)
  return Object.keys(found.before).length + Object.keys(found.after).length === 0 ? null : found
}

interface Found {
  readonly before: Record<string, unknown>
  readonly after: Record<string, unknown>
}

/** A setting as it is, and as it may be shown. */
interface Side {
  readonly raw: unknown
  readonly shown: unknown
}

/** What the masked configuration leaves out is a secret. */
const hidden = '****'

function compare(place: string, a: Side, b: Side, found: Found): void {
  if (isDeepStrictEqual(a.raw, b.raw)) return
  const names = namesIn(a.raw, b.raw)
  if (names !== null) {
    for (const { name, of } of names)
      compare(of === 'list' ? `${place}[${name}]` : `${place}${place === '' ? '' : '.'}${name}`, member(a, name), member(b, name), found)
    return
  }
  const [was, is] = [a, b].map(({ shown: said }) => (said === undefined ? hidden : said))
  if (a.raw !== undefined) found.before[place] = was
  if (b.raw !== undefined) found.after[place] = a.raw !== undefined && isDeepStrictEqual(was, is) ? { another: is } : is
}

/** What both have parts of, each with a name; null: it is compared as a whole. */
function namesIn(a: unknown, b: unknown): readonly { readonly name: string; readonly of: 'list' | 'section' }[] | null {
  if (isNamedList(a) && isNamedList(b)) return [...new Set([...a, ...b].map(({ name }) => name))].map((name) => ({ name, of: 'list' }))
  if (isSection(a) && isSection(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => ({ name, of: 'section' }))
  return null
}

function member({ raw, shown: said }: Side, name: string): Side {
  const of = (value: unknown): unknown => {
    if (isNamedList(value)) return value.find((one) => one.name === name)
    return isSection(value) ? value[name] : undefined
  }
  return { raw: of(raw), shown: of(said) }
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamedList(value: unknown): value is readonly { readonly name: string }[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => isSection(one) && typeof one['name'] === 'string')
}
