import { Worker } from 'node:worker_threads'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../ports/log.ts'

/** Restarts in a row without anything achieved, after which a thread stays down. */
export const restartsMax = 5
const backoffMsMin = 100
const backoffMsMax = 5000

export interface KeptWorkerOptions<In> {
  readonly name: string
  readonly file: URL
  readonly clock: Clock
  readonly log: Log
  /** What the thread is given at each start. */
  readonly begin: (begins: 'fresh' | 'again') => unknown
  readonly received: (message: In) => void
  /** The thread ended without being asked to; `restarts` or `down` is what comes next. */
  readonly lost: (why: string, next: 'restarts' | 'down') => void
}

/** A worker thread that is started again when it dies, at growing intervals and not for ever. Keeps the process alive only while it has work. */
export class KeptWorker<Out, In> {
  readonly #options: KeptWorkerOptions<In>
  #worker: Worker | null = null
  #restarts = 0
  #stopBackoff: (() => void) | null = null
  #ending: (() => void) | null = null

  constructor(options: KeptWorkerOptions<In>) {
    this.#options = options
    this.#start('fresh')
  }

  /** Nothing happens while the thread is down: whoever waits is told by `lost`. */
  post(message: Out): void {
    this.#worker?.postMessage(message)
  }

  /** The thread did what it is for: deaths from now on are counted afresh. */
  proven(): void {
    this.#restarts = 0
  }

  /** Work is under way, so that the process must not end. */
  hold(): void {
    this.#worker?.ref()
  }

  release(): void {
    this.#worker?.unref()
  }

  /** Sends the last message and waits for the thread to end; ends it by force after `graceMs`. */
  async end(last: Out, graceMs: number): Promise<void> {
    this.#stopBackoff?.()
    const worker = this.#worker
    const ended = new Promise<void>((resolve) => (this.#ending = resolve))
    if (worker === null) return
    worker.ref()
    const stop = this.#options.clock.after(graceMs, () => void worker.terminate())
    this.post(last)
    await ended
    stop()
  }

  #start(begins: 'fresh' | 'again'): void {
    const { file, name, begin, received, lost, log } = this.#options
    const worker = new Worker(file, { workerData: begin(begins), name: `turnout-${name}` })
    let why = 'it ended'
    this.#worker = worker
    worker.on('message', (message: In) => received(message))
    worker.on('error', (error) => (why = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => {
      this.#worker = null
      if (this.#ending !== null) {
        this.#ending()
        return
      }
      this.#restarts += 1
      const next = this.#restarts > restartsMax ? 'down' : 'restarts'
      log.error(
        { thread: name, why, restarts: this.#restarts },
        next === 'down' ? 'a thread of the store keeps ending and stays down' : 'a thread of the store ended',
      )
      lost(why, next)
      if (next === 'down') return
      this.#stopBackoff = this.#options.clock.after(Math.min(backoffMsMin * 2 ** (this.#restarts - 1), backoffMsMax), () => this.#start('again'))
    })
  }
}
