import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileBytesMax, loadConfiguration, parseConfiguration } from '../../src/config/load.ts'
import { problemsMax, problemText } from '../../src/config/problem.ts'
import { base, configurationOf, emptyFolder, problemsOf, removeFoldersAfterEach } from './files.ts'

removeFoldersAfterEach()

const account = (more: string) =>
  `accounts:\n  - name: a\n    upstream: openai\n    credential: { api_key: sk-1 }\n    ${more}\npools: [{ name: p, accounts: [a] }]\n`
const key = (more: string) => `${base}keys:\n  - { name: k, key: secret-1, pools: [p], ${more} }\n`

type Case = readonly [title: string, text: string, ...problems: readonly string[]]

function tells(cases: readonly Case[]): void {
  for (const [title, text, ...problems] of cases) it(title, () => expect(problemsOf(text)).toEqual(problems))
}

describe('a valid file', () => {
  it('gets every default, in milliseconds and bytes', () => {
    const configuration = configurationOf(base)
    expect(configuration.server).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(configuration.times.between_events).toBe(280_000)
    expect(configuration.bounds.body).toBe(67_108_864)
    expect(configuration.ledger).toEqual({ on_failure: 'refuse', spool: 67_108_864, retention: 7_776_000_000 })
    expect(configuration.rules).toBeUndefined()
  })
  it('may be JSON', () => {
    const json = JSON.stringify({ accounts: [{ name: 'a', upstream: 'simulator' }], pools: [{ name: 'p', accounts: ['a'] }], bounds: { body: 2048 } })
    expect(configurationOf(json).bounds.body).toBe(2048)
  })
  it('may leave a section empty', () => expect(configurationOf(`${base}rules:\nkeys:\n  # none yet\n`).keys).toEqual([]))
  it('keeps an empty list of rules apart from none', () => expect(configurationOf(`${base}rules: []\n`).rules).toEqual([]))
  it('is YAML 1.2, where "no" is text', () => expect(configurationOf(base.replace('name: p', 'name: no')).pools[0]?.name).toBe('no'))
  it('may use anchors', () =>
    expect(configurationOf('accounts: [{ name: &n a, upstream: simulator }]\npools: [{ name: p, accounts: [*n] }]\n').pools[0]?.accounts).toEqual(['a']))
  it('may say null for what a key is not limited by', () =>
    expect(configurationOf(key('expires: null, limits: { usd_per_day: null }')).keys[0]).toMatchObject({ expires: null, limits: { usd_per_day: null } }))
  it('may limit a key in time, tokens and money', () => {
    const said = 'expires: 2027-01-01T01:00:00+01:00, labels: { team: blue }, limits: { usd_per_day: 0.1, usd_per_month: 0, tokens_per_minute: 5 }'
    expect(configurationOf(key(said)).keys[0]).toMatchObject({
      expires: Date.UTC(2027, 0, 1),
      labels: { team: 'blue' },
      limits: { usd_per_day: 0.1, usd_per_month: 0, tokens_per_minute: 5 },
    })
  })
  it('may use a private address where it says so', () =>
    expect(problemsOf(account('{}').replace('{}', 'base_url: http://10.0.0.1/v1\n    allow_private: true'))).toEqual([]))
  it('may point a simulator account at loopback', () =>
    expect(problemsOf(base.replace('simulator', 'simulator, base_url: "http://localhost:9999"'))).toEqual([]))
  it('is overridden by the command line, the data folder together with its store', () => {
    const text = `${base}store: { url: "sqlite:elsewhere/books.db" }\n`
    const loaded = parseConfiguration('t.yaml', text, {}, { host: '0.0.0.0', port: 0, data: '/tmp/x' })
    expect(loaded).toMatchObject({ configuration: { server: { host: '0.0.0.0', port: 0 }, data: '/tmp/x', store: { url: 'sqlite:/tmp/x/books.db' } } })
  })
})

