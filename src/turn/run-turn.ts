import type { Next } from '../core/failover.ts'
import type { Outcome } from '../core/record.ts'
import type { Sink } from '../ports/sink.ts'
import { admit } from './admit.ts'
import { attempt, plan, type Attempted } from './attempt.ts'
import { wasCancelled, type Cancelled } from './cancel.ts'
import { choose, type Chosen } from './choose.ts'
import { blocked, callOff, refuse, tell, tellFailure } from './close.ts'
import { Course } from './course.ts'
import type { Judged } from './judged.ts'
import { learn } from './learn.ts'
import { deliver, relay } from './relay.ts'
import { recordAttempt, toldNothing } from './settle.ts'
import { begin, type Try } from './try.ts'
import { pause, withLease, type Use } from './with-lease.ts'
import type { Ask, World } from './world.ts'

/**
 * One turn, from admitted question to settled bill: choose an account, lease it, shape the attempt, send it, judge what comes back.
 * Everything before the commit point may be repeated; nothing after it.
 *
 * Answers the client completely through `sink`, refusals included, and leaves one record. `signal` is aborted with a `Cancelled`
 * when the client has gone or the gateway stops. Throws nothing but a Bug.
 */
export async function runTurn(world: World, ask: Ask, sink: Sink, signal: AbortSignal): Promise<Outcome> {
  const course = new Course(world, ask, sink, signal)
  try {
    const admitted = await admit(course)
    if (admitted.kind === 'refused') return await refuse(course, admitted.refusal)
    return await answer(course)
  } catch (error) {
    const cancelled = wasCancelled(signal)
    if (cancelled === null) throw error
    return await callOff(course, cancelled)
  } finally {
    course.leave()
    course.client.close()
    course.span?.close(course.nowMs)
  }
}

async function answer(course: Course): Promise<Outcome> {
  for (;;) {
    const chosen = await choose(course)
    if (chosen.kind === 'none') return tell(course, chosen.conclusion)
    const tried = await withLease(chosen.lease, () => tryOnce(course, chosen))
    if (tried.kind === 'over') return tried.outcome
    if (tried.kind === 'called-off') return callOff(course, tried.by)
    // Another account may speak a dialect that has the words.
    if (tried.kind === 'unsayable') continue
    const { next } = tried
    if (next.kind === 'stop') return tellFailure(course, next)
    if (next.kind === 'same') await pauseFor(course, next.afterMs)
  }
}

async function pauseFor(course: Course, ms: number): Promise<void> {
  await pause(course.world.clock, ms, course.signal)
  course.draft.waited(ms)
}

/** How one try went: the turn is over, or was called off, or this attempt failed before its commit point. */
type Once =
  | { readonly kind: 'over'; readonly outcome: Outcome }
  | { readonly kind: 'called-off'; readonly by: Cancelled }
  | { readonly kind: 'unsayable' }
  | { readonly kind: 'failed'; readonly next: Next }

const over = (outcome: Outcome): Once => ({ kind: 'over', outcome })
const unasked = (outcome: Outcome): Use<Once> => ({ value: over(outcome), upstreamDone: Promise.resolve() })

async function tryOnce(course: Course, chosen: Chosen): Promise<Use<Once>> {
  const planned = plan(course, chosen.lease)
  if (planned.kind === 'lost') return unasked(await refuse(course, planned.refusal))
  if (planned.kind === 'blocked') return unasked(await blocked(course, chosen, planned.refusal))
  if (planned.kind === 'unsayable') {
    course.unsayable.set(planned.dialect, planned.refusal)
    return { value: { kind: 'unsayable' }, upstreamDone: Promise.resolve() }
  }
  const { kind: _, ...put } = planned
  const t: Try = { ...begin(course, chosen), ...put, breaker: new AbortController() }
  const { judged, upstreamDone } = await untilCommit(course, t)
  return { value: await goOn(course, t, judged), upstreamDone }
}

/** While the lease is still out: whoever waits for this account's verdict must not be served before it. */
async function goOn(course: Course, t: Try, judged: Judged): Promise<Once> {
  switch (judged.kind) {
    case 'failed': {
      const by = wasCancelled(course.signal)
      if (by === null) return { kind: 'failed', next: await learn(course, t, judged) }
      recordCalledOff(course, t)
      return { kind: 'called-off', by }
    }
    case 'whole':
      return over(await deliver(course, t, judged))
    case 'streaming':
      return over(await relay(course, t, judged))
  }
}

/** Before output, a turn that is called off calls its upstream off at once. */
async function untilCommit(course: Course, t: Try): Promise<Attempted> {
  const breakOff = () => t.breaker.abort(course.signal.reason)
  course.signal.addEventListener('abort', breakOff, { once: true })
  if (course.signal.aborted) breakOff()
  try {
    return await attempt(course, t)
  } catch (error) {
    if (wasCancelled(course.signal) !== null) recordCalledOff(course, t)
    throw error
  } finally {
    course.signal.removeEventListener('abort', breakOff)
  }
}

function recordCalledOff(course: Course, t: Try): void {
  recordAttempt(course, t, { outcome: 'cancelled', failure: null, status: null, code: null, told: toldNothing })
}
