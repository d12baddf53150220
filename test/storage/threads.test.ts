import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { TurnId } from '../../src/core/ids.ts'
import { restartsMax } from '../../src/storage/kept-worker.ts'
import { openStore } from '../../src/storage/store.ts'
import type { Store } from '../../src/storage/store.ts'
import { settled as allSettled, VirtualClock } from '../support/virtual-clock.ts'
import { everything, listening, opened, settled, storeOptions } from './samples.ts'

const own = {
  writer: new URL('../../src/storage/writer.ts', import.meta.url),
  reader: new URL('../../src/storage/reader.ts', import.meta.url),
}
const dying = { writer: new URL('writer-that-dies.ts', import.meta.url), reader: new URL('reader-that-dies.ts', import.meta.url) }

/** Waits, without time passing, until the threads have brought this about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await allSettled()
}

async function withWriterThatDies(deaths: string, use: (store: Store, clock: VirtualClock, sentences: readonly string[]) => Promise<void>): Promise<void> {
  const clock = new VirtualClock()
  const { log, sentences } = listening()
  const options = storeOptions({ clock, log })
  fs.writeFileSync(`${options.file}.deaths`, deaths)
  const store = await openStore(options, { ...own, writer: dying.writer })
  await use(store, clock, sentences)
  await store.close()
}

describe('a writer thread that ends', () => {
  it('is started again, and writes the batch that it left, which is on disk meanwhile, while turns that were open stay open', () =>
    withWriterThatDies('.x', async (store, clock, sentences) => {
      const turn = opened()
      const left = opened()
      const other = opened()
      await store.ledger.open(turn)
      await store.ledger.open(left)
      expect([store.ledger.commits(), store.ready(), store.ledger.lag()]).toEqual([true, false, 1])
      await expect(store.entities.write('rules', '[]', 0)).rejects.toThrow('does not take writes')
      await store.ledger.open(other)
      await clock.advance(100)
      await until(() => store.ready() && store.ledger.lag() === 0)
      expect((await store.turns.list(everything)).map((row) => row.status)).toEqual(['open', 'open', 'open'])
      await store.ledger.settle(settled(turn))
      expect((await store.turns.list(everything)).map((row) => [row.id, row.status])).toEqual([
        [other.id, 'open'],
        [left.id, 'open'],
        [turn.id, 'settled'],
      ])
      expect(sentences).toEqual(['a thread of the store ended'])
    }))

  it(`again and again stays down after ${restartsMax} restarts without a commit`, () =>
    withWriterThatDies('x'.repeat(100), async (store, clock, sentences) => {
      await store.ledger.open(opened())
      for (let restarts = 1; restarts <= restartsMax; restarts++) {
        await clock.advance(5000)
        await until(() => sentences.length > restarts)
      }
      expect(sentences.at(-1)).toBe('a thread of the store keeps ending and stays down')
      await clock.advance(60_000)
      expect(sentences.length).toBe(restartsMax + 1)
      expect([store.ledger.commits(), store.ready(), store.ledger.lag()]).toEqual([true, false, 1])
    }))
})

describe('a reader thread that ends', () => {
  it('tells those who asked, and is started again', async () => {
    const clock = new VirtualClock()
    const store = await openStore(storeOptions({ clock }), { ...own, reader: dying.reader })
    const turn = opened()
    await store.ledger.open(turn)
    await expect(store.turns.find('die' as TurnId)).rejects.toThrow('could not be read')
    expect(store.ready()).toBe(false)
    await clock.advance(100)
    await until(() => store.ready())
    expect(await store.turns.find(turn.id)).toMatchObject({ id: turn.id })
    await store.close()
  })
})

describe('the threads', () => {
  it('do not keep a process alive that has nothing more to do', () => {
    const child = spawnSync(process.execPath, [fileURLToPath(new URL('child-with-nothing-to-do.ts', import.meta.url))], { encoding: 'utf8', timeout: 15_000 })
    expect([child.stdout, child.stderr, child.status]).toEqual(['1\n', '', 0])
  })
})
