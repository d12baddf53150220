/** Text that comes in small pieces, kept flat: as a chain of them it would weigh many times what it says. */
export class Growing {
  #flat = ''
  #pieces: string[] = []
  #length = 0

  add(piece: string): void {
    this.#length += piece.length
    if (this.#pieces.push(piece) === 1024) this.#flatten()
  }

  /** Unit: characters. */
  get length(): number {
    return this.#length
  }

  get text(): string {
    this.#flatten()
    return this.#flat
  }

  #flatten(): void {
    this.#flat += this.#pieces.join('')
    this.#pieces = []
  }
}
