import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { gatewayOfThisFile, question, type Playing, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const names = ['a', 'b', 'c', 'd'] as const
type Name = (typeof names)[number]
const faults = ['rate', 'server', 'credential', 'overload', 'reset', 'failed', 'model', 'end-early', 'quota-403'] as const
type Fault = (typeof faults)[number] | 'none'

const settings: Readonly<Record<Name, Playing>> = {
  a: { models: { 'alias-model': 'model-of-a' } },
  b: {},
  c: { models: { 'alias-*': 'c-*' } },
  d: { models: { '*': 'model-of-d' }, filter_to: 'default' },
}
const body = JSON.stringify({ ...question, model: 'alias-model', service_tier: ' Fast ', big: '9'.repeat(5000) })

/** Asks once, of fresh accounts tried in this order; answers with what each of them received. */
async function received(on: Stage, order: readonly (readonly [Name, Fault])[]): Promise<readonly (readonly [Name, string])[]> {
  on.set({
    accounts: Object.fromEntries(order.map(([name, fault]) => [name, { ...settings[name], plays: { faults: [{ fault }] } }])),
    rules: [{ tier: 'priority', action: 'filter', models: ['model-of-*'], otherwise: 'pass' }],
  })
  await on.ask(body)
  return order.flatMap(([name]) => on.sent(name).map((one) => [name, hashOf(one.body)] as const))
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

// A7 C13
test('whatever failed before it, an account receives the very bytes that it would have received first', async () => {
  const on = await stage({ accounts: settings })
  const alone = new Map<Name, string>()
  for (const name of names) for (const [, hash] of await received(on, [[name, 'none']])) alone.set(name, hash)
  expect(new Set(alone.values()).size).toBe(names.length)

  const orders = fc.tuple(fc.shuffledSubarray([...names], { minLength: names.length }), fc.array(fc.constantFrom(...faults), { minLength: 1, maxLength: 3 }))
  let attempts = 0
  await fc.assert(
    fc.asyncProperty(orders, async ([order, failing]) => {
      const seen = await received(
        on,
        order.map((name, index) => [name, failing[index] ?? 'none'] as const),
      )
      attempts += seen.length
      for (const [name, hash] of seen) expect([name, hash]).toEqual([name, alone.get(name)])
    }),
    { numRuns: 40 },
  )
  expect(attempts).toBeGreaterThan(60)
})
