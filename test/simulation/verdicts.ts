import type { Story } from './story.ts'

/** A law that did not hold, and the turn in which it did not. */
export interface Violation {
  readonly invariant: string
  readonly detail: string
  readonly turn: number | null
  readonly trace: string
}

/** Counts what was checked, and keeps the first thing that did not hold. Never throws: the code under test would catch it. */
export class Verdicts {
  readonly checked = new Map<string, number>()
  violation: Violation | null = null

  check(invariant: string, holds: boolean, story: Story | null, detail: () => string): void {
    this.checked.set(invariant, (this.checked.get(invariant) ?? 0) + 1)
    if (holds || this.violation !== null) return
    this.violation = { invariant, detail: detail(), turn: story?.number ?? null, trace: story?.told() ?? '' }
  }
}
