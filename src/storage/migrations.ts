import { sql, SqliteAdapter, type Kysely } from 'kysely'
import { marks } from './roll-up-columns.ts'

/** One step of the schema. Only ever added at the end; each must run on SQLite and on PostgreSQL. */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

/** `bigint` wherever a number may grow (PostgreSQL's `integer` has 32 bits), text for JSON and ids. */
export const migrations: readonly Migration[] = [
  {
    name: '001-ledger',
    async up(db) {
      await createTurns(db)
      await createOwners(db)
      await createOperatorTables(db)
    },
  },
  {
    name: '002-notional-charge',
    async up(db) {
      await db.schema.alterTable('turns').addColumn('charge_notional_nano_usd', 'bigint').execute()
    },
  },
  {
    name: '003-roll-ups',
    async up(db) {
      await createRollUps(db)
      await markEarlierTurns(db)
    },
  },
  {
    name: '004-audit',
    async up(db) {
      await createAudit(db)
    },
  },
  {
    name: '005-long-cache-writes',
    async up(db) {
      // Until then no upstream's word on it was read: all that was written was billed alike.
      await db.schema
        .alterTable('turns')
        .addColumn('long_cache_write_tokens', 'bigint', (c) => c.defaultTo(0))
        .execute()
      await db.schema
        .alterTable('roll_ups')
        .addColumn('long_cache_write_tokens', 'bigint', (c) => c.notNull().defaultTo(0))
        .execute()
    },
  },
]

async function createTurns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('turns')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('transport', 'text', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('tier_requested', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text')
    .addColumn('code', 'text')
    .addColumn('first_output_ms', 'bigint')
    .addColumn('duration_ms', 'bigint')
    .addColumn('tier_sent', 'text')
    .addColumn('tier_served', 'text')
    .addColumn('tier_billed', 'text')
    .addColumn('input_tokens', 'bigint')
    .addColumn('cached_tokens', 'bigint')
    .addColumn('cache_write_tokens', 'bigint')
    .addColumn('output_tokens', 'bigint')
    .addColumn('reasoning_tokens', 'bigint')
    .addColumn('charge_nano_usd', 'bigint')
    .addColumn('charge_estimated_nano_usd', 'bigint')
    .addColumn('account', 'text')
    .addColumn('attempts', 'text')
    .execute()
  await db.schema.createIndex('turns_of_key').on('turns').columns(['key', 'id']).execute()
  await db.schema.createIndex('turns_of_account').on('turns').columns(['account', 'id']).execute()
  // Nearly every turn is settled and completed: those are found newest first without an index, the rare ones need one.
  await db.schema.createIndex('turns_not_settled').on('turns').columns(['status', 'id']).where('status', '<>', 'settled').execute()
  await db.schema.createIndex('turns_not_completed').on('turns').columns(['outcome', 'id']).where('outcome', '<>', 'completed').execute()
  await db.schema
    .createTable('failovers')
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('turn', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('failovers_key', ['account', 'turn'])
    .execute()
  await db.schema.createIndex('failovers_of_turn').on('failovers').column('turn').execute()
}

async function createOwners(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('owners')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
}

async function createOperatorTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('account_memory')
    .addColumn('account', 'text', (c) => c.primaryKey().notNull())
    .addColumn('generation', 'text', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('entities')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('version', 'bigint', (c) => c.notNull())
    .addColumn('json', 'text')
    .execute()
}

/** Who changed what. Before and after are JSON that holds no secret. */
async function createAudit(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('by_whom', 'text', (c) => c.notNull())
    .addColumn('from_where', 'text')
    .addColumn('what', 'text', (c) => c.notNull())
    .addColumn('target', 'text')
    .addColumn('was', 'text')
    .addColumn('became', 'text')
    .execute()
}

/** The sums of migration 003; later ones add their own. */
const firstSums = [
  'turns',
  'completed',
  'incomplete',
  'failed',
  'cancelled',
  'refused',
  'unknown_turns',
  'usage_turns',
  'input_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'charged_turns',
  'estimated_turns',
  'notional_turns',
  'charge_nano_usd',
  'charge_estimated_nano_usd',
  'charge_notional_nano_usd',
]

async function createRollUps(db: Kysely<unknown>): Promise<void> {
  const table = db.schema
    .createTable('roll_ups')
    .addColumn('span', 'text', (c) => c.notNull())
    .addColumn('dimension', 'text', (c) => c.notNull())
    .addColumn('starts_at', 'bigint', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('roll_ups_key', ['span', 'dimension', 'starts_at', 'name'])
  const whole = firstSums.reduce((made, name) => made.addColumn(name, 'bigint', (c) => c.notNull()), table)
  // The key is all that is ever looked for: beside it a table of rows would be written and read for nothing.
  await (db.getExecutor().adapter instanceof SqliteAdapter ? whole.modifyEnd(sql`without rowid`) : whole).execute()
  await db.schema
    .createTable('marks')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute()
}

/** Turns that are settled already are counted while the gateway serves, a few at a time. */
async function markEarlierTurns(db: Kysely<unknown>): Promise<void> {
  await sql`insert into marks (name, value) select ${marks.toBeCountedTo}, max(id) from turns having max(id) is not null`.execute(db)
}
