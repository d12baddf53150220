import { describe, expect, it } from 'vitest'
import type { ClientModel } from '../../src/core/ids.ts'
import { noLimits } from '../../src/core/key.ts'
import { upstreamModel } from '../../src/core/model.ts'
import { faults } from '../../src/config/schema-account.ts'
import { isTrial, needsSimulator, placesOf, resolve, keyHasher } from '../../src/config/resolve.ts'

import type { Caller } from '../../src/ports/caller.ts'
import type { Settings } from '../../src/ports/settings.ts'
import { faultNames } from '../../src/simulator/fault.ts'
import { base, configurationOf } from './files.ts'

const secret = Buffer.alloc(32, 7)
const context = { folder: '/etc/turnout', secret, simulatorUrl: 'http://127.0.0.1:4242', trialKey: 'trial-abc' }
const real = (credential: string) =>
  `accounts:\n  - { name: main, upstream: openai, credential: ${credential}, models: { fast: gpt-5.5 }, filter_to: default }\npools: [{ name: p, accounts: [main] }]\nkeys: [{ name: laptop, key: k-1, pools: [p], models: [fast], limits: { concurrency: 8, usd_per_day: 1.5 }, expires: 2030-01-01T00:00:00Z }]\n`

describe('an account', () => {
  it('has the address of its upstream, a mapping, and its credential apart', () => {
    const [main] = resolve(configurationOf(real('{ api_key: sk-hidden }')), context).accounts
    expect(main?.account).toMatchObject({
      id: 'main',
      baseUrl: 'https://api.openai.com/v1',
      credentialKind: 'api_key',
      priority: 10,
      filterTo: 'default',
      allowPrivate: false,
      proxy: null,
    })
    expect(main?.credential).toEqual({ kind: 'api_key', apiKey: 'sk-hidden' })
    expect(main?.simulate).toBeNull()
    expect(main === undefined ? null : upstreamModel(main.account.mapping, 'fast' as ClientModel)).toBe('gpt-5.5')
    expect(JSON.stringify(main?.account)).not.toContain('hidden')
  })
  it('may have an access token', () => {
    const [main] = resolve(configurationOf(real('{ oauth: { access_token: at-1, account_id: acc } }')), context).accounts
    expect(main?.credential).toEqual({ kind: 'oauth', accessToken: 'at-1', accountId: 'acc' })
    expect(main?.account.credentialKind).toBe('oauth')
  })
  it('that renews itself says where and as whom, apart from what it began with', () => {
    const renewing = (credential: string) => resolve(configurationOf(real(credential)), context).accounts[0]
    const whole = 'access_token: at-1, refresh_token: rt-1, token_url: "https://auth.test/token", client_id: c'
    expect(renewing(`{ oauth: { ${whole} } }`)?.renewing).toEqual({ tokenUrl: 'https://auth.test/token', clientId: 'c', refreshToken: 'rt-1' })
    expect(renewing('{ oauth: { access_token: at-1 } }')?.renewing).toBeNull()
    const [one, elsewhere, other] = [whole, whole.replace('auth.test', 'login.test'), whole.replace('rt-1', 'rt-2')].map(
      (oauth) => renewing(`{ oauth: { ${oauth} } }`)?.account.generation,
    )
    expect(elsewhere).toBe(one)
    expect(other).not.toBe(one)
  })
  it('of the Codex backend knows its addresses, may have no credential, and reads its id in the token', () => {
    const codex = (more: string) =>
      resolve(configurationOf(`accounts: [{ name: main, upstream: codex${more} }]\npools: [{ name: p, accounts: [main] }]\n`), context).accounts[0]
    expect(codex('')).toMatchObject({
      account: { baseUrl: 'https://chatgpt.com/backend-api/codex', credentialKind: 'oauth' },
      credential: { kind: 'oauth', accessToken: '', accountId: null },
      renewing: { tokenUrl: 'https://auth.openai.com/oauth/token', clientId: 'app_EMoamEEZ73f0CkXaXp7hrann', refreshToken: null },
    })
    const token = `e30.${Buffer.from(JSON.stringify({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-7' } })).toString('base64url')}.s`
    expect(codex(`, credential: { oauth: { access_token: ${token}, refresh_token: rt } }`)).toMatchObject({
      credential: { accountId: 'acc-7' },
      renewing: { refreshToken: 'rt' },
    })
    expect(codex(`, credential: { oauth: { access_token: ${token}, account_id: said } }`)?.credential).toMatchObject({ accountId: 'said' })
  })
  it('of Anthropic lives at its address, or where it is said, and may have a key or a token that stays as it is', () => {
    const anthropic = (more: string) =>
      resolve(configurationOf(`accounts: [{ name: main, upstream: anthropic, ${more} }]\npools: [{ name: p, accounts: [main] }]\n`), context).accounts[0]
    expect(anthropic('credential: { api_key: k }')).toMatchObject({
      account: { baseUrl: 'https://api.anthropic.com', dialects: ['messages'], credentialKind: 'api_key' },
      credential: { kind: 'api_key', apiKey: 'k' },
      renewing: null,
    })
    expect(anthropic('base_url: "https://llm.test/anthropic/", credential: { oauth: { access_token: at-1 } }')).toMatchObject({
      account: { baseUrl: 'https://llm.test/anthropic', credentialKind: 'oauth' },
      credential: { kind: 'oauth', accessToken: 'at-1', accountId: null },
      renewing: null,
    })
  })
  it('speaks what its kind does, or what the file says', () => {
    const dialects = (more: string) => resolve(configurationOf(real(`{ api_key: a }${more}`)), context).accounts[0]?.account.dialects
    expect(dialects('')).toEqual(['responses', 'chat'])
    expect(dialects(', dialects: [chat]')).toEqual(['chat'])
  })
  it('has a generation that changes with its credential and with the secret key, and with nothing else', () => {
    const generation = (credential: string, key = secret) =>
      resolve(configurationOf(real(credential)), { ...context, secret: key }).accounts[0]?.account.generation
    expect(generation('{ api_key: a }')).toMatch(/^[0-9a-f]{32}$/)
    expect(generation('{ api_key: a }')).toBe(generation('{ api_key: a }'))
    expect(generation('{ api_key: a }')).not.toBe(generation('{ api_key: b }'))
    expect(generation('{ api_key: a }')).not.toBe(generation('{ oauth: { access_token: a } }'))
    expect(generation('{ api_key: a }')).not.toBe(generation('{ api_key: a }', Buffer.alloc(32, 8)))
  })
  it('has a base URL as URLs are normalised, without a slash at the end', () => {
    const text = base.replace('simulator', 'simulator, base_url: "http://0x7f.1:80/v1//"')
    expect(resolve(configurationOf(text), context).accounts[0]?.account).toMatchObject({ baseUrl: 'http://127.0.0.1/v1', allowPrivate: true })
  })
  it('of the simulator has the address of the one in this process, a credential of its own, and its faults', () => {
    const text = base.replace('simulator', 'simulator, simulate: { fault: quota, resets_in_seconds: 5 }')
    const [a] = resolve(configurationOf(text), context).accounts
    expect(a).toMatchObject({
      account: { baseUrl: 'http://127.0.0.1:4242', allowPrivate: true },
      credential: { kind: 'api_key', apiKey: 'simulated-a' },
      simulate: { fault: 'quota', after: 0, resetsInSeconds: 5 },
    })
  })
})

