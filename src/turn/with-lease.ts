import type { Clock } from '../lib/clock.ts'
import type { Lease } from '../ports/pool.ts'

/** What the use of a lease came to. */
export interface Use<T> {
  readonly value: T
  /** Resolves when the upstream is done with the request. Never rejects. */
  readonly upstreamDone: Promise<void>
}

/**
 * Lends a lease for the length of `use`, and takes it back however `use` ends: at once if it throws, else as soon as the upstream is
 * done with the request. Forgetting to return one cannot be written.
 */
export async function withLease<T>(lease: Lease, use: () => Promise<Use<T>>): Promise<T> {
  try {
    const { value, upstreamDone } = await use()
    void upstreamDone.then(() => lease.give())
    return value
  } catch (error) {
    lease.give()
    throw error
  }
}

/** Waits, unless the turn is called off: then it rejects with the signal's reason. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const aborted = () => {
      disarm()
      reject(signal.reason as Error)
    }
    const disarm = clock.after(ms, () => {
      signal.removeEventListener('abort', aborted)
      resolve()
    })
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
  })
}
