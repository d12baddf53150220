import { describe, expect, it } from 'vitest'
import { Sealer } from '../../src/lib/sealer.ts'

const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

describe('a seal', () => {
  const sealer = new Sealer([one])

  it('opens to what was sealed, and shows nothing of it', () => {
    const sealed = sealer.seal('a refresh token, ünïcode too', 'credential:a')
    expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/)
    expect(Buffer.from(sealed.split('.')[2] ?? '', 'base64url').includes('refresh')).toBe(false)
    expect(sealer.open(sealed, 'credential:a')).toBe('a refresh token, ünïcode too')
  })
  it('is another one each time', () => expect(sealer.seal('x', 'p')).not.toBe(sealer.seal('x', 'p')))
  it('cannot be moved to another place', () => expect(sealer.open(sealer.seal('x', 'credential:a'), 'credential:b')).toBeNull())
  it('is refused when any of its bytes was changed', () => {
    const sealed = sealer.seal('x', 'p')
    for (let at = 'v1.00000000.'.length; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
      // The last character may carry bits that stand for nothing.
      if (Buffer.from(changed.slice(12), 'base64url').equals(Buffer.from(sealed.slice(12), 'base64url'))) continue
      expect(sealer.open(changed, 'p')).toBeNull()
    }
  })
  it.each(['', 'v1', 'v1.00000000.AAAA', 'v2.00000000.AAAA', '{"a":1}'])('is none that reads %j', (text) => expect(sealer.open(text, 'p')).toBeNull())
})

describe('a sealer with several keys', () => {
  it('seals with the first, and opens with any', () => {
    const old = new Sealer([one]).seal('x', 'p')
    const both = new Sealer([two, one])
    expect(both.open(old, 'p')).toBe('x')
    expect(both.isNewest(old)).toBe(false)
    const fresh = both.seal('x', 'p')
    expect(both.isNewest(fresh)).toBe(true)
    expect(new Sealer([one]).open(fresh, 'p')).toBeNull()
    expect(new Sealer([two]).open(fresh, 'p')).toBe('x')
  })
})
