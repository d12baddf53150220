import type { Kysely } from 'kysely'

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
