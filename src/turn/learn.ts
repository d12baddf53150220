import { isFirstRefusal, next, type Next, type Situation } from '../core/failover.ts'
import { classify } from '../core/failure-table.ts'
import type { Failure } from '../core/failure.ts'
import { isLone } from '../core/route.ts'
import { readWindows } from '../core/windows.ts'
import type { Lease, Renewal } from '../ports/pool.ts'
import type { Course } from './course.ts'
import type { Judged } from './judged.ts'
import type { SessionTurn } from './session-turn.ts'
import { recordFailure } from './settle.ts'
import type { Try } from './try.ts'

type Failed = Extract<Judged, { kind: 'failed' }>

/** What a failed attempt teaches: it is classified once, written down, held against whom it blames, and it says how the turn goes on. */
export async function learn(course: Course, t: Try, { signal, raw, end }: Failed): Promise<Next> {
  const { world, ask, settings, nowMs } = course
  const { lease } = t.chosen
  const failure = classify(signal, nowMs)
  recordFailure(course, t, failure, end)
  course.tried.push({ account: lease.account.id, baseUrl: lease.account.baseUrl, atMs: nowMs, signal, failure })
  course.raw = raw
  if (ask.session !== null) learnInSession(course, ask.session, t, failure)
  if (signal.kind === 'told') world.accounts.metered(lease, readWindows(signal.headers, nowMs))
  const renewal: Renewal = mayBeRenewed(course, lease) ? await world.accounts.renew(lease, course.signal) : 'none'
  const decided = next({
    tried: course.tried,
    bounds: { accountsPerTurn: settings.failover.accountsPerTurn, lastAttemptMs: settings.times.lastAttemptMs },
    elapsedMs: course.nowMs - ask.receivedAtMs,
    lone: isLone(course.candidates(), course.wish()),
    leavesTrace: ask.turn.leavesTrace,
    credential: renewal === 'renewed' ? 'renewed' : 'as-it-was',
    sentForeign: t.sendsForeign,
    session: ask.session === null ? null : ways(course, ask.session, t),
    dice: world.dice(),
  })
  const affordable = decided.kind === 'stop' || !decided.budgeted || world.accounts.mayFailOver(lease.pool, settings.failover.budgetPercent)
  const going: Next = affordable ? decided : { kind: 'stop', takeBack: false }
  if (going.kind === 'same') {
    course.again = lease.account.id
    if (going.as === 'own-sealed-only') course.unknownSealed = 'drop'
    if (going.as === 'said-again') course.saysAgain = true
    if (going.as === 'bridged') course.bridged.add(lease.account.id)
    // A lone account that is tried again is not blamed yet: what blames is the try that is the last.
    return going
  }
  course.spent.add(lease.account.id)
  if (going.kind === 'stop' && going.takeBack) takeBack(course)
  else if (renewal !== 'failed') world.accounts.failed(lease, failure, nowMs)
  return going
}

/** A credential that renews itself gets its chance before it is held against the account that it was refused. A deactivated account has another trouble. */
function mayBeRenewed({ tried }: Course, { credential }: Lease): boolean {
  const last = tried.at(-1)
  if (last?.failure.kind !== 'credential' || credential.kind !== 'oauth') return false
  return last.failure.status !== 402 && isFirstRefusal(tried, last)
}

/** What the session has to know of a failure: whom it stays with, and what an account's socket does not hold any more. */
export function learnInSession({ world, nowMs }: Course, session: SessionTurn, t: Try, failure: Failure): void {
  const { lease } = t.chosen
  const { id } = lease.account
  session.failed(id, failure.kind)
  if (t.plan.frame?.to !== 'websocket') return
  if (failure.kind === 'transport') world.accounts.refusedWebSocket(lease, failure.status, nowMs)
  if (failure.code === 'websocket_connection_limit_reached') session.sockets.release(id)
  // A continuation that ends in an error costs the service its memory of what it continued (protocols.md 2.5).
  if (session.previous !== null && !failure.ambiguous) session.sockets.forget(id, session.previous)
}

/** Ways on that only a session has. */
function ways({ saysAgain }: Course, { previous, transcript, adopted }: SessionTurn, t: Try): Situation['session'] {
  return {
    adopted: adopted !== null,
    canSayAgain: !saysAgain && (previous === null || transcript.chain(previous) !== null),
    canBridge: t.plan.frame?.to === 'websocket' && t.chosen.lease.account.websocket === 'auto',
  }
}

/** Two accounts forbade the same request: it is the request's fault, and neither is to blame. */
function takeBack({ world, tried }: Course): void {
  for (const { account, failure, atMs } of tried) if (failure.kind === 'forbidden') world.accounts.takeBack(account, atMs)
}
