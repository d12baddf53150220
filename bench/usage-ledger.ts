import Sqlite from 'better-sqlite3'
import { systemClock } from '../src/lib/clock.ts'
import { RollUps } from '../src/storage/roll-ups.ts'
import { openStore } from '../src/storage/store.ts'
import { marks } from '../src/storage/roll-up-columns.ts'

/** What the ledger of the benchmark holds: turns spread evenly over keys, accounts, models and time. */
export interface Spread {
  readonly turns: number
  readonly days: number
  readonly keys: number
  readonly accounts: number
  readonly models: number
  /** When the last of them began. */
  readonly untilMs: number
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const turnsPerStatement = 250_000

/** Makes the file as the gateway would, and puts settled turns into it, by far faster than clients could. Returns seconds. */
export async function fillLedger(file: string, spread: Spread): Promise<number> {
  const store = await openStore({ file, clock: systemClock, commitMs: 1000, retentionMs: 1e12, log: silent })
  await store.close()
  const beganAt = performance.now()
  const db = fast(file)
  const indexes = db
    .prepare<[], { name: string; sql: string }>(`select name, sql from sqlite_schema where type = 'index' and tbl_name = 'turns' and sql is not null`)
    .all()
  for (const { name } of indexes) db.exec(`drop index ${name}`)
  const insert = db.prepare<Record<string, number>>(
    `insert into turns (id, key, endpoint, transport, model, started_at, status, outcome, first_output_ms, duration_ms, tier_billed, input_tokens, cached_tokens,
       cache_write_tokens, output_tokens, reasoning_tokens, charge_nano_usd, account, attempts)
     with recursive n(i) as (select @from union all select i + 1 from n where i + 1 < @to),
       t(i, ms) as (select i, cast(@first + i * @step as integer) from n)
     select substr(printf('%012x', ms), 1, 8) || '-' || substr(printf('%012x', ms), 9) || printf('-7%03x-8000-%012x', i % 4096, i),
       'key-' || (i % @keys), 'responses', 'http', 'model-' || (i % @models), ms, 'settled', 'completed', 400, 3000, case i % 3 when 0 then 'flex' else 'default' end,
       1000 + i % 997, i % 997, 0, i % 499, i % 99, i % 100000, 'account-' || (i % @accounts), '[]' from t`,
  )
  const stepMs = (spread.days * 86_400_000) / spread.turns
  const firstMs = spread.untilMs - spread.days * 86_400_000
  for (let from = 0; from < spread.turns; from += turnsPerStatement) {
    const to = Math.min(spread.turns, from + turnsPerStatement)
    insert.run({ from, to, first: firstMs, step: stepMs, keys: spread.keys, models: spread.models, accounts: spread.accounts })
  }
  for (const { sql } of indexes) db.exec(sql)
  db.prepare('insert into marks (name, value) select ?, max(id) from turns').run(marks.toBeCountedTo)
  db.close()
  return (performance.now() - beganAt) / 1000
}

/** Counts the turns into the sums with the gateway's own code, as after an upgrade, but without pauses. Returns seconds. */
export function countLedger(file: string, untilMs: number): number {
  const beganAt = performance.now()
  const db = fast(file)
  const rollUps = new RollUps(db)
  while (rollUps.countEarlier());
  while (rollUps.sumUpDay(untilMs));
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  return (performance.now() - beganAt) / 1000
}

function fast(file: string): Sqlite.Database {
  const db = new Sqlite(file)
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -400000')
  return db
}
