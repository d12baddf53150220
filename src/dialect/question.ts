import { hash } from 'node:crypto'
import type { ClientModel } from '../core/ids.ts'
import { refusal } from '../core/refusal.ts'
import type { Body, Span } from '../lib/body.ts'
import { header, type Headers } from '../lib/headers.ts'
import { openBracket, skipSpace, skipValue } from '../lib/json-scan.ts'
import type { Read } from './dialect.ts'

/* What the dialects have in common when they read a question. */

type Refused = Extract<Read, { kind: 'refused' }>

/** Longer names are nobody's. Unit: bytes of UTF-8. */
const modelBytesMax = 256

/** Whether this may be the name of a model. */
export function isModelName(value: unknown): value is ClientModel {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= modelBytesMax
}

/** Why this is not the name of a model. */
export function invalidModel(value: unknown): Refused {
  return typeof value !== 'string' || value === ''
    ? invalid('model', 'the name of a model, as text')
    : invalid('model', `a name of at most ${modelBytesMax} bytes`)
}

export function invalid(member: string, expected: string): Refused {
  return { kind: 'refused', refusal: refusal('invalid_body', `\`${member}\` must be ${expected}.`, { param: member }) }
}

/** What a member must be, where it is there and not null. */
export interface Expectation {
  readonly member: string
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

/** The first member that is not what it must be. */
export function wrongType(body: Body, expectations: readonly Expectation[]): Expectation | null {
  for (const expectation of expectations) {
    const value = body.value(expectation.member)
    if (value !== undefined && value !== null && !expectation.fits(value)) return expectation
  }
  return null
}

export function isFlag(value: unknown): boolean {
  return typeof value === 'boolean'
}

export function isText(value: unknown): boolean {
  return typeof value === 'string'
}

/** How sealed reasoning is known again without being kept. */
export function sealHash(encryptedContent: string): string {
  return hash('sha256', encryptedContent, 'base64url')
}

export function saysCodex(headers: Headers): boolean {
  return /^codex/i.test(header(headers, 'originator') ?? '') || /^codex/i.test(header(headers, 'user-agent') ?? '')
}

/** Headers that name a session (clients.md, last section), the surest first. */
const sessionHeaders = ['session-id', 'session_id', 'thread-id', 'conversation_id', 'x-session-affinity', 'x-session-id'] as const

/** The session that a client names in its headers, if it names one. */
export function sessionIn(headers: Headers): string | null {
  for (const name of sessionHeaders) {
    const session = header(headers, name)
    if (session !== null && session !== '') return session
  }
  return null
}

/** What a client of OpenAI's dialects says itself of which prompt cache is its own: the key in the body, else a session in the headers. */
export function cacheHint(body: Body, headers: Headers, isCodex: boolean): string | null {
  const hint = body.value('prompt_cache_key')
  if (typeof hint === 'string' && hint !== '') return hint
  const request = isCodex ? header(headers, 'x-client-request-id') : null
  return sessionIn(headers) ?? (request === '' ? null : request)
}

/** How much of the beginning tells two questions apart. Unit: bytes of each part. */
const beginningBytes = 1024

/** A hash of how a question begins, by the parts of it that stay the same while a dialogue grows. Null: it has none. */
export function beginningOf({ bytes }: Body, parts: readonly Span[]): string | null {
  const beginnings = parts.map(({ start, end }) => bytes.toString('latin1', start, Math.min(end, start + beginningBytes)))
  return beginnings.length === 0 ? null : hash('sha1', beginnings.join('\n'), 'base64url')
}

/** The first item of a member's value where that is a list, else the whole value. Null: the member is absent. */
export function firstOf(body: Body, member: string): Span | null {
  const value = body.span(member)
  if (value === null || body.bytes[value.start] !== openBracket) return value
  const start = skipSpace(body.bytes, value.start + 1, value.end)
  return { start, end: Math.max(start, skipValue(body.bytes, start, value.end)) }
}

/** The items of a member's value, where that is a list, one after another: what is not asked for is not scanned. */
export function* itemsIn(body: Body, member: string): Generator<Span> {
  const { bytes } = body
  const list = body.span(member)
  if (list === null || bytes[list.start] !== openBracket) return
  for (let at = list.start + 1; ; at++) {
    const start = skipSpace(bytes, at, list.end)
    const end = skipValue(bytes, start, list.end)
    if (end === -1) return
    yield { start, end }
    at = skipSpace(bytes, end, list.end)
  }
}

/** Messages that stand before the user's first, at most so many: few prompts have more than one. */
const openingMax = 8

/** The messages of a list up to and with the user's first: instructions alone are the same for all users of a program. */
export function openingOf(body: Body, member: string): readonly Span[] {
  const opening: Span[] = []
  for (const message of itemsIn(body, member)) {
    opening.push(message)
    if (opening.length === openingMax || body.within(message)?.value('role') === 'user') break
  }
  return opening
}
