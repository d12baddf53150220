import { seeded } from '../support/random-json.ts'

/** Every dice of a simulation: the same seed gives the same throws. */
export class Chance {
  /** Uniform in [0, 1). */
  readonly dice: () => number

  constructor(seed: number) {
    this.dice = seeded(seed)
  }

  /** True in this share of all cases. */
  is(share: number): boolean {
    return this.dice() < share
  }

  below(bound: number): number {
    return Math.floor(this.dice() * bound)
  }

  /** A whole number, both ends included. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** Some of them, in their order; perhaps none. */
  some<T>(from: readonly T[], share: number): readonly T[] {
    return from.filter(() => this.is(share))
  }
}

/** Another seed for each part of a run, so that worlds do not resemble each other. */
export function seedOf(seed: number, part: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(part + 1, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
