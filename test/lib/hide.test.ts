import { expect, test } from 'vitest'
import { hidden } from '../../src/lib/hide.ts'

test.each([
  ['wherever it stands', 'a sk-secret-1 b sk-secret-1', 'sk-secret-1', 'a **** b ****'],
  ['between characters of several bytes', '☕sk-secret-1é', 'sk-secret-1', '☕****é'],
  ['even where it looks like a pattern', 'a $&.*secret b', '$&.*secret', 'a **** b'],
])('a secret is hidden %s', (_where, text, secret, expected) => {
  expect(hidden(Buffer.from(text), secret).toString()).toBe(expected)
})

test('bytes without it are the very same', () => {
  const bytes = Buffer.from('nothing here')
  expect(hidden(bytes, 'sk-secret-1')).toBe(bytes)
})

test('a word too short to be a secret hides nothing', () => {
  const bytes = Buffer.from('there is none')
  expect(hidden(bytes, 'none')).toBe(bytes)
  expect(hidden(bytes, '')).toBe(bytes)
  expect(hidden(Buffer.from('of 7: 1234567, of 8: 12345678'), '1234567').toString()).toContain('1234567,')
  expect(hidden(Buffer.from('of 8: 12345678'), '12345678').toString()).toBe('of 8: ****')
})