describe('the faults of a simulated account', () => {
  for (const fault of faults) it(`${fault} is known to the simulator`, () => expect(['none', ...faultNames]).toContain(fault))
})

describe('a key', () => {
  it('is an HMAC, and what it may do', () => {
    const [laptop] = resolve(configurationOf(real('{ api_key: a }')), context).keys
    expect(laptop).toEqual({
      caller: { key: 'laptop', pools: ['p'], models: ['fast'], limits: { ...noLimits, concurrency: 8, nanoUsdPerDay: 1_500_000_000n } },
      hash: keyHasher(secret).hash('k-1'),
      tail: '****',
      labels: {},
      expiresAtMs: Date.UTC(2030, 0, 1),
    })
  })
})

describe('the trial', () => {
  const cases: readonly (readonly [title: string, text: string, trial: boolean])[] = [
    ['is on while only simulated accounts serve and no key is named', base, true],
    ['is on while a real account is in no pool', base.replace('}]', '}, { name: b, upstream: openai, credential: { api_key: x } }]'), true],
    ['is off once a real account serves', base.replace('}]', '}, { name: b, upstream: openai, credential: { api_key: x } }]').replace('[a]', '[a, b]'), false],
    ['is off once a key is named', `${base}keys: [{ name: k, key: s, pools: [p] }]\n`, false],
  ]
  for (const [title, text, trial] of cases) {
    it(title, () => {
      expect(isTrial(configurationOf(text))).toBe(trial)
      const names = resolve(configurationOf(text), context).keys.map((key) => key.caller.key)
      expect(names.includes('trial' as (typeof names)[number])).toBe(trial)
    })
  }
  it('has a key for every pool', () =>
    expect(resolve(configurationOf(base), context).keys[0]).toMatchObject({ caller: { pools: ['p'] }, hash: keyHasher(secret).hash('trial-abc') }))
  it('has none where none was made', () => expect(resolve(configurationOf(base), { ...context, trialKey: null }).keys).toEqual([]))
})

