import type { Answer } from './answer.ts'
import { storedOf } from './remember.ts'
import type { Stored } from './memory.ts'
import { restOf, type Create, type SocketScripted, type SocketStep } from './socket-script.ts'
import type { Steer } from './steer.ts'

/** One turn of a connection while it is being performed. Whoever performs it takes one step after the other. */
export class SocketTurn {
  readonly create: Create
  readonly steers: Steer[] = []
  readonly #scripted: SocketScripted
  #said: Answer | null
  #steps: readonly SocketStep[]
  #at = 0

  constructor(create: Create, scripted: SocketScripted) {
    this.create = create
    this.#scripted = scripted
    this.#said = scripted.said
    this.#steps = scripted.steps
  }

  /** The step that is due; null: the turn is over. */
  get step(): SocketStep | null {
    return this.#steps[this.#at] ?? null
  }

  /** The due step was taken. */
  advance(): void {
    this.#at += 1
  }

  /** How many steps were taken. */
  get taken(): number {
    return this.#at
  }

  /** The id by which the client knows the answer; null before it was told. */
  get responseId(): string | null {
    return this.#at === 0 ? null : (this.#said?.id ?? null)
  }

  /** Ends the answer at the next place where it can. True: the steps that are due have changed. */
  cutShort(): boolean {
    const rest = restOf(this.#scripted, this.create.lane, this.#at)
    if (rest === null || this.#said?.ending === 'steered') return false
    this.#said = rest.said
    this.#steps = [...this.#steps.slice(0, this.#at), ...rest.steps]
    return true
  }

  /** What can be continued of it, once it is over. */
  get kept(): Stored | null {
    return this.#said !== null && this.#scripted.good ? storedOf(this.#said, this.create.bytes) : null
  }

  /** Whether it was asked to be stored beyond its connection. */
  get stores(): boolean {
    return this.#said?.question.store === true
  }

  /** Whether it ended as a request over HTTP would with 400 and more. */
  get isRefused(): boolean {
    return (this.#scripted.status ?? 0) >= 400
  }
}
