import type { Clock } from '../../src/lib/clock.ts'
import type { AnswerBody, AnswerReader } from '../../src/ports/transport.ts'
import type { Step } from '../../src/simulator/play.ts'
import type { Chance } from './chance.ts'

/** What is told of an answer's way, beside the reader. */
export interface BodyWatch {
  given(bytes: Buffer): void
  over(how: 'whole' | 'broken'): void
  closed(): void
}

/** An answer's body that plays a script in virtual time, cut into pieces at random places. Keeps the promises of `AnswerBody`, to the letter. */
export class PlayedBody implements AnswerBody {
  readonly closed: Promise<void>
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #watch: BodyWatch
  readonly #steps: readonly Step[]
  #at = 0
  /** What is left of the step under way. */
  #pieces: Buffer[] = []
  #reader: AnswerReader | null = null
  #isPaused = false
  #isArmed = false
  #isOver = false
  #waited = false
  #pendingBreak: string | null = null
  #disarm: () => void = () => {}
  #close: () => void = () => {}

  constructor(clock: Clock, chance: Chance, steps: readonly Step[], watch: BodyWatch) {
    this.#clock = clock
    this.#chance = chance
    this.#steps = steps
    this.#watch = watch
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    if (this.#pendingBreak !== null) queueMicrotask(() => this.#tellBreak())
    this.#arm()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#tellBreak()
    this.#arm()
  }

  cancel(): void {
    this.#pendingBreak = null
    if (this.#isOver) return
    this.#finish('broken')
  }

  /** The connection was torn from under the body. */
  tear(detail: string): void {
    if (this.#isOver) return
    this.#finish('broken')
    this.#pendingBreak = detail
    this.#tellBreak()
  }

  #arm(): void {
    if (this.#isArmed || this.#isOver || this.#isPaused || this.#reader === null) return
    const waitMs = this.#nextMs()
    if (waitMs === null) return
    this.#isArmed = true
    this.#disarm = this.#clock.after(waitMs, () => {
      this.#isArmed = false
      this.#waited = true
      if (!this.#isPaused && !this.#isOver) this.#play()
    })
  }

  /** How long until something happens; null: nothing will. */
  #nextMs(): number | null {
    if (this.#waited || this.#pieces.length > 0) return this.#chance.is(0.7) ? 0 : this.#chance.below(20)
    const step = this.#steps[this.#at]
    if (step === undefined || step.kind === 'hang') return null
    return step.kind === 'send' ? step.waitMs : this.#chance.is(0.9) ? 0 : this.#chance.pick([1, 300, 5000])
  }

  #play(): void {
    const reader = this.#reader
    if (reader === null) return
    if (this.#pieces.length > 0) return this.#give(reader)
    this.#waited = false
    const step = this.#steps[this.#at++]
    switch (step?.kind) {
      case 'send':
        this.#pieces = inPieces(step.bytes, this.#chance)
        return this.#give(reader)
      case 'end':
        this.#finish('whole')
        return reader.end()
      case 'cut':
      case 'reset':
        return this.tear('the simulated upstream cut the connection')
      case 'hang':
      case undefined:
        return
    }
  }

  #give(reader: AnswerReader): void {
    const piece = this.#pieces.shift()
    this.#waited = false
    if (piece !== undefined) {
      this.#watch.given(piece)
      reader.chunk(piece)
    }
    // Often the end comes in the same breath as the last bytes.
    const isLast = this.#pieces.length === 0 && this.#steps[this.#at]?.kind === 'end'
    if (isLast && !this.#isOver && !this.#isPaused && this.#chance.is(0.6)) return this.#play()
    this.#arm()
  }

  #finish(how: 'whole' | 'broken'): void {
    this.#isOver = true
    this.#disarm()
    this.#watch.over(how)
    const close = () => {
      this.#watch.closed()
      this.#close()
    }
    if (this.#chance.is(0.7)) close()
    else this.#clock.after(this.#chance.below(30), close)
  }

  #tellBreak(): void {
    const detail = this.#pendingBreak
    if (detail === null || this.#reader === null || this.#isPaused) return
    this.#pendingBreak = null
    this.#reader.broken(detail)
  }
}

const piecesMax = 40

function inPieces(bytes: Buffer, chance: Chance): Buffer[] {
  const dice = chance.dice()
  if (dice < 0.6 || bytes.length < 2) return [bytes]
  const isFine = dice > 0.97
  const count = isFine ? piecesMax : chance.between(2, 4)
  const pieces: Buffer[] = []
  let from = 0
  while (from < bytes.length && pieces.length < count - 1) {
    const length = 1 + (isFine ? chance.below(120) : chance.below(bytes.length - from))
    pieces.push(bytes.subarray(from, from + length))
    from += length
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from))
  return pieces
}
