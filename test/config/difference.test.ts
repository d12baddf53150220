import { describe, expect, it } from 'vitest'
import { difference } from '../../src/config/difference.ts'
import { configurationOf } from './files.ts'

const text = `
accounts:
  - { name: a, upstream: openai, credential: { api_key: sk-MARKED-aaaa-1234 }, proxy: "http://MARKED:MARKED@proxy.example.com:3128" }
  - { name: b, upstream: openai, credential: { api_key: sk-MARKED-bbbb-5678 } }
pools: [{ name: p, accounts: [a, b] }]
keys: [{ name: k, key: tk-MARKED-9999, pools: [p] }]
`

const changed = (...edits: readonly (readonly [string, string])[]) =>
  difference(configurationOf(text), configurationOf(edits.reduce((said, [from, to]) => said.replace(from, to), text)))

describe('what became of a configuration', () => {
  it('is nothing where nothing changed', () => expect(changed()).toBeNull())
  it('is nothing where it is only written in another way', () => expect(changed(['[{ name: p', '\n  [{ "name": p'])).toBeNull())
  it('is the settings that changed, by their place', () =>
    expect(changed(['name: b,', 'name: b, priority: 3, models: { x: y },'], ['pools: [{', 'times: { connect: 5s }\npools: [{'])).toEqual({
      before: { 'accounts[b].priority': 10, 'times.connect': '10s' },
      after: { 'accounts[b].priority': 3, 'accounts[b].models.x': 'y', 'times.connect': '5s' },
    }))
  it('is what an account speaks, and how turns are translated', () => {
    expect(changed(['name: b,', 'name: b, dialects: [chat],'], ['pools: [{', 'translate: never\npools: [{'])).toEqual({
      before: { 'accounts[b].dialects': ['responses', 'chat'], translate: 'fallback' },
      after: { 'accounts[b].dialects': ['chat'], translate: 'never' },
    })
    expect(changed(['name: b,', 'name: b, dialects: [responses, chat],'])).toBeNull()
  })
  it('is a whole entity that came or went', () => {
    const found = changed(['name: b,', 'name: c,'], ['accounts: [a, b]', 'accounts: [a, c]'])
    expect(Object.keys(found?.before ?? {})).toEqual(['accounts[b]', 'pools[p].accounts'])
    expect(found?.after).toMatchObject({ 'accounts[c]': { upstream: 'openai', credential: { api_key: '****5678' } }, 'pools[p].accounts': ['a', 'c'] })
  })
  it('shows of a secret that it is another one', () =>
    expect(changed(['aaaa-1234', 'zzzz-1234'], ['tk-MARKED-9999', 'tk-MARKED-0000'])).toEqual({
      before: { 'accounts[a].credential.api_key': '****1234', 'keys[k].key': '****9999' },
      after: { 'accounts[a].credential.api_key': { another: '****1234' }, 'keys[k].key': '****0000' },
    }))
  it('holds no secret, whatever changed', () => {
    const all = difference(configurationOf(text), configurationOf('accounts: [{ name: z, upstream: simulator }]\npools: [{ name: z, accounts: [z] }]\n'))
    const proxied = changed(['MARKED:MARKED@', 'OTHER:MARKED@'])
    const renewed = changed(['api_key: sk-MARKED-bbbb-5678', 'oauth: { access_token: at-MARKED-0000, account_id: MARKED }'])
    expect(JSON.stringify([all, proxied, renewed])).not.toMatch(/MARKED|OTHER/)
    expect(proxied?.after).toEqual({ 'accounts[a].proxy': { another: 'http://****:****@proxy.example.com:3128/' } })
    expect(renewed?.before).toEqual({ 'accounts[b].credential.api_key': '****5678' })
  })
})
