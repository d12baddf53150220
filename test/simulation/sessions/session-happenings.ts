import { keptMs } from '../../../src/core/health.ts'
import { drawSocketBehaviour } from './session-landscape.ts'
import type { SessionSetting } from './session-setting.ts'

/** A session that a stop has to break off ends at once. What is not over so long after never will be. */
const stopMsMax = 60_000

/** What befalls the world while sessions are open: other weather, a reload, an operator, a stop. */
export class SessionHappenings {
  readonly #setting: SessionSetting
  readonly #began: () => void
  #isOpen = true
  #disarm: () => void = () => {}

  /** @param began called when the next process has begun. */
  constructor(setting: SessionSetting, began: () => void) {
    this.#setting = setting
    this.#began = began
  }

  /** False while the process stops: no session begins. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Once for each session: perhaps something happens, soon. */
  perhaps(): void {
    const { chance } = this.#setting
    if (!this.#isOpen) return
    for (let nth = 0; nth < 3; nth++) if (chance.is(0.08)) this.#soon(() => this.#weather())
    if (chance.is(0.02)) this.#soon(() => this.#setting.books.turnWeather())
    if (chance.is(0.02)) this.#soon(() => this.#reload())
    if (chance.is(0.1)) this.#soon(() => this.#operate())
    if (chance.is(0.003)) this.#stop()
  }

  sessionEnded(): void {
    if (!this.#isOpen && this.#setting.sessions.size === 0) this.#restart()
  }

  #soon(then: () => void): void {
    const { chance, timeline } = this.#setting
    timeline.after(chance.below(3000), then)
  }

  #weather(): void {
    const { chance, truth, upstreams } = this.#setting
    const seats = [...truth.landscape.seats.values()]
    if (seats.length > 0) upstreams.turnWeather(chance.pick(seats), drawSocketBehaviour)
  }

  #reload(): void {
    const { architect, truth, process, upstreams, tally, accountsWatch } = this.#setting
    const before = truth.landscape
    const next = architect.reload(before)
    truth.landscapes.push(next)
    for (const [id, seat] of next.seats) if (before.seats.get(id)?.account !== seat.account) upstreams.turnWeather(seat, drawSocketBehaviour)
    tally.count('happened', 'reload')
    process.gateway.configure(next)
    const names = new Set(next.pools.map((pool) => pool.id))
    for (const pool of accountsWatch.budget.keys()) if (!names.has(pool)) accountsWatch.budget.delete(pool)
  }

  #operate(): void {
    const { chance, truth, process, tally } = this.#setting
    const act = chance.pick(['reset', 'reset', 'reset', 'disable', 'enable', 'enable'] as const)
    tally.count('happened', act)
    const ids = [...truth.landscape.seats.keys()]
    for (const id of act === 'disable' ? ids.slice(0, 1) : ids) {
      if (act !== 'reset') process.gateway.accounts.setEnabled(id, act === 'enable')
      else if (process.gateway.accounts.reset(id)) truth.rests.delete(id)
    }
  }

  /** Sessions end as soon as nothing runs in them; then what runs is called off; then they are broken off. */
  #stop(): void {
    const { timeline, sessions, tally, process, truth, verdicts } = this.#setting
    this.#isOpen = false
    tally.count('happened', 'stop')
    this.#disarm = timeline.after(truth.landscape.settings.times.drainMs, () => {
      process.open.cancelAll('shutdown')
      this.#disarm = timeline.after(5000, () => {
        this.#disarm = timeline.after(stopMsMax, () => {
          const [stranded] = sessions
          verdicts.check('everySessionEnds', false, null, () => `the process stops, and session ${stranded?.number} does not end`)
        })
        for (const { session } of sessions) session?.destroy()
      })
    })
    for (const { session } of sessions) session?.drain()
    this.sessionEnded()
  }

  #restart(): void {
    const { process } = this.#setting
    this.#isOpen = true
    this.#disarm()
    process.gateway.stop()
    this.#setting.restart(keptMs)
    this.#began()
  }
}