describe('a text that is no configuration', () => {
  tells([
    ['is empty', '', 't.yaml:1:1: the file is empty: expected at least accounts and pools'],
    ['has only comments', '# soon\n', 't.yaml:1:1: the file is empty: expected at least accounts and pools'],
    ['is a word', 'hello', 't.yaml:1:1: the file is "hello": expected named fields'],
    ['is a list', '- a\n', 't.yaml:1:1: the file is a list: expected named fields'],
    ['names a field twice', `${base}data: a\ndata: b\n`, 't.yaml:4:1: this field stands twice: expected it once'],
    ['holds two documents', `${base}---\na: 1\n`, 't.yaml:3:1: a second document begins here: expected one'],
    ['has an unknown tag', `${base}data: !mine x\n`, 't.yaml:3:7: not valid YAML: Unresolved tag: !mine'],
    ['uses an anchor that nobody set', `${base}data: *x\n`, 't.yaml:3:7: this alias names no anchor above it: expected one'],
    ['is nested without end', 'a: ' + '['.repeat(100_000), 't.yaml:1:1: the file is nested too deeply: expected the fields of a configuration'],
    [
      'copies itself by aliases',
      `x: &a [b,b]\ny: &b [${'*a,'.repeat(20)}]\nz: &c [${'*b,'.repeat(20)}]\nw: [${'*c,'.repeat(20)}]\n`,
      't.yaml:1:1: aliases make more than 100 copies: expected fewer',
    ],
  ])
})

describe('a misspelt field', () => {
  tells([
    ['is told with the nearest name', `${base}server: { prot: 80 }\n`, 't.yaml:3:11: "prot" is not a field of server: did you mean "port"?'],
    ['is told with every name where none is near', `${base}metrics: { colour: red }\n`, 't.yaml:3:12: "colour" is not a field of metrics: expected token'],
    ['is told at the top', `${base}acounts: []\n`, 't.yaml:3:1: "acounts" is not a field of the file: did you mean "accounts"?'],
    [
      'is told inside a list',
      base.replace('simulator', 'simulator, concurency: 3'),
      't.yaml:1:44: "concurency" is not a field of accounts[0]: did you mean "concurrency"?',
    ],
    [
      'is not shown where it looks like a secret',
      account('x: 1').replace('api_key: sk-1', 'sk-abcdefghijklmnopqrstuvwxyz0123456789: '),
      't.yaml:4:19: this is not a field of accounts[0].credential: expected api_key or oauth',
      't.yaml:5:5: "x" is not a field of accounts[0]: expected name, upstream, base_url, dialects, allow_private, credential, models, only_mapped, priority, weight, concurrency, websocket, proxy, filter_to or simulate',
    ],
  ])
})

