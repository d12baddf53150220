import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import type { TurnOpened, TurnSettled } from '../../src/core/record.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import type { World } from '../../src/turn/world.ts'
import type { Books } from './books.ts'
import type { KeepingLaws } from './keeping.ts'
import type { Network } from './network.ts'
import type { GatewayProcess } from './process.ts'
import type { Story } from './story.ts'
import type { Timeline } from './timeline.ts'
import { TurnAccounts, type AccountsWatch } from './turn-accounts.ts'

export interface StageParts {
  readonly timeline: Timeline
  readonly dice: () => number
  readonly network: Network
  readonly books: Books
  readonly keeping: KeepingLaws
}

/** The world of one turn: the process's own parts and the simulated ones, each watched on behalf of this turn. */
export function stage(parts: StageParts, process: GatewayProcess, watch: AccountsWatch, story: Story): World {
  const { timeline, dice, network, books, keeping } = parts
  return {
    clock: turnClock(timeline, story),
    dice,
    accounts: new TurnAccounts(process.accounts, story, watch),
    transport: network.of(story),
    ledger: new TurnLedger(books.of(story), story, parts),
    limits: process.limits,
    owners: books,
    origins: process.origins,
    metrics: noMetrics,
    log: watchedLog(keeping, story),
    settings: () => watch.truth.landscape.settings,
  }
}

/** Counts the timers that a turn has set. */
function turnClock(timeline: Timeline, story: Story): Clock {
  return {
    now: () => timeline.now(),
    after(ms, ring) {
      let isSet = true
      story.timersSet++
      const over = () => {
        if (isSet) story.timersSet--
        isSet = false
      }
      const disarm = timeline.after(ms, () => {
        over()
        ring()
      })
      return () => {
        over()
        disarm()
      }
    },
  }
}

class TurnLedger implements Ledger {
  readonly #inner: Ledger
  readonly #story: Story
  readonly #parts: StageParts

  constructor(inner: Ledger, story: Story, parts: StageParts) {
    this.#inner = inner
    this.#story = story
    this.#parts = parts
  }

  open(turn: TurnOpened): Promise<void> {
    this.#story.opens++
    return this.#inner.open(turn)
  }

  settle(turn: TurnSettled): Promise<void> {
    const { timeline, keeping } = this.#parts
    this.#story.settles++
    this.#story.record = turn
    this.#story.note(timeline.now(), 'settled', { outcome: turn.outcome, code: turn.code, tier: turn.tier })
    keeping.noSecretIsLogged(this.#story, inWords(turn))
    return this.#inner.settle(turn)
  }

  commits(): boolean {
    return this.#inner.commits()
  }

  lag(): number {
    return this.#inner.lag()
  }
}

export function watchedLog(keeping: KeepingLaws, story: Story | null): Log {
  const look = (fields: object, sentence: string) => keeping.noSecretIsLogged(story, `${sentence} ${inWords(fields)}`)
  return { debug: look, info: look, warn: look, error: look }
}

function inWords(value: object): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
}

const noMetrics: Metrics = {
  turnEnded() {},
  attemptEnded() {},
  refused() {},
  tierServedAbove() {},
}
