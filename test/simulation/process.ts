import type { AccountId } from '../../src/core/ids.ts'
import { LiveAccounts } from '../../src/pool/accounts.ts'
import { RememberedOrigins } from '../../src/pool/origins.ts'
import { Probes } from '../../src/pool/probes.ts'
import type { Caller } from '../../src/ports/caller.ts'
import type { Entered, Limits, Seat, Spent } from '../../src/ports/limits.ts'
import type { Log } from '../../src/ports/log.ts'
import type { AccountMemory } from '../../src/ports/stores.ts'
import { noLimits } from '../../src/core/key.ts'
import { refusal } from '../../src/core/refusal.ts'
import { MemoryLimits } from '../../src/server/limits.ts'
import { page } from '../support/signals.ts'
import type { Chance } from './chance.ts'
import type { Landscape } from './landscape.ts'
import type { Timeline } from './timeline.ts'

export interface ProcessParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly dice: () => number
  readonly log: Log
  readonly landscape: () => Landscape
  /** What survives the process. */
  readonly memories: Map<AccountId, AccountMemory>
}

/** The gateway's own parts, real ones, for the life of one process. */
export class GatewayProcess {
  readonly accounts: LiveAccounts
  readonly origins: RememberedOrigins
  readonly limits: Limits
  readonly #probes: Probes

  constructor(parts: ProcessParts) {
    const { timeline: clock, chance, dice, log, landscape, memories } = parts
    this.accounts = new LiveAccounts({
      clock,
      dice,
      bounds: () => landscape().settings.bounds,
      keep: (memory) => memories.set(memory.account, memory),
      suspect: (account) => this.#probes.suspect(account),
    })
    this.#probes = new Probes({
      clock,
      log,
      accounts: this.accounts,
      probe: () => new Promise((resolve) => clock.after(chance.between(1, 2000), () => resolve(chance.is(0.5) ? { kind: 'well' } : unwell))),
    })
    this.origins = new RememberedOrigins(clock)
    this.limits = new MinuteLimits(clock)
    this.configure(landscape())
    this.accounts.recall([...memories.values()])
    this.#probes.start()
  }

  configure({ seats, pools }: Landscape): void {
    this.accounts.configure([...seats.values()], pools)
  }

  stop(): void {
    this.#probes.stop()
  }
}

const unwell = { kind: 'unwell', signal: page(403, 'json') } as const

/** The real limits, but for the requests of a minute: those are counted by the wall's clock, and are counted here by the virtual one. */
class MinuteLimits implements Limits {
  readonly #real: MemoryLimits
  readonly #clock: Timeline
  readonly #minutes = new Map<string, number>()

  constructor(clock: Timeline) {
    this.#clock = clock
    this.#real = new MemoryLimits(clock)
  }

  adopt(caller: Caller): Seat {
    return this.#real.adopt(caller)
  }

  enter(caller: Caller, expected: Spent): Promise<Entered> {
    const { concurrency, requestsPerMinute } = caller.limits
    const minute = `${caller.key} ${Math.floor(this.#clock.now() / 60_000)}`
    const count = (this.#minutes.get(minute) ?? 0) + 1
    this.#minutes.set(minute, count)
    if (requestsPerMinute !== null && count > requestsPerMinute)
      return Promise.resolve({ kind: 'refused', refusal: refusal('rate_limit_exceeded', 'Too fast.') })
    return this.#real.enter({ ...caller, limits: { ...noLimits, concurrency } }, expected)
  }
}
