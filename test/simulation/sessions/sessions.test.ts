import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Crew } from '../crew.ts'
import { complaint, sessionWorldsOf, worldSessions } from '../report.ts'
import type { Simulated } from '../simulation.ts'
import { Tally } from '../tally.ts'
import { simulateSessions } from './session-simulation.ts'

const seeds = Array.from({ length: 50 }, (_, at) => at + 1)
const world = { firstSession: 0, sessions: worldSessions }
const patienceMs = 300_000

describe('whatever happens to sessions, no invariant breaks', () => {
  const crew = new Crew(Math.min(2, availableParallelism()))
  const total = new Tally()
  const checked = new Map<string, number>()
  let worlds: Promise<readonly (Simulated | undefined)[]> = Promise.resolve([])

  beforeAll(() => {
    worlds = crew.simulate(seeds.map((seed) => ({ seed, ...world })))
  })
  afterAll(() => crew.dismiss())

  test(
    'in the worlds of 50 seeds, each of 1,000 sessions',
    async () => {
      for (const [at, simulated] of (await worlds).entries()) {
        if (simulated === undefined) continue
        const { tally, violation } = simulated
        expect(violation === null ? 'no invariant is broken' : complaint(violation, seeds[at] ?? 0, world)).toBe('no invariant is broken')
        total.add(tally)
        for (const [name, count] of simulated.checked) checked.set(name, (checked.get(name) ?? 0) + count)
      }
      expect(total.counts.get('sessions')?.get('begun')).toBe(seeds.length * worldSessions)
    },
    patienceMs,
  )

  test('and everything does happen: sessions move, are refused, are closed in every way, and go over both transports', () => {
    const kinds = (what: string) => [...(total.counts.get(what)?.keys() ?? [])].toSorted()
    expect(kinds('outcome')).toEqual(['cancelled', 'completed', 'failed', 'incomplete', 'refused'])
    expect(kinds('served over')).toEqual(['http', 'websocket'])
    expect(kinds('closed with')).toEqual(['1003', '1008', '1011', '1012', '1013', 'gone'])
    expect(kinds('happened')).toEqual(['disable', 'enable', 'reload', 'reset', 'stop'])
    expect(kinds('failure')).toEqual(
      expect.arrayContaining(['broken-stream', 'credential', 'foreign-state', 'lost-continuation', 'model', 'quota', 'rate', 'silent', 'transport']),
    )
    expect(kinds('code')).toEqual(expect.arrayContaining(['policy_violation', 'previous_response_not_found', 'websocket_connection_limit_reached']))
    expect(total.counts.get('sessions')?.get('moves')).toBeGreaterThan(seeds.length * 20)
    expect([...checked].filter(([, count]) => count < seeds.length)).toEqual([])
  })
})

describe('a simulation of sessions', () => {
  const short = { firstSession: 0, sessions: 200 }

  test('is the same for the same seed, to the last note of every turn', async () => {
    const [one, other] = [await simulateSessions({ seed: 11, ...short }), await simulateSessions({ seed: 11, ...short })]
    expect(one.tally.digest).toBe(other.tally.digest)
    expect([...one.tally.counts]).toEqual([...other.tally.counts])
  })

  test('is another for another seed, and for another world of the same seed', async () => {
    const all = [
      { seed: 11, ...short },
      { seed: 12, ...short },
      { seed: 11, firstSession: worldSessions, sessions: 200 },
    ]
    const digests = await Promise.all(all.map(async (options) => (await simulateSessions(options)).tally.digest))
    expect(new Set(digests).size).toBe(3)
  })

  test('is run world by world, each from its beginning', () => {
    expect(sessionWorldsOf(1500, 1000)).toEqual([
      { firstSession: 1000, sessions: 1000 },
      { firstSession: 2000, sessions: 500 },
    ])
  })
})
