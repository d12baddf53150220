import { describe, expect, it } from 'vitest'
import { masked, tail } from '../../src/config/masked.ts'
import { configurationOf } from './files.ts'

const text = `
accounts:
  - { name: a, upstream: openai, credential: { api_key: sk-hidden-hidden-1234 }, proxy: "http://hiddenuser:hiddenpass@proxy.example.com:3128" }
  - { name: b, upstream: openai, credential: { oauth: { access_token: hidden-hidden-5678, account_id: hidden, refresh_token: hidden-hidden-4321, token_url: "https://auth.test/token", client_id: client } } }
pools: [{ name: p, accounts: [a, b] }]
keys: [{ name: k, key: hidden, pools: [p], expires: 2030-01-01T01:00:00+01:00 }, { name: l, key: hidden-hidden-9999, pools: [p] }]
admin: { token: hidden-hidden-hidden }
metrics: { token: hiddenhidden }
`

describe('a masked configuration', () => {
  const shown = masked(configurationOf(text.replace('hiddenhidden', 'longhidden-0000').replace('hidden-hidden-hidden', 'hidden-hidden-abcd')))
  it('holds no secret', () => expect(shown).not.toContain('hidden'))
  it('shows the last four characters of long ones', () => {
    for (const end of ['****1234', '****5678', '****4321', '****9999', '****abcd', '****0000']) expect(shown).toContain(end)
  })
  it('shows what a proxy is, without its user', () => expect(shown).toContain('proxy: http://****:****@proxy.example.com:3128/'))
  it('shows defaults, in the units of the file', () => {
    for (const line of [
      'port: 8080',
      'dialects:\n      - responses\n      - chat\n',
      'translate: fallback',
      'connect: 10s',
      'session_idle: 1h',
      'body: 64MiB',
      'waiting: 1000',
      'retention: 90d',
      'expires: 2030-01-01T00:00:00.000Z',
    ])
      expect(shown).toContain(line)
  })
  it('is a configuration itself', () => expect(configurationOf(shown.replace('****9999', 'x')).times).toEqual(configurationOf(text).times))
})

describe('a masked secret', () => {
  const cases: readonly (readonly [secret: string, shown: string])[] = [
    ['', '****'],
    ['abcdefghijk', '****'],
    ['abcdefghijkl', '****ijkl'],
  ]
  for (const [secret, shown] of cases) it(`of ${secret.length} characters is ${shown}`, () => expect(tail(secret)).toBe(shown))
})