describe('a wrong value', () => {
  tells([
    [
      'duration without a unit',
      `${base}times: { connect: 10 }\n`,
      't.yaml:3:19: times.connect is 10: expected a duration from 10ms to 10m, such as 500ms, 10s, 5m, 2h or 7d',
    ],
    [
      'duration out of its range',
      `${base}times:\n  connect: 2h\n`,
      't.yaml:4:12: times.connect is "2h": expected a duration from 10ms to 10m, such as 500ms, 10s, 5m, 2h or 7d',
    ],
    [
      'size of another kind',
      `${base}bounds: { body: 64MB }\n`,
      't.yaml:3:17: bounds.body is "64MB": expected a size from 1KiB to 1GiB, such as 512KiB, 64MiB, 1GiB or a number of bytes',
    ],
    ['number that is text', `${base}server: { port: "80" }\n`, 't.yaml:3:17: server.port is "80": expected a whole number from 0 to 65535'],
    [
      'number out of its range',
      base.replace('simulator', 'simulator, concurrency: 0'),
      't.yaml:1:57: accounts[0].concurrency is 0: expected a whole number from 1 to 100000',
    ],
    ['truth that is a word', base.replace('simulator', 'simulator, only_mapped: yes'), 't.yaml:1:57: accounts[0].only_mapped is "yes": expected true or false'],
    [
      'moment without a zone',
      key('expires: 2027-01-01T00:00:00'),
      't.yaml:4:52: keys[0].expires is "2027-01-01T00:00:00": expected a moment in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z, or null',
    ],
    [
      'moment that is none',
      key('expires: 2027-13-01T00:00:00Z'),
      't.yaml:4:52: keys[0].expires is "2027-13-01T00:00:00Z": expected a moment in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z, or null',
    ],
    [
      'budget that is less than nothing',
      key('limits: { usd_per_day: -1 }'),
      't.yaml:4:66: keys[0].limits.usd_per_day is -1: expected an amount from 0 to 1000000, in US dollars',
    ],
    [
      'label that is no text',
      key('labels: { team: 5 }'),
      't.yaml:4:59: keys[0].labels.team is 5: expected at most 16 names, each with a text of at most 256 characters',
    ],
    [
      'label too many',
      key(`labels: { ${Array.from({ length: 17 }, (_, at) => `l${at}: a`).join(', ')} }`),
      't.yaml:4:51: keys[0].labels has named fields: expected at most 16 names, each with a text of at most 256 characters',
    ],
    ['translation of another kind', `${base}translate: yes\n`, 't.yaml:3:12: translate is "yes": expected fallback, never or always'],
    ['word that nobody knows', `${base}log: { level: loud }\n`, 't.yaml:3:15: log.level is "loud": expected debug, info, warn or error'],
    ['list that is text', 'accounts: a\npools: [{ name: p, accounts: [a] }]\n', 't.yaml:1:11: accounts is "a": expected a list of accounts'],
    ['section that is a list', `${base}server: []\n`, 't.yaml:3:9: server is an empty list: expected named fields'],
    [
      'missing sections',
      'data: ./d\n',
      't.yaml:1:1: accounts is missing: expected a list of accounts',
      't.yaml:1:1: pools is missing: expected a list of pools',
    ],
    [
      'missing field',
      'accounts: [{ name: a }]\npools: [{ name: p, accounts: [a] }]\n',
      't.yaml:1:12: accounts[0].upstream is missing: expected openai, openai-compatible, codex, anthropic or simulator',
    ],
    [
      'empty list of accounts',
      'accounts: []\npools: [{ name: p, accounts: [] }]\n',
      't.yaml:1:11: accounts is an empty list: expected at least one account',
      't.yaml:2:30: pools[0].accounts is an empty list: expected the name of at least one account',
    ],
    [
      'name with a space',
      base.replace('name: p', 'name: my pool'),
      't.yaml:2:17: pools[0].name is "my pool": expected 1 to 64 letters, digits, "_", "-" or "." as the name of a pool',
    ],
    [
      'name that is too long',
      base.replace('name: p', `name: ${'p'.repeat(65)}`),
      't.yaml:2:17: pools[0].name is other text: expected 1 to 64 letters, digits, "_", "-" or "." as the name of a pool',
    ],
    ['host with a port', `${base}server: { host: "localhost:80" }\n`, 't.yaml:3:17: server.host is "localhost:80": expected an IP address or a host name'],
    [
      'star inside a model',
      account('models: { "a*b": c }'),
      't.yaml:5:15: the name before ":" in accounts[0].models is wrong: expected a model\'s name of 1 to 256 bytes, with a "*" only at its end',
    ],
    ['rule without an action', `${base}rules: [{ tier: flex }]\n`, 't.yaml:3:9: rules[0].action is missing: expected pass, filter or block'],
  ])
})

describe('what this version cannot do', () => {
  const not = 'not available in this version'
  tells([
    ['PostgreSQL', `${base}store: { url: "postgres://u:hidden@h/db" }\n`, `t.yaml:3:15: store.url names PostgreSQL, which is ${not}: expected sqlite:path`],
    ['Redis', `${base}sharing: { url: "redis://h:6379/0" }\n`, `t.yaml:3:17: sharing.url names Redis, which is ${not}: expected memory:`],
  ])
})

