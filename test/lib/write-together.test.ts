import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { writeTogether } from '../../src/lib/write-together.ts'

/** What each call below the stream was given. */
function calls(pieces: readonly string[]): readonly (readonly string[])[] {
  const seen: string[][] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      seen.push([chunk.toString()])
      done()
    },
    writev(chunks, done) {
      seen.push(chunks.map(({ chunk }) => String(chunk)))
      done()
    },
  })
  writeTogether(
    stream,
    pieces.map((piece) => Buffer.from(piece)),
  )
  return seen
}

test.each([
  ['nothing', [], []],
  ['one piece', ['a'], [['a']]],
  ['several pieces', ['a', 'b', 'c'], [['a', 'b', 'c']]],
])('%s is one call at most', (_title, pieces, seen) => {
  expect(calls(pieces)).toEqual(seen)
})
