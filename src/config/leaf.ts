import * as z from 'zod'
import { durationPattern, parseDuration, parseSize } from './units.ts'

/** What every setting says of itself: `x-unit` is its type or unit, `description` its reason, `x-default` what holds where no single value is the default. */
type Note = {
  readonly description: string
  readonly 'x-unit': string
  readonly 'x-default'?: string
}

// Messages either begin with "expected" and are put behind what was found, or are a predicate that the setting's path is put before.

/** A length of time; milliseconds once parsed. `from` and `to` are its sane range. */
export function duration(preset: string, range: readonly [from: string, to: string], description: string) {
  const [from, to] = range.map((end) => parseDuration(end) ?? Number.NaN)
  const expected = `expected a duration from ${range[0]} to ${range[1]}, such as 500ms, 10s, 5m, 2h or 7d`
  return z
    .string({ error: expected })
    .regex(durationPattern, { error: expected })
    .transform((text, context) => {
      const ms = parseDuration(text)
      if (ms !== null && ms >= (from ?? Number.NaN) && ms <= (to ?? Number.NaN)) return ms
      context.issues.push({ code: 'custom', message: expected, input: text })
      return z.NEVER
    })
    .prefault(preset)
    .meta({ description, 'x-unit': `duration, ${range[0]} to ${range[1]}` } satisfies Note)
}

/** A number of bytes. */
export function size(preset: string, range: readonly [from: string, to: string], description: string) {
  const [from, to] = range.map((end) => parseSize(end) ?? Number.NaN)
  const expected = `expected a size from ${range[0]} to ${range[1]}, such as 512KiB, 64MiB, 1GiB or a number of bytes`
  return z
    .union([z.string(), z.int()], { error: expected })
    .transform((text, context) => {
      const bytes = parseSize(text)
      if (bytes !== null && bytes >= (from ?? Number.NaN) && bytes <= (to ?? Number.NaN)) return bytes
      context.issues.push({ code: 'custom', message: expected, input: text })
      return z.NEVER
    })
    .prefault(preset)
    .meta({ description, 'x-unit': `size, ${range[0]} to ${range[1]}` } satisfies Note)
}

function wholeNumber(range: readonly [from: number, to: number]) {
  const error = `expected a whole number from ${range[0]} to ${range[1]}`
  return z.int({ error }).min(range[0], { error }).max(range[1], { error })
}

export function whole(preset: number, range: readonly [from: number, to: number], description: string) {
  return wholeNumber(range)
    .prefault(preset)
    .meta({ description, 'x-unit': `whole number, ${range[0]} to ${range[1]}` } satisfies Note)
}

/** A whole number, or null for no limit. */
export function limit(range: readonly [from: number, to: number], description: string) {
  return wholeNumber(range)
    .nullable()
    .prefault(null)
    .meta({ description, 'x-unit': `whole number, ${range[0]} to ${range[1]}, or null` } satisfies Note)
}

/** A whole number that may be left out. */
export function optionalWhole(range: readonly [from: number, to: number], description: string) {
  return wholeNumber(range)
    .optional()
    .meta({ description, 'x-unit': `whole number, ${range[0]} to ${range[1]}`, 'x-default': 'none' } satisfies Note)
}

export function share(preset: number, range: readonly [from: number, to: number], description: string) {
  const error = `expected a number from ${range[0]} to ${range[1]}`
  return z
    .number({ error })
    .min(range[0], { error })
    .max(range[1], { error })
    .prefault(preset)
    .meta({ description, 'x-unit': `number, ${range[0]} to ${range[1]}` } satisfies Note)
}

export function yesNo(preset: boolean, description: string) {
  return z
    .boolean({ error: 'expected true or false' })
    .prefault(preset)
    .meta({ description, 'x-unit': 'true or false' } satisfies Note)
}

/** An amount of US dollars, or null for no limit. */
export function usdLimit(range: readonly [from: number, to: number], description: string) {
  const error = `expected an amount from ${range[0]} to ${range[1]}, in US dollars`
  return z
    .number({ error })
    .min(range[0], { error })
    .max(range[1], { error })
    .nullable()
    .prefault(null)
    .meta({ description, 'x-unit': `US dollars, ${range[0]} to ${range[1]}, or null` } satisfies Note)
}

/** A moment, or null; epoch milliseconds once parsed. */
export function optionalInstant(description: string) {
  const expected = 'expected a moment in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z, or null'
  return z
    .string({ error: expected })
    .nullable()
    .transform((text, context) => {
      if (text === null) return null
      const ms = instantPattern.test(text) ? Date.parse(text) : Number.NaN
      if (!Number.isNaN(ms)) return ms
      context.issues.push({ code: 'custom', message: expected, input: text })
      return z.NEVER
    })
    .prefault(null)
    .meta({ description, 'x-unit': 'instant or null' } satisfies Note)
}