describe('what an upstream speaks', () => {
  const of = (upstream: string, more: string) => account(more).replace('upstream: openai', `upstream: ${upstream}`)
  const compatible = (more: string) => of('openai-compatible', `base_url: https://llm.test/v1\n    ${more}`)
  const list = 'expected a list of at least one of responses, chat, messages'

  it.each([
    ['openai', ['responses', 'chat']],
    ['openai-compatible', ['responses', 'chat']],
    ['anthropic', ['messages']],
    ['simulator', ['responses', 'chat', 'messages']],
  ])('is for %s %j where nothing is said', (upstream, dialects) => {
    expect(configurationOf(of(upstream, 'base_url: https://llm.test/v1')).accounts[0]?.dialects).toEqual(dialects)
  })
  it('is for codex ["responses"] where nothing is said', () =>
    expect(configurationOf(base.replace('simulator', 'codex')).accounts[0]?.dialects).toEqual(['responses']))
  it('is else what is said, in that order', () => {
    expect(configurationOf(compatible('dialects: [chat]')).accounts[0]?.dialects).toEqual(['chat'])
    expect(configurationOf(compatible('dialects: [messages, responses]')).accounts[0]?.dialects).toEqual(['messages', 'responses'])
    expect(configurationOf(of('anthropic', 'dialects: [messages]')).accounts[0]?.dialects).toEqual(['messages'])
  })

  tells([
    ['cannot be nothing', compatible('dialects: []'), `t.yaml:6:15: accounts[0].dialects is an empty list: ${list}`],
    ['is a list', compatible('dialects: chat'), `t.yaml:6:15: accounts[0].dialects is "chat": ${list}`],
    ['is known to us', compatible('dialects: [chat, gemini]'), 't.yaml:6:22: accounts[0].dialects[1] is "gemini": expected responses, chat or messages'],
    ['is said once', compatible('dialects: [chat, responses, chat]'), 't.yaml:6:33: accounts[0].dialects[2] stands twice ("chat"): expected it once'],
    [
      'is Responses alone for codex',
      base.replace('simulator', 'codex, dialects: [responses, chat]'),
      't.yaml:1:62: accounts[0].dialects[1] is "chat", which codex does not speak: expected responses alone',
    ],
    [
      'is Messages alone for anthropic',
      of('anthropic', 'dialects: [chat]'),
      't.yaml:5:16: accounts[0].dialects[0] is "chat", which anthropic does not speak: expected messages alone',
    ],
    [
      'is Responses where sessions may take nothing but WebSocket',
      compatible('dialects: [chat]\n    websocket: on'),
      't.yaml:7:16: accounts[0].websocket is on, which only an account that speaks responses can serve: expected auto or off',
    ],
  ])
})

