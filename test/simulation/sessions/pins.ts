import type { AccountId } from '../../../src/core/ids.ts'
import type { SessionTurn } from '../../../src/turn/session-turn.ts'
import type { Ask } from '../../../src/turn/world.ts'
import type { Verdicts } from '../verdicts.ts'
import type { LaneStory } from './lane-story.ts'
import type { SimulatedSession } from './simulated-session.ts'

/** Failures after which a session does not stay (design 6). Said a second time, so that the table can be judged by it. */
const releasing: ReadonlySet<string> = new Set(['credential', 'quota', 'forbidden', 'rate', 'model', 'silent'])

interface Place {
  readonly account: AccountId
  readonly line: number
}

/** Whom sessions stay with, and on which sockets, as they ought to. */
export class PinLaws {
  readonly #verdicts: Verdicts
  /** The socket that was in use when an account was given up, and the ones before it, must not be used again. */
  readonly #givenUp = new WeakMap<SimulatedSession, Map<AccountId, number>>()
  readonly #lines = new WeakMap<SimulatedSession, Map<AccountId, number>>()

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  failed(session: SimulatedSession, story: LaneStory, { account, kind }: { readonly account: AccountId; readonly kind: string }): void {
    if (!releasing.has(kind)) return
    session.released.set(account, `${kind} in turn ${story.number}, ${story.outputBytes} bytes of output given:\n${story.told()}`)
    const line = this.#of(this.#lines, session).get(account)
    if (line !== undefined) this.#of(this.#givenUp, session).set(account, line)
  }

  begins(session: SimulatedSession, story: LaneStory): void {
    const pin = story.ask.session?.pin() ?? null
    this.#verdicts.check(
      'aFailureReleasesThePin',
      pin === null || !session.released.has(pin),
      story,
      () => `session ${session.number} still wishes to stay with ${pin} after ${session.released.get(pin ?? ('' as AccountId))}`,
    )
  }

  said(session: SimulatedSession, story: LaneStory, { account, line }: Place): void {
    const before = this.#of(this.#givenUp, session).get(account) ?? 0
    this.#verdicts.check('aFailureReleasesThePin', line > before, story, () => `socket ${line} of ${account} is used although its account was given up`)
    const lines = this.#of(this.#lines, session)
    lines.set(account, Math.max(line, lines.get(account) ?? 0))
  }

  /** The same question, whose session tells when it was served. */
  watched(session: SimulatedSession, ask: Ask): Ask {
    const { session: turn } = ask
    if (turn === null) return ask
    const answered: SessionTurn['answered'] = (answer) => {
      session.released.delete(answer.lease.account.id)
      turn.answered(answer)
    }
    return { ...ask, session: but(turn, { answered }) }
  }

  #of(map: WeakMap<SimulatedSession, Map<AccountId, number>>, session: SimulatedSession): Map<AccountId, number> {
    const known = map.get(session)
    if (known !== undefined) return known
    const made = new Map<AccountId, number>()
    map.set(session, made)
    return made
  }
}

/** The same object, but for what is said here. Methods keep their own `this`. */
export function but<T extends object>(inner: T, changes: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
