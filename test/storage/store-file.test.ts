import fs from 'node:fs'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { TurnId } from '../../src/core/ids.ts'
import { migrations } from '../../src/storage/migrations.ts'
import { applicationId, schemaVersion } from '../../src/storage/schema.ts'
import { StoreError } from '../../src/storage/store-error.ts'
import { openStore } from '../../src/storage/store.ts'
import { folder, listening, opened, settled, storeOptions } from './samples.ts'

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
    const db = new Sqlite(file)
    await migrations[0]?.up(new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) }))
    db.exec(`insert into turns (id, key, endpoint, transport, model, started_at, status) values ('t', 'laptop', 'responses', 'http', 'm', 1, 'settled')`)
    db.pragma(`application_id = ${applicationId}`)
    db.pragma('user_version = 1')
    db.close()
    const store = await openStore(storeOptions({ file }))
    expect(await store.turns.find('t' as TurnId)).toMatchObject({ charge: { nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null } })
    const turn = opened()
    const charge = { nanoUsd: 9_007_199_254_740_991n, estimatedNanoUsd: 1n, notionalNanoUsd: 2n }
    await store.ledger.settle(settled(turn, { charge }))
    expect(await store.turns.find(turn.id)).toMatchObject({ charge })
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