describe('settings that do not agree', () => {
  const closed = 'leads to a loopback or private address: expected a public one, or allow_private: true beside it'
  tells([
    [
      'pool of a stranger',
      base.replace('accounts: [a]', 'accounts: [b]'),
      't.yaml:2:31: pools[0].accounts[0] names no account of this file: expected the name of one',
    ],
    [
      'pool of a misspelt account',
      base.replace('name: a', 'name: backup').replace('[a]', '[bakcup]'),
      't.yaml:2:31: pools[0].accounts[0] names no account of this file: did you mean "backup"?',
    ],
    [
      'key of a stranger',
      `${base}keys: [{ name: k, key: s, pools: [q] }]\n`,
      't.yaml:3:35: keys[0].pools[0] names no pool of this file: expected the name of one',
    ],
    [
      'two accounts of one name',
      base.replace('simulator }', 'simulator }, { name: a, upstream: simulator }'),
      't.yaml:1:54: accounts[1].name stands twice ("a"): expected another name',
    ],
    [
      'two keys of one text',
      `${base}keys: [{ name: k, key: s, pools: [p] }, { name: l, key: s, pools: [p] }]\n`,
      't.yaml:3:57: keys[1].key is the same as keys[0].key: expected a key of its own',
    ],
    [
      'refresh token that nobody can use',
      account('{}').replace('    {}\n', '').replace('api_key: sk-1', 'oauth: { access_token: t, refresh_token: r }'),
      't.yaml:4:26: accounts[0].credential.oauth renews its token only with refresh_token, token_url and client_id: expected all three, or none',
    ],
    [
      'token endpoint in the house',
      account('{}')
        .replace('    {}\n', '')
        .replace('api_key: sk-1', 'oauth: { access_token: t, refresh_token: r, client_id: c, token_url: "https://127.0.0.1/token" }'),
      `t.yaml:4:88: accounts[0].credential.oauth.token_url ${closed}`,
    ],
    [
      'token endpoint in the open',
      account('{}')
        .replace('    {}\n', '')
        .replace('api_key: sk-1', 'oauth: { access_token: t, refresh_token: r, client_id: c, token_url: "http://token.test/" }'),
      't.yaml:4:88: accounts[0].credential.oauth.token_url would send the refresh token in the open: expected https://',
    ],
    [
      'codex account with an API key',
      account('{}').replace('    {}\n', '').replace('upstream: openai', 'upstream: codex'),
      't.yaml:4:17: accounts[0].credential is an API key: expected { oauth: … }, or nothing and `turnout accounts import codex-auth FILE`',
    ],
    [
      'anthropic account without a credential',
      'accounts: [{ name: a, upstream: anthropic }]\npools: [{ name: p, accounts: [a] }]\n',
      't.yaml:1:12: accounts[0].credential is missing: expected { api_key: … } or { oauth: { access_token: … } }',
    ],
    [
      'anthropic account that cannot renew its token',
      account('{}')
        .replace('    {}\n', '')
        .replace('upstream: openai', 'upstream: anthropic')
        .replace('api_key: sk-1', 'oauth: { access_token: t, refresh_token: r }'),
      't.yaml:4:26: accounts[0].credential.oauth renews its token only with refresh_token, token_url and client_id: expected all three, or none',
    ],
    [
      'anthropic account with the id of a ChatGPT account',
      account('{}')
        .replace('    {}\n', '')
        .replace('upstream: openai', 'upstream: anthropic')
        .replace('api_key: sk-1', 'oauth: { access_token: t, account_id: i }'),
      't.yaml:4:57: accounts[0].credential.oauth.account_id is for ChatGPT accounts: expected it to be left out',
    ],
    [
      'account without a credential',
      'accounts: [{ name: a, upstream: openai }]\npools: [{ name: p, accounts: [a] }]\n',
      't.yaml:1:12: accounts[0].credential is missing: expected { api_key: … } or { oauth: { access_token: … } }',
    ],
    [
      'account with two',
      account('{}').replace('    {}\n', '').replace('sk-1', 'sk-1, oauth: { access_token: t }'),
      't.yaml:4:17: accounts[0].credential has both api_key and oauth: expected one of them',
    ],
    [
      'compatible upstream without a URL',
      account('{}').replace('    {}\n', '').replace('upstream: openai', 'upstream: openai-compatible'),
      't.yaml:2:5: accounts[0].base_url is missing: expected the URL of the upstream, such as https://host/v1',
    ],
    [
      'simulated fault of a real account',
      account('simulate: { fault: quota }'),
      't.yaml:5:15: accounts[0].simulate is for upstream: simulator only: expected it to be left out',
    ],
    [
      'more body than bodies',
      `${base}bounds: { bodies: 1MiB }\n`,
      't.yaml:3:19: bounds.bodies is less than bounds.body: expected room for at least one whole body',
    ],
    ['proxy on this machine', account('proxy: "socks5://2130706433:1080"'), `t.yaml:5:12: accounts[0].proxy ${closed}`],
  ])
  // H4
  for (const host of [
    '127.0.0.1',
    'localhost:8080',
    '2130706433',
    '0x7f.1',
    '[::ffff:127.0.0.1]',
    '100.64.0.1',
    '[64:ff9b::127.0.0.1]',
    '169.254.169.254',
    '[fd00::1]',
    '0.0.0.0',
    '10.1.2.3',
  ]) {
    it(`base URL at ${host}`, () => expect(problemsOf(account(`base_url: "http://${host}/v1"`))).toEqual([`t.yaml:5:15: accounts[0].base_url ${closed}`]))
  }
})

