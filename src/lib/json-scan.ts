/*
 * Finds its way through JSON text without decoding it. Each function starts at `at`, stays before `end`, and returns the position behind
 * what it has read, or -1 where the text is malformed. Structure outside strings is held to the grammar; inside a string only its
 * closing quote is sought: what else a string may not contain is for the reader of the text to judge.
 */

/** Objects and arrays inside each other. Deeper text counts as malformed: nobody means it, and readers that recurse die of it. */
const depthMax = 512

/** Members of one object, and items of one array, that are told apart: an index must not outgrow its text by much. */
const partsMax = 65_536

export const quote = 0x22
export const comma = 0x2c
export const openBracket = 0x5b
export const backslash = 0x5c
export const openBrace = 0x7b
export const closeBracket = 0x5d
const closeBrace = 0x7d
const colon = 0x3a
const minus = 0x2d
const plus = 0x2b
const point = 0x2e
const zero = 0x30

/** The closing brackets that are due. Shared, because nothing here calls back. */
const due = new Uint8Array(depthMax)

/** Most strings are shorter than this; up to here a loop beats the call of `indexOf`. */
const nearBytes = 64

const literals = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')]

export function skipSpace(bytes: Buffer, at: number, end: number): number {
  let to = at
  while (to < end && isSpace(bytes[to])) to++
  return to
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** @param at the opening quote. */
function skipString(bytes: Buffer, at: number, end: number): number {
  let to = at + 1
  for (;;) {
    const near = Math.min(to + nearBytes, end)
    while (to < near && bytes[to] !== quote) to++
    if (to === near) to = bytes.indexOf(quote, to)
    if (to === -1 || to >= end) return -1
    if (!isEscaped(bytes, to++)) return to
  }
}

/** Whether an odd number of backslashes stands before. Inside a string that ends at its opening quote, at the latest. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let slashes = at
  while (bytes[slashes - 1] === backslash) slashes--
  return (at - slashes) % 2 === 1
}

/** The closing quote of the string whose text begins at `from`; -1 where it has none before the end of its line. */
export function stringEnd(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === quote) return at
    if (byte === backslash) at++
    else if (byte < 0x20) return -1
  }
  return -1
}

/** One value of any kind. */
export function skipValue(bytes: Buffer, at: number, end: number): number {
  let depth = 0
  let to = at
  while (to !== -1 && to < end) {
    const first = bytes[to]
    if (first === quote) to = skipString(bytes, to, end)
    else if (first === openBrace || first === openBracket) {
      if (depth === depthMax) return -1
      due[depth++] = closerOf(first)
      to = skipSpace(bytes, to + 1, end)
      const isEmpty = to < end && bytes[to] === closerOf(first)
      if (!isEmpty && first === openBrace) to = skipName(bytes, to, end)
      if (!isEmpty) continue
    } else to = skipScalar(bytes, to, end)

    for (;;) {
      if (to === -1 || depth === 0) return to
      to = skipSpace(bytes, to, end)
      if (to >= end) return -1
      const closer = due[depth - 1]
      const next = bytes[to++]
      if (next === comma) {
        to = skipSpace(bytes, to, end)
        if (closer === closeBrace) to = skipName(bytes, to, end)
        break
      }
      if (next !== closer) return -1
      depth--
    }
  }
  return -1
}

/** What the last walk found, in the order of the text. Shared by all, since most look at it once: whoever keeps it copies it. At most four numbers a part. */
class Found {
  readonly #numbers: number[] = []
  count = 0

  begin(): void {
    this.count = 0
  }

  push(number: number): void {
    this.#numbers[this.count++] = number
  }

  copy(): readonly number[] {
    return this.#numbers.slice(0, this.count)
  }

  at(nth: number): number {
    return this.#numbers[nth] ?? 0
  }
}

export const found = new Found()

/** Numbers that are found of each member. */
export const memberNumbers = 4

/** An object and where its members lie: four numbers of each are `found`, the start and the end of the name (without its quotes) and of the value. */
export function walkObject(bytes: Buffer, at: number, end: number): number {
  found.begin()
  if (at >= end || bytes[at] !== openBrace) return -1
  let to = skipSpace(bytes, at + 1, end)
  if (to < end && bytes[to] === closeBrace) return to + 1
  for (let count = 0; count < partsMax; count++) {
    const value = skipName(bytes, to, end)
    if (value === -1) return -1
    const name = to + 1
    to = skipValue(bytes, value, end)
    if (to === -1) return -1
    found.push(name)
    found.push(nameEnd(bytes, value))
    found.push(value)
    found.push(to)
    to = skipSpace(bytes, to, end)
    if (to >= end) return -1
    if (bytes[to] === closeBrace) return to + 1
    if (bytes[to] !== comma) return -1
    to = skipSpace(bytes, to + 1, end)
  }
  return -1
}

/** An array and where its items lie: the start and the end of each are `found`. */
export function walkArray(bytes: Buffer, at: number, end: number): number {
  found.begin()
  if (at >= end || bytes[at] !== openBracket) return -1
  let to = skipSpace(bytes, at + 1, end)
  if (to < end && bytes[to] === closeBracket) return to + 1
  for (let count = 0; count < partsMax; count++) {
    const item = to
    to = skipValue(bytes, item, end)
    if (to === -1) return -1
    found.push(item)
    found.push(to)
    to = skipSpace(bytes, to, end)
    if (to >= end) return -1
    if (bytes[to] === closeBracket) return to + 1
    if (bytes[to] !== comma) return -1
    to = skipSpace(bytes, to + 1, end)
  }
  return -1
}

/** A name, its colon and the white space around it; ends where the value begins. */
function skipName(bytes: Buffer, at: number, end: number): number {
  if (at >= end || bytes[at] !== quote) return -1
  let to = skipString(bytes, at, end)
  if (to === -1) return -1
  to = skipSpace(bytes, to, end)
  if (to >= end || bytes[to] !== colon) return -1
  return skipSpace(bytes, to + 1, end)
}

/** Back from a value to the closing quote of its name. */
function nameEnd(bytes: Buffer, value: number): number {
  let to = value - 1
  while (bytes[to] !== quote) to--
  return to
}

/** A number or a literal. */
function skipScalar(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at]
  if (first === minus || isDigit(first)) return skipNumber(bytes, at, end)
  for (const literal of literals) {
    if (first !== literal[0]) continue
    const to = at + literal.length
    return to <= end && literal.compare(bytes, at, to) === 0 ? to : -1
  }
  return -1
}

function skipNumber(bytes: Buffer, at: number, end: number): number {
  const digits = bytes[at] === minus ? at + 1 : at
  let to = skipDigits(bytes, digits, end)
  if (to === digits || (to > digits + 1 && bytes[digits] === zero)) return -1
  if (to < end && bytes[to] === point) {
    const fraction = to + 1
    to = skipDigits(bytes, fraction, end)
    if (to === fraction) return -1
  }
  if (to < end && (bytes[to] === 0x65 || bytes[to] === 0x45)) {
    const sign = to + 1 < end ? bytes[to + 1] : 0
    const exponent = sign === minus || sign === plus ? to + 2 : to + 1
    to = skipDigits(bytes, exponent, end)
    if (to === exponent) return -1
  }
  return to
}

function skipDigits(bytes: Buffer, at: number, end: number): number {
  let to = at
  while (to < end && isDigit(bytes[to])) to++
  return to
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39
}

/** Both kinds of closing bracket lie two behind their opening ones in ASCII. */
function closerOf(opener: number): number {
  return opener + 2
}
