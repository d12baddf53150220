import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FailureKind } from '../../src/core/failure.ts'
import { afterFailure, afterProof, afterSuccess, fresh, revived, strikesMax, takenBack, type Condition } from '../../src/core/health.ts'
import { failure, now, plain } from '../support/signals.ts'

type Happening =
  | { readonly kind: 'failure'; readonly of: FailureKind; readonly resetInMs: number | null; readonly dice: number; readonly final: boolean }
  | { readonly kind: 'success' | 'proof'; readonly startedAgoMs: number }
  | { readonly kind: 'taken-back'; readonly agoMs: number }
  | { readonly kind: 'revived' }

const kinds = Object.keys(plain) as FailureKind[]
const upToMs = fc.integer({ min: 0, max: 3_600_000 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('failure' as const),
      of: fc.constantFrom(...kinds),
      resetInMs: fc.option(fc.integer({ min: -1000, max: 7_200_000 })),
      dice: fc.double({ min: 0, max: 0.999, noNaN: true }),
      final: fc.integer({ max: 9, min: 0 }).map((n) => n === 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('success' as const, 'proof' as const), startedAgoMs: upToMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('taken-back' as const), agoMs: fc.constantFrom(0, 1, 1000) }) },
)
const history = fc.array(fc.tuple(fc.constantFrom(0, 1, 1000, 60_000, 1_800_000), happening), { maxLength: 40 })

function happen(condition: Condition, it: Happening, atMs: number): Condition {
  switch (it.kind) {
    case 'failure': {
      // Only these kinds state a reset (failure-table).
      const mayState = it.of === 'quota' || it.of === 'rate' || it.of === 'overload'
      const resetAtMs = it.resetInMs === null || !mayState ? null : atMs + it.resetInMs
      return afterFailure(condition, failure(it.of, { resetAtMs, final: it.of === 'credential' && it.final }), atMs, () => it.dice).condition
    }
    case 'success':
      return afterSuccess(condition, atMs - it.startedAgoMs, atMs)
    case 'proof':
      return afterProof(condition, atMs - it.startedAgoMs, atMs)
    case 'taken-back':
      return takenBack(condition, atMs - it.agoMs)
    case 'revived':
      return revived(condition)
  }
}

/** What a condition promised at a moment, and what it has become. */
interface Step {
  readonly it: Happening
  readonly atMs: number
  readonly before: Condition
  readonly after: Condition
}

function steps(happenings: readonly (readonly [afterMs: number, it: Happening])[]): Step[] {
  let atMs = now
  let condition = fresh
  return happenings.map(([afterMs, it]) => {
    atMs += afterMs
    const step = { it, atMs, before: condition, after: happen(condition, it, atMs) }
    condition = step.after
    return step
  })
}

// B28
test('a stated reset that is still to come is never shortened, whatever happens', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      let statedMs = 0
      for (const { it, atMs, before, after } of steps(happenings)) {
        const states = it.kind === 'failure' && it.resetInMs !== null && before.health.kind !== 'retired'
        if (states && (it.of === 'quota' || it.of === 'rate' || it.of === 'overload') && it.resetInMs > 0) statedMs = Math.max(statedMs, atMs + it.resetInMs)
        if (statedMs <= atMs || after.health.kind === 'retired') continue
        expect(after.health).toMatchObject({ kind: 'cooling', stated: true })
        expect(after.health.kind === 'cooling' && after.health.untilMs).toBeGreaterThanOrEqual(statedMs)
      }
    }),
    { numRuns: 300 },
  )
})

test('strikes stay bounded and in order, and no time is NaN or before its beginning', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      for (const { after } of steps(happenings)) {
        expect(after.strikes.length).toBeLessThanOrEqual(strikesMax)
        expect(after.strikes.map((s) => s.atMs)).toEqual(after.strikes.map((s) => s.atMs).toSorted((a, b) => a - b))
        if (after.health.kind === 'cooling') expect(after.health.untilMs).toBeGreaterThan(after.health.sinceMs)
        if (after.health.kind !== 'ready') expect(after.proven).toBe(false)
      }
    }),
    { numRuns: 300 },
  )
})

test('one who is retired stays so until revived', () => {
  fc.assert(
    fc.property(history, fc.nat(40), (happenings, at) => {
      const withRevival = happenings.toSpliced(Math.min(at, happenings.length), 0, [0, { kind: 'revived' }])
      for (const { it, before, after } of steps(withRevival)) {
        if (before.health.kind !== 'retired') continue
        expect(after.health).toEqual(it.kind === 'revived' ? { kind: 'ready' } : before.health)
      }
    }),
    { numRuns: 300 },
  )
})

// B2
test('what is taken back at once leaves the condition as it was', () => {
  fc.assert(
    fc.property(history, fc.double({ min: 0, max: 0.999, noNaN: true }), (happenings, dice) => {
      const before = steps(happenings).at(-1)?.after ?? fresh
      const atMs = now + 100 * 3_600_000
      if (before.health.kind === 'retired' || before.strikes.length === strikesMax) return
      const after = takenBack(afterFailure(before, failure('forbidden'), atMs, () => dice).condition, atMs)
      expect(after.strikes).toEqual(before.strikes)
      expect(after.health.kind === 'cooling' && after.health.untilMs > atMs).toBe(false)
    }),
    { numRuns: 300 },
  )
})
