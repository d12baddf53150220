import type { TurnSettled } from '../core/record.ts'
import type { Clock } from '../lib/clock.ts'
import { workerFile } from '../lib/worker-file.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Spending } from '../ports/limits.ts'
import type { Log } from '../ports/log.ts'
import type { AccountMemories, Audit, Entities, Owners, Turns } from '../ports/stores.ts'
import type { UsageBooks } from '../ports/usage-books.ts'
import { auditMessage } from './audit-log.ts'
import { KnownOwners } from './known-owners.ts'
import type { Swept } from './messages.ts'
import { ReadSide } from './read-side.ts'
import { Retention } from './retention.ts'
import type { OnFailure } from './shortfall.ts'
import type { SpoolPlace } from './spool.ts'
import { WriteSide } from './write-side.ts'

export interface StoreOptions {
  /** The SQLite file. Its folder must exist; the file is made when absent. Only one process may serve it. */
  readonly file: string
  readonly clock: Clock
  /** Where records go that the store does not take in time; one process has it. Left out: nowhere. */
  readonly spool?: SpoolPlace
  /** How long a record waits for the store before it goes to the spool. */
  readonly commitMs: number
  /** How long a record waits for the spool, beyond that. Unit: milliseconds. */
  readonly spoolMs?: number
  /** How long turns are kept. */
  readonly retentionMs: number
  readonly log: Log
}

/** The ledger and the small stores, in one SQLite file behind two threads: one writes, one reads. */
export interface Store {
  readonly ledger: Ledger
  readonly owners: Owners
  readonly memories: AccountMemories
  readonly turns: Turns
  readonly usage: UsageBooks
  readonly entities: Entities
  readonly audit: Audit
  readonly spending: Spending
  /** Both threads run and no commit is overdue. */
  ready(): boolean
  /** Transactions of the ledger so far. */
  commitCount(): number
  /** For how long turns are kept, from the next sweep on. */
  keepTurns(retentionMs: number): void
  /** What becomes of turns that are not on disk in time, from now on. */
  onFailure(next: OnFailure): void
  /** Deletes what is too old now rather than within the hour. */
  sweep(): Promise<Swept>
  /** Writes what was handed over into the store or, when it does not answer, the spool, and ends both threads. */
  close(): Promise<void>
}

/** The files of the two threads. */
export interface StoreThreads {
  readonly writer: URL
  readonly reader: URL
}

const ownThreads: StoreThreads = { writer: workerFile('./writer', import.meta.url), reader: workerFile('./reader', import.meta.url) }

/** Rejects with a StoreError that says what is wrong with the file; then nothing in it was changed. */
export async function openStore(options: StoreOptions, threads: StoreThreads = ownThreads): Promise<Store> {
  const { file, clock, log } = options
  const write = new WriteSide({ ...options, worker: threads.writer })
  const read = new ReadSide({ file, clock, log, worker: threads.reader })
  const close = async (): Promise<void> => {
    await read.close()
    await write.close()
  }
  try {
    await write.opened()
    await read.open()
  } catch (error) {
    await close()
    throw error
  }
  const retention = new Retention({ clock, log, keptMs: options.retentionMs, sweep: (message) => write.sweep(message) })
  retention.start()
  const owners = new KnownOwners((id) => read.ask({ kind: 'owner', id }))
  return {
    ledger: bookkeeping(write, owners),
    owners,
    memories: { all: () => read.ask({ kind: 'memories' }), keep: (memory) => write.keep(memory) },
    turns: { find: (id) => read.ask({ kind: 'turn', id }), list: (query) => read.ask({ kind: 'turns', query }) },
    usage: { sum: (query) => read.ask({ kind: 'usage', query }) },
    entities: {
      list: (prefix) => read.ask({ kind: 'entities', prefix }),
      read: (name) => read.ask({ kind: 'entity', name }),
      write: (name, json, version) => write.writeEntity(name, json, version),
    },
    audit: {
      append: (entry) => write.writeAudit(auditMessage(entry)),
      list: (query) => read.ask({ kind: 'audit', ...query }),
    },
    spending: { since: (sinceMs) => read.ask({ kind: 'spending', sinceMs }) },
    ready: () => write.isRunning() && read.isRunning() && write.commit.isInTime(),
    commitCount: () => write.commit.commitCount(),
    keepTurns: (retentionMs) => retention.keep(retentionMs),
    onFailure: (next) => write.commit.onFailure(next),
    sweep: () => retention.sweep(),
    close: async () => {
      retention.stop()
      await close()
    },
  }
}

/** The ledger, which also makes the owner of an answer known before its commit: a client may name it as soon as it has it. */
function bookkeeping(write: WriteSide, owners: KnownOwners): Ledger {
  const { commit } = write
  return {
    open: (turn) => commit.open(turn),
    settle(turn: TurnSettled) {
      if (turn.owned !== null) {
        const owner = { account: turn.owned.account, key: turn.opened.key }
        for (const id of turn.owned.ids) owners.learn(id, owner)
      }
      return commit.settle(turn)
    },
    commits: () => commit.commits(),
    lag: () => commit.lag(),
  }
}
