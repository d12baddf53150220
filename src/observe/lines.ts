import type { DestinationStream } from 'pino'
import type { Clock } from '../lib/clock.ts'

/** A line of less than `warn` waits this long for others to be written with. Unit: milliseconds. */
export const lineWaitMs = 100
/** So much waits at most. Unit: characters. */
export const waitingMax = 32 * 1024

const warn = 40

/** Asks pino to say the level of each line first, in `lastLevel`. */
const saysLevel: unique symbol = Symbol.for('pino.metadata')

/**
 * Joins lines that are good to have into few writes, because a write costs more than the line. One from `warn` on goes out at once, and takes along what waited, in order.
 */
export class Lines implements DestinationStream {
  readonly [saysLevel] = true
  lastLevel = 0
  readonly #write: (lines: string) => void
  readonly #clock: Clock
  #waiting = ''
  #disarm: (() => void) | null = null

  constructor(write: (lines: string) => void, clock: Clock) {
    this.#write = write
    this.#clock = clock
  }

  write(line: string): void {
    this.#waiting += line
    if (this.lastLevel >= warn || this.#waiting.length >= waitingMax) this.flush()
    else this.#disarm ??= this.#clock.after(lineWaitMs, () => this.flush())
  }

  flush(): void {
    this.#disarm?.()
    this.#disarm = null
    const lines = this.#waiting
    this.#waiting = ''
    if (lines !== '') this.#write(lines)
  }
}
