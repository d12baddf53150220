import { lost } from '../core/continuation.ts'
import { conclude, noAccountReady, type Conclusion } from '../core/failover.ts'
import type { NotChosen } from '../core/record.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import { notChosen, route, type Candidate, type Choice } from '../core/route.ts'
import { dialectOf, type Turn } from '../core/turn.ts'
import type { Lease } from '../ports/pool.ts'
import type { Course } from './course.ts'

/** An account and the right to use it, with the reason for the record. */
export interface Chosen {
  readonly kind: 'chosen'
  readonly lease: Lease
  readonly because: string
  readonly notChosen: readonly NotChosen[]
}

export type Choosing = Chosen | { readonly kind: 'none'; readonly conclusion: Conclusion }

/** A lease that was free a moment ago may be gone; after this many times the turn waits like the others. */
const racesMax = 4

/** Chooses an account and leases it; waits for one where waiting is worth it, in turn and not for ever. */
export async function choose(course: Course): Promise<Choosing> {
  const { world, ask } = course
  const adopted = ask.session?.adopted ?? null
  if (adopted !== null) return { kind: 'chosen', lease: borrowed(adopted.lease), because: 'its upstream began it by itself', notChosen: [] }
  const candidates = course.candidates()
  const choice = route(candidates, course.wish(), world.dice())
  if (choice.kind === 'use') {
    for (let race = 0; race < racesMax; race++) {
      const lease = await world.accounts.lease(choice.candidate)
      if (lease !== null) return taken(course, { kind: 'chosen', lease, because: choice.because, notChosen: choice.notChosen })
    }
    return waitFor(course, [choice.candidate], course.nowMs + course.settings.times.slotWaitMs)
  }
  if (choice.kind === 'full') return waitFor(course, choice.wants, course.nowMs + course.settings.times.slotWaitMs)
  const again = choice.kind === 'cooling' ? choice : secondWind(course, candidates)
  const deadlineMs = course.nowMs + course.settings.failover.patienceMs
  if (again !== null && again.soonestMs <= deadlineMs) {
    for (const want of again.wants) course.spent.delete(want.account.id)
    return waitFor(course, again.wants, deadlineMs)
  }
  return { kind: 'none', conclusion: without(course, candidates, choice) }
}

async function waitFor(course: Course, wants: readonly Candidate[], untilMs: number): Promise<Choosing> {
  const { world, ask, settings } = course
  // No attempt starts later than the turn's last one may.
  const deadlineMs = Math.min(untilMs, ask.receivedAtMs + settings.times.lastAttemptMs)
  const sinceMs = course.nowMs
  const waited = await world.accounts.wait({ key: ask.caller.key, wants, deadlineMs, signal: course.signal })
  const waitedMs = course.nowMs - sinceMs
  course.draft.waited(waitedMs)
  switch (waited.kind) {
    case 'leased':
      return taken(course, {
        kind: 'chosen',
        lease: waited.lease,
        because: `the first to have room, after ${waitedMs} ms`,
        notChosen: notChosen(course.candidates(), waited.lease.account.id, course.wish()),
      })
    case 'queue-full':
      return none(refusal('queue_full', 'Too many turns of this key are waiting for an account already.'))
    case 'too-late':
      return none(
        course.owner === null ? refusal('no_account_ready', 'Every account is busy. Please try again in 1s.') : ownerNotReady(readyAt(course), course.nowMs),
      )
  }
}

/** Under the lease of the turn before, which is out for as long as anything runs in its lane. */
function borrowed(lease: Lease): Lease {
  const { account, model, pool, credential } = lease
  return { account, model, pool, credential, give: () => {} }
}

/** A turn counts for the pool that it was first given to. */
function taken(course: Course, chosen: Chosen): Chosen {
  if (course.tried.length === 0) course.world.accounts.countTurn(chosen.lease.pool)
  course.again = null
  return chosen
}

/** All that could serve failed in this turn and said when they are back: the soonest may be tried once more. */
function secondWind(course: Course, candidates: readonly Candidate[]): Extract<Choice, { kind: 'cooling' }> | null {
  const failures = new Map(course.tried.map((t) => [t.account, t.failure]))
  if (course.tried.length === 0 || course.tried.length !== failures.size) return null
  const wants = candidates.filter((c) => c.standing.kind === 'cooling' && failures.get(c.account.id)?.resetAtMs !== null && failures.has(c.account.id))
  if (wants.length === 0 || wants.length !== failures.size) return null
  const soonestMs = Math.min(...wants.map((c) => (c.standing.kind === 'cooling' ? c.standing.untilMs : Infinity)))
  return { kind: 'cooling', wants: wants.filter((c) => c.standing.kind === 'cooling' && c.standing.untilMs === soonestMs), soonestMs }
}

/** What the client is told when no account is to be had. */
function without(course: Course, candidates: readonly Candidate[], choice: Exclude<Choice, { kind: 'use' | 'full' }>): Conclusion {
  const { ask, nowMs } = course
  const last = course.tried.at(-1)
  if (last !== undefined) return conclude(last, false, { nowMs, readyAtMs: soonest(candidates, nowMs) })
  if (choice.kind === 'cooling')
    return none(course.owner === null ? noAccountReady(choice.soonestMs, nowMs) : ownerNotReady(choice.soonestMs, nowMs)).conclusion
  const [reference] = ask.turn.references
  if (choice.why === 'owner-gone' && reference !== undefined) return { kind: 'refuse', refusal: lost(reference) }
  if (choice.why === 'not-served') {
    return {
      kind: 'refuse',
      refusal: refusal('model_not_served', `No account that this key may use serves the model '${ask.turn.model}'.`, { param: 'model' }),
    }
  }
  if (choice.why === 'not-spoken') return { kind: 'refuse', refusal: course.unsayable.values().next().value ?? notSpoken(ask.turn) }
  return {
    kind: 'refuse',
    refusal: refusal(
      'upstream_credential',
      'Every account that could serve this is retired or disabled. Your key is fine; the operator must look at the accounts.',
      { retryAfterMs: 30_000 },
    ),
  }
}

const none = (r: Refusal): { readonly kind: 'none'; readonly conclusion: Conclusion } => ({ kind: 'none', conclusion: { kind: 'refuse', refusal: r } })

function notSpoken({ endpoint, model }: Turn): Refusal {
  const message = `No account that this key may use speaks ${dialectOf(endpoint)} for the model '${model}', and the question is not translated.`
  return refusal('model_not_served', message, { param: 'model' })
}

function ownerNotReady(readyAtMs: number | null, nowMs: number): Refusal {
  return refusal('owner_not_ready', 'The account that holds the answer which this one continues is not ready.', {
    retryAfterMs: readyAtMs === null ? 1000 : readyAtMs - nowMs,
  })
}

/** When the soonest of the accounts that could serve this turn is ready; null when none ever is. */
export function readyAt(course: Course): number | null {
  return soonest(course.candidates(), course.nowMs)
}

function soonest(candidates: readonly Candidate[], nowMs: number): number | null {
  const times = candidates.flatMap(({ standing, speech }) => {
    if (speech === 'none') return []
    if (standing.kind === 'cooling') return [standing.untilMs]
    return standing.kind === 'ready' || standing.kind === 'proving' ? [nowMs + 1000] : []
  })
  return times.length === 0 ? null : Math.min(...times)
}
