import { expect, test } from 'vitest'
import { parseMapping } from '../../src/core/model.ts'
import { Listings } from '../../src/pool/listings.ts'
import { account, accountId } from '../support/accounts.ts'
import { LivePool } from '../support/live-pool.ts'

test('accounts are asked for their models at the start and hourly, and what was learnt is kept when one does not answer', async () => {
  const closed = account('closed', { mapping: parseMapping({ x: 'y' }, true) })
  const pool = new LivePool([account('a'), closed])
  const asked: string[] = []
  let models: readonly string[] | null = ['m1', 'm2']
  const listings = new Listings({ clock: pool.clock, accounts: pool.accounts, list: (of) => (asked.push(of.id), Promise.resolve(models)) })
  listings.start()
  await pool.clock.advance(0)
  expect(listings.listed(accountId('a'))).toEqual(['m1', 'm2'])
  models = null
  await pool.clock.advance(3_600_000)
  // One whose mapping names all that it serves has nothing to say.
  expect(asked).toEqual(['a', 'a'])
  expect(listings.listed(accountId('a'))).toEqual(['m1', 'm2'])
  pool.configure([closed])
  await listings.refresh()
  expect(listings.listed(accountId('a'))).toEqual([])
  listings.stop()
  expect(pool.clock.pending).toBe(0)
})
