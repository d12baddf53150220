import type { Socket } from 'node:net'

/**
 * Says something on many sockets, on each of them once in so many milliseconds, the sockets of a group spread over those evenly. With a timer for each, those that
 * are late together once stay together, and what an event costs would hang on how the streams happened to be opened.
 */
export class Pacer {
  readonly #everyMs: number
  /** By group, and by the millisecond that is theirs. */
  readonly #groups = new Map<number, readonly Map<Socket, Buffer>[]>()
  #opening = 0
  #speaking = 0
  #said = 0
  #saidMs = Date.now()

  constructor(everyMs: number) {
    this.#everyMs = everyMs
    setInterval(() => this.#sayDue(), 1)
  }

  /** Until the socket closes. */
  pace(socket: Socket, said: Buffer): void {
    const slots = this.#slots(this.#opening)
    const slot = slots.reduce((emptiest, each) => (each.size < emptiest.size ? each : emptiest))
    slot.set(socket, said)
    socket.once('close', () => slot.delete(socket))
  }

  /** Sockets belong to this group from now on. */
  open(group: number): void {
    this.#opening = group
  }

  /** From now on only this group is spoken to. Gives how often the one before it was, so far. */
  speak(group: number): number {
    const said = this.#said
    this.#speaking = group
    this.#said = 0
    return said
  }

  #slots(group: number): readonly Map<Socket, Buffer>[] {
    const slots = this.#groups.get(group) ?? Array.from({ length: this.#everyMs }, () => new Map<Socket, Buffer>())
    this.#groups.set(group, slots)
    return slots
  }

  #sayDue(): void {
    const nowMs = Date.now()
    const slots = this.#slots(this.#speaking)
    // After a pause nobody catches up on more than one round.
    for (let ms = Math.max(this.#saidMs, nowMs - this.#everyMs) + 1; ms <= nowMs; ms++) {
      for (const [socket, said] of slots[ms % this.#everyMs] ?? []) {
        socket.write(said)
        this.#said++
      }
    }
    this.#saidMs = nowMs
  }
}
