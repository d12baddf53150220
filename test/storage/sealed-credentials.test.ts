import { describe, expect, test } from 'vitest'
import type { AccountId } from '../../src/core/ids.ts'
import { Sealer } from '../../src/lib/sealer.ts'
import type { Entities, KeptCredential } from '../../src/ports/stores.ts'
import { SealedCredentials } from '../../src/storage/sealed-credentials.ts'
import { openStore } from '../../src/storage/store.ts'
import { storeOptions } from './samples.ts'

const id = 'main' as AccountId
const [one, two, three] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
const credential: KeptCredential = {
  seed: 's',
  imported: null,
  accessToken: 'access-secret',
  refreshToken: 'refresh-secret',
  accountId: null,
  expiresAtMs: 5,
  sending: null,
}

/** Entities in memory. */
class Kept implements Entities {
  readonly entries = new Map<string, { json: string; version: number }>()
  /** Done once, before the next write. */
  meanwhile: () => void = () => {}

  async list(prefix: string) {
    return [...this.entries].filter(([name]) => name.startsWith(prefix)).map(([name, entry]) => ({ name, ...entry }))
  }

  async read(name: string) {
    return this.entries.get(name) ?? null
  }

  async write(name: string, json: string | null, version: number) {
    const { meanwhile } = this
    this.meanwhile = () => {}
    meanwhile()
    if ((this.entries.get(name)?.version ?? 0) !== version) return null
    this.entries.set(name, { json: json ?? '', version: version + 1 })
    return version + 1
  }
}

describe('a credential that is kept', () => {
  test('is read as it was written, and nothing of it stands in the store', async () => {
    const store = await openStore(storeOptions())
    try {
      const credentials = new SealedCredentials(store.entities, new Sealer([one]))
      expect(await credentials.read(id)).toEqual({ kind: 'nothing', version: 0 })
      expect(await credentials.write(id, credential, 0)).toBe(1)
      expect(await credentials.read(id)).toEqual({ kind: 'kept', version: 1, credential })
      expect(await credentials.all()).toEqual([{ account: id, of: { kind: 'kept', version: 1, credential } }])
      expect(JSON.stringify(await store.entities.list(''))).not.toContain('secret')
      expect(await credentials.write(id, credential, 0)).toBeNull()
    } finally {
      await store.close()
    }
  })

  test('is unreadable with another key, and where it was moved or changed', async () => {
    const kept = new Kept()
    await new SealedCredentials(kept, new Sealer([one])).write(id, credential, 0)
    expect(await new SealedCredentials(kept, new Sealer([two])).read(id)).toEqual({ kind: 'unreadable', version: 1 })
    const entry = kept.entries.get('credential:main')
    if (entry !== undefined) kept.entries.set('credential:other', entry)
    const credentials = new SealedCredentials(kept, new Sealer([one]))
    expect(await credentials.read('other' as AccountId)).toEqual({ kind: 'unreadable', version: 1 })
    kept.entries.set('credential:main', { json: 'no json', version: 4 })
    expect(await credentials.read(id)).toEqual({ kind: 'unreadable', version: 4 })
  })
})

describe('sealing everything anew', () => {
  test('leaves nothing that an old key opens, and counts what none opens', async () => {
    const kept = new Kept()
    const credentials = new SealedCredentials(kept, new Sealer([one]))
    await credentials.write(id, credential, 0)
    await credentials.write('second' as AccountId, credential, 0)
    await new SealedCredentials(kept, new Sealer([three])).write('lost' as AccountId, credential, 0)
    expect(await credentials.reseal(new Sealer([two, one]))).toEqual({ sealed: 2, unreadable: ['lost'] })
    expect(await new SealedCredentials(kept, new Sealer([one])).read(id)).toMatchObject({ kind: 'unreadable' })
    expect(await new SealedCredentials(kept, new Sealer([two])).read(id)).toMatchObject({ kind: 'kept', credential })
    await credentials.write(id, { ...credential, accessToken: 'newer' }, 2)
    expect(await new SealedCredentials(kept, new Sealer([two])).read(id)).toMatchObject({ kind: 'kept', credential: { accessToken: 'newer' } })
  })

  test('again changes nothing', async () => {
    const kept = new Kept()
    const credentials = new SealedCredentials(kept, new Sealer([one]))
    await credentials.write(id, credential, 0)
    await credentials.reseal(new Sealer([two, one]))
    const { version } = kept.entries.get('credential:main') ?? {}
    await credentials.reseal(new Sealer([two, one]))
    expect(kept.entries.get('credential:main')?.version).toBe(version)
  })

  test('loses no renewal that comes in between', async () => {
    const kept = new Kept()
    const credentials = new SealedCredentials(kept, new Sealer([one]))
    await credentials.write(id, credential, 0)
    const renewed = JSON.stringify({ sealed: new Sealer([one]).seal(JSON.stringify({ ...credential, accessToken: 'renewed' }), 'credential:main') })
    kept.meanwhile = () => kept.entries.set('credential:main', { json: renewed, version: 2 })
    expect(await credentials.reseal(new Sealer([two, one]))).toEqual({ sealed: 1, unreadable: [] })
    expect(await new SealedCredentials(kept, new Sealer([two])).read(id)).toMatchObject({ credential: { accessToken: 'renewed' } })
  })
})
