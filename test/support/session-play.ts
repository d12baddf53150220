import type { FailureKind } from '../../src/core/failure.ts'
import type { AccountId, ClientModel } from '../../src/core/ids.ts'
import { catalogue, refusal, type RefusalCode } from '../../src/core/refusal.ts'
import { defaultLane, newSession, step, type Effect, type Event, type Session, type Ticket, type Timer, type TurnEnd } from '../../src/core/session.ts'

/** What happens to a session, said shortly. */
export const asks = (ticket: Ticket, model: string | null = null, lane: string = defaultLane): Event => ({
  kind: 'frame',
  frame: { kind: 'create', ticket, lane, model: model as ClientModel | null },
})
export const updates = (ticket: Ticket, model: string | null = null): Event => ({
  kind: 'frame',
  frame: { kind: 'update', ticket, model: model as ClientModel | null },
})
export const passesOn = (ticket: Ticket): Event => ({ kind: 'frame', frame: { kind: 'forwarded', ticket } })
export const ignoredFrame: Event = { kind: 'frame', frame: { kind: 'ignored' } }
export const badFrame = (code: RefusalCode, close: 1003 | 1008 | null, lane: string | null = null): Event => ({
  kind: 'frame',
  frame: { kind: 'refused', refusal: refusal(code, `This is refused as ${code}.`), lane, close },
})
export const ended = (end: TurnEnd, lane: string = defaultLane): Event => ({ kind: 'turn-over', lane, end })
export const answered = (lane: string = defaultLane): Event => ended({ kind: 'answered' }, lane)
export const told = (lane: string = defaultLane): Event => ended({ kind: 'told' }, lane)
export const unserved = (status: number, lane: string = defaultLane): Event => ended({ kind: 'unserved', status }, lane)
export const blocked = (lane: string = defaultLane, message = 'Not here.'): Event => ended({ kind: 'blocked', message }, lane)
export const served = (account: string): Event => ({ kind: 'served', account: account as AccountId })
export const strayBegan = (lane: string = defaultLane): Event => ({ kind: 'stray-began', lane })
export const failed = (account: string, failure: FailureKind): Event => ({ kind: 'attempt-failed', account: account as AccountId, failure })
export const rang = (timer: Timer): Event => ({ kind: 'rang', timer })
export const drain: Event = { kind: 'drain' }
export const keyRevoked: Event = { kind: 'key-revoked', lane: null }
export const clientGone: Event = { kind: 'client-gone' }
export const clientStuck: Event = { kind: 'client-stuck' }

export interface Played {
  readonly session: Session
  /** What followed from the last event. */
  readonly effects: readonly Effect[]
}

export function play(events: readonly Event[], from: Session = newSession): Played {
  let played: Played = { session: from, effects: [] }
  for (const event of events) {
    const [session, effects] = step(played.session, event)
    played = { session, effects }
  }
  return played
}

const within = (lane: string | null): string => (lane === null || lane === defaultLane ? '' : ` in ${lane}`)

export function inWords(effect: Effect): string {
  switch (effect.kind) {
    case 'start':
      return `start ${effect.ticket} as ${effect.model}${within(effect.lane)}`
    case 'forward':
    case 'drop':
      return `${effect.kind} ${effect.ticket}`
    case 'keep-update':
      return `keep ${effect.ticket}`
    case 'tell':
      return `tell ${catalogue[effect.refusal.code].status} ${effect.refusal.code}${within(effect.lane)}`
    case 'release':
      return `release ${effect.account}`
    case 'cancel':
      return `cancel by ${effect.by}`
    case 'arm':
    case 'disarm':
      return `${effect.kind} ${effect.timer}`
    case 'close':
      return `close ${effect.code}`
  }
}

const isTimer = (effect: Effect): boolean => effect.kind === 'arm' || effect.kind === 'disarm'

/** What the last of these events leads to, in words and in order, but for the timers. */
export const deeds = (...events: readonly Event[]): string[] =>
  play(events)
    .effects.filter((effect) => !isTimer(effect))
    .map(inWords)

/** What the last of these events does to the timers. */
export const timing = (...events: readonly Event[]): string[] => play(events).effects.filter(isTimer).map(inWords)

/** How the session closed, by the last of these events; null: it did not. */
export function closing(...events: readonly Event[]): Extract<Effect, { kind: 'close' }> | null {
  return play(events).effects.find((effect) => effect.kind === 'close') ?? null
}
