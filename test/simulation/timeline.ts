import type { Clock } from '../../src/lib/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  /** Null once it has rung or was taken back. */
  ring: (() => void) | null
}

/** Timers that were taken back stay in the heap until there are this many, and more than live ones. */
const deadMax = 4096
/** How many timers ring before the real event loop has its turn, so that signals and the test runner are heard. */
const breathEvery = 20_000

/**
 * Virtual time for long simulations. Timers ring in the order of their time, those of one moment in the order in which they were set, and
 * everything that follows from one, promises included, happens before the next.
 */
export class Timeline implements Clock {
  #nowMs: number
  #order = 0
  #dead = 0
  #rung = 0
  #heap: Timer[] = []

  constructor(startMs = Date.UTC(2026, 10, 21)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, ring: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, ring }
    this.#push(timer)
    return () => {
      if (timer.ring === null) return
      timer.ring = null
      this.#dead++
      if (this.#dead > deadMax && this.#dead * 2 > this.#heap.length) this.#bury()
    }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#heap.length - this.#dead
  }

  /** How many timers have rung. */
  get rung(): number {
    return this.#rung
  }

  /** Forgets every timer: what a killed process leaves behind. */
  clear(): void {
    for (const timer of this.#heap) timer.ring = null
    this.#heap = []
    this.#dead = 0
  }

  /**
   * Rings until `isOver` says so or nothing is set any more. `isOver` is asked when everything that followed from the last ring has happened.
   * A tick that a microtask asks for comes when no microtask is left: that drains all promises for a third of a microsecond, where an
   * immediate takes four times that.
   */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        try {
          if (isOver() || !this.#ringNext()) return resolve()
        } catch (error) {
          return reject(error)
        }
        if (this.#rung % breathEvery === 0) setImmediate(step)
        else queueMicrotask(next)
      }
      const next = () => process.nextTick(step)
      queueMicrotask(next)
    })
  }

  #ringNext(): boolean {
    for (let timer = this.#pop(); timer !== null; timer = this.#pop()) {
      const { ring } = timer
      if (ring === null) {
        this.#dead--
        continue
      }
      timer.ring = null
      this.#nowMs = Math.max(this.#nowMs, timer.atMs)
      this.#rung++
      ring()
      return true
    }
    return false
  }

  #bury(): void {
    const live = this.#heap.filter((timer) => timer.ring !== null)
    // A sorted list is a heap.
    this.#heap = live.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#dead = 0
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(timer, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = timer
  }

  #pop(): Timer | null {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return null
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const a = heap[left]
      const b = heap[left + 1]
      if (a === undefined) break
      const isRight = b !== undefined && isBefore(b, a)
      const child = isRight ? b : a
      if (!isBefore(child, last)) break
      heap[at] = child
      at = isRight ? left + 1 : left
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
