import { describe, expect, it } from 'vitest'
import { claimsOf, expiryOf } from '../../src/lib/jwt.ts'

const token = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`

describe('a token', () => {
  it('says what it claims', () => expect(claimsOf(token({ sub: 'me', exp: 5 }))).toEqual({ sub: 'me', exp: 5 }))
  it.each([
    ['an opaque one', 'opaque'],
    ['one of two parts', 'a.b'],
    ['one of four parts', 'a.e30.c.d'],
    ['one whose claims are no JSON', 'a.bm8.c'],
    ['one whose claims are no object', token([1])],
    ['an absurdly long one', token({ x: 'y'.repeat(70_000) })],
  ])('claims nothing: %s', (_title, text) => expect(claimsOf(text)).toBeNull())
})

describe('the end of a token', () => {
  it('is said in seconds', () => expect(expiryOf(token({ exp: 1_800_000_000 }))).toBe(1_800_000_000_000))
  it.each([[{}], [{ exp: 'soon' }], [{ exp: -1 }], [{ exp: 1e15 }], [{ exp: null }]])('is unknown where it says %j', (claims) =>
    expect(expiryOf(token(claims))).toBeNull(),
  )
})
