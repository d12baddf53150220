import { comma, skipSpace } from './json-scan.ts'

/** A half-open range of bytes. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The bytes of an edited body, to be written one piece after another; none is a copy of the whole. */
export interface Pieces {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
}

/** Bytes that go, and those that come in their place. */
export interface Cut extends Span {
  readonly put: readonly Buffer[]
}

/** Where the parts of a list lie. */
export interface Parts {
  /** `stride` numbers of each. */
  readonly numbers: readonly number[]
  readonly stride: number
  /** What lies before the first of them: a name begins with its quote. */
  readonly opening: number
}

/** Each part of a list that goes takes one comma along: the one behind it while a part behind it stays, else the one before it. */
export function cutParts(bytes: Buffer, { numbers, stride, opening }: Parts, gone: ReadonlySet<number>): Cut[] {
  const count = numbers.length / stride
  let turn = count - 1
  while (turn >= 0 && gone.has(turn)) turn--
  if (turn === -1) turn = count - 1
  const cuts: Cut[] = []
  for (let index = 0; index < count; index++) {
    if (!gone.has(index)) continue
    const start = (numbers[stride * index] ?? 0) - opening
    const end = numbers[stride * (index + 1) - 1] ?? 0
    cuts.push({ start: index > turn ? commaBefore(bytes, start) : start, end: index < turn ? skipSpace(bytes, end, bytes.length) + 1 : end, put: [] })
  }
  return cuts
}

function commaBefore(bytes: Buffer, part: number): number {
  let at = part - 1
  while (bytes[at] !== comma) at--
  return at
}

/** As they nearly always are; a sort costs more than all the rest. */
function areInOrder(cuts: readonly Cut[]): boolean {
  let at = 0
  for (const { start } of cuts) {
    if (start < at) return false
    at = start
  }
  return true
}

/** @param cuts apart from each other, in any order. */
export function splice(bytes: Buffer, range: Span, cuts: Cut[]): Pieces {
  const pieces: Buffer[] = []
  let total = 0
  const add = (piece: Buffer): void => {
    if (piece.length === 0) return
    pieces.push(piece)
    total += piece.length
  }
  let from = range.start
  if (!areInOrder(cuts)) cuts.sort((a, b) => a.start - b.start)
  for (const cut of cuts) {
    add(bytes.subarray(from, cut.start))
    for (const piece of cut.put) add(piece)
    from = cut.end
  }
  add(bytes.subarray(from, range.end))
  return { pieces, bytes: total }
}
