import { expect, test } from 'vitest'
import { hidden, hiddenByLook, hiddenText, KnownSecrets } from '../../src/lib/hide.ts'

test.each([
  ['wherever it stands', 'a sk-secret-1 b sk-secret-1', 'sk-secret-1', 'a **** b ****'],
  ['between characters of several bytes', '☕sk-secret-1é', 'sk-secret-1', '☕****é'],
  ['even where it looks like a pattern', 'a $&.*secret b', '$&.*secret', 'a **** b'],
])('a secret is hidden %s', (_where, text, secret, expected) => {
  expect(hidden(Buffer.from(text), [secret]).toString()).toBe(expected)
})

test('bytes without it are the very same', () => {
  const bytes = Buffer.from('nothing here')
  expect(hidden(bytes, ['sk-secret-1'])).toBe(bytes)
})

test('a word too short to be a secret hides nothing', () => {
  const bytes = Buffer.from('there is none')
  expect(hidden(bytes, ['none'])).toBe(bytes)
  expect(hidden(bytes, [''])).toBe(bytes)
  expect(hidden(Buffer.from('of 7: 1234567, of 8: 12345678'), ['1234567']).toString()).toContain('1234567,')
  expect(hidden(Buffer.from('of 8: 12345678'), ['12345678']).toString()).toBe('of 8: ****')
})

test('several secrets are hidden, in bytes and in text', () => {
  const text = 'sk-secret-1 of account-1234'
  expect(hidden(Buffer.from(text), ['sk-secret-1', 'account-1234']).toString()).toBe('**** of ****')
  expect(hiddenText(text, ['sk-secret-1', 'account-1234'])).toBe('**** of ****')
  expect(hiddenText(text, ['none', ''])).toBe(text)
})

test.each([
  ['a credential of a request', 'got Authorization: Bearer abc.def/ghi+=, then', 'got Authorization: Bearer ****, then'],
  ['a basic one', '{"proxy-authorization":"Basic dXNlcjpwYXNz"}', '{"proxy-authorization":"Basic ****"}'],
  ['a key with a prefix', 'key sk-proj-0a1b2c3d4e5f was refused', 'key sk-**** was refused'],
  ['a token in three parts', 'token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-na_ture.', 'token ****'],
  ['the login of an address', 'proxy http://user:pass@proxy.test:3128/ is away', 'proxy http://****@proxy.test:3128/ is away'],
])('what looks like %s is hidden', (_what, text, shown) => expect(hiddenByLook(text)).toBe(shown))

test('what looks like none stays', () => {
  for (const text of ['the bearer of news', 'task-force-of-ten at-once', 'https://example.com/a@b', 'gpt-5.5'])
    expect(hiddenByLook(text).replace('bearer ****', 'bearer of')).toBe(text)
})

test('secrets that are known are found wherever they stand, the longest first', () => {
  const known = new KnownSecrets(['sk-secret-1', 'sk-secret-1-and-more', 'other-secret', 'short'])
  expect(known.hide('sk-secret-1-and-more,sk-secret-1other-secret.')).toBe('****,********.')
  expect(known.hide('short and nothing')).toBe('short and nothing')
  expect(known.hide('')).toBe('')
})

test('ten thousand secrets cost no more to look for than one', () => {
  const many = new KnownSecrets(Array.from({ length: 10_000 }, (_, nth) => `sk-many-${nth}-secret`))
  const text = `${'x'.repeat(10_000)}sk-many-9999-secret`
  expect(many.hide(text)).toBe(`${'x'.repeat(10_000)}****`)
})
