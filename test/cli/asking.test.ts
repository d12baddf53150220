import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AnswerOf } from '../../src/admin/contract.ts'
import { createGateway, type Gateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { openStore } from '../../src/storage/store.ts'
import { opened, storeOptions } from '../storage/samples.ts'
import { configured, turnout } from './support.ts'

/** A gateway that serves this configuration, until the end of the test at the latest. */
async function serving(file: string): Promise<Gateway> {
  const opened = await createGateway({ file, environment: {}, overrides: {}, log: createLog('error', { write: () => undefined }) })
  if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
  onTestFinished(() => opened.gateway.stop())
  return opened.gateway
}

/** One turn; the answer is its id. */
async function ask({ url, trialKey }: Gateway): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asking = request(`${url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${trialKey}` } }, (response) => {
    response.resume().on('end', () => resolve(String(response.headers['x-turnout-turn'])))
  })
  asking.on('error', reject).end('{"model":"gpt-5.5","input":"hello"}')
  return promise
}

/** The same of a gateway that serves, and of the books that it left. */
async function servedThenClosed(look: (file: string, turn: string) => Promise<void>): Promise<void> {
  const file = configured()
  const gateway = await serving(file)
  const turn = await ask(gateway)
  await look(file, turn)
  await gateway.stop()
  await look(file, turn)
}

describe('what happened is told the same way while a gateway serves and afterwards', () => {
  test('turns list', async () => {
    await servedThenClosed(async (file, turn) => {
      const { exit, out, err } = await turnout(['turns', 'list', '--config', file])
      expect([exit, err]).toEqual([0, ''])
      expect(out.split('\n')).toEqual([
        expect.stringMatching(/^STARTED +TURN/),
        expect.stringMatching(new RegExp(`${turn}  trial +gpt-5.5 +completed.*first > second$`)),
        '',
      ])
    })
  })

  test('turns list --json, filtered', async () => {
    await servedThenClosed(async (file, turn) => {
      const listed = async (...words: string[]) => JSON.parse((await turnout(['turns', 'list', '--json', '--config', file, ...words])).out) as AnswerOf<'turns'>
      expect((await listed('--account', 'first', '--limit', '1')).turns.map(({ id }) => id)).toEqual([turn])
      expect((await listed('--limit', '1')).next).toBe(turn)
      expect((await listed('--outcome', 'failed')).turns).toEqual([])
      expect((await listed('--before', turn)).turns).toEqual([])
    })
  })

  test('turns show', async () => {
    await servedThenClosed(async (file, turn) => {
      const { exit, out } = await turnout(['turns', 'show', turn, '--config', file])
      expect(exit).toBe(0)
      expect(out).toMatch(/^1\. first answered 429 usage_limit_reached after \d+ ms \(quota\)\.$/m)
      expect(out).toMatch(/now: cooling until .*: quota 429 usage_limit_reached$/m)
      expect(out).toMatch(/^2\. second answered with gpt-5\.5 in \d+ ms\.$/m)
      expect(out).toContain('not chosen: first (failed in this turn)')
    })
  })

  // B24: a cooling over 10 min is known after the end of the process that learnt it
  test('accounts list', async () => {
    await servedThenClosed(async (file) => {
      const { exit, out } = await turnout(['accounts', 'list', '--config', file])
      expect(exit).toBe(0)
      expect(out).toMatch(/^first +simulator +cooling +\S+ \S+Z +0 +- +- +quota 429 usage_limit_reached$/m)
      expect(out).toMatch(/^second +simulator +ready/m)
    })
  })

  test('accounts test', async () => {
    await servedThenClosed(async (file) => {
      const well = { exit: 0, out: expect.stringMatching(/^second: well: gpt-\S+ answered in \d+ ms: "[^"]+"\n$/), err: '' }
      expect(await turnout(['accounts', 'test', 'second', '--config', file])).toEqual(well)
      expect((await turnout(['accounts', 'test', 'second', '--model', 'my-model', '--config', file])).out).toContain('my-model answered')
      const unknown = await turnout(['accounts', 'test', 'third', '--config', file])
      expect(unknown).toEqual({ exit: 1, out: '', err: "No account is named 'third'. There are: first, second.\n" })
    })
  })

  test('a turn that nobody knows exits 1', async () => {
    await servedThenClosed(async (file) => {
      const { exit, err } = await turnout(['turns', 'show', 'nothing', '--config', file])
      expect([exit, err]).toEqual([1, "There is no turn 'nothing', or it is too old to be kept.\n"])
    })
  })
})

test('a turn that was running when its gateway was killed is told as interrupted', async () => {
  const file = configured()
  mkdirSync(join(dirname(file), 'data'), { mode: 0o700 })
  const store = await openStore(storeOptions({ file: join(dirname(file), 'data', 'turnout.db') }))
  const turn = opened()
  await store.ledger.open(turn)
  await store.close()
  expect((await turnout(['turns', 'show', turn.id, '--config', file])).out).toContain(`Turn ${turn.id} was interrupted`)
  expect((await turnout(['turns', 'list', '--config', file])).out).toContain('interrupted')
})

describe('where nothing was ever served', () => {
  test('there are no turns, every account is ready, and no file is made', async () => {
    const file = configured()
    expect((await turnout(['turns', 'list', '--config', file])).out).toBe('There are no such turns.\n')
    const { out } = await turnout(['accounts', 'list', '--json', '--config', file])
    expect((JSON.parse(out) as AnswerOf<'accounts'>).accounts.map(({ health }) => health.state)).toEqual(['ready', 'ready'])
    expect(readdirSync(dirname(file))).toEqual(['turnout.yaml'])
  })
})

describe('a pid file', () => {
  function claimed(url: string, pid = process.pid): string {
    const file = configured()
    mkdirSync(join(dirname(file), 'data'), { mode: 0o700 })
    writeFileSync(join(dirname(file), 'data', 'turnout.pid'), JSON.stringify({ pid, url }))
    writeFileSync(join(dirname(file), 'data', 'admin.token'), 'admin-0123456789abcdef')
    return file
  }

  test('whose process is gone counts for nothing', async () => {
    expect((await turnout(['turns', 'list', '--config', claimed('http://127.0.0.1:1', 2 ** 22 + 1)])).exit).toBe(0)
  })

  test('whose number another process has by now counts for nothing', async () => {
    expect((await turnout(['turns', 'list', '--config', claimed('http://127.0.0.1:1')])).exit).toBe(0)
  })

  test('of a gateway that is still starting is respected', async () => {
    const { exit, err } = await turnout(['turns', 'list', '--config', claimed('')])
    expect(exit).toBe(1)
    expect(err).toContain('does not answer: it is still starting')
  })
})

describe('a gateway that cannot be asked', () => {
  test('since its token was changed, says so', async () => {
    const file = configured()
    await serving(file)
    writeFileSync(join(dirname(file), 'data', 'admin.token'), 'admin-of-somebody-else')
    const { exit, err } = await turnout(['accounts', 'list', '--config', file])
    expect(exit).toBe(1)
    expect(err).toContain('does not take the admin token')
    expect(err).not.toContain('somebody-else')
  })
})

test('a store that is damaged is a sentence and exit 1', async () => {
  const file = configured()
  mkdirSync(join(dirname(file), 'data'))
  writeFileSync(join(dirname(file), 'data', 'turnout.db'), 'this is no database, and long enough to be taken for one'.repeat(100))
  const { exit, err } = await turnout(['turns', 'list', '--config', file])
  expect(exit).toBe(1)
  expect(err).toContain('store')
})
