import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AnswerOf } from '../../src/admin/contract.ts'
import { openStore } from '../../src/storage/store.ts'
import { attempt, opened, settled, storeOptions } from '../storage/samples.ts'
import { configured, turnout } from './support.ts'

/** A configuration with a store in which these days have a turn of each key. */
async function kept(days: readonly number[]): Promise<string> {
  const file = configured()
  mkdirSync(join(dirname(file), 'data'), { mode: 0o700 })
  const store = await openStore(storeOptions({ file: join(dirname(file), 'data', 'turnout.db') }))
  const turns = days.flatMap((day) => ['laptop', 'desk'].map((key) => settled(opened({ key, startedAtMs: Date.UTC(2026, 10, day, 9) }))))
  const unknown = settled(opened({ key: 'laptop', startedAtMs: Date.UTC(2026, 10, 20) }), {
    usage: null,
    charge: { nanoUsd: null, estimatedNanoUsd: 1_000_000n, notionalNanoUsd: null },
    attempts: [attempt('backup')],
  })
  await Promise.all([...turns, unknown].map((turn) => store.ledger.settle(turn)))
  await store.close()
  return file
}

describe('turnout usage', () => {
  test('prints what the turns of each key come to', async () => {
    const { exit, out } = await turnout(['usage', '--config', await kept([20, 21])])
    expect(exit).toBe(0)
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['KEY', 'TURNS', 'IN', 'CACHED', 'OUT', 'REASONING', 'USD', 'ESTIMATED', 'COVERED', 'UNKNOWN'],
      ['laptop', '3', '2400', '2000', '176', '40', '0.00828', '0.001', '-', '1'],
      ['desk', '2', '2400', '2000', '176', '40', '0.00828', '-', '-', '-'],
      [''],
    ])
  })

  test('prints the same as JSON, by day and between days', async () => {
    const file = await kept([18, 20, 21])
    const { out } = await turnout(['usage', '--by', 'day', '--from', '2026-11-20', '--to', '2026-11-21', '--json', '--config', file])
    const { rows } = JSON.parse(out) as AnswerOf<'usage'>
    expect(rows).toMatchObject([{ by: { day: '2026-11-20' }, turns: 3, unknown_turns: 1, charge_nano_usd: '8280000' }])
  })

  test('names an option that is wrong', async () => {
    const { exit, err } = await turnout(['usage', '--by', 'tier', '--config', configured()])
    expect([exit, err]).toEqual([2, '--by: expected one of key, account, model, day.\n'])
  })

  test('says so where there is nothing', async () => {
    expect((await turnout(['usage', '--config', configured()])).out).toBe('There are no turns in that time.\n')
  })
})
