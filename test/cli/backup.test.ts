import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { Spool } from '../../src/storage/spool.ts'
import { openStore, type Store } from '../../src/storage/store.ts'
import { listening, opened, settled, storeOptions } from '../storage/samples.ts'
import { configured, folder, turnout } from './support.ts'

async function withStore(use: (store: Store, file: string) => Promise<void>): Promise<void> {
  const file = configured()
  mkdirSync(join(dirname(file), 'data'), { mode: 0o700 })
  const store = await openStore(storeOptions({ file: join(dirname(file), 'data', 'turnout.db') }))
  await use(store, file)
  await store.close()
}

describe('turnout backup', () => {
  test('copies the store while turns are written, as one whole file of its own that a start takes', async () => {
    await withStore(async (store, file) => {
      await Promise.all(Array.from({ length: 300 }, () => store.ledger.settle(settled(opened()))))
      const to = join(folder(), 'copy.db')
      const backedUp = new AbortController()
      const writing = (async () => {
        while (!backedUp.signal.aborted) await store.ledger.settle(settled(opened()))
      })()
      const { exit, out, err } = await turnout(['backup', to, '--json', '--config', file])
      backedUp.abort()
      await writing
      expect([exit, err]).toEqual([0, ''])
      const told = JSON.parse(out) as { readonly file: string; readonly turns: number; readonly spool: string }
      expect(told).toMatchObject({ file: to, spool: 'empty' })
      expect(told.turns).toBeGreaterThanOrEqual(300)
      expect([readdirSync(dirname(to)), statSync(to).mode & 0o777]).toEqual([['copy.db'], 0o600])

      const restored = await openStore(storeOptions({ file: to }))
      expect(await restored.usage.sum({ by: 'key', fromMs: null, toMs: null })).toMatchObject([{ turns: told.turns }])
      await restored.close()
      const db = new Sqlite(to, { readonly: true })
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
      db.close()
    })
  })

  test('overwrites nothing, and leaves nothing half made', async () => {
    await withStore(async (_store, file) => {
      const to = join(folder(), 'copy.db')
      writeFileSync(to, 'mine')
      expect(await turnout(['backup', to, '--config', file])).toEqual({
        exit: 1,
        out: '',
        err: `${to} is there already. Name another file, or move it away.\n`,
      })
      const nowhere = join(dirname(to), 'no folder', 'copy.db')
      const { exit, err } = await turnout(['backup', nowhere, '--config', file])
      expect([exit, err]).toEqual([1, expect.stringContaining('cannot be made: ENOENT')])
      expect(existsSync(`${nowhere}.partial`)).toBe(false)
    })
  })

  test('says that records wait in the spool', async () => {
    await withStore(async (_store, file) => {
      const spool = new Spool({ file: join(dirname(file), 'data', 'turnout.spool'), bytes: 8192 }, listening().log)
      await spool.allocate()
      await spool.append({ kind: 'batch', n: 1, opens: [], settles: [], owners: [], failovers: [], memories: [] })
      await spool.close()
      const { exit, err } = await turnout(['backup', join(folder(), 'copy.db'), '--config', file])
      expect([exit, err]).toEqual([0, expect.stringContaining('and not in this backup')])
    })
  })

  test('says so where there is no store yet', async () => {
    const { exit, err } = await turnout(['backup', join(folder(), 'copy.db'), '--config', configured()])
    expect([exit, err]).toEqual([1, expect.stringContaining('the first start of the gateway makes it')])
  })
})
