import type { Clock } from '../lib/clock.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import { answer, type Handles } from './answer.ts'
import { instant } from './shown.ts'

/** How the gateway is doing, as its parts know it. */
export interface Standing {
  readonly version: string
  readonly startedAtMs: number
  /** `error`: what is wrong with the file as it is now, while the last good configuration holds. */
  readonly config: { readonly loadedAtMs: number; readonly error: string | null }
  readonly ready: boolean
  readonly turnsOpen: number
  readonly sessions: number
}

export interface StatusDoor {
  readonly clock: Clock
  readonly accounts: LiveAccounts
  standing(): Standing
}

export function statusHandles(door: StatusDoor): Handles<'status'> {
  return {
    status: async () => {
      const { version, startedAtMs, config, ready, turnsOpen, sessions } = door.standing()
      const accounts = { ready: 0, cooling: 0, retired: 0, disabled: 0 }
      for (const live of door.accounts.all()) accounts[live.state(door.clock.now())] += 1
      return answer({
        version,
        started_at: instant(startedAtMs),
        config: { loaded_at: instant(config.loadedAtMs), error: config.error },
        ready,
        turns_open: turnsOpen,
        sessions,
        accounts,
      })
    },
  }
}
