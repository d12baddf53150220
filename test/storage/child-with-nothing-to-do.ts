import type { Clock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/storage/store.ts'
import { everything, opened, storeOptions } from './samples.ts'

/** A process that uses the store once and does not close it. Its timers, unlike the server's, do not keep it alive either. */
const clock: Clock = {
  now: () => Date.now(),
  after(ms, ring) {
    const timer = setTimeout(ring, ms).unref()
    return () => clearTimeout(timer)
  },
}
const store = await openStore(storeOptions({ clock }))
await store.ledger.open(opened())
console.log((await store.turns.list(everything)).length)
