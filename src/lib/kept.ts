import { assert } from './assert.ts'

/** Something large, kept for as long as it may still be needed and no longer. Whoever holds this does not keep it alive once it was let go. */
export class Kept<T> {
  #value: { readonly it: T } | null
  #lent = 0
  readonly #then: (value: T, lent: number) => void

  /** @param then called once, when it is let go. `lent`: how many loans are not over then. */
  constructor(value: T, then: (value: T, lent: number) => void = () => {}) {
    this.#value = { it: value }
    this.#then = then
  }

  get value(): T {
    assert(this.#value !== null, 'what was let go is not asked for again')
    return this.#value.it
  }

  /** For someone who reads it by himself, such as a socket that writes it. The answer ends the loan; one that never ends costs a collection, no more. */
  lend(): () => void {
    let out = true
    this.#lent++
    return () => {
      if (out) this.#lent--
      out = false
    }
  }

  letGo(): void {
    if (this.#value === null) return
    const { it } = this.#value
    this.#value = null
    this.#then(it, this.#lent)
  }
}
