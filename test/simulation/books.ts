import type { TurnOpened, TurnSettled } from '../../src/core/record.ts'
import { LedgerStuck, type Ledger } from '../../src/ports/ledger.ts'
import type { Owner, Owners } from '../../src/ports/stores.ts'
import type { Chance } from './chance.ts'
import type { Story } from './story.ts'
import type { Timeline } from './timeline.ts'

/** A commit that takes longer is told as stuck; it is written all the same. */
const commitMs = 5000

interface Entry {
  readonly story: Story
  readonly kind: 'open' | 'settle'
  readonly record: TurnOpened | TurnSettled
  readonly bornAtMs: number
  readonly resolve: () => void
  readonly reject: (error: LedgerStuck) => void
  isTold: boolean
}

export interface BooksParts {
  readonly timeline: Timeline
  readonly chance: Chance
}

/** The ledger on a disk that is mostly quick, at times slow and at times stuck. One batch at a time, as the real one. */
export class Books implements Owners {
  readonly #parts: BooksParts
  readonly #owners = new Map<string, Owner>()
  #waiting: Entry[] = []
  #underWay: Entry[] = []
  #isStuck = false
  #isWatched = false
  #weather: 'quick' | 'slow' | 'stuck' = 'quick'

  constructor(parts: BooksParts) {
    this.#parts = parts
  }

  turnWeather(): void {
    const dice = this.#parts.chance.dice()
    this.#weather = dice < 0.7 ? 'quick' : dice < 0.9 ? 'slow' : 'stuck'
  }

  own(id: string, owner: Owner): void {
    this.#owners.set(id, owner)
  }

  /** The ledger as one turn sees it. */
  of(story: Story): Ledger {
    return {
      open: (turn) => this.#put(story, 'open', turn),
      settle: (turn) => this.#put(story, 'settle', turn),
      commits: () => !this.#isStuck,
      lag: () => this.lag,
    }
  }

  find(id: string): Promise<Owner | null> {
    const { chance, timeline } = this.#parts
    const found = () => this.#owners.get(id) ?? null
    if (chance.is(0.6)) return Promise.resolve(found())
    return new Promise((resolve) => timeline.after(chance.below(10), () => resolve(found())))
  }

  get lag(): number {
    return this.#waiting.length + this.#underWay.length
  }

  /** The process was killed: what was not on disk is lost. */
  crash(): void {
    this.#waiting = []
    this.#underWay = []
    this.#isStuck = false
    this.#isWatched = false
  }

  #put(story: Story, kind: Entry['kind'], record: TurnOpened | TurnSettled): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ story, kind, record, bornAtMs: this.#parts.timeline.now(), resolve, reject, isTold: false })
      if (this.#underWay.length === 0) this.#begin()
      this.#watch()
    })
  }

  #begin(): void {
    const { timeline } = this.#parts
    this.#underWay = this.#waiting
    this.#waiting = []
    if (this.#underWay.length > 0) timeline.after(this.#delayMs(), () => this.#commit())
  }

  #delayMs(): number {
    const { chance } = this.#parts
    switch (this.#weather) {
      case 'quick':
        return chance.between(1, 6)
      case 'slow':
        return chance.between(50, 1500)
      case 'stuck':
        this.#weather = 'quick'
        return chance.between(commitMs - 10, 4 * commitMs)
    }
  }

  #commit(): void {
    const done = this.#underWay
    this.#isStuck = false
    for (const { story, kind, record } of done) {
      if (kind === 'open') story.isOpenCommitted = true
      else {
        story.isSettleCommitted = true
        this.#learnOwners(record as TurnSettled)
      }
      story.note(this.#parts.timeline.now(), `${kind} committed`)
    }
    for (const entry of done) entry.resolve()
    this.#begin()
  }

  #learnOwners({ owned, opened }: TurnSettled): void {
    if (owned === null) return
    for (const id of owned.ids) this.#owners.set(id, { account: owned.account, key: opened.key })
  }

  /** Tells whoever has waited too long. */
  #watch(): void {
    if (this.#isWatched) return
    const oldest = this.#underWay.find((entry) => !entry.isTold) ?? this.#waiting.find((entry) => !entry.isTold)
    if (oldest === undefined) return
    this.#isWatched = true
    const { timeline } = this.#parts
    timeline.after(oldest.bornAtMs + commitMs - timeline.now(), () => {
      this.#isWatched = false
      for (const entry of [...this.#underWay, ...this.#waiting]) {
        if (entry.isTold || entry.bornAtMs + commitMs > timeline.now()) continue
        entry.isTold = true
        this.#isStuck = true
        entry.story.isStuck = true
        entry.story.note(timeline.now(), `${entry.kind} stuck`)
        entry.reject(new LedgerStuck('the simulated store did not commit in time'))
      }
      this.#watch()
    })
  }
}
