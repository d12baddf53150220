import type { TurnId } from '../../src/core/ids.ts'
import { responses } from '../../src/dialect/responses/responses.ts'
import { Body } from '../../src/lib/body.ts'
import { Kept } from '../../src/lib/kept.ts'
import type { Sink } from '../../src/ports/sink.ts'
import { runTurn } from '../../src/turn/run-turn.ts'
import type { Ask, World } from '../../src/turn/world.ts'
import { drawManner, SimulatedClient } from './client.ts'
import { Happenings } from './happenings.ts'
import { Setting } from './setting.ts'
import { stage } from './stage.ts'
import { parsed, Story } from './story.ts'
import type { Counted } from './tally.ts'
import type { Violation } from './verdicts.ts'

/** What one turn is run with: the world, and the client's side. */
export interface Played {
  readonly world: World
  readonly sink: Sink
  readonly story: Story
}

export interface SimulationOptions {
  readonly seed: number
  /** The number of the first turn; the worlds of one seed are told apart by it. */
  readonly firstTurn: number
  readonly turns: number
  /** Makes the world a wrong one, to see that the laws notice. */
  readonly spoil?: (played: Played) => Played
}

export interface Simulated {
  readonly tally: Counted
  readonly checked: ReadonlyMap<string, number>
  readonly violation: Violation | null
}

/** Runs one world from its first turn to its last, and then until nothing is under way any more. */
export function simulate(options: SimulationOptions): Promise<Simulated> {
  return new Simulation(options).run()
}

/** Everything of a turn is over this long after its end: what its upstream still sends is given up after 2 s, a commit after 5 s. */
const afterwardsMs = 6000
/** How long the world is left alone after its last turn before it is looked at. */
const lastLookMs = 60_000
/** No turn may take longer, whatever happens: each of its waits is bounded. */
const turnMsMax = 3_600_000
/** What is not over so long after the last question never will be. */
const worldMsMax = 3 * turnMsMax

