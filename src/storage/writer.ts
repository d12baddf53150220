import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../lib/clock.ts'
import type { BatchMessage, EntityMessage, FromWriter, SweepMessage, ToWriter, WriterStart } from './messages.ts'
import { interruptOpenTurns, openFile } from './open-file.ts'
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

type Job = BatchMessage | EntityMessage

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
    this.#sweepOn(message, 0, 0)
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
    if (job.kind === 'entity') {
      try {
        return { kind: 'entity', n: job.n, version: this.#statements.writeEntity(job) }
      } catch (error) {
        if (isHopeless(error)) return { kind: 'entity-failed', n: job.n, why: sentence(error) }
        throw error
      }
    }
    try {
      this.#statements.write(job)
      return job.n
    } catch (error) {
      if (!isHopeless(error)) throw error
      const why = this.#statements.writeSingly(job)
      return why === null ? job.n : { kind: 'rejected', n: job.n, why }
    }
  }

  #tryLater(error: unknown): void {
    if (this.#backoffMs === 0) this.#say({ kind: 'trouble', why: sentence(error) })
    this.#backoffMs = Math.min(Math.max(backoffMsMin, this.#backoffMs * 2), backoffMsMax)
    systemClock.after(this.#backoffMs, () => this.#work())
  }

  #sweepOn(message: SweepMessage, turns: number, owners: number): void {
    let done = { turns: 0, owners: 0 }
    let why: string | null = null
    if (this.#backoffMs === 0) {
      try {
        done = this.#statements.sweepStep(message)
      } catch (error) {
        // Nothing is lost by leaving the rest to the next sweep.
        why = sentence(error)
      }
    }
    if (done.turns + done.owners > 0) {
      systemClock.after(sweepPauseMs, () => this.#sweepOn(message, turns + done.turns, owners + done.owners))
      return
    }
    this.#sweepPending = false
    this.#say({ kind: 'swept', turns, owners, why })
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function start(): Promise<void> {
  const port = parentPort
  if (port === null) throw new StoreError('cannot-open', 'The writer is a worker thread and is not started alone.')
  const { file, begins } = workerData as WriterStart
  const say = (message: FromWriter): void => port.postMessage(message)
  try {
    const db = await openFile(file)
    if (begins === 'fresh') interruptOpenTurns(db, file)
    db.pragma(`busy_timeout = ${busyMs}`)
    const writer = new Writer(prepareStatements(db), say)
    port.on('message', (message: ToWriter) => {
      if (message.kind === 'close') {
        db.close()
        port.close()
      } else if (message.kind === 'sweep') writer.sweep(message)
      else writer.take(message)
    })
    say({ kind: 'ready' })
  } catch (error) {
    // A restarted writer that cannot open the file ends, and is tried again later.
    if (begins === 'again') throw error
    port.once('message', () => port.close())
    const known = error instanceof StoreError ? error : new StoreError('cannot-open', sentence(error))
    say({ kind: 'refused', code: known.code, message: known.message })
  }
}

await start()
