import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../lib/clock.ts'
import { recordsOf } from './batch.ts'
import type { AuditMessage, BatchMessage, EntityMessage, FromWriter, SweepMessage, Swept, ToWriter, WriterStart } from './messages.ts'
import { explain, interruptOpenTurns, openFile } from './open-file.ts'
import { LeftSpool } from './spool-recovery.ts'
import { isHopeless, prepareStatements } from './statements.ts'
import type { Statements } from './statements.ts'
import { StoreError } from './store-error.ts'

/** The thread that writes. Jobs are done in the order in which they came; one that fails for a reason that may pass is tried again until it succeeds. */

/** How long one try of a commit waits for a lock. */
const busyMs = 250
const backoffMsMin = 20
const backoffMsMax = 1000
/** Between two transactions of a sweep, so that turns go first. */
const sweepPauseMs = 20

type Job = BatchMessage | EntityMessage | AuditMessage

class Writer {
  readonly #statements: Statements
  readonly #say: (message: FromWriter) => void
  /** Bounded by the main thread: one batch and a few entities are under way at most. */
  readonly #jobs: Job[] = []
  #backoffMs = 0
  #sweepPending = false

  constructor(statements: Statements, say: (message: FromWriter) => void) {
    this.#statements = statements
    this.#say = say
  }

  take(job: Job): void {
    this.#jobs.push(job)
    if (this.#backoffMs === 0) this.#work()
  }

  sweep(message: SweepMessage): void {
    if (this.#sweepPending) return
    this.#sweepPending = true
    this.#sweepOn(message, nothingSwept)
  }

  #work(): void {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      try {
        this.#say(this.#do(job))
      } catch (error) {
        this.#tryLater(error)
        return
      }
      this.#jobs.shift()
      this.#backoffMs = 0
    }
  }

  /** Throws only what may pass. */
  #do(job: Job): FromWriter {
    if (job.kind !== 'batch') return this.#change(job)
    try {
      this.#statements.write(job)
      return job.n
    } catch (error) {
      if (!isHopeless(error)) throw error
      const why = this.#statements.writeSingly(job)
      return why === null ? job.n : { kind: 'rejected', n: job.n, why }
    }
  }

  #change(job: EntityMessage | AuditMessage): FromWriter {
    try {
      if (job.kind === 'entity') return { kind: 'entity', n: job.n, version: this.#statements.writeEntity(job) }
      this.#statements.writeAudit(job)
      return { kind: 'audited', n: job.n }
    } catch (error) {
      if (isHopeless(error)) return { kind: 'entity-failed', n: job.n, why: sentence(error) }
      throw error
    }
  }

  #tryLater(error: unknown): void {
    if (this.#backoffMs === 0) this.#say({ kind: 'trouble', why: sentence(error) })
    this.#backoffMs = Math.min(Math.max(backoffMsMin, this.#backoffMs * 2), backoffMsMax)
    systemClock.after(this.#backoffMs, () => this.#work())
  }

  /** Goes on in small steps, until the turns that were settled before there were sums are in them. */
  countEarlier(): void {
    let more = true
    if (this.#backoffMs === 0) {
      try {
        more = this.#statements.countEarlier()
      } catch {
        // The file or the disk: as with a commit, it may pass.
      }
    }
    if (more) systemClock.after(sweepPauseMs, () => this.countEarlier())
    else this.#say({ kind: 'counted' })
  }

  #sweepOn(message: SweepMessage, sum: Swept): void {
    let done: Swept = nothingSwept
    let why: string | null = null
    if (this.#backoffMs === 0) {
      try {
        done = this.#statements.sweepStep(message)
      } catch (error) {
        // Nothing is lost by leaving the rest to the next sweep.
        why = sentence(error)
      }
    }
    if (done.turns + done.owners + done.days > 0) {
      const next = { turns: sum.turns + done.turns, owners: sum.owners + done.owners, days: sum.days + done.days }
      systemClock.after(sweepPauseMs, () => this.#sweepOn(message, next))
      return
    }
    this.#sweepPending = false
    this.#say({ kind: 'swept', ...sum, why })
  }
}

const nothingSwept: Swept = { turns: 0, owners: 0, days: 0 }

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Writes into the store what an earlier process left in the spool. Returns how many records that were. */
function recover(left: LeftSpool, statements: Statements, file: string): number {
  let records = 0
  try {
    for (const batch of left.batches()) {
      try {
        statements.write(batch)
      } catch (error) {
        if (!isHopeless(error)) throw error
        statements.writeSingly(batch)
      }
      records += recordsOf(batch)
    }
    if (records > 0) left.clear()
    return records
  } catch (error) {
    throw explain(error, file)
  }
}

async function start(): Promise<void> {
  const port = parentPort
  if (port === null) throw new StoreError('cannot-open', 'The writer is a worker thread and is not started alone.')
  const { file, spool, begins } = workerData as WriterStart
  const say = (message: FromWriter): void => port.postMessage(message)
  try {
    const db = await openFile(file)
    const statements = prepareStatements(db)
    // In this order: an open that was in the spool was interrupted, too.
    const recovered = begins === 'fresh' && spool !== null ? recover(new LeftSpool(spool), statements, file) : 0
    if (begins === 'fresh') interruptOpenTurns(db, file)
    db.pragma(`busy_timeout = ${busyMs}`)
    const writer = new Writer(statements, say)
    port.on('message', (message: ToWriter) => {
      if (message.kind === 'close') {
        db.close()
        port.close()
      } else if (message.kind === 'sweep') writer.sweep(message)
      else writer.take(message)
    })
    say({ kind: 'ready', recovered })
    if (statements.hasEarlier()) writer.countEarlier()
  } catch (error) {
    // A restarted writer that cannot open the file ends, and is tried again later.
    if (begins === 'again') throw error
    port.once('message', () => port.close())
    const known = error instanceof StoreError ? error : new StoreError('cannot-open', sentence(error))
    say({ kind: 'refused', code: known.code, message: known.message })
  }
}

await start()