describe('a URL or a secret', () => {
  const expected = 'expected a URL that begins with http:// or https://'
  tells([
    ['of another scheme', account('base_url: ftp://example.com'), `t.yaml:5:15: accounts[0].base_url has another scheme: ${expected}`],
    [
      'with a password',
      account('base_url: "https://u:hidden@example.com/v1"'),
      `t.yaml:5:15: accounts[0].base_url holds a user name or a password: ${expected}`,
    ],
    ['with a query', account('base_url: "https://example.com/v1?key=hidden"'), `t.yaml:5:15: accounts[0].base_url holds a query or a fragment: ${expected}`],
    ['that is none', account('base_url: example'), `t.yaml:5:15: accounts[0].base_url is no URL: ${expected}`],
    [
      'that is a proxy of another scheme',
      account('proxy: "ftp://example.com"'),
      't.yaml:5:12: accounts[0].proxy has another scheme: expected a URL that begins with http://, https:// or socks5://',
    ],
    // H7
    [
      'with a line break',
      account('{}').replace('    {}\n', '').replace('sk-1', '"sk-1\\r\\nhidden: 1"'),
      't.yaml:4:28: accounts[0].credential.api_key holds a line break or a NUL: expected the key that the upstream gave you',
    ],
    [
      'with a NUL',
      key('models: []').replace('secret-1', '"se\\0cret"'),
      't.yaml:4:21: keys[0].key holds a line break or a NUL: expected the text that clients send',
    ],
    [
      'with a space',
      `${base}admin: { token: "a hidden one" }\n`,
      't.yaml:3:17: admin.token holds a space or another character that a credential never has: expected the text of the admin token',
    ],
    ['that is a number', key('models: []').replace('secret-1', '12345678'), 't.yaml:4:21: keys[0].key is a number: expected the text that clients send'],
    [
      'that is empty',
      account('{}').replace('    {}\n', '').replace('sk-1', '""'),
      't.yaml:4:28: accounts[0].credential.api_key is empty: expected the key that the upstream gave you',
    ],
  ])
})

describe('several problems', () => {
  it('are told together, in the order of the file', () => {
    expect(problemsOf(`${base}server: { port: -1 }\nlog: { level: "\${LEVEL}" }\ntimes: { connect: x, drian: 1s }\n`)).toEqual([
      't.yaml:3:17: server.port is -1: expected a whole number from 0 to 65535',
      't.yaml:4:15: log.level needs ${LEVEL}, which is not set: expected it in the environment, or a default as in ${LEVEL:-default}',
      't.yaml:5:19: times.connect is "x": expected a duration from 10ms to 10m, such as 500ms, 10s, 5m, 2h or 7d',
      't.yaml:5:22: "drian" is not a field of times: did you mean "drain"?',
    ])
  })
  it('are at most 20', () => {
    const rules = Array.from({ length: 50 }, () => '  - { tier: none, action: pass }\n').join('')
    expect(problemsOf(`${base}rules:\n${rules}`)).toHaveLength(problemsMax)
  })
})

describe('a file on disk', () => {
  const problem = (file: string) => {
    const loaded = loadConfiguration(file, {})
    return loaded.kind === 'invalid' ? loaded.problems.map(problemText) : loaded.kind
  }
  it('is loaded', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    writeFileSync(file, `\uFEFF${base}`)
    expect(problem(file)).toBe('loaded')
  })
  it('may be missing', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    expect(problem(file)).toEqual([`${file}:1:1: there is no such file: expected the configuration`])
  })
  it('may be a folder', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    mkdirSync(file)
    expect(problem(file)).toEqual([`${file}:1:1: this is not a file: expected the configuration`])
  })
  it('may be no text', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    writeFileSync(file, Buffer.from([0x61, 0xff, 0xfe]))
    expect(problem(file)).toEqual([`${file}:1:1: the file is not UTF-8: expected text`])
  })
  it('may have 1 MiB and not a byte more', () => {
    const file = join(emptyFolder(), 'turnout.yaml')
    writeFileSync(file, base + '#'.repeat(fileBytesMax - base.length))
    expect(problem(file)).toBe('loaded')
    writeFileSync(file, base + '#'.repeat(fileBytesMax - base.length + 1))
    expect(problem(file)).toEqual([`${file}:1:1: the file is larger than ${fileBytesMax} bytes: expected a configuration`])
  })
})
