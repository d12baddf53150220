import { describe, expect, it, vi } from 'vitest'
import { Hasher } from '../../src/lib/hasher.ts'
import { KeyRing, presentedKey, type IssuedKey } from '../../src/server/identify.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
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

const nowMs = Date.UTC(2026, 10, 21)

/** A ring in which `right` is the key `laptop`. */
function ring(using: Hasher = hasher, expiresAtMs: number | null = null) {
  const clock = new VirtualClock(nowMs)
  const keys = new KeyRing(using, clock)
  keys.replace([issued('right', expiresAtMs)])
  return { clock, keys }
}

const issued = (text: string, expiresAtMs: number | null = null): IssuedKey => ({ hash: hasher.hash(text), caller: caller('laptop'), expiresAtMs })

describe('a key', () => {
  it('is found by its hash, and only by it', () => {
    const { keys } = ring()
    expect(keys.find('right')?.key).toBe('laptop')
    expect(['', 'wrong', 'right ', hasher.hash('right').toString('latin1')].map((presented) => keys.find(presented))).toEqual([null, null, null, null])
  })

  it('has another hash under another secret', () => {
    expect(new Hasher(Buffer.alloc(32, 2), 'keys').hash('right').equals(hasher.hash('right'))).toBe(false)
  })

  // H1
  it.each([
    ['right', 'right', null],
    ['unknown', 'wrong', null],
    ['absent', '', null],
    ['expired', 'right', nowMs - 1],
    ['revoked', 'gone', null],
  ])('that is %s costs one hash, one look-up and one look at the clock', (_title, presented, expiresAtMs) => {
    const counting = new CountingHasher(Buffer.alloc(32, 1), 'keys')
    const clock = new VirtualClock(nowMs)
    const now = vi.spyOn(clock, 'now')
    const keys = new KeyRing(counting, clock)
    keys.replace([issued('gone')])
    keys.replace([issued('right', expiresAtMs)])
    const lookUp = vi.spyOn(Map.prototype, 'get')
    keys.find(presented)
    expect([counting.hashes, lookUp.mock.calls.length, now.mock.calls.length]).toEqual([1, 1, 1])
    lookUp.mockRestore()
  })

  it('that a reload took away is unknown at once, and a new one is known', () => {
    const { keys } = ring()
    keys.replace([issued('new')])
    expect([keys.find('right'), keys.find('new')?.key]).toEqual([null, 'laptop'])
  })

  it('opens nothing from the moment on at which it expires, wherever it is held', async () => {
    const { clock, keys } = ring(hasher, nowMs + 1000)
    const held = keys.hold('right')
    await clock.advance(999)
    expect([keys.find('right')?.key, held()?.key]).toEqual(['laptop', 'laptop'])
    await clock.advance(1)
    expect([keys.find('right'), held()]).toEqual([null, null])
  })

  it('that is held follows what becomes of it: revoked, it opens nothing', () => {
    const { keys } = ring()
    const held = keys.hold('right')
    keys.replace([])
    expect(held()).toBeNull()
    keys.replace([issued('right')])
    expect(held()?.key).toBe('laptop')
  })

  it('of no length opens nothing, even where one was issued', () => {
    const { keys } = ring()
    keys.replace([issued('')])
    expect([keys.find(''), keys.hold('')()]).toEqual([null, null])
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
