import { expect, test } from 'vitest'
import { gatewayOfThisFile, otherKey, question, streamed } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const turnsOf = <T>(count: number, turn: (index: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, (_, index) => turn(index)))

// B29
test('when every account answers 500, failovers stay within a fifth of the turns and ten, and the rest get the first answer', async () => {
  const faults = [{ fault: 'server' }]
  const on = await stage({ accounts: { a: { concurrency: 200, plays: { faults } }, b: { concurrency: 200, plays: { faults } } } })
  // A model of its own for each turn, so that no rest stops the storm.
  const answers = await turnsOf(60, (index) => on.ask({ ...question, model: `model-${index}` }))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([500]))
  const twice = answers.filter(({ headers }) => headers['x-turnout-attempts'] === '2').length
  expect(twice).toBeGreaterThan(10)
  expect(twice).toBeLessThanOrEqual(10 + 60 / 5 + 1)
  expect(answers.filter(({ headers }) => headers['x-turnout-attempts'] === '1')).toHaveLength(60 - twice)
  expect(on.sent('b')).toHaveLength(twice)
})

// B29
test('with a budget of nothing, ten failovers are free', async () => {
  const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'server' }] } }, b: {} }, failover: { budget_percent: 0 } })
  const answers = await turnsOf(15, (index) => on.ask({ ...question, model: `model-${index}` }))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
  expect(answers.filter(({ status }) => status === 500)).toHaveLength(5)
})

// B30
test('of fifty turns that wait for the reset of one account, one finds out, and the others follow its verdict', async () => {
  const restSeconds = 0.4
  const faults = [
    { fault: 'rate', retryAfterSeconds: restSeconds, times: 2 },
    { fault: 'slow', before: 'head' as const, ms: 150 },
  ]
  const on = await stage({ accounts: { a: { concurrency: 64, plays: { faults } } }, failover: { patience: '0s' }, bounds: { waiting_per_key: 64 } })
  expect((await on.ask()).status).toBe(429)
  on.change({ failover: { patience: '5s' } })
  const answers = await turnsOf(50, (index) => on.ask(streamed, index % 2 === 0 ? {} : { key: otherKey }))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const [, refused, proving, ...followers] = on.sent('a').map(({ atMs }) => atMs)
  expect(followers).toHaveLength(49)
  expect((proving ?? 0) - (refused ?? 0)).toBeGreaterThanOrEqual(restSeconds * 1000 - 10)
  expect(Math.min(...followers) - (proving ?? 0)).toBeGreaterThanOrEqual(145)
})
