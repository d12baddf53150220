import type { Database } from 'better-sqlite3'
import { prepareAudit } from './audit-log.ts'
import type { AuditMessage, BatchMessage, EntityMessage, SweepMessage, Swept } from './messages.ts'
import { openColumns, settleColumns } from './rows.ts'
import { RollUps } from './roll-ups.ts'
import type { Row } from './rows.ts'

/** Rows deleted in one transaction: short enough that a turn does not feel it. */
const sweepRows = 500

/** All that the writer can do to the file, each statement compiled once. */
export interface Statements {
  /** One transaction. Throws, with nothing written, when it fails. */
  write(batch: BatchMessage): void
  /** Each record in its own transaction. Returns why the first one that cannot be written cannot; null when all were. */
  writeSingly(batch: BatchMessage): string | null
  writeEntity(entity: EntityMessage): number | null
  writeAudit(entry: Pick<AuditMessage, 'row' | 'keptFrom'>): void
  /** One small transaction of a sweep. */
  sweepStep(sweep: SweepMessage): Swept
  /** Counts some of the turns that were settled before there were sums. False: none are left. */
  countEarlier(): boolean
  hasEarlier(): boolean
}

export function prepareStatements(db: Database): Statements {
  const begin = db.prepare('begin immediate')
  const commit = db.prepare('commit')
  const rollback = db.prepare('rollback')
  const rollUps = new RollUps(db)
  const record = prepareRecords(db, rollUps)
  const entity = prepareEntity(db)
  const audit = prepareAudit(db)
  const sweep = prepareSweep(db, rollUps)

  const atomically = <T>(work: () => T): T => {
    begin.run()
    try {
      const result = work()
      commit.run()
      return result
    } catch (error) {
      if (db.inTransaction) rollback.run()
      rollUps.discard()
      throw error
    }
  }

  return {
    write: (batch) => atomically(() => record.all(batch)),
    writeSingly(batch) {
      let why: string | null = null
      for (const single of record.each(batch)) {
        try {
          atomically(single)
        } catch (error) {
          if (!isHopeless(error)) throw error
          why ??= error instanceof Error ? error.message : String(error)
        }
      }
      return why
    },
    writeEntity: (message) => atomically(() => entity(message)),
    writeAudit: (entry) => atomically(() => audit(entry)),
    sweepStep(message) {
      const swept = atomically(() => sweep(message))
      return { ...swept, days: rollUps.sumUpDay(message.daysBeforeMs) ? 1 : 0 }
    },
    countEarlier: () => rollUps.countEarlier(),
    hasEarlier: () => rollUps.countedTo !== null,
  }
}

/** Whether trying again would fail again because of the record itself, rather than of the file or the disk. */
export function isHopeless(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE|ERROR$)/.test(code)
}

function prepareRecords(db: Database, rollUps: RollUps) {
  const columns = [...openColumns, ...settleColumns]
  const settled = ['status', 'tier_requested', ...settleColumns].map((name) => `${name} = excluded.${name}`).join(', ')
  const open = db.prepare<[Row]>(
    `insert into turns (${openColumns.join(', ')}, status) values (${marks(openColumns.length)}, 'open') on conflict (id) do nothing`,
  )
  const settle = db.prepare<[Row]>(
    `insert into turns (${columns.join(', ')}, status) values (${marks(columns.length)}, 'settled') on conflict (id) do update set ${settled} where turns.status <> 'settled'`,
  )
  const owner = db.prepare<[Row]>('insert or replace into owners (id, account, key, created_at) values (?, ?, ?, ?)')
  const failover = db.prepare<[Row]>('insert into failovers (account, turn) values (?, ?) on conflict do nothing')
  const memory = db.prepare<[Row]>(
    `insert into account_memory (account, generation, enabled, state, updated_at) values (?, ?, ?, ?, ?) on conflict (account) do update
     set generation = excluded.generation, enabled = excluded.enabled, state = excluded.state, updated_at = excluded.updated_at`,
  )
  /** What is settled already stays as it is, and is not counted again. */
  const settleOnce = (row: Row): void => {
    if (settle.run(row).changes > 0) rollUps.count(row)
  }
  const settleAlone = (row: Row): void => {
    settleOnce(row)
    rollUps.write()
  }
  return {
    all(batch: BatchMessage): void {
      for (const row of batch.opens) open.run(row)
      for (const row of batch.settles) settleOnce(row)
      rollUps.write()
      for (const row of batch.owners) owner.run(row)
      for (const row of batch.failovers) failover.run(row)
      for (const row of batch.memories) memory.run(row)
    },
    each: (batch: BatchMessage): readonly (() => unknown)[] => [
      ...batch.opens.map((row) => () => open.run(row)),
      ...batch.settles.map((row) => () => settleAlone(row)),
      ...batch.owners.map((row) => () => owner.run(row)),
      ...batch.failovers.map((row) => () => failover.run(row)),
      ...batch.memories.map((row) => () => memory.run(row)),
    ],
  }
}

/** A deleted entity keeps its version, so that a version never comes twice with another content. */
function prepareEntity(db: Database): (entity: EntityMessage) => number | null {
  const read = db.prepare<[string], { version: number }>('select version from entities where name = ?')
  const write = db.prepare<[string, number, string | null]>(
    'insert into entities (name, version, json) values (?, ?, ?) on conflict (name) do update set version = excluded.version, json = excluded.json',
  )
  const present = db.prepare<[string], { version: number }>('select version from entities where name = ? and json is not null')
  return ({ name, json, version }) => {
    if ((present.get(name)?.version ?? 0) !== version) return null
    const next = (read.get(name)?.version ?? 0) + 1
    write.run(name, next, json)
    return next
  }
}

function prepareSweep(db: Database, rollUps: RollUps): (sweep: SweepMessage) => Omit<Swept, 'days'> {
  const failovers = db.prepare<[string, number]>('delete from failovers where turn in (select id from turns where id < ? order by id limit ?)')
  const turns = db.prepare<[string, number]>('delete from turns where id in (select id from turns where id < ? order by id limit ?)')
  // Rows lie in the order in which they came: the oldest are found without an index on the time.
  const owners = db.prepare<[number, number]>('delete from owners where created_at < ? and rowid in (select rowid from owners order by rowid limit ?)')
  return ({ turnsBefore, ownersBeforeMs }) => {
    // What is not in the sums yet is not forgotten.
    const before = rollUps.countedTo !== null && rollUps.countedTo < turnsBefore ? rollUps.countedTo : turnsBefore
    failovers.run(before, sweepRows)
    return { turns: turns.run(before, sweepRows).changes, owners: owners.run(ownersBeforeMs, sweepRows).changes }
  }
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}
