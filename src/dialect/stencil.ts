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

/** No event has so many. */
const holesMax = 16

/** Where the holes of the event begin and end that was matched last, by whichever stencil. One for all, so that it is never far from the processor. */
export const bounds = new Int32Array(2 * holesMax)

/** What comes behind a piece. */
const nothing = 0
const aText = 1
const aNumber = 2

/** Before a piece: its length, low byte first, and what comes behind it. */
const headBytes = 3

/** An event, and every other that differs from it in its holes only. */
export class Stencil {
  /**
   * What stands before, between and behind the holes, each with its head, in one piece of memory: with hundreds of streams at once nothing of this one is in the
   * processor's caches when its next word comes, and each place that is looked into costs as much as comparing a hundred bytes.
   */
  readonly #form: Buffer

  /** @param holes in the order in which they stand, at least one. */
  constructor(place: Place, holes: readonly Hole[]) {
    const pieces = around(place, holes)
    const marks = [...holes.map(({ is }) => (is === 'text' ? aText : aNumber)), nothing]
    const form = Buffer.concat(pieces.flatMap((piece, nth) => [Buffer.from([piece.length & 0xff, piece.length >> 8, marks[nth] ?? nothing]), piece]))
    // Not a part of a larger piece of memory, which it would keep for as long as the stream goes on.
    this.#form = Buffer.alloc(form.length)
    form.copy(this.#form)
  }

  /** Says in `bounds` where the holes are. */
  matches(bytes: Buffer, start: number, end: number): boolean {
    const form = this.#form
    let at = start
    let compared = 0
    for (let nth = 0; ; nth += 2) {
      const until = compared + headBytes + ((form[compared] ?? 0) | ((form[compared + 1] ?? 0) << 8))
      const hole = form[compared + 2]
      compared += headBytes
      if (at + until - compared > end) return false
      while (compared < until) if (bytes[at++] !== form[compared++]) return false
      if (hole === nothing) return at === end
      bounds[nth] = at
      at = hole === aText ? stringEnd(bytes, at, end) : digitsEnd(bytes, at, end)
      if (at === -1) return false
      bounds[nth + 1] = at
    }
  }
}

/** What stands before, between and behind the holes. */
export function around({ bytes, start, end }: Place, holes: readonly Hole[]): readonly Buffer[] {
  return [start, ...holes.map((hole) => hole.end)].map((from, nth) => bytes.subarray(from, holes[nth]?.start ?? end))
}

/** Behind the digits of a number; -1 where there are none. */
export function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at++
  return at === from ? -1 : at
}
