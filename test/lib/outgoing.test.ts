import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Outgoing, slabBytes, type Take } from '../../src/lib/outgoing.ts'

/** A stream that takes each write at once, or keeps the first until it is told, and all that comes behind it. */
function stream(takes: 'at once' | 'later') {
  const kept: Buffer[] = []
  let go = (): void => {}
  const writable = new Writable({
    highWaterMark: 1024 * 1024,
    write(chunk: Buffer, _encoding, done) {
      kept.push(chunk)
      if (takes === 'at once') done()
      else go = done
    },
  })
  return { writable, kept, go: () => go() }
}

const lay = (texts: readonly string[], take: Take): readonly Buffer[] =>
  texts.map((text) => {
    const bytes = take(text.length)
    bytes.write(text, 'latin1')
    return bytes
  })
const at = (buffer: Buffer | undefined): readonly unknown[] => [buffer?.buffer, buffer?.byteOffset]

describe('memory on its way out', () => {
  test('is used again for the next stream where the first took all at once', () => {
    const outgoing = new Outgoing()
    const [one, other] = [stream('at once'), stream('at once')]
    outgoing.write(one.writable, ['first'], lay)
    outgoing.write(other.writable, ['other'], lay)
    expect(at(one.kept[0])).toEqual(at(other.kept[0]))
    expect(one.kept[0]?.buffer).toBe(other.kept[0]?.buffer)
  })

  test('stays as it is while a stream has not taken it, whatever is written meanwhile', async () => {
    const outgoing = new Outgoing()
    const slow = stream('later')
    const texts = Array.from({ length: 100 }, (_, nth) => `${nth}:`.padEnd(nth * 40, 'x'))
    for (const text of texts) outgoing.write(slow.writable, [text, 'and more'], lay)
    const quick = stream('at once')
    for (let n = 0; n < 5000; n++) outgoing.write(quick.writable, ['y'.repeat(n % 300)], lay)
    while (slow.writable.writableLength > 0) {
      slow.go()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(slow.kept.map(String)).toEqual(texts.flatMap((text) => [text, 'and more']))
  })

  test('begins anew where it is full, and is not lent at all to what is large', () => {
    const outgoing = new Outgoing()
    const slow = stream('later')
    for (const bytes of [slabBytes / 2, slabBytes / 2 - 8, 8]) outgoing.write(slow.writable, ['x'.repeat(bytes)], lay)
    const quick = stream('at once')
    outgoing.write(quick.writable, ['next'], lay)
    outgoing.write(quick.writable, ['again'], lay)
    outgoing.write(quick.writable, ['x'.repeat(slabBytes / 2 + 1)], lay)
    const [next, again, large] = quick.kept
    expect([next?.byteOffset, again?.byteOffset]).toEqual([0, 0])
    expect(next?.buffer).toBe(again?.buffer)
    expect(next?.buffer).not.toBe(slow.kept[0]?.buffer)
    expect(large?.buffer.byteLength).toBe(slabBytes / 2 + 1)
  })

  test('begins where a word does, whatever lies before it', () => {
    const outgoing = new Outgoing()
    const slow = stream('later')
    outgoing.write(slow.writable, ['x'], lay)
    const starts: number[] = []
    for (const text of ['', 'a', 'ab', 'abc'])
      outgoing.write(slow.writable, text, (said, take) => {
        const bytes = take(said.length + 1)
        starts.push(bytes.byteOffset % 8)
        return [bytes]
      })
    expect(starts).toEqual([0, 0, 0, 0])
  })
})
