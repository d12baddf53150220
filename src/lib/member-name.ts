import { backslash, quote } from './json-scan.ts'

/* Names of members where they stand in JSON text: `start` and `end` are those of a name without its quotes. */

/** Governed names by length and first byte: one look tells nearly every other member apart from all of them, without making a string. */
type NameTable = ReadonlyMap<number, readonly string[]>

const tables = new WeakMap<ReadonlySet<string>, NameTable>()

export function tableOf(governed: ReadonlySet<string>): NameTable {
  const made = tables.get(governed)
  if (made !== undefined) return made
  const table = new Map<number, string[]>()
  for (const name of governed) {
    const bytes = Buffer.from(name)
    const key = tableKey(bytes, 0, bytes.length)
    table.set(key, [...(table.get(key) ?? []), name])
  }
  tables.set(governed, table)
  return table
}

function tableKey(bytes: Buffer, start: number, end: number): number {
  return start === end ? 0 : (end - start) * 256 + (bytes[start] ?? 0)
}

/** The governed name that a member bears, unescaped; null where it bears another, undefined where its name is malformed. */
export function governedName(bytes: Buffer, start: number, end: number, table: NameTable): string | null | undefined {
  if (!isPlain(bytes, start, end)) {
    const name = parsedText(bytes, start - 1, end + 1)
    if (typeof name !== 'string') return undefined
    const plain = Buffer.from(name)
    return table.get(tableKey(plain, 0, plain.length))?.includes(name) === true ? name : null
  }
  for (const name of table.get(tableKey(bytes, start, end)) ?? []) if (isNamed(bytes, start, end, name)) return name
  return null
}

/** Compares byte by byte while both are plain ASCII; only an escape or another alphabet costs a string. */
export function isNamed(bytes: Buffer, start: number, end: number, member: string): boolean {
  const length = end - start
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] ?? 0
    if (byte === backslash || byte > 0x7f) return parsedText(bytes, start - 1, end + 1) === member
    if (byte !== member.charCodeAt(i)) return false
  }
  return length === member.length
}

/** Neither escapes nor what would have to be escaped. */
export function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === backslash || byte < 0x20) return false
  }
  return true
}

/** The value of JSON text; undefined where it is malformed. */
export function parsedText(bytes: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    return undefined
  }
}

const letterT = 0x74
const letterF = 0x66
const letterN = 0x6e

/** The same for a value whose structure is known to be sound: literals and plain strings, which nearly all are, need no parser. */
export function parsedValue(bytes: Buffer, start: number, end: number): unknown {
  const first = bytes[start]
  if (first === quote && isPlain(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1)
  if (first === letterT) return true
  if (first === letterF) return false
  return first === letterN ? null : parsedText(bytes, start, end)
}
