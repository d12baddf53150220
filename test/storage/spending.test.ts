import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TurnSettled } from '../../src/core/record.ts'
import { writeEntityAlone } from '../../src/storage/alone.ts'
import { openStore, type Store, type StoreOptions } from '../../src/storage/store.ts'
import { opened, settled, storeOptions } from './samples.ts'

let options: StoreOptions
let store: Store
beforeEach(async () => {
  options = storeOptions()
  store = await openStore(options)
})
afterEach(() => store.close())

const dayMs = Date.UTC(2026, 10, 21)

async function book(key: string, startedAtMs: number, nanoUsd: bigint | null, estimatedNanoUsd: bigint | null = null): Promise<void> {
  const charge: TurnSettled['charge'] = { nanoUsd, estimatedNanoUsd, notionalNanoUsd: 77n }
  await store.ledger.settle(settled(opened({ key, startedAtMs }), { charge }))
}

const spent = async (ms: number) => (await store.spending.since(ms)).toSorted((a, b) => (a.key < b.key ? -1 : 1))

describe('what keys have spent', () => {
  it('is the sum of their charges and estimates since an hour, and nothing that a subscription covered', async () => {
    await book('laptop', dayMs - 1, 1000n)
    await book('laptop', dayMs, 20n)
    await book('laptop', dayMs + 3_600_000, null, 3n)
    await book('laptop', dayMs + 7_200_000, null, null)
    await book('other', dayMs + 1, 5n, 1n)
    expect(await spent(dayMs)).toEqual([
      { key: 'laptop', nanoUsd: 23n },
      { key: 'other', nanoUsd: 6n },
    ])
    expect(await spent(dayMs - 3_600_000)).toMatchObject([{ key: 'laptop', nanoUsd: 1023n }, {}])
    expect(await spent(dayMs + 86_400_000)).toEqual([])
  })

  it('is exact where no double is', async () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER)
    await book('laptop', dayMs, most)
    await book('laptop', dayMs, most - 1n, 3n)
    expect(await spent(dayMs)).toEqual([{ key: 'laptop', nanoUsd: 2n * most + 2n }])
  })

  it('is known to the next process', async () => {
    await book('laptop', dayMs, 20n)
    await store.close()
    store = await openStore(options)
    expect(await spent(dayMs)).toEqual([{ key: 'laptop', nanoUsd: 20n }])
  })
})

describe('small things whose names begin alike', () => {
  it('are listed in the order of their names, without those that were deleted', async () => {
    for (const name of ['key:b', 'key:a', 'key:c', 'rules', 'kez']) await store.entities.write(name, `"${name}"`, 0)
    await store.entities.write('key:c', null, 1)
    expect(await store.entities.list('key:')).toEqual([
      { name: 'key:a', json: '"key:a"', version: 1 },
      { name: 'key:b', json: '"key:b"', version: 1 },
    ])
    expect(await store.entities.list('nothing')).toEqual([])
  })

  it('may be changed while nobody serves, with the same guard', async () => {
    await store.close()
    expect(await writeEntityAlone(options.file, 'key:a', '"alone"', 0)).toBe(1)
    expect(await writeEntityAlone(options.file, 'key:a', '"late"', 0)).toBeNull()
    store = await openStore(options)
    expect(await store.entities.read('key:a')).toEqual({ json: '"alone"', version: 1 })
  })
})
