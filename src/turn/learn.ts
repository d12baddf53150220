import { next, type Next } from '../core/failover.ts'
import { classify } from '../core/failure-table.ts'
import { isLone } from '../core/route.ts'
import type { Attempted, Try } from './attempt.ts'
import type { Course } from './course.ts'
import { recordFailure } from './settle.ts'

/** What a failed attempt teaches: it is classified once, written down, held against whom it blames, and it says how the turn goes on. */
export function learn(course: Course, failed: { readonly of: Try; readonly attempted: Extract<Attempted, { kind: 'failed' }> }): Next {
  const { world, ask, settings, nowMs } = course
  const { of: t, attempted } = failed
  const { lease } = t.chosen
  const { signal, raw, end } = attempted
  const failure = classify(signal, nowMs)
  recordFailure(course, t, failure, end?.usage ?? null)
  course.tried.push({ account: lease.account.id, baseUrl: lease.account.baseUrl, atMs: nowMs, signal, failure })
  course.raw = raw
  const decided = next({
    tried: course.tried,
    bounds: { accountsPerTurn: settings.failover.accountsPerTurn, lastAttemptMs: settings.times.lastAttemptMs },
    elapsedMs: nowMs - ask.receivedAtMs,
    lone: isLone(world.accounts.candidates(ask.caller.pools, ask.turn.model), course.wish()),
    leavesTrace: ask.turn.leavesTrace,
    sentForeign: t.sendsForeign,
    dice: world.dice(),
  })
  const affordable = decided.kind === 'stop' || !decided.budgeted || world.accounts.mayFailOver(lease.pool, settings.failover.budgetPercent)
  const going: Next = affordable ? decided : { kind: 'stop', takeBack: false }
  if (going.kind === 'same') {
    course.again = lease.account.id
    if (going.as === 'own-sealed-only') course.unknownSealed = 'drop'
    // A lone account that is tried again is not blamed yet: what blames is the try that is the last.
    return going
  }
  course.spent.add(lease.account.id)
  if (going.kind === 'stop' && going.takeBack) takeBack(course)
  else world.accounts.failed(lease, failure, nowMs)
  return going
}

/** Two accounts forbade the same request: it is the request's fault, and neither is to blame. */
function takeBack({ world, tried }: Course): void {
  for (const { account, failure, atMs } of tried) if (failure.kind === 'forbidden') world.accounts.takeBack(account, atMs)
}
