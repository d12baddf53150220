import { expect, test } from 'vitest'
import { RememberedOrigins } from '../../src/pool/origins.ts'
import { accountId } from '../support/accounts.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const hour = 3_600_000

test('sealed reasoning is remembered for a day, a turn state for an hour', async () => {
  const clock = new VirtualClock()
  const origins = new RememberedOrigins(clock)
  origins.rememberSealed('s', accountId('a'))
  origins.rememberTurnState('t', accountId('b'))
  await clock.advance(hour - 1)
  expect([origins.sealedBy('s'), origins.turnStateOf('t')]).toEqual(['a', 'b'])
  await clock.advance(2)
  expect([origins.sealedBy('s'), origins.turnStateOf('t')]).toEqual(['a', null])
  await clock.advance(23 * hour)
  expect(origins.sealedBy('s')).toBeNull()
})

test('what is remembered is bounded: the least used is forgotten first', () => {
  const origins = new RememberedOrigins(new VirtualClock(), { sealed: 2, turnStates: 1 })
  for (const hash of ['x', 'y', 'z']) origins.rememberSealed(hash, accountId('a'))
  expect(['x', 'y', 'z'].map((hash) => origins.sealedBy(hash))).toEqual([null, 'a', 'a'])
  for (const state of ['x', 'y']) origins.rememberTurnState(state, accountId('a'))
  expect(origins.turnStateOf('x')).toBeNull()
})
