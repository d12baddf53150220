import { keptMs } from '../../src/core/health.ts'
import { Cancelled } from '../../src/turn/cancel.ts'
import type { Setting } from './setting.ts'

/** A turn that is called off ends at once, or as soon as the ledger does. What is not over so long after it never will be. */
const stopMsMax = 3_600_000

/** What befalls the world while turns run: other weather, a reload, an operator, a stop, a crash. */
export class Happenings {
  readonly #setting: Setting
  readonly #began: (after: 'stop' | 'crash') => void
  #isOpen = true
  #disarm: () => void = () => {}

  /** @param began called when the next process has begun. */
  constructor(setting: Setting, began: (after: 'stop' | 'crash') => void) {
    this.#setting = setting
    this.#began = began
  }

  /** False while the process stops: no turn begins. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Once for each question: perhaps something happens, soon. */
  perhaps(): void {
    const { chance } = this.#setting
    if (!this.#isOpen) return
    if (chance.is(0.04)) this.#soon(() => this.#weather())
    if (chance.is(0.008)) this.#soon(() => this.#setting.books.turnWeather())
    if (chance.is(0.006)) this.#soon(() => this.#reload())
    if (chance.is(0.02)) this.#soon(() => this.#operate())
    const dice = chance.dice()
    if (dice < 0.001) this.#stop()
    else if (dice < 0.002) this.#soon(() => this.#crash())
  }

  /** A turn has ended; when it was the last of a process that stops, the next process begins. */
  turnEnded(): void {
    if (!this.#isOpen && this.#setting.running.size === 0) this.#restart()
  }

  #soon(then: () => void): void {
    const { chance, timeline } = this.#setting
    timeline.after(chance.below(300), then)
  }

  #weather(): void {
    const { chance, truth, upstreams } = this.#setting
    const seats = [...truth.landscape.seats.values()]
    if (seats.length === 0) return
    const seat = chance.pick(seats)
    upstreams.turnWeather(seat)
  }

  #reload(): void {
    const { architect, truth, process, upstreams, tally, accountsWatch } = this.#setting
    const before = truth.landscape
    const next = architect.reload(before)
    truth.landscapes.push(next)
    for (const [id, seat] of next.seats) if (before.seats.get(id)?.account !== seat.account) upstreams.turnWeather(seat)
    tally.count('happened', 'reload')
    process.configure(next)
    // A pool that is gone takes its window along.
    const names = new Set(next.pools.map((pool) => pool.id))
    for (const pool of accountsWatch.budget.keys()) if (!names.has(pool)) accountsWatch.budget.delete(pool)
  }

  #operate(): void {
    const { chance, truth, process, tally } = this.#setting
    const act = chance.pick(['reset', 'disable', 'enable'] as const)
    tally.count('happened', act)
    // One is taken out at a time; they are let in again together, or the pool would be empty before long.
    const ids = [...truth.landscape.seats.keys()]
    const some = act === 'disable' ? ids.slice(0, 1) : ids
    for (const id of some) {
      if (act !== 'reset') process.accounts.setEnabled(id, act === 'enable')
      else if (process.accounts.reset(id)) truth.rests.delete(id)
    }
  }

  /** Running turns have some time; then they are called off, and the next process begins when the last is over. */
  #stop(): void {
    const { chance, timeline, running, tally, verdicts } = this.#setting
    this.#isOpen = false
    tally.count('happened', 'stop')
    this.#disarm = timeline.after(chance.pick([0, 50, 30_000]), () => {
      for (const story of running.keys()) {
        story.note(timeline.now(), 'shutdown')
        story.cancelledBy ??= 'shutdown'
        story.controller.abort(new Cancelled('shutdown'))
      }
      this.#disarm = timeline.after(stopMsMax, () => {
        const [stranded] = running.keys()
        verdicts.check('everyTurnEnds', false, stranded ?? null, () => 'the process stops, and this turn does not end')
      })
      this.turnEnded()
    })
  }

  #restart(): void {
    const { process } = this.#setting
    this.#isOpen = true
    this.#disarm()
    process.stop()
    this.#setting.restart(keptMs)
    this.#began('stop')
  }

  /** Nothing that was under way goes on. What was on disk stays, and what clients were told stands there. */
  #crash(): void {
    const { timeline, books, running, tally } = this.#setting
    if (!this.#isOpen) return
    tally.count('happened', 'crash')
    for (const [story, client] of running) {
      story.note(timeline.now(), 'the process was killed')
      tally.story(story, client)
    }
    running.clear()
    timeline.clear()
    books.crash()
    this.#setting.restart(keptMs)
    this.#began('crash')
  }
}
