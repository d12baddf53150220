import { describe, expect, test } from 'vitest'
import type { FailureKind } from '../../src/core/failure.ts'
import { complaint, worldsOf, worldTurns } from './report.ts'
import { simulate } from './simulation.ts'
import { Tally } from './tally.ts'

const seeds = Array.from({ length: 50 }, (_, at) => at + 1)
const failures: readonly FailureKind[] = [
  'broken-stream',
  'credential',
  'edge-block',
  'forbidden',
  'foreign-state',
  'lost-continuation',
  'model',
  'network',
  'overload',
  'quota',
  'rate',
  'request',
  'server',
  'silent',
]
const world = { firstTurn: 0, turns: worldTurns }

describe('whatever happens, no invariant breaks', () => {
  const total = new Tally()
  const checked = new Map<string, number>()

  test.each(seeds)('in the world of seed %i', async (seed) => {
    const { violation, ...seen } = await simulate({ seed, ...world })
    total.add(seen.tally)
    for (const [name, count] of seen.checked) checked.set(name, (checked.get(name) ?? 0) + count)
    expect(violation === null ? 'no invariant is broken' : complaint(violation, seed, world)).toBe('no invariant is broken')
  })

  test('and everything does happen: every outcome, every kind of failure, every trouble of the process', () => {
    const kinds = (what: string) => [...(total.counts.get(what)?.keys() ?? [])].toSorted()
    expect(kinds('outcome')).toEqual(['cancelled', 'completed', 'failed', 'incomplete', 'lost in a crash', 'refused'])
    expect(kinds('failure')).toEqual(expect.arrayContaining([...failures]))
    expect(kinds('client')).toEqual(['cut', 'ended', 'gone', 'open'])
    expect(kinds('happened')).toEqual(['crash', 'disable', 'enable', 'reload', 'reset', 'stop'])
    expect(kinds('code')).toEqual(expect.arrayContaining(['ledger_unavailable', 'owner_not_ready', 'policy_violation', 'queue_full']))
    expect([...checked].filter(([, count]) => count < seeds.length)).toEqual([])
  })
})

describe('a simulation', () => {
  const short = { firstTurn: 0, turns: 500 }

  test('is the same for the same seed, to the last note of every turn', async () => {
    const [one, other] = [await simulate({ seed: 11, ...short }), await simulate({ seed: 11, ...short })]
    expect(one.tally.digest).toBe(other.tally.digest)
    expect([...one.tally.counts]).toEqual([...other.tally.counts])
  })

  test('is another for another seed, and for another world of the same seed', async () => {
    const all = [
      { seed: 11, ...short },
      { seed: 12, ...short },
      { seed: 11, firstTurn: worldTurns, turns: 500 },
    ]
    const digests = await Promise.all(all.map(async (options) => (await simulate(options)).tally.digest))
    expect(new Set(digests).size).toBe(3)
  })

  test('is run world by world, each from its beginning, so that a turn can be seen again without all before it', () => {
    expect(worldsOf(0, 5000)).toEqual([
      { firstTurn: 0, turns: 2000 },
      { firstTurn: 2000, turns: 2000 },
      { firstTurn: 4000, turns: 1000 },
    ])
    expect(worldsOf(2500, 100)).toEqual([{ firstTurn: 2000, turns: 600 }])
  })
})
