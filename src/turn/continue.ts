import { carry, foreignItems, sendsForeign } from '../core/continuation.ts'
import type { AccountId } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import { replay, type Said } from '../core/replay.ts'
import type { FramePlan } from '../core/shape.ts'
import { header } from '../lib/headers.ts'
import type { Lease } from '../ports/pool.ts'
import type { Course } from './course.ts'
import type { SessionTurn } from './session-turn.ts'

/** The header that brings Codex's routing token, which is one account's own. */
export const turnStateName = 'x-codex-turn-state'

/** Finds out where a question may go that builds on earlier answers. Null: it may go on. */
export async function follow(course: Course): Promise<Refusal | null> {
  const { world, ask } = course
  const { session } = ask
  const turnState = session?.turnState ?? header(ask.headers, turnStateName)
  course.pin = turnState === null ? null : world.origins.turnStateOf(turnState)
  return session === null ? followStored(course, null) : followInSession(course, session)
}

/** Answers that are stored: their owner, and nobody else. @param known an answer whose owner the session knows. */
async function followStored(course: Course, known: string | null): Promise<Refusal | null> {
  const references = course.ask.turn.references.filter(({ kind, id }) => kind !== 'response' || id !== known)
  if (references.length === 0) return null
  const where = carry(await course.ownerships(references), course.ask.caller.key)
  if (where.kind === 'lost') return where.refusal
  course.owner = where.kind === 'owner' ? where.account : null
  return null
}

/**
 * In a session the dialogue may be said again wherever it is whole, so that the account that gave the last answer is a wish; where it is not, that
 * account's socket is the only one that can go on.
 */
async function followInSession(course: Course, session: SessionTurn): Promise<Refusal | null> {
  const { previous, sockets, transcript } = session
  if (previous === null) return followStored(course, null)
  const node = transcript.find(previous)
  const holder = sockets.holder(previous)
  if (node === null && holder === null) {
    const lost = await followStored(course, null)
    return lost === null ? null : session.frames.lostInSession(course.ask.turn)
  }
  const others = await followStored(course, previous)
  if (others !== null) return others
  if (transcript.isWhole(previous)) {
    course.pin ??= holder ?? session.pin() ?? node?.owner ?? null
    return null
  }
  if (holder === null && node?.stored !== true) return session.frames.lostInSession(course.ask.turn)
  course.owner ??= holder ?? node?.owner ?? null
  return null
}

/** A request over HTTP: only what other accounts sealed stays behind. */
export function unframed(course: Course, { account }: Lease): Extract<Framed, { kind: 'framed' }> {
  const sealed = course.sealed()
  const dropped = foreignItems(sealed, account.id, course.unknownSealed)
  return { kind: 'framed', frame: null, dropped, sendsForeign: sendsForeign(sealed, course.unknownSealed) }
}

export type Framed =
  | { readonly kind: 'framed'; readonly frame: FramePlan | null; readonly dropped: readonly number[]; readonly sendsForeign: boolean }
  /** The question cannot be put to this account: what it builds on is elsewhere, and cannot be said again. */
  | { readonly kind: 'lost'; readonly refusal: Refusal }

/** What becomes of a session's frame on its way to this account. */
export function framed(course: Course, session: SessionTurn, lease: Lease): Framed {
  const { account } = lease
  // What an upstream began by itself came over its socket, whatever the account would take now.
  const to = session.adopted === null ? course.goesOver(account) : 'websocket'
  const continued = continuation(course, session, account.id, to)
  if (continued.kind === 'lost') return { kind: 'lost', refusal: session.frames.lostInSession(course.ask.turn) }
  const { turnState } = session
  const said = continued.kind === 'said' ? continued : null
  const sealed = said === null ? course.sealed() : []
  const dropped = foreignItems(sealed, account.id, course.unknownSealed)
  const frame: FramePlan = {
    to,
    // What the account's socket heard last may be another lane's model, or older than what another account was asked.
    model: session.namesModel ? 'as-it-stands' : 'written',
    turnState: turnState !== null && course.world.origins.turnStateOf(turnState) !== account.id ? 'drop' : 'pass',
    replay: said?.items ?? null,
    continues: continued.kind === 'said' ? 'dropped' : continued.kind,
  }
  return { kind: 'framed', frame, dropped, sendsForeign: said?.triesUnknown ?? sendsForeign(sealed, course.unknownSealed) }
}

type Continuation =
  | { readonly kind: 'as-it-stands' | 'on-its-socket' }
  | { readonly kind: 'said'; readonly items: readonly Said[]; readonly triesUnknown: boolean }
  | { readonly kind: 'lost' }

function continuation(course: Course, session: SessionTurn, account: AccountId, to: FramePlan['to']): Continuation {
  const { previous, sockets, transcript } = session
  if (previous === null || session.adopted !== null) return { kind: 'as-it-stands' }
  if (to === 'websocket' && !course.saysAgain && sockets.holder(previous) === account) return { kind: 'on-its-socket' }
  const chain = transcript.chain(previous)
  const own = chain === null ? null : session.own()
  if (chain !== null && own !== null) {
    const { world, unknownSealed } = course
    const said = replay({ chain, own, account, sealedBy: (hash) => world.origins.sealedBy(hash), unknownSealed })
    if (said.kind === 'said') return said
  }
  // An upstream that keeps its answers finds this one again on any connection.
  const isKept = course.owner === account && !course.saysAgain && transcript.find(previous)?.stored !== false
  return isKept ? { kind: 'as-it-stands' } : { kind: 'lost' }
}