const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** Names and texts of the operator's own, for lists and bills. */
export function labels(description: string) {
  const error = `expected at most ${labelsMax} names, each with a text of at most ${labelLengthMax} characters`
  return z
    .record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, { error }), z.string({ error }).max(labelLengthMax, { error }), { error })
    .refine((said) => Object.keys(said).length <= labelsMax, { error })
    .prefault({})
    .meta({ description, 'x-unit': 'names to texts' } satisfies Note)
}

const labelsMax = 16
const labelLengthMax = 256

/** One of some words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `expected ${oneOf(words)}` })
}

/** How a choice describes itself. */
export function choiceNote(words: readonly string[], description: string): Note {
  return { description, 'x-unit': oneOf(words) }
}

/** Text that becomes part of a header and that proves who someone is. Never shown in a problem. */
export function secret(expected: string) {
  return z.string({ error: expected }).superRefine((text, context) => {
    const fault = headerFault(text)
    if (fault !== null) context.addIssue({ code: 'custom', message: `${fault}: ${expected}` })
  })
}

/** Like `secret`, but null or empty text mean that there is none. */
export function optionalSecret(expected: string) {
  return z
    .string({ error: `${expected}, or null` })
    .nullable()
    .superRefine((text, context) => {
      const fault = text === null || text === '' ? null : headerFault(text)
      if (fault !== null) context.addIssue({ code: 'custom', message: `${fault}: ${expected}` })
    })
    .transform((text) => (text === '' ? null : text))
}

/** Why this text cannot be a header's value; null when it can. */
function headerFault(text: string): string | null {
  if (text === '') return 'is empty'
  if (/[\r\n\0]/.test(text)) return 'holds a line break or a NUL'
  return /^[\x21-\x7e]+$/.test(text) ? null : 'holds a space or another character that a credential never has'
}

/** The names of accounts, pools and keys. */
export function name(of: string) {
  const error = `expected 1 to 64 letters, digits, "_", "-" or "." as the name of ${of}`
  return z.string({ error }).regex(/^[A-Za-z0-9_.-]{1,64}$/, { error })
}

const modelBytesMax = 256

/** A model's name, or a prefix and a `*`. */
export function modelPattern() {
  const error = `expected a model's name of 1 to ${modelBytesMax} bytes, with a "*" only at its end`
  // oxlint-disable-next-line no-control-regex
  return z.string({ error }).refine((text) => /^[^\x00-\x1f\x7f*]*\*?$/.test(text) && text !== '' && Buffer.byteLength(text) <= modelBytesMax, { error })
}

/** A URL of one of these schemes, as WHATWG URLs are normalised, without query and fragment. Never shown in a problem: it may hold a password. */
export function url(schemes: readonly string[], login: 'may name a user' | 'names no user') {
  const expected = `expected a URL that begins with ${oneOf(schemes.map((scheme) => `${scheme}://`))}`
  return z.string({ error: expected }).superRefine((text, context) => {
    const fault = urlFault(text, schemes, login)
    if (fault !== null) context.addIssue({ code: 'custom', message: `${fault}: ${expected}` })
  })
}

/** Like `url`, but null or empty text mean that there is none. */
export function optionalUrl(schemes: readonly string[], login: 'may name a user' | 'names no user') {
  const expected = `expected a URL that begins with ${oneOf(schemes.map((scheme) => `${scheme}://`))}`
  return z
    .string({ error: `${expected}, or null` })
    .nullable()
    .superRefine((text, context) => {
      const fault = text === null || text === '' ? null : urlFault(text, schemes, login)
      if (fault !== null) context.addIssue({ code: 'custom', message: `${fault}: ${expected}` })
    })
    .transform((text) => (text === '' ? null : text))
}

function urlFault(text: string, schemes: readonly string[], login: 'may name a user' | 'names no user'): string | null {
  if (text === '') return 'is empty'
  if (/[\s\0]/.test(text) || !URL.canParse(text)) return 'is no URL'
  const parsed = new URL(text)
  if (!schemes.includes(parsed.protocol.slice(0, -1))) return 'has another scheme'
  if (parsed.hostname === '') return 'names no host'
  if (login === 'names no user' && (parsed.username !== '' || parsed.password !== '')) return 'holds a user name or a password'
  return parsed.search === '' && parsed.hash === '' && !/[?#]/.test(text) ? null : 'holds a query or a fragment'
}

/** "a", "a or b", "a, b or c". */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
}
