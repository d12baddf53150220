import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { judgeGateway, lookAtClock, lookAtFolder, lookAtNode, type Finding } from '../../src/cli/doctor.ts'
import { createGateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { configured, folder, trial, turnout } from './support.ts'

async function findings(file: string): Promise<{ readonly exit: number; readonly of: (what: string) => Finding | undefined }> {
  const { exit, out } = await turnout(['doctor', '--json', '--config', file])
  const found = (JSON.parse(out) as { findings: Finding[] }).findings
  return { exit, of: (what) => found.find((finding) => finding.what === what) }
}

describe('doctor', () => {
  test('finds nothing wrong before the first start, and changes nothing', async () => {
    const file = configured()
    const { exit, out } = await turnout(['doctor', '--config', file])
    expect(exit).toBe(0)
    expect(out).toMatch(/^ok {5}node /m)
    expect(out).toMatch(/^note {3}data .* is not there yet: the first start makes it$/m)
    expect(out).toMatch(/^ok {5}account +second: well$/m)
    expect(readdirSync(dirname(file))).toEqual(['turnout.yaml'])
  })

  test('asks a gateway that serves, and reads its store when it is gone', async () => {
    const file = configured()
    const opened = await createGateway({ file, environment: {}, overrides: {}, log: createLog('error', { write: () => undefined }) })
    if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
    const served = await findings(file)
    expect(served.exit).toBe(0)
    expect(served.of('gateway')?.message).toContain('serves, its store commits, and 0 turns run')
    await opened.gateway.stop()
    const closed = await findings(file)
    expect(closed.exit).toBe(0)
    expect(closed.of('store')?.message).toContain('opens and is whole')
  })

  test('says who is wrong about a configuration, and goes no further', async () => {
    const { exit, of } = await findings(configured('accounts: 1\n'))
    expect(exit).toBe(1)
    expect(of('configuration')?.message).toContain('turnout.yaml:1:')
    expect(of('store')).toBeUndefined()
  })

  test('takes a missing configuration for a fresh machine', async () => {
    const { exit, of } = await findings(join(folder(), 'turnout.yaml'))
    expect(exit).toBe(0)
    expect(of('configuration')?.outcome).toBe('note')
  })

  test('finds that the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { exit, of } = await findings(configured(trial.replace('port: 0', `port: ${port}`)))
    expect(exit).toBe(1)
    expect(of('port')?.message).toContain(`port ${port} on 127.0.0.1 is taken by another program`)
  })

  test('finds a damaged store, and leaves it as it is', async () => {
    const file = configured()
    mkdirSync(join(dirname(file), 'data'), { mode: 0o700 })
    writeFileSync(join(dirname(file), 'data', 'turnout.db'), 'not a database '.repeat(500))
    const { exit, of } = await findings(file)
    expect(exit).toBe(1)
    expect(of('store')?.message).toContain('damaged or not a database')
  })

  test('finds an account that its upstream does not serve', async () => {
    const { exit, of } = await findings(configured(trial.replace('fault: quota', 'fault: credential')))
    expect(exit).toBe(1)
    expect(of('account')).toMatchObject({ outcome: 'wrong', message: expect.stringContaining('first: answered 401') })
  })
})

describe('one look', () => {
  test.each([
    ['24.15.0', 'ok'],
    ['26.0.0', 'ok'],
    ['24.14.9', 'wrong'],
    ['20.20.2', 'wrong'],
  ])('Node %s is %s', (version, outcome) => {
    expect(lookAtNode(version).outcome).toBe(outcome)
  })

  test('a data folder that others may read is wrong', () => {
    const data = folder()
    chmodSync(data, 0o755)
    expect(lookAtFolder(data)).toMatchObject({ outcome: 'wrong', message: expect.stringContaining('open to other users') })
    chmodSync(data, 0o700)
    expect(lookAtFolder(data).outcome).toBe('ok')
  })

  test('a data folder that is a file is wrong', () => {
    const file = configured()
    expect(lookAtFolder(file).outcome).toBe('wrong')
  })

  test('a clock before the program was written is wrong', () => {
    expect(lookAtClock([], Date.UTC(1970, 0, 2)).outcome).toBe('wrong')
    expect(lookAtClock([], Date.UTC(2026, 10, 21)).outcome).toBe('ok')
  })

  test('a clock that is behind its own files is wrong, by more than five minutes', () => {
    const file = configured()
    const now = Date.UTC(2026, 10, 21, 12)
    utimesSync(file, now / 1000, (now + 300_000) / 1000)
    expect(lookAtClock([file], now).outcome).toBe('ok')
    expect(lookAtClock([file], now - 1).outcome).toBe('wrong')
  })

  const status = {
    version: '0.1.0',
    started_at: '2026-11-21T12:00:00.000Z',
    config: { loaded_at: '2026-11-21T12:00:00.000Z', error: null },
    ready: true,
    turns_open: 3,
    sessions: 0,
    accounts: { ready: 1, cooling: 0, retired: 0, disabled: 0 },
  }
  test.each([
    [status, 'ok', 'serves, its store commits, and 3 turns run'],
    [{ ...status, ready: false }, 'wrong', 'is not ready'],
    [{ ...status, config: { ...status.config, error: 'turnout.yaml:1:1: bad' } }, 'wrong', 'could not apply a newer one: turnout.yaml:1:1: bad'],
  ])('%j is %s', (said, outcome, message) => {
    expect(judgeGateway('http://x (process 1)', said)).toMatchObject({ outcome, message: expect.stringContaining(message) })
  })
})
