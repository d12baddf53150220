import type { AnswerHead } from '../../src/upstream/answer-head.ts'
import { AnswerParser } from '../../src/upstream/answer-parser.ts'

/** What a parser told of one connection's bytes. */
export interface Heard {
  readonly head: AnswerHead | null
  readonly body: string
  /** `open`: more was awaited. `cut`: the connection ended inside the answer. */
  readonly how: 'open' | 'clean' | 'spilled' | 'malformed' | 'cut'
  /** Pieces in which the body came. */
  readonly pieces: number
}

/** Gives a parser these bytes, cut into reads at `cuts`, and then the connection's end where `ends` says so. */
export function heard(bytes: Buffer, cuts: readonly number[], ends: 'ends' | 'goes on' = 'goes on'): Heard {
  let head: AnswerHead | null = null
  let how: Heard['how'] = 'open'
  const body: Buffer[] = []
  const parser = new AnswerParser({
    head: (told) => (head = told),
    data: (piece) => body.push(Buffer.from(piece)),
    end: (rest) => (how = rest),
    malformed: () => (how = 'malformed'),
  })
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  // Each read is memory of its own, as from a socket: the parser may move things in it.
  for (let at = 1; at < bounds.length; at++) {
    const read = Buffer.from(bytes.subarray(bounds[at - 1], bounds[at]))
    if (read.length > 0) parser.take(read)
  }
  if (ends === 'ends' && how === 'open' && !parser.close()) how = 'cut'
  return { head, body: Buffer.concat(body).toString('latin1'), how, pieces: body.length }
}
