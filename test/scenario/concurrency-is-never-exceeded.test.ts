import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { gatewayOfThisFile, otherKey, streamed } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const faults = ['none', 'server', 'rate', 'cut', 'end-early', 'failed', 'overload', 'reset', 'slow'] as const
const failing = fc.constantFrom(...faults)

// F8
test('whatever fails, an account never has more turns than its concurrency, and every slot comes back', async () => {
  const cases = fc.tuple(fc.array(fc.tuple(failing, fc.integer({ min: 1, max: 4 })), { minLength: 2, maxLength: 3 }), fc.integer({ min: 4, max: 24 }))
  await fc.assert(
    fc.asyncProperty(cases, async ([playing, turns]) => {
      const accounts = playing.map(([fault, concurrency], index) => ({
        name: `n${index}`,
        concurrency,
        plays: { paceMs: 1, faults: [{ fault, ms: 5, chance: 0.5, retryAfterSeconds: 0.05 }] },
      }))
      const on = await stage({
        accounts: Object.fromEntries(accounts.map(({ name, ...account }) => [name, { ...account, priority: 1 }])),
        failover: { patience: '200ms' },
        times: { slot_wait: '200ms' },
      })
      await Promise.all(
        Array.from({ length: turns }, (_, index) =>
          on.ask({ ...streamed, prompt_cache_key: `t${index}` }, index % 3 === 0 ? { key: otherKey } : {}).catch(() => null),
        ),
      )
      for (const { name, concurrency } of accounts) expect(on.simulator.inFlightMax(on.credential(name))).toBeLessThanOrEqual(concurrency)
      await on.end()
    }),
    { numRuns: 15 },
  )
})

// F8
test('nor when clients leave at any moment', async () => {
  const on = await stage({ accounts: { a: { concurrency: 3, plays: { deltas: 3, paceMs: 10 } } } })
  const leaving = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 12, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(leaving, async (afterMs) => {
      let most = 0
      const turns = afterMs.map((ms) => {
        const turn = on.open(streamed)
        const timer = setTimeout(() => turn.abort(), ms)
        return turn.whole().then(
          () => clearTimeout(timer),
          () => undefined,
        )
      })
      for (let over = false; !over;) {
        most = Math.max(most, await on.metric('turnout_leases{account="a"}'))
        over = await Promise.race([Promise.all(turns).then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))])
      }
      expect(most).toBeLessThanOrEqual(3)
      await on.end()
    }),
    { numRuns: 5 },
  )
})
