/** Counts the bytes of request bodies that the process holds, from the reading of each to the end of its turn. */
export class Bodies {
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** False: they do not fit; nothing was taken. */
  take(bytes: number, bytesMax: number): boolean {
    if (this.#bytes + bytes > bytesMax) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}
