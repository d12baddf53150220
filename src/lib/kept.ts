import { assert } from './assert.ts'

/** Something large, kept for as long as it may still be needed and no longer. Whoever holds this does not keep it alive once it was let go. */
export class Kept<T> {
  #value: { readonly it: T } | null
  readonly #then: () => void

  /** @param then called once, when it is let go. */
  constructor(value: T, then: () => void = () => {}) {
    this.#value = { it: value }
    this.#then = then
  }

  get value(): T {
    assert(this.#value !== null, 'what was let go is not asked for again')
    return this.#value.it
  }

  letGo(): void {
    if (this.#value === null) return
    this.#value = null
    this.#then()
  }
}
