import type { AccountId, PoolId } from '../../src/core/ids.ts'
import type { AccountMemory } from '../../src/ports/stores.ts'
import { Books } from './books.ts'
import { Chance, seedOf } from './chance.ts'
import type { SimulatedClient } from './client.ts'
import { HearingLaws } from './hearing.ts'
import { KeepingLaws } from './keeping.ts'
import { Architect } from './landscape.ts'
import { Network } from './network.ts'
import { GatewayProcess } from './process.ts'
import { Questions } from './questions.ts'
import { SendingLaws } from './sending.ts'
import { watchedLog } from './stage.ts'
import type { Story } from './story.ts'
import { Tally } from './tally.ts'
import { Timeline } from './timeline.ts'
import { Truth } from './truth.ts'
import { Waiting, type AccountsWatch } from './turn-accounts.ts'
import { Upstreams } from './upstreams.ts'
import { Verdicts } from './verdicts.ts'

/** All parts of one simulated world, wired: the gateway's own, the simulated ones round it, and the laws that watch where they meet. */
export class Setting {
  readonly timeline = new Timeline()
  readonly verdicts = new Verdicts()
  readonly truth = new Truth()
  readonly tally = new Tally()
  readonly memories = new Map<AccountId, AccountMemory>()
  readonly running = new Map<Story, SimulatedClient>()
  readonly chance: Chance
  readonly architect: Architect
  readonly upstreams: Upstreams
  readonly network: Network
  readonly books: Books
  readonly questions: Questions
  readonly keeping: KeepingLaws
  readonly hearing: HearingLaws
  /** The gateway's own dice. */
  readonly dice: () => number
  /** Between two questions, on average. */
  readonly paceMs: number
  process: GatewayProcess
  accountsWatch: AccountsWatch

  constructor(seed: number, part: number) {
    const { timeline, verdicts, truth } = this
    this.chance = new Chance(seedOf(seed, 2 * part))
    this.dice = new Chance(seedOf(seed, 2 * part + 1)).dice
    this.paceMs = this.chance.pick([100, 1000, 4000, 10_000])
    this.architect = new Architect(this.chance)
    truth.landscapes.push(this.architect.first())
    this.upstreams = new Upstreams(this.chance)
    this.books = new Books(this)
    this.questions = new Questions(this.chance)
    this.keeping = new KeepingLaws(verdicts)
    const sending = new SendingLaws(verdicts, truth)
    const hearing = new HearingLaws(verdicts)
    this.hearing = hearing
    this.network = new Network({
      timeline,
      chance: this.chance,
      upstreams: this.upstreams,
      landscape: () => truth.landscape,
      watch: {
        sending: (story, sent) => sending.check(story, sent, timeline.now()),
        asked: (story, sent) => truth.issue(story, sent),
        given: (story, sent) => {
          const client = this.running.get(story)
          if (client !== undefined) hearing.given(story, client, sent)
        },
        closed: (_story, sent) => sending.closed(sent),
      },
    })
    this.process = this.#begin()
    this.accountsWatch = this.#watchAccounts()
    for (const seat of truth.landscape.seats.values()) this.upstreams.turnWeather(seat)
    for (const [nth, account] of [...truth.landscape.seats.keys()].slice(0, 2).entries()) this.#giveConversation(`conv_${nth + 1}`, account)
  }

  /** A new process in place of the old one, which has come to its end. */
  restart(keptMs: number): void {
    this.truth.forget(keptMs)
    this.process = this.#begin()
    this.accountsWatch = this.#watchAccounts()
  }

  /** After every event. */
  look(): void {
    this.hearing.outputIsGivenAtOnce()
    this.accountsWatch.waiting.look(this.verdicts, this.truth.landscape.settings.bounds.waitingPerKey)
  }

  #begin(): GatewayProcess {
    const { timeline, chance, dice, truth, memories } = this
    return new GatewayProcess({ timeline, chance, dice, memories, log: watchedLog(this.keeping, null), landscape: () => truth.landscape })
  }

  #watchAccounts(): AccountsWatch {
    const { timeline, truth, verdicts, keeping } = this
    return { timeline, truth, verdicts, keeping, waiting: new Waiting(), budget: new Map<PoolId, { turns: number[]; grants: number[] }>() }
  }

  /** Conversations are begun elsewhere; the gateway knows whose they are. */
  #giveConversation(id: string, account: AccountId): void {
    const { key } = this.chance.pick(this.truth.landscape.callers)
    this.books.own(id, { account, key })
    this.truth.issued.set(id, { account, key, turn: -1 })
  }
}
