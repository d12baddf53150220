import type { Headers } from '../lib/headers.ts'

/** How the end of a body is told (RFC 9112 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'sized'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

export interface AnswerHead {
  readonly kind: 'head'
  readonly status: number
  readonly headers: Headers
  readonly framing: Framing
  /** Whether the connection can be used again afterwards, by what the server says. */
  readonly lasts: 'kept' | 'closed'
  /** How long the server announces to keep it; null where it says nothing. */
  readonly keptMs: number | null
}

/** What is no HTTP/1.1 answer, or one that two readers could read differently. `why` holds nothing that the upstream wrote. */
export interface Malformed {
  readonly kind: 'malformed'
  readonly why: string
}

const headersMax = 256

/** Control characters, and each half of a line break without the other. */
const unsound = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const size = /^\d{1,15}$/

/** Headers of which the first counts where they stand twice; others are joined, as `node:http` has it. */
const single: ReadonlySet<string> = new Set(['age', 'content-type', 'etag', 'expires', 'last-modified', 'location', 'retry-after', 'server'])

type Fields = Record<string, string | string[]>

/** @param text all lines of a head, without the empty one at its end. */
export function parseHead(text: string): AnswerHead | Malformed {
  if (unsound.test(text)) return malformed('a control character or a bare line break in its head')
  const first = lineEnd(text, 0)
  const line = statusLine.exec(text.slice(0, first))
  if (line === null) return malformed('its first line is no status line')
  // Without a prototype, so that no name of a header means anything.
  const fields = Object.create(null) as Fields
  let count = 0
  for (let at = first + 2; at < text.length;) {
    const end = lineEnd(text, at)
    const colon = text.indexOf(':', at)
    const name = text.slice(at, colon === -1 || colon > end ? at : colon)
    if (!token.test(name)) return malformed('a line of its head is no header')
    if (++count > headersMax) return malformed('too many headers')
    const added = add(fields, name.toLowerCase(), trimmed(text, colon + 1, end))
    if (added !== null) return added
    at = end + 2
  }
  return judged(line[1] === '1' ? '1.1' : '1.0', Number(line[2]), fields)
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from)
  return end === -1 ? text.length : end
}

function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function add(fields: Fields, name: string, value: string): Malformed | null {
  const before = fields[name]
  if (name === 'set-cookie') {
    if (Array.isArray(before)) before.push(value)
    else fields[name] = [value]
  } else if (before === undefined) fields[name] = value
  else if (name === 'content-length') return malformed('its length is said twice')
  else if (!single.has(name)) fields[name] = `${String(before)}, ${value}`
  return null
}

function judged(version: '1.0' | '1.1', status: number, fields: Fields): AnswerHead | Malformed {
  const framing = framingOf(version, status, fields)
  if (framing.kind === 'malformed') return framing
  const connection = words(fields['connection'])
  const isKept = framing.kind !== 'until-close' && (version === '1.1' ? !connection.includes('close') : connection.includes('keep-alive'))
  const announced = isKept ? /^timeout=(\d{1,9})/i.exec(String(fields['keep-alive'] ?? '')) : null
  return {
    kind: 'head',
    status,
    headers: fields,
    framing,
    lasts: isKept ? 'kept' : 'closed',
    keptMs: announced === null ? null : Number(announced[1]) * 1000,
  }
}

const none: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'until-close' }

function framingOf(version: '1.0' | '1.1', status: number, fields: Fields): Framing | Malformed {
  const coding = fields['transfer-encoding']
  const length = fields['content-length']
  if (coding !== undefined) {
    if (length !== undefined) return malformed('both a length and a transfer coding')
    if (version === '1.0' || String(coding).toLowerCase() !== 'chunked') return malformed('a transfer coding that nobody asked for')
  }
  if (length !== undefined && !size.test(String(length))) return malformed('its length is no number')
  if (status < 200 || status === 204 || status === 304) return none
  if (coding !== undefined) return chunked
  return length === undefined ? untilClose : { kind: 'sized', bytes: Number(length) }
}

function words(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return String(value)
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
}

export function malformed(why: string): Malformed {
  return { kind: 'malformed', why }
}
