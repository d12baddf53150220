import fs from 'node:fs'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { TurnId } from '../../src/core/ids.ts'
import type { Usage } from '../../src/core/usage.ts'
import { attemptsBetween } from '../../src/storage/attempts.ts'
import { migrations } from '../../src/storage/migrations.ts'
import { schemaVersion } from '../../src/storage/schema.ts'
import { StoreError } from '../../src/storage/store-error.ts'
import { openStore } from '../../src/storage/store.ts'
import { attempt, fileOfVersion, folder, listening, opened, settled, storeOptions } from './samples.ts'

function insert(db: Sqlite.Database, table: string, row: Readonly<Record<string, string | number>>): void {
  const names = Object.keys(row)
  db.prepare(`insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`).run(...Object.values(row))
}

async function wellFormed(): Promise<string> {
  const options = storeOptions()
  const store = await openStore(options)
  for (let i = 0; i < 200; i++) void store.ledger.open(opened())
  await store.close()
  return options.file
}

/** Why the store does not open; the file's bytes must be the same afterwards. */
async function refusal(file: string): Promise<StoreError> {
  const before = fs.existsSync(file) && fs.statSync(file).isFile() ? fs.readFileSync(file) : null
  const { log, sentences } = listening()
  const error: unknown = await openStore(storeOptions({ file, log })).then(
    async (store) => store.close(),
    (reason: unknown) => reason,
  )
  if (!(error instanceof StoreError)) throw new Error(`the store opened: ${String(error)}`)
  expect(before === null ? null : before.equals(fs.readFileSync(file))).toBe(before === null ? null : true)
  expect(sentences).toEqual([])
  return error
}

describe('a store that cannot be opened says why and changes nothing', () => {
  it('when its folder does not exist', async () => {
    const error = await refusal(path.join(folder(), 'missing', 'turnout.db'))
    expect(error.code).toBe('folder-missing')
    expect(error.message).toMatch(/The folder .*missing of the store does not exist/)
  })

  it('when its folder is not writable', async () => {
    const closed = folder()
    fs.chmodSync(closed, 0o500)
    expect((await refusal(path.join(closed, 'turnout.db'))).code).toBe('folder-not-writable')
    fs.chmodSync(closed, 0o700)
  })

  it('when its file is read-only', async () => {
    const file = await wellFormed()
    fs.chmodSync(file, 0o400)
    const error = await refusal(file)
    expect(error.code).toBe('read-only')
    expect(error.message).toContain(`The store ${file} is read-only`)
  })

  it('when it is a folder', async () => {
    expect((await refusal(folder())).code).toBe('cannot-open')
  })

  it('when the file is not a database', async () => {
    const file = path.join(folder(), 'turnout.db')
    fs.writeFileSync(file, 'a shopping list, and much more of it '.repeat(100))
    const error = await refusal(file)
    expect(error.code).toBe('corrupt')
    expect(error.message).toContain('damaged or not a database')
  })

  it('when pages inside the file are damaged', async () => {
    const file = await wellFormed()
    const bytes = fs.readFileSync(file)
    bytes.fill(0x5a, 4096 * 3, 4096 * 6)
    fs.writeFileSync(file, bytes)
    expect((await refusal(file)).code).toBe('corrupt')
  })

  it('when the end of the file is missing', async () => {
    const file = await wellFormed()
    fs.truncateSync(file, 4096 * 4)
    expect((await refusal(file)).code).toBe('corrupt')
  })

  it('when a newer version wrote it', async () => {
    const file = await wellFormed()
    const db = new Sqlite(file)
    db.pragma(`user_version = ${schemaVersion + 1}`)
    db.close()
    const error = await refusal(file)
    expect(error.code).toBe('newer')
    expect(error.message).toContain('a newer version of Turnout')
  })

  it('when it is the database of another program', async () => {
    const file = path.join(folder(), 'turnout.db')
    const db = new Sqlite(file)
    db.exec('create table recipes (name text)')
    db.close()
    expect((await refusal(file)).code).toBe('foreign')
  })

  it('when another program holds it locked', async () => {
    const file = await wellFormed()
    const db = new Sqlite(file)
    db.exec('begin exclusive')
    const error = await refusal(file)
    expect(error.code).toBe('locked')
    expect(error.message).toContain('locked by another program')
    db.close()
  })
})