describe('a simulator in this process', () => {
  it('is needed by a simulator account without a URL', () => expect(needsSimulator(configurationOf(base))).toBe(true))
  it('is not needed by others', () =>
    expect(needsSimulator(configurationOf(base.replace('simulator', 'simulator, base_url: "http://localhost:1"')))).toBe(false))
})

describe('the places', () => {
  const cases: readonly (readonly [title: string, more: string, data: string, store: string])[] = [
    ['start at the folder of the file', '', '/etc/turnout/data', '/etc/turnout/data/turnout.db'],
    ['keep the store in the data folder', 'data: /var/lib/turnout', '/var/lib/turnout', '/var/lib/turnout/turnout.db'],
    ['may be apart', 'store: { url: "sqlite:./books.db" }', '/etc/turnout/data', '/etc/turnout/books.db'],
    ['may be absolute', 'store: { url: "sqlite:/srv/books.db" }', '/etc/turnout/data', '/srv/books.db'],
    ['may be written as a URL', 'store: { url: "sqlite:///srv/books.db" }', '/etc/turnout/data', '/srv/books.db'],
  ]
  for (const [title, more, data, store] of cases)
    it(title, () => expect(placesOf(configurationOf(`${base}${more}\n`), '/etc/turnout')).toEqual({ data, store, spool: `${data}/turnout.spool` }))
})

describe('the rest', () => {
  it('has the shapes of the ports', () => {
    const resolved = resolve(configurationOf(real('{ api_key: a }')), context)
    const settings: Omit<Settings, 'rules'> = resolved.settings
    const callers: readonly Caller[] = resolved.keys.map((key) => key.caller)
    expect([settings.failover.accountsPerTurn, callers.length]).toEqual([4, 1])
  })
  it('has no rules where the file has none, and an empty list where it has an empty list', () => {
    expect(resolve(configurationOf(base), context).rules).toBeNull()
    expect(resolve(configurationOf(`${base}rules: []\n`), context).rules).toEqual([])
  })
  it('has whole rules', () => {
    const { rules } = resolve(configurationOf(`${base}rules: [{ tier: any, action: block, models: ["gpt-*"] }]\n`), context)
    expect(rules).toEqual([{ tier: 'any', action: 'block', accounts: 'all', models: ['gpt-*'], otherwise: 'pass', message: '' }])
  })
  it('has milliseconds and bytes', () => {
    const { settings, retentionMs } = resolve(configurationOf(`${base}failover: { patience: 2s }\nbounds: { body: 2KiB }\n`), context)
    expect(settings.failover).toEqual({ accountsPerTurn: 4, patienceMs: 2000, budgetPercent: 20 })
    expect(settings.bounds.bodyBytes).toBe(2048)
    expect(settings.times.sessionIdleMs).toBe(3_600_000)
    expect(retentionMs).toBe(90 * 86_400_000)
  })
  it('says whether turns are translated: where nothing else is left, unless it is said', () => {
    const translate = (more: string) => resolve(configurationOf(`${base}${more}`), context).settings.translate
    expect([translate(''), translate('translate: never\n'), translate('translate: always\n')]).toEqual(['fallback', 'never', 'always'])
  })
  it('has tokens, or null where they are empty', () => {
    expect(resolve(configurationOf(base), context)).toMatchObject({ adminToken: null, metricsToken: null, logLevel: 'info' })
    expect(resolve(configurationOf(`${base}admin: { token: t1 }\nmetrics: { token: "" }\n`), context)).toMatchObject({ adminToken: 't1', metricsToken: null })
  })
})
