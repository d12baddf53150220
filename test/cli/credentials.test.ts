import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AnswerOf } from '../../src/admin/contract.ts'
import { readCodexAuth } from '../../src/cli/codex-auth.ts'
import { createGateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'
import { configured, turnout, type Ran } from './support.ts'

const claims = (value: object): string => `e30.${Buffer.from(JSON.stringify(value)).toString('base64url')}.s`

async function place(): Promise<{ readonly file: string; readonly simulator: Simulator; readonly auth: string }> {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const file = configured(`server: { port: 0 }
admin: { token: admin-token-0123456789 }
accounts: [{ name: chat, upstream: codex, base_url: "${simulator.url}", allow_private: true }]
pools: [{ name: default, accounts: [chat] }]
keys: [{ name: laptop, key: tk-laptop-0123456789, pools: [default] }]
`)
  const { accessToken, refreshToken } = simulator.tokens.grant('key-chat', {}, Date.now())
  const auth = join(dirname(file), 'auth.json')
  writeFileSync(
    auth,
    JSON.stringify({ OPENAI_API_KEY: null, tokens: { id_token: 'x', access_token: accessToken, refresh_token: refreshToken, account_id: 'acc-1' } }),
  )
  return { file, simulator, auth }
}

async function serving(file: string): Promise<void> {
  const opened = await createGateway({ file, environment: {}, overrides: {}, log: createLog('error', { write: () => undefined }) })
  if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
  onTestFinished(() => opened.gateway.stop())
}

const accounts = (file: string, ...words: readonly string[]): Promise<Ran> => turnout(['accounts', ...words, '--config', file])
const shown = async (file: string) => (JSON.parse((await accounts(file, 'list', '--json')).out) as AnswerOf<'accounts'>).accounts[0]

const ways: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
  ['while a gateway serves', serving],
  ['while none does', async () => undefined],
]

describe('turnout accounts import codex-auth', () => {
  test.each(ways)('gives the only codex account its sign-in: %s', async (_title, begin) => {
    const { file, simulator, auth } = await place()
    await begin(file)
    const ran = await accounts(file, 'import', 'codex-auth', auth)
    expect(ran).toEqual({
      exit: 0,
      out: "The account 'chat' has this sign-in now; it is sealed in the store and renews itself.\n",
      err: expect.stringContaining('sign the Codex CLI in once more for itself'),
    })
    const tested = await accounts(file, 'test', 'chat')
    expect(tested.out).toMatch(/^chat: well/)
    expect((await turnout(['check', '--connect', '--config', file])).exit).toBe(0)
    expect(simulator.received().at(-1)?.headers).toMatchObject({ 'chatgpt-account-id': 'acc-1' })
    if (begin !== serving) await serving(file)
    expect((await shown(file))?.health).toEqual({ state: 'ready', until: null, why: null })
    for (const name of ['turnout.db', 'turnout.db-wal']) {
      expect(readFileSync(join(dirname(file), 'data', name)).includes('simulated-refresh')).toBe(false)
    }
  })

  test('before it the account is retired, and says what is missing', async () => {
    const { file } = await place()
    await serving(file)
    expect((await shown(file))?.health).toEqual({
      state: 'retired',
      until: null,
      why: 'credential no_credential: it has no credential yet; sign in again and import it: turnout accounts import codex-auth FILE --account chat',
    })
  })

  const wrong: readonly (readonly [title: string, words: readonly string[], exit: number, says: string])[] = [
    ['another format', ['import', 'gemini', 'x'], 2, "'gemini' cannot be imported: expected codex-auth"],
    [
      'a file that is not there',
      ['import', 'codex-auth', '/nowhere/auth.json'],
      1,
      '/nowhere/auth.json cannot be read (ENOENT). The Codex CLI keeps its sign-in in ~/.codex/auth.json.',
    ],
    ['an account that is not there', ['import', 'codex-auth', 'AUTH', '--account', 'stranger'], 1, "No account is named 'stranger'. There are: chat."],
  ]
  test.each(wrong)('%s is said', async (_title, words, exit, says) => {
    const { file, auth } = await place()
    const ran = await accounts(file, ...words.map((word) => (word === 'AUTH' ? auth : word)))
    expect(ran.exit).toBe(exit)
    expect(ran.err).toContain(says)
  })

  test('where no account is for it, the line to add is said', async () => {
    const { auth } = await place()
    const ran = await accounts(configured(), 'import', 'codex-auth', auth)
    expect(ran).toMatchObject({ exit: 1, err: 'No account has upstream: codex. Add one to the configuration first: - { name: chatgpt, upstream: codex }\n' })
  })
})

describe('the auth.json of the Codex CLI', () => {
  const cases: readonly (readonly [title: string, text: string, read: object])[] = [
    ['no JSON', 'x', { kind: 'wrong', why: 'it is not a JSON object' }],
    ['an API key', '{"OPENAI_API_KEY":"sk-x"}', { kind: 'wrong', why: expect.stringContaining('an API key and no sign-in') }],
    ['nothing', '{}', { kind: 'wrong', why: expect.stringContaining('codex login') }],
    ['tokens that are none', '{"tokens":{"access_token":5,"refresh_token":""}}', { kind: 'wrong' }],
    [
      'an account id in the id token only',
      JSON.stringify({
        tokens: { access_token: 'a', refresh_token: 'r', id_token: claims({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-2' } }) },
      }),
      { kind: 'signed-in', body: { access_token: 'a', refresh_token: 'r', account_id: 'acc-2' } },
    ],
    ['no account id at all', '{"tokens":{"access_token":"a","refresh_token":"r"}}', { kind: 'signed-in', body: { account_id: null } }],
  ]
  test.each(cases)('with %s', (_title, text, read) => expect(readCodexAuth(text)).toMatchObject(read))
})

describe('turnout secrets rotate', () => {
  test.each(ways)('seals everything anew under a new key, and what is stored stays good: %s', async (_title, begin) => {
    const { file, auth } = await place()
    await begin(file)
    await accounts(file, 'import', 'codex-auth', auth)
    const key = join(dirname(file), 'data', 'secret.key')
    const before = readFileSync(key, 'utf8')
    const ran = await turnout(['secrets', 'rotate', '--config', file])
    expect(ran).toEqual({ exit: 0, out: '1 stored credential is sealed under the newest key.\n', err: '' })
    const after = readFileSync(key, 'utf8')
    expect(after.split('\n')[0]).toBe(before.split('\n')[0])
    expect(after.split('\n')).toHaveLength(3)
    expect((await accounts(file, 'test', 'chat')).out).toMatch(/^chat: well/)
    if (begin !== serving) await serving(file)
    expect((await shown(file))?.health.state).toBe('ready')
  })

  test('tells which credentials no key opens, and exits 1', async () => {
    const { file, auth } = await place()
    await accounts(file, 'import', 'codex-auth', auth)
    writeFileSync(join(dirname(file), 'data', 'secret.key'), 'ab'.repeat(32))
    const ran = await turnout(['secrets', 'rotate', '--config', file])
    expect(ran).toMatchObject({
      exit: 1,
      out: '0 stored credentials are sealed under the newest key.\n',
      err: 'No key opens what is stored for chat: sign in again and import it.\n',
    })
  })
})
