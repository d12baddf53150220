import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/storage/store.ts'
import { everything, folder, opened, settled, storeOptions } from './samples.ts'

/** Runs the child until it has said `lines` lines, kills it with SIGKILL, and returns what it said. */
async function kill9(file: string, lines: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('child-that-dies.ts', import.meta.url)), file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (said.length === lines) child.kill('SIGKILL')
  }
  await ended
  return said
}

// Case G1.
describe('after kill -9 in the middle of running turns', () => {
  it('the file is whole, every turn that was told as written is there once, and the open ones are interrupted', async () => {
    const file = path.join(folder(), 'turnout.db')
    const said = (await kill9(file, 1500)).slice(0, -1)
    const settledIds = said.filter((line) => line.startsWith('settled ')).map((line) => line.slice('settled '.length))
    const openIds = said.filter((line) => line.startsWith('open ')).map((line) => line.slice('open '.length))
    expect(settledIds.length).toBeGreaterThan(0)

    const store = await openStore(storeOptions({ file }))
    expect(await store.turns.list({ ...everything, status: 'open' })).toEqual([])
    const interrupted = await store.turns.list({ ...everything, status: 'interrupted' })
    expect(interrupted.length).toBeGreaterThan(0)
    expect(interrupted.every((row) => row.outcome === null && row.usage === null)).toBe(true)
    const lastSettled = settledIds.at(-1) ?? ''
    expect(await store.owners.find(`resp_${lastSettled}`)).toEqual({ account: 'main', key: expect.stringMatching(/^lane-/) })
    await store.close()

    const db = new Sqlite(file, { readonly: true })
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    const status = new Map(
      db
        .prepare<[], { id: string; status: string }>('select id, status from turns')
        .all()
        .map((row) => [row.id, row.status]),
    )
    db.close()
    expect(settledIds.filter((id) => status.get(id) !== 'settled')).toEqual([])
    const settledAll = new Set(settledIds)
    const leftOpen = openIds.filter((id) => !settledAll.has(id))
    expect(leftOpen.length).toBeGreaterThan(100)
    // A turn may have been settled on disk without its process having lived to say so.
    expect(leftOpen.filter((id) => status.get(id) !== 'interrupted' && status.get(id) !== 'settled')).toEqual([])
  })

  it('a turn that is settled after all is settled, and turns of the new process are open', async () => {
    const options = storeOptions()
    const turn = opened()
    const first = await openStore(options)
    await first.ledger.open(turn)
    await first.close()
    const second = await openStore(options)
    expect(await second.turns.find(turn.id)).toMatchObject({ status: 'interrupted' })
    await second.ledger.settle(settled(turn))
    expect(await second.turns.find(turn.id)).toMatchObject({ status: 'settled' })
    await second.close()
  })
})
