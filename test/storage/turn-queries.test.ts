import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TurnQuery } from '../../src/ports/stores.ts'
import { whole } from '../../src/storage/schema.ts'
import { openStore } from '../../src/storage/store.ts'
import { TurnQueries } from '../../src/storage/turn-queries.ts'
import { everything, storeOptions } from './samples.ts'

describe('each filter of the list of turns', () => {
  let db: Sqlite.Database
  let queries: TurnQueries
  beforeAll(async () => {
    const options = storeOptions()
    await (await openStore(options)).close()
    db = new Sqlite(options.file)
    queries = new TurnQueries(db)
  })
  afterAll(() => db.close())

  const cases: readonly (readonly [title: string, query: Partial<TurnQuery>, plan: RegExp])[] = [
    ['of a key walks the index of keys', { key: 'k' }, /INDEX turns_of_key \(key=\?\)/],
    ['of a key goes on in its index', { key: 'k', before: everything.before ?? ('x' as never) }, /INDEX turns_of_key \(key=\? AND id<\?\)/],
    ['of open turns walks the index of the few that are not settled', { status: 'open' }, /INDEX turns_not_settled \(status=\?\)/],
    ['of a rare outcome walks the index of the few that did not complete', { outcome: 'failed' }, /INDEX turns_not_completed \(outcome=\?\)/],
    ['of an account walks both of its indexes', { account: 'a' }, /turns_of_account \(account=\?\)[^]*failovers[^]*\(account=\?/],
    ['of nothing walks the ids', {}, /sqlite_autoindex_turns_1/],
    ['of settled turns walks the ids, since nearly all are', { status: 'settled' }, /sqlite_autoindex_turns_1/],
  ]
  for (const [title, query, expected] of cases) {
    it(title, () => {
      const { sql, parameters } = queries.listing({ ...everything, ...query }).compile()
      const plan = db
        .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
        .all(...parameters)
        .map((row) => row.detail)
        .join('\n')
      expect(plan).toMatch(expected)
      // Only the ids of an account's two lists, at most 200 of them, are ever sorted.
      if (!('account' in query)) expect(plan).not.toMatch(/TEMP B-TREE/)
      expect(plan).not.toMatch(/SCAN turns$/m)
    })
  }
})

describe('a whole number from a database', () => {
  it('is the same as number, bigint and digits', () => {
    expect([whole(12), whole(12n), whole('12'), whole(-3)]).toEqual([12, 12, 12, -3])
  })
  for (const value of [null, '', 'x', 1.5, 2n ** 53n, '9007199254740993', undefined, 'NaN']) {
    it(`is refused rather than guessed: ${String(value)}`, () => expect(() => whole(value)).toThrow(RangeError))
  }
})
