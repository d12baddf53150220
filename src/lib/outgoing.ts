import type { Writable } from 'node:stream'
import { writeTogether } from './write-together.ts'

/** Unit: bytes. */
export const slabBytes = 128 * 1024
/** What is larger has memory of its own. */
const lentMax = slabBytes / 2
const wordBytes = 8

/** Gives memory for so many bytes, whatever stands in it; it begins where a word does. */
export type Take = (bytes: number) => Buffer

/**
 * Memory in which bytes are put together on their way out. A socket nearly always takes a small write at once, and then the next one stands in the same place;
 * a buffer of its own for each costs more than the copy.
 */
export class Outgoing {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #at = 0

  /** @param lay puts what is said into memory that it takes, and keeps none of it. */
  write<T>(stream: Writable, said: T, lay: (said: T, take: Take) => readonly Buffer[]): void {
    const slab = this.#slab
    const at = this.#at
    writeTogether(stream, lay(said, this.#take))
    // What could not be handed over at once is the stream's until it has been.
    if (stream.writableLength === 0) this.#at = slab === this.#slab ? at : 0
  }

  readonly #take = (bytes: number): Buffer => {
    if (bytes > lentMax) return Buffer.allocUnsafeSlow(bytes)
    if (this.#at + bytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#at = 0
    }
    const start = this.#at
    this.#at += Math.ceil(bytes / wordBytes) * wordBytes
    return this.#slab.subarray(start, start + bytes)
  }
}

/** For all sockets of the process. */
export const outgoing = new Outgoing()
