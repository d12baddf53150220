import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Hasher } from '../../src/lib/hasher.ts'

describe('what is kept of a secret', () => {
  const hash = (secret: number, purpose: string, text: string) => new Hasher(Buffer.alloc(32, secret), purpose).hash(text).toString('hex')

  it('is the same for the same text, and says nothing of it', () => {
    expect(hash(1, 'keys', 'a')).toBe(hash(1, 'keys', 'a'))
    expect(hash(1, 'keys', 'a')).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(['', 'a', 'sk-turnout-ключ', 'x'.repeat(200)])('is HMAC-SHA-256 under the key that is drawn for the purpose: %j', (text) => {
    const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 1), '', 'turnout keys', 32))
    expect(hash(1, 'keys', text)).toBe(createHmac('sha256', key).update(text).digest('hex'))
  })

  it('differs with the text, the purpose and the installation', () => {
    expect(new Set([hash(1, 'keys', 'a'), hash(1, 'keys', 'b'), hash(1, 'credentials', 'a'), hash(2, 'keys', 'a')]).size).toBe(4)
  })
})