describe('the schema', () => {
  it('has the version that its migrations make', () => {
    expect(migrations.length).toBe(schemaVersion)
    expect(migrations.map((migration) => migration.name)).toEqual(migrations.map((migration) => migration.name).toSorted())
  })

  it('of a file that knew no charges becomes ours: its turns stay, and what they cost stays unknown', async () => {
    const file = path.join(folder(), 'turnout.db')
    const db = await fileOfVersion(1, file)
    db.exec(`insert into turns (id, key, endpoint, transport, model, started_at, status) values ('t', 'laptop', 'responses', 'http', 'm', 1, 'settled')`)
    db.close()
    const store = await openStore(storeOptions({ file }))
    expect(await store.turns.find('t' as TurnId)).toMatchObject({ charge: { nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null } })
    const turn = opened()
    const charge = { nanoUsd: 9_007_199_254_740_991n, estimatedNanoUsd: 1n, notionalNanoUsd: 2n }
    await store.ledger.settle(settled(turn, { charge }))
    expect(await store.turns.find(turn.id)).toMatchObject({ charge })
    await store.close()
  })

  it('of a file that did not know how long cache writes are kept becomes ours: what it has was kept for no hour', async () => {
    const file = path.join(folder(), 'turnout.db')
    const db = await fileOfVersion(4, file)
    const tokens = { input_tokens: 100, cached_tokens: 50, cache_write_tokens: 30, output_tokens: 9, reasoning_tokens: 4 }
    const usage = { inputTokens: 100, cachedTokens: 50, cacheWriteTokens: 30, outputTokens: 9, reasoningTokens: 4 }
    const { id } = opened()
    const turn = { id, key: 'laptop', endpoint: 'responses', transport: 'http', model: 'm', started_at: 1, status: 'settled', outcome: 'completed' }
    const attempts = JSON.stringify([attempt('main', { usage: usage as Usage }), attempt('main')])
    insert(db, 'turns', { ...turn, duration_ms: 1, ...tokens, attempts })
    const counts = { turns: 1, completed: 1, incomplete: 0, failed: 0, cancelled: 0, refused: 0, unknown_turns: 0, usage_turns: 1 }
    const charges = { charged_turns: 0, estimated_turns: 0, notional_turns: 0, charge_nano_usd: 0, charge_estimated_nano_usd: 0, charge_notional_nano_usd: 0 }
    insert(db, 'roll_ups', { span: 'hour', dimension: 'key', starts_at: 0, name: 'laptop', ...counts, ...tokens, ...charges })
    db.close()

    const store = await openStore(storeOptions({ file }))
    const read = { ...usage, longCacheWriteTokens: 0 }
    expect(await store.turns.find(id)).toMatchObject({ usage: read, attempts: [{ usage: read }, { usage: null }] })
    expect([...attemptsBetween(file, 0, Date.UTC(2030, 0, 1))].map((one) => one.usage)).toEqual([read, null])
    const sums = () => store.usage.sum({ by: 'key', fromMs: null, toMs: null })
    expect(await sums()).toMatchObject([{ turns: 1, usage: read }])
    await store.ledger.settle(settled(opened()))
    expect(await sums()).toMatchObject([{ turns: 2, usage: { inputTokens: 1300, cacheWriteTokens: 180, longCacheWriteTokens: 50 } }])
    await store.close()
  })

  it('is made in an empty file that is already there', async () => {
    const file = path.join(folder(), 'turnout.db')
    fs.writeFileSync(file, '')
    const store = await openStore(storeOptions({ file }))
    await store.ledger.open(opened())
    await store.close()
  })
})
