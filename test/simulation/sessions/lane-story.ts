import type { ResponseId } from '../../../src/core/ids.ts'
import type { Ask } from '../../../src/turn/world.ts'
import type { Landscape } from '../landscape.ts'
import { parsed, Story, type JsonObject } from '../story.ts'
import type { Utterance } from './talker.ts'

/** What its client asked, as it was sent. */
export interface Asked {
  readonly nth: number
  readonly said: Extract<Utterance, { kind: 'create' }>
}

/** One turn of a session, observed from outside. */
export class LaneStory extends Story {
  readonly session: number
  readonly lane: string
  readonly previous: ResponseId | null
  readonly isWarmUp: boolean
  /** Null: its upstream began it by itself. */
  readonly asked: Asked | null
  /** Events that end it, as the client has seen them: the upstream's, and ours. */
  terminals = 0
  ours = 0
  /** The turn that its upstream began by itself after this one, under this one's lease. */
  followedBy: LaneStory | null = null
  /** The client takes nothing, and the turn was told so. */
  isHeld = false
  /** The id that the client knows the answer by. */
  response: string | null = null
  /** Items that were finished on the way. */
  readonly finished: JsonObject[] = []

  /** When the last of those that share its lease was over. */
  get leftAtMs(): number | null {
    return this.followedBy === null ? this.endedAtMs : this.followedBy.leftAtMs
  }

  constructor(number: number, ask: Ask, of: { readonly landscape: Landscape; readonly session: number; readonly asked: Asked | null }) {
    super(number, ask, parsed(ask.body.value.bytes.toString('utf8')) ?? {}, of.landscape)
    const { session } = ask
    if (session === null) throw new Error('a turn of a session has one')
    this.session = of.session
    this.lane = session.lane
    this.previous = session.previous
    this.isWarmUp = session.isWarmUp
    this.asked = of.asked
  }
}
