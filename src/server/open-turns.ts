import { Cancelled } from '../turn/cancel.ts'

/** What is being worked on for clients, so that a stop can wait for it and, at last, call it off. */
export class OpenTurns {
  readonly #open = new Set<AbortController>()
  #whenIdle: (() => void) | null = null

  get size(): number {
    return this.#open.size
  }

  begin(): AbortController {
    const controller = new AbortController()
    this.#open.add(controller)
    return controller
  }

  end(controller: AbortController): void {
    this.#open.delete(controller)
    if (this.#open.size === 0) this.#whenIdle?.()
  }

  /** Calls back when nothing is open, at once where that is so already. One waiter at a time: the latest. */
  idle(then: () => void): void {
    this.#whenIdle = then
    if (this.#open.size === 0) then()
  }

  cancelAll(by: Cancelled['by']): void {
    for (const controller of this.#open) controller.abort(new Cancelled(by))
  }
}
