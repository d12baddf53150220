import { describe, expect, it } from 'vitest'
import { Hasher } from '../../src/lib/hasher.ts'
import { KeyRing, presentedKey } from '../../src/server/identify.ts'
import { caller } from './support.ts'

const hasher = new Hasher(Buffer.alloc(32, 1), 'keys')

/** Counts what a look-up costs. */
class CountingHasher extends Hasher {
  hashes = 0
  override latin1(presented: string): string {
    this.hashes++
    return super.latin1(presented)
  }
}

describe('a key', () => {
  it('is found by its hash, and only by it', () => {
    const ring = new KeyRing(hasher)
    ring.replace([{ hash: hasher.hash('right'), caller: caller('laptop') }])
    expect(ring.find('right')?.key).toBe('laptop')
    expect(['', 'wrong', 'right ', hasher.hash('right').toString('latin1')].map((presented) => ring.find(presented))).toEqual([null, null, null, null])
  })

  it('has another hash under another secret', () => {
    expect(new Hasher(Buffer.alloc(32, 2), 'keys').hash('right').equals(hasher.hash('right'))).toBe(false)
  })

  // H1
  it.each([['right'], ['wrong'], ['']])('costs one hash to look up, be it right, wrong or absent: "%s"', (presented) => {
    const counting = new CountingHasher(Buffer.alloc(32, 1), 'keys')
    const ring = new KeyRing(counting)
    ring.replace([{ hash: hasher.hash('right'), caller: caller('laptop') }])
    ring.find(presented)
    expect(counting.hashes).toBe(1)
  })

  it('that a reload took away is unknown at once, and a new one is known', () => {
    const ring = new KeyRing(hasher)
    ring.replace([{ hash: hasher.hash('old'), caller: caller('laptop') }])
    ring.replace([{ hash: hasher.hash('new'), caller: caller('laptop') }])
    expect([ring.find('old'), ring.find('new')?.key]).toEqual([null, 'laptop'])
  })

  it('of no length opens nothing, even where one was issued', () => {
    const ring = new KeyRing(hasher)
    ring.replace([{ hash: hasher.hash(''), caller: caller('laptop') }])
    expect(ring.find('')).toBeNull()
  })
})

describe('what a request presents', () => {
  it.each([
    [{ authorization: 'Bearer abc' }, 'abc'],
    [{ authorization: 'bearer   abc  ' }, 'abc'],
    [{ 'x-api-key': 'abc' }, 'abc'],
    [{ authorization: 'Bearer abc', 'x-api-key': 'def' }, 'abc'],
    [{ authorization: 'Basic xyz', 'x-api-key': 'def' }, 'def'],
    [{ authorization: 'Bearer ' }, ''],
    [{ authorization: 'Bearer a b' }, ''],
    [{ authorization: 'abc' }, ''],
    [{}, ''],
  ])('%j', (headers, presented) => expect(presentedKey(headers)).toBe(presented))
})
