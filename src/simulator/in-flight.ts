interface Count {
  now: number
  max: number
}

const keysMax = 10_000

/** How many requests of each key are being answered. */
export class InFlight {
  #counts = new Map<string, Count>()

  now(key: string): number {
    return this.#counts.get(key)?.now ?? 0
  }

  max(key: string): number {
    return this.#counts.get(key)?.max ?? 0
  }

  /** Counts one in; the answer counts it out, once. */
  begin(key: string): () => void {
    const count = this.#count(key)
    count.now += 1
    if (count.now > count.max) count.max = count.now
    return () => {
      count.now -= 1
    }
  }

  /** Forgets the highest counts; what is running stays counted. */
  forget(): void {
    for (const [key, count] of this.#counts) {
      if (count.now === 0) this.#counts.delete(key)
      else count.max = count.now
    }
  }

  #count(key: string): Count {
    let count = this.#counts.get(key)
    if (count !== undefined) return count
    this.#counts.set(key, (count = { now: 0, max: 0 }))
    if (this.#counts.size > keysMax) {
      for (const [name, idle] of this.#counts) {
        if (idle.now > 0 || name === key) continue
        this.#counts.delete(name)
        break
      }
    }
    return count
  }
}
