import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { behaviours, prepare, round } from '../crash/round.ts'
import { SimulatorProcess } from '../crash/simulator-process.ts'

let simulator: SimulatorProcess
beforeAll(async () => (simulator = await SimulatorProcess.start(behaviours)))
afterAll(() => simulator.end())

// G1 G2. `npm run crash` is the long form: more turns, more rounds, and a disk that is full.
test.each([
  ['none', 'empty'],
  ['store locked', 'used'],
] as const)('a gateway that is killed with turns running, trouble with the store: %s, has lost none and none twice', async (trouble, spool) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-'))
  try {
    const ground = { folder, simulator: simulator.url, httpClients: 30, sessions: 30, seen: [] }
    prepare(ground)
    const result = await round(ground, 'r1', trouble, trouble === 'none' ? 500 : 2500)
    expect(result).toMatchObject({ misses: [], spool, refused: 0 })
    expect(result.withOutput).toBeGreaterThan(30)
    expect(result.ended).toBeGreaterThan(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
