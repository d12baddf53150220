import type { Span } from '../lib/body.ts'
import { stringEnd } from '../lib/json-scan.ts'

/*
 * Most events of a stream differ from the one before in a text or two, and in what numbers or pads them: what was found out about one holds for the next, where
 * everything around those is the same, byte for byte. To compare costs a tenth of what it costs to take an event apart.
 */

/** Larger events are not for a few words, and not kept. Unit: bytes. */
export const stencilBytesMax = 4096

export interface Place extends Span {
  readonly bytes: Buffer
}

/** A part of an event that may be another in the next one: a JSON string without its quotes, or a number. */
export interface Hole extends Span {
  readonly is: 'text' | 'digits'
}

/** An event, and every other that differs from it in its holes only. */
export class Stencil {
  /** What stands before, between and behind the holes, copied. */
  readonly around: readonly Buffer[]
  /** Where the holes of the event begin and end that was matched last. */
  readonly bounds: number[] = []
  readonly #holes: readonly Hole[]

  /** @param holes in the order in which they stand, at least one. */
  constructor({ bytes, start, end }: Place, holes: readonly Hole[]) {
    this.#holes = holes
    const starts = [start, ...holes.map((hole) => hole.end)]
    this.around = starts.map((from, nth) => Buffer.from(bytes.subarray(from, holes[nth]?.start ?? end)))
  }

  matches(bytes: Buffer, start: number, end: number): boolean {
    let at = start
    for (let nth = 0; nth < this.around.length; nth++) {
      const piece = this.around[nth]
      const to = at + (piece?.length ?? 0)
      if (to > end || piece?.compare(bytes, at, to) !== 0) return false
      const hole = this.#holes[nth]
      if (hole === undefined) return to === end
      at = hole.is === 'text' ? stringEnd(bytes, to, end) : digitsEnd(bytes, to, end)
      if (at === -1) return false
      this.bounds[2 * nth] = to
      this.bounds[2 * nth + 1] = at
    }
    return false
  }
}

/** Behind the digits of a number; -1 where there are none. */
export function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at++
  return at === from ? -1 : at
}
