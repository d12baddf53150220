import type { AccountId, KeyId } from '../core/ids.ts'
import type { Candidate } from '../core/route.ts'
import type { Clock } from '../lib/clock.ts'
import type { Lease, Waited, WaitWish } from '../ports/pool.ts'

interface Waiter {
  readonly wish: WaitWish
  readonly accounts: ReadonlySet<AccountId>
  readonly settle: (waited: Waited) => void
  disarm: () => void
}

export interface WaitingBounds {
  readonly waiting: number
  readonly waitingPerKey: number
}

/** How a waiter gets what it waits for. */
export interface Counter {
  /** A lease on this candidate, if it could be had now. */
  tryLease(candidate: Candidate): Lease | null
  /** When the soonest of these rests no longer; null when none rests. */
  readyAt(wants: readonly Candidate[]): number | null
}

/** Turns that wait for an account: first come, first served within a key, and the keys in rotation, so that no key's burst starves another. */
export class WaitingRoom {
  readonly #clock: Clock
  readonly #bounds: () => WaitingBounds
  readonly #counter: Counter
  /** In the order in which the keys are served next. */
  readonly #queues = new Map<KeyId, Waiter[]>()
  readonly #waitingFor = new Map<AccountId, number>()
  #size = 0

  constructor(clock: Clock, bounds: () => WaitingBounds, counter: Counter) {
    this.#clock = clock
    this.#bounds = bounds
    this.#counter = counter
  }

  get size(): number {
    return this.#size
  }

  /** Whether someone waits for this account; a newcomer must not overtake. */
  isWantedBySomeone(account: AccountId): boolean {
    return this.#waitingFor.has(account)
  }

  wait(wish: WaitWish): Promise<Waited> {
    const { waiting, waitingPerKey } = this.#bounds()
    const queue = this.#queues.get(wish.key) ?? []
    if (this.#size >= waiting || queue.length >= waitingPerKey) return Promise.resolve({ kind: 'queue-full' })
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#leave(waiter)
        reject(wish.signal.reason as Error)
      }
      const settle = (waited: Waited) => {
        this.#leave(waiter)
        wish.signal.removeEventListener('abort', aborted)
        resolve(waited)
      }
      const waiter: Waiter = { wish, accounts: new Set(wish.wants.map((c) => c.account.id)), settle, disarm: () => {} }
      if (wish.signal.aborted) return reject(wish.signal.reason as Error)
      wish.signal.addEventListener('abort', aborted, { once: true })
      this.#enter(waiter, queue)
      this.#arm(waiter)
    })
  }

  /** Something changed for this account: whoever waits for it and can be served is. */
  wake(account: AccountId): void {
    if (!this.#waitingFor.has(account)) return
    for (let served = true; served;) served = this.#serveOne(account)
  }

  #serveOne(account: AccountId): boolean {
    for (const [key, queue] of this.#queues) {
      for (const waiter of queue) {
        if (!waiter.accounts.has(account)) continue
        const lease = this.#leaseFor(waiter)
        if (lease === null) continue
        waiter.settle({ kind: 'leased', lease })
        this.#toTheEnd(key)
        return true
      }
    }
    return false
  }

  #leaseFor(waiter: Waiter): Lease | null {
    for (const candidate of waiter.wish.wants) {
      const lease = this.#counter.tryLease(candidate)
      if (lease !== null) return lease
    }
    return null
  }

  /** Rings at the deadline, or when a wanted account has rested: then all who want it are looked at, in turn. */
  #arm(waiter: Waiter): void {
    const nowMs = this.#clock.now()
    const readyAt = this.#counter.readyAt(waiter.wish.wants)
    const atMs = Math.min(waiter.wish.deadlineMs, readyAt ?? Infinity)
    waiter.disarm = this.#clock.after(Math.max(0, atMs - nowMs), () => {
      for (const account of waiter.accounts) this.wake(account)
      if (!this.#isHere(waiter)) return
      if (this.#clock.now() >= waiter.wish.deadlineMs) waiter.settle({ kind: 'too-late' })
      else this.#arm(waiter)
    })
  }

  #enter(waiter: Waiter, queue: Waiter[]): void {
    queue.push(waiter)
    this.#queues.set(waiter.wish.key, queue)
    this.#size++
    for (const account of waiter.accounts) this.#waitingFor.set(account, (this.#waitingFor.get(account) ?? 0) + 1)
  }

  #leave(waiter: Waiter): void {
    waiter.disarm()
    const queue = this.#queues.get(waiter.wish.key)
    const index = queue?.indexOf(waiter) ?? -1
    if (queue === undefined || index === -1) return
    queue.splice(index, 1)
    if (queue.length === 0) this.#queues.delete(waiter.wish.key)
    this.#size--
    for (const account of waiter.accounts) {
      const left = (this.#waitingFor.get(account) ?? 1) - 1
      if (left === 0) this.#waitingFor.delete(account)
      else this.#waitingFor.set(account, left)
    }
  }

  #isHere(waiter: Waiter): boolean {
    return this.#queues.get(waiter.wish.key)?.includes(waiter) === true
  }

  #toTheEnd(key: KeyId): void {
    const queue = this.#queues.get(key)
    if (queue === undefined) return
    this.#queues.delete(key)
    this.#queues.set(key, queue)
  }
}
