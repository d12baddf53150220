import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AnswerOf } from '../../src/admin/contract.ts'
import { createGateway, type Gateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { configured, turnout, type Ran } from './support.ts'

const text = `server: { port: 0 }
admin: { token: admin-token-0123456789 }
accounts: [{ name: main, upstream: simulator }]
pools: [{ name: default, accounts: [main] }, { name: spare, accounts: [main] }]
keys: [{ name: filed, key: tk-filed-0123456789, pools: [default], labels: { team: red } }]
`

async function serving(file: string): Promise<Gateway> {
  const opened = await createGateway({ file, environment: {}, overrides: {}, log: createLog('error', { write: () => undefined }) })
  if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
  onTestFinished(() => opened.gateway.stop())
  return opened.gateway
}

/** All files below a folder. */
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))

/** The status of one turn with this key. */
function ask({ url }: Gateway, key: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const asking = request(`${url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${key}` } }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode ?? 0))
  })
  asking.on('error', reject).end('{"model":"gpt-5.5","input":"hello"}')
  return promise
}

const keys = (file: string, ...words: readonly string[]): Promise<Ran> => turnout(['keys', ...words, '--config', file])
const listed = async (file: string) => (JSON.parse((await keys(file, 'list', '--json')).out) as AnswerOf<'keys'>).keys
const made = ({ out }: Ran): string => out.trim()

describe('turnout keys, while a gateway serves and while none does', () => {
  const ways: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
    ['one that serves', serving],
    ['none that serves', async () => undefined],
  ]

  test.each(ways)('create prints the key once, list shows its end, and revoke takes it away: %s', async (_title, begin) => {
    const file = configured(text)
    await begin(file)
    const created = await keys(file, 'create', 'laptop', '--pool', 'default', '--pool', 'spare', '--usd-per-day', '1.5', '--label', 'team=blue')
    expect(created).toEqual({
      exit: 0,
      out: expect.stringMatching(/^tk-[\w-]{43}\n$/),
      err: "This is the key 'laptop'. It is kept nowhere and is not shown again.\n",
    })
    const end = `****${made(created).slice(-4)}`
    expect(await listed(file)).toMatchObject([
      { name: 'filed', provisioned: true, tail: '****6789', labels: { team: 'red' } },
      { name: 'laptop', provisioned: false, tail: end, pools: ['default', 'spare'], limits: { usd_per_day: 1.5 }, labels: { team: 'blue' } },
    ])
    expect((await keys(file, 'list')).out).toMatch(/^laptop +\*{4}\S{4} +active +default > spare +every +usd_per_day 1\.5 +- +team=blue +made 2/m)
    expect(filesIn(dirname(file)).filter((path) => path !== file && readFileSync(path).includes(made(created)))).toEqual([])
    expect(await keys(file, 'revoke', 'laptop')).toEqual({ exit: 0, out: "The key 'laptop' opens nothing any more.\n", err: '' })
    expect((await listed(file)).map(({ name }) => name)).toEqual(['filed'])
  })

  test.each(ways)('what cannot be done is said, and the exit code with it: %s', async (_title, begin) => {
    const file = configured(text)
    await begin(file)
    const outcomes = [
      await keys(file, 'create', 'filed', '--pool', 'default'),
      await keys(file, 'create', 'x', '--pool', 'nowhere'),
      await keys(file, 'create', 'x', '--pool', 'default', '--expires', '2020-01-01T00:00:00Z'),
      await keys(file, 'create', 'x', '--pool', 'default', '--concurrency', '0'),
      await keys(file, 'revoke', 'filed'),
      await keys(file, 'revoke', 'nobody'),
    ]
    expect(outcomes.map(({ exit, out, err }) => [exit, out, err])).toEqual([
      [1, '', "The key 'filed' stands in the configuration file. Change it there.\n"],
      [2, '', "No pool is named 'nowhere'; there are default, spare.\n"],
      [2, '', expect.stringContaining('is over already')],
      [2, '', expect.stringContaining('expected a whole number from 1 to 100000')],
      [1, '', "The key 'filed' stands in the configuration file. Change it there.\n"],
      [1, '', "No key is named 'nobody'.\n"],
    ])
  })
})

test('a key that was made while no gateway served opens the one that starts next, and is refused as soon as it is revoked there', async () => {
  const file = configured(text)
  const key = made(await keys(file, 'create', 'laptop', '--pool', 'default'))
  const gateway = await serving(file)
  expect(await ask(gateway, key)).toBe(200)
  await keys(file, 'revoke', 'laptop')
  expect(await ask(gateway, key)).toBe(401)
})

test('a key that was made in a gateway opens the next one, and so does one that was made in between', async () => {
  const file = configured(text)
  const first = await serving(file)
  const key = made(await keys(file, 'create', 'laptop', '--pool', 'default'))
  await first.stop()
  const other = await turnout(['keys', 'create', 'other', '--pool', 'default', '--config', file])
  expect(other.exit).toBe(0)
  const next = await serving(file)
  expect([await ask(next, key), await ask(next, made(other))]).toEqual([200, 200])
})

test('a key is not made while another process has the data, and no gateway answers there', async () => {
  const file = configured(text)
  await keys(file, 'create', 'first', '--pool', 'default')
  // The process that runs this test, by its parent: alive, and no gateway.
  writeFileSync(join(dirname(file), 'data', 'turnout.pid'), `{"pid":${process.ppid},"url":"http://127.0.0.1:9"}`)
  const refused = await keys(file, 'create', 'laptop', '--pool', 'default')
  expect([refused.exit, refused.out]).toEqual([1, ''])
  expect(refused.err).toContain(`Process ${process.ppid} has just taken the data`)
})

test.each([
  ['no pool', ['create', 'x'], '--pool'],
  ['a label without a text', ['create', 'x', '--pool', 'default', '--label', 'team'], 'expected name=text'],
  ['a number that is none', ['create', 'x', '--pool', 'default', '--usd-per-day', 'much'], 'expected a number'],
])('%s is bad usage', async (_title, words, said) => {
  const { exit, err } = await keys(configured(text), ...words)
  expect(exit).toBe(2)
  expect(err).toContain(said)
})