class Simulation {
  readonly #options: SimulationOptions
  readonly #setting: Setting
  readonly #happenings: Happenings
  #begun = 0
  #burst = 0
  #giveUp: () => void = () => {}
  #isDone = false
  /** Turns that have ended, oldest first, to be looked at once more. */
  #ended: Story[] = []

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#setting = new Setting(options.seed, options.firstTurn)
    this.#happenings = new Happenings(this.#setting, (after) => this.#goOn(after))
  }

  async run(): Promise<Simulated> {
    const { timeline, verdicts, tally } = this.#setting
    const startMs = timeline.now()
    this.#arm()
    await timeline.run(() => {
      this.#setting.look()
      return verdicts.violation !== null || this.#isDone
    })
    if (verdicts.violation === null) this.#lastLook()
    tally.events = timeline.rung
    tally.virtualMs = timeline.now() - startMs
    tally.fold(timeline.rung, 'end')
    return { tally, checked: verdicts.checked, violation: verdicts.violation }
  }

  #arm(): void {
    this.#setting.timeline.after(this.#gapMs(), () => this.#arrive())
  }

  /** Mostly one by one; at times many at once, and at times nobody for long. */
  #gapMs(): number {
    const { chance, paceMs } = this.#setting
    if (this.#burst > 0) {
      this.#burst--
      return chance.below(4)
    }
    const dice = chance.dice()
    if (dice < 0.02) this.#burst = chance.between(3, 30)
    if (dice > 0.999) return 3_600_000
    return dice > 0.99 ? 60_000 : chance.below(2 * paceMs)
  }

  #arrive(): void {
    this.#lookBack()
    this.#happenings.perhaps()
    if (this.#happenings.isOpen) {
      this.#begun++
      this.#begin(this.#options.firstTurn + this.#begun - 1)
    }
    if (this.#begun < this.#options.turns) return this.#arm()
    this.#giveUp = this.#setting.timeline.after(worldMsMax, () => {
      this.#isDone = true
    })
    this.#perhapsLast()
  }

  #begin(number: number): void {
    const { chance, timeline, questions, truth, tally, running } = this.#setting
    const caller = chance.pick(truth.landscape.callers)
    const { endpoint, text, headers } = questions.draw(caller.key, number)
    const body = Body.parse(Buffer.from(text), responses.governed)
    if (body.kind !== 'body') throw new Error(`the simulation asks nonsense: ${text}`)
    const read = responses.read(body.body, endpoint, headers)
    if (read.kind === 'refused') return tally.count('refused before', read.refusal.code)
    const { turn } = read
    const id = `turn-${number}` as TurnId
    const ask: Ask = {
      id,
      caller,
      dialect: responses,
      turn,
      body: new Kept(body.body),
      headers,
      search: '',
      receivedAtMs: timeline.now(),
      requestId: `request-${number}`,
      session: null,
    }
    const story = new Story(number, ask, parsed(text) ?? {}, truth.landscape)
    story.note(timeline.now(), 'asked', `${caller.key} ${endpoint} ${text}`)
    const client = new SimulatedClient(this.#setting, story, drawManner(chance))
    running.set(story, client)
    if (chance.is(0.08)) timeline.after(chance.pick([1, 3, 10, 100, 3000, 50_000]), () => client.leave())
    const played: Played = { world: stage(this.#setting, this.#setting.process, this.#setting.accountsWatch, story), sink: client, story }
    const { world, sink } = this.#options.spoil?.(played) ?? played
    runTurn(world, ask, sink, story.controller.signal).then(
      (outcome) => {
        story.outcome = outcome
        this.#end(story, client)
      },
      (error: unknown) => this.#setting.verdicts.check('noTurnThrows', false, story, () => (error instanceof Error ? String(error.stack) : String(error))),
    )
  }

  #end(story: Story, client: SimulatedClient): void {
    const { timeline, verdicts, keeping, running, tally } = this.#setting
    if (!running.delete(story)) return
    story.endedAtMs = timeline.now()
    verdicts.check('noTurnThrows', true, story, () => '')
    verdicts.check('waitsAreBounded', timeline.now() - story.ask.receivedAtMs <= turnMsMax, story, () => 'the turn took more than an hour')
    keeping.ended(story, client)
    this.#remember(story, client)
    tally.story(story, client)
    this.#ended.push(story)
    this.#happenings.turnEnded()
    this.#perhapsLast()
  }

  /** A client that got its answer whole may build on it. */
  #remember(story: Story, client: SimulatedClient): void {
    const { chance, questions, truth } = this.#setting
    if (client.state !== 'ended' || client.status !== 200 || story.last === null || chance.is(0.4)) return
    const form = client.header('content-type')?.startsWith('text/event-stream') === true ? 'events' : 'json'
    for (const content of questions.remember(story.ask.caller.key, story.fields, client.text, form)) truth.seals.set(content, story.last.account)
  }

  #lookBack(): void {
    const { timeline, keeping } = this.#setting
    const due = timeline.now() - afterwardsMs
    let count = 0
    for (const story of this.#ended) {
      if (story.endedAtMs === null || story.endedAtMs > due) break
      keeping.nothingIsLeftBehind(story)
      count++
    }
    if (count > 0) this.#ended.splice(0, count)
  }

  #perhapsLast(): void {
    const { timeline, running, process } = this.#setting
    if (this.#begun < this.#options.turns || running.size > 0 || this.#isDone || !this.#happenings.isOpen) return
    process.stop()
    this.#giveUp()
    timeline.after(lastLookMs, () => {
      this.#isDone = true
    })
  }

  #lastLook(): void {
    const { timeline, verdicts, running, process, books } = this.#setting
    const [stranded] = running.keys()
    verdicts.check(
      'everyTurnEnds',
      this.#isDone && stranded === undefined,
      stranded ?? null,
      () => `nothing is going to happen any more, and ${running.size} turns are not over`,
    )
    this.#lookBack()
    verdicts.check('noTimerIsLeft', timeline.pending === 0, null, () => `${timeline.pending} timers are set although all is over`)
    for (const live of process.accounts.all())
      verdicts.check('everyLeaseIsReturned', live.inFlight === 0, null, () => `${live.account.id} has ${live.inFlight} leases`)
    verdicts.check('waitsAreBounded', process.accounts.waiting === 0, null, () => `${process.accounts.waiting} turns wait although all is over`)
    verdicts.check('everyRecordIsCommitted', books.lag === 0, null, () => `${books.lag} records were never committed`)
  }

  /** A crash took all timers with it. */
  #goOn(after: 'stop' | 'crash'): void {
    if (after === 'crash') this.#ended = []
    if (this.#begun >= this.#options.turns) this.#perhapsLast()
    else if (after === 'crash') this.#arm()
  }
}
