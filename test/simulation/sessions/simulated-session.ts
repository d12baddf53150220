import type { AccountId } from '../../../src/core/ids.ts'
import type { KeyId } from '../../../src/core/ids.ts'
import type { WsSession } from '../../../src/server/ws-session.ts'
import type { SessionTranscript } from '../../../src/server/transcripts.ts'
import type { Chance } from '../chance.ts'
import { sealedContent } from '../oracle.ts'
import { parsed, type JsonObject, type UpstreamCall } from '../story.ts'
import type { Timeline } from '../timeline.ts'
import type { Truth } from '../truth.ts'
import type { Verdicts } from '../verdicts.ts'
import { SimulatedEnd } from './client-end.ts'
import { itemsIn, type Answered, type Dialogues } from './dialogues.ts'
import type { HeardLaws } from './heard-laws.ts'
import type { Asked, LaneStory } from './lane-story.ts'
import type { Talker, Utterance } from './talker.ts'

export interface SessionParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly truth: Truth
  readonly verdicts: Verdicts
  readonly heard: HeardLaws
  readonly talker: Talker
  readonly dialogues: Dialogues
}

interface Steer {
  readonly target: string
  readonly items: readonly JsonObject[]
  state: 'said' | 'accepted' | 'over'
}

/** How a client goes about its session. */
interface Plan {
  turns: number
  readonly lanes: readonly string[]
  readonly isHasty: boolean
  /** How often it has more to say while it is answered. */
  readonly steers: number
}

const waitingMax = 16
const inFlightMax = 16
const namedLanesMax = 32
/** A client that hears nothing for so long gives up. */
const patienceMs = 1_500_000

/** One client with its session: what it says and when, what it hears and remembers, and what its session may do. */
export class SimulatedSession {
  readonly number: number
  readonly key: KeyId
  readonly end: SimulatedEnd
  readonly #parts: SessionParts
  readonly #plan: Plan
  /** Texts of the frames that it has said. */
  readonly said = new Set<string>()
  /** Models that its updates have named. */
  readonly updates = new Set<string>()
  readonly running = new Map<string, LaneStory>()
  /** Calls of answers that upstreams began by themselves, and no turn has taken up yet. */
  readonly successors = new Map<string, UpstreamCall[]>()
  /** Accounts whose failure has released the pin, until they serve again, and what it was. */
  readonly released = new Map<AccountId, string>()
  readonly #asked = new Map<string, Asked>()
  readonly #last = new Map<string, LaneStory>()
  readonly #begun = new Map<string, number>()
  readonly #waiting = new Map<string, number>()
  readonly #answers: Answered[] = []
  readonly #latest = new Map<string, Answered>()
  readonly #steers: Steer[] = []
  #nth = 0
  #creates = 0
  #outstanding = 0
  #lost: string | null = null
  #errors = 0
  #disarm: () => void = () => {}
  #giveUp: () => void = () => {}
  /** The turn that is writing to the client. */
  writer: LaneStory | null = null
  session: WsSession | null = null
  transcript: { readonly one: SessionTranscript; readonly bytesMax: number } | null = null
  closedWith: number | null = null
  isOver = false
  /** Who served the turn before. */
  servedBy: AccountId | null = null
  moves = 0
  turns = 0

  constructor(number: number, key: KeyId, parts: SessionParts, clientWriteMs: () => number) {
    this.number = number
    this.key = key
    this.#parts = parts
    const { chance, timeline } = parts
    const dice = chance.dice()
    const turns = dice < 0.45 ? chance.between(1, 2) : dice < 0.9 ? chance.between(2, 5) : dice < 0.985 ? chance.between(5, 10) : chance.between(10, 24)
    this.#plan = { turns, lanes: drawLanes(chance), isHasty: chance.is(0.1), steers: chance.is(0.15) ? 0.7 : 0.02 }
    this.end = new SimulatedEnd({
      timeline,
      chance,
      clientWriteMs,
      watch: { heard: (frame) => this.#heard(frame), closed: (code) => this.#closed(code), received: (text) => this.#received(text) },
    })
  }

  /** The session was accepted. */
  open(session: WsSession): void {
    this.session = session
    session.open()
    const { chance, timeline } = this.#parts
    this.#giveUp = timeline.after(7_200_000, () => this.leave())
    this.#armIn(chance.is(0.01) ? 40_000 : chance.pick([0, 1, 20, 500]))
  }

  leave(): void {
    this.#disarm()
    this.#giveUp()
    this.end.leave()
  }

  /** What the client asked with these bytes; null where it did not. */
  askedWith(text: string): Asked | null {
    return this.#asked.get(text) ?? null
  }

  /** A turn begins. */
  begins(story: LaneStory): void {
    const { verdicts } = this.#parts
    const { lane, asked } = story
    verdicts.check('lanesAreFirstInFirstOut', !this.running.has(lane), story, () => `two turns run on lane "${lane}" of session ${this.number}`)
    if (asked !== null) {
      const before = this.#begun.get(lane) ?? -1
      verdicts.check(
        'lanesAreFirstInFirstOut',
        asked.nth > before && asked.said.lane === lane,
        story,
        () => `question ${asked.nth} of lane "${asked.said.lane}" began on lane "${lane}" after ${before}`,
      )
      this.#begun.set(lane, asked.nth)
      this.#waiting.set(lane, (this.#waiting.get(lane) ?? 0) - 1)
    }
    const before = this.#last.get(lane)
    if (asked === null && before !== undefined) before.followedBy = story
    this.#last.set(lane, story)
    this.running.set(lane, story)
    this.turns++
    verdicts.check('turnsInFlightAreBounded', this.running.size <= inFlightMax, story, () => `${this.running.size} turns run in session ${this.number}`)
    const named = [...this.#begun.keys()].filter((one) => one !== '').length
    verdicts.check('turnsInFlightAreBounded', named <= namedLanesMax, story, () => `session ${this.number} has ${named} named lanes`)
  }

  ends(story: LaneStory): void {
    this.running.delete(story.lane)
  }

  /** Items that the client has put between an answer and the one that follows it by itself. */
  steered(target: string): readonly JsonObject[] {
    return this.#steers.filter((steer) => steer.target === target && steer.state === 'accepted').flatMap((steer) => steer.items)
  }

  #closed(code: number): void {
    this.closedWith = code
    this.#disarm()
    this.#giveUp()
  }

  #received(text: string): void {
    const asked = this.#asked.get(text)
    if (asked === undefined) return
    const { lane } = asked.said
    // It began at once, was refused at once, or waits.
    const waiting = (this.#waiting.get(lane) ?? 0) + 1 - this.#errors
    this.#errors = 0
    this.#waiting.set(lane, waiting)
    this.#parts.verdicts.check(
      'waitingFramesAreBounded',
      waiting <= waitingMax,
      null,
      () => `${waiting} frames wait on lane "${lane}" of session ${this.number}`,
    )
  }

  #heard(frame: Buffer): void {
    const { heard } = this.#parts
    const story = this.writer
    const said = parsed(frame.toString('utf8'))
    if (story === null) {
      heard.heardBetween(this, frame, said)
      return this.#heardBetween(said)
    }
    heard.heard(story, frame, said)
    if (story.terminals + story.ours > 0 && story.terminals + story.ours < 2) this.#heardEnd(story, said)
    else this.#heardEvent(story, said)
  }

  #heardEvent(story: LaneStory, said: JsonObject | null): void {
    if (said?.['type'] === 'response.created') story.response = idIn(said)
    const item = said?.['type'] === 'response.output_item.done' ? said['item'] : null
    if (typeof item === 'object' && item !== null) story.finished.push(item as JsonObject)
  }

  #heardEnd(story: LaneStory, said: JsonObject | null): void {
    if (story.asked !== null) this.#outstanding = Math.max(0, this.#outstanding - 1)
    const id = said === null ? null : idIn(said)
    if (story.terminals === 1 && id !== null && (said?.['type'] === 'response.completed' || said?.['type'] === 'response.incomplete'))
      this.#remember(story, id, said)
    const code = codeIn(said)
    if (code === 'previous_response_not_found' || code === 'websocket_connection_limit_reached') this.#lost = story.previous
    this.#next()
  }

  #remember(story: LaneStory, id: string, said: JsonObject): void {
    const { dialogues, truth } = this.#parts
    const response = said['response'] as JsonObject
    const listed = Array.isArray(response['output']) ? (response['output'] as readonly JsonObject[]) : []
    const output = listed.length > 0 ? listed : story.finished
    const input = story.asked === null ? this.steered(story.previous ?? '') : itemsIn(story.fields['input'])
    const answered: Answered = {
      id,
      key: this.key,
      session: this.number,
      lane: story.lane,
      parent: story.previous,
      input,
      output,
      isStored: story.ask.turn.stored,
    }
    dialogues.add(answered)
    this.#answers.push(answered)
    this.#latest.set(story.lane, answered)
    const by = story.last?.account
    for (const item of output) {
      const content = sealedContent(item)
      if (content !== null && by !== undefined) truth.seals.set(content, by)
    }
  }

  #heardBetween(said: JsonObject | null): void {
    const type = String(said?.['type'])
    if (type === 'error') {
      this.#errors++
      this.#outstanding = Math.max(0, this.#outstanding - 1)
      return this.#next()
    }
    if (!type.startsWith('response.steer.')) return
    const told = said?.['steer'] as JsonObject | undefined
    const steers = this.#steers.filter((one) => one.target === told?.['previous_response_id'] && one.state !== 'over')
    if (type === 'response.steer.accepted') {
      // An acceptance does not say what was accepted: they come in the order in which they were asked for.
      const first = steers.find((one) => one.state === 'said')
      if (first !== undefined) first.state = 'accepted'
      return
    }
    const words = JSON.stringify(itemsIn(told?.['input']).map((item) => item['content']))
    const refused = steers.find((one) => JSON.stringify(one.items.map((item) => item['content'])) === words)
    if (refused !== undefined) refused.state = 'over'
  }

  #next(): void {
    const { chance } = this.#parts
    if (this.#outstanding === 0 || this.#plan.isHasty) this.#armIn(chance.pick([0, 0, 1, 3, 30, 1500, 1500, 20_000, chance.is(0.15) ? 3_400_000 : 70_000]))
  }

  #armIn(ms: number): void {
    this.#disarm()
    this.#disarm = this.#parts.timeline.after(ms, () => this.#act())
  }

  #act(): void {
    if (this.end.state !== 'open') return
    const { chance, talker } = this.#parts
    this.#armIn(patienceMs)
    if (this.#plan.turns <= 0) {
      if (this.#outstanding > 0 && chance.is(0.9)) return
      // Some go, some are still there when the session has been idle for long.
      return chance.is(0.9) ? this.leave() : undefined
    }
    const dice = chance.dice()
    if (dice < 0.012) return this.leave()
    if (dice < 0.05) return this.#aside(talker.update())
    if (dice < 0.08) return this.#aside(talker.other())
    if (dice < 0.086) return this.#aside(talker.wrong())
    if (dice < 0.088) return this.#aside(talker.binary())
    if (this.running.size > 0 && dice < 0.2) return this.#aside(talker.steer(this.#talk()))
    const count = chance.is(0.004) ? 40 : chance.is(0.03) ? chance.between(2, 4) : 1
    for (let nth = 0; nth < count; nth++) this.#ask(count > 20 && chance.is(0.5) ? `flood-${nth}` : chance.pick(this.#plan.lanes))
    if (chance.is(this.#plan.steers)) this.#parts.timeline.after(chance.pick([3, 30, 250]), () => this.#steer())
    if (chance.is(this.#plan.isHasty ? 0.5 : 0.12)) this.#armIn(chance.pick([0, 1, 5, 300]))
  }

  /** Into an answer that is on its way, if one is. */
  #steer(): void {
    if (this.end.state === 'open' && this.running.size > 0) this.#aside(this.#parts.talker.steer(this.#talk()))
  }

  #ask(lane: string): void {
    const said = this.#parts.talker.create(this.#talk(), lane)
    if (said.kind !== 'create') return
    this.#plan.turns--
    this.#lost = null
    this.#outstanding++
    this.#asked.set(said.text, { nth: this.#nth++, said })
    this.#creates++
    this.end.tell(said.text)
  }

  #aside(said: Utterance): void {
    this.said.add(said.text)
    if (said.kind === 'update' && said.model !== null) this.updates.add(said.model)
    if (said.kind === 'steer') this.#steers.push({ target: said.target, items: said.items, state: 'said' })
    this.end.tell(said.text, said.kind === 'binary' ? 'binary' : 'text')
    this.#armIn(this.#parts.chance.pick([0, 1, 40, 1000]))
  }

  #talk() {
    return {
      number: this.number,
      key: this.key,
      answers: this.#answers,
      latest: this.#latest,
      // What is said into an answer that wants outputs first waits for them at its upstream.
      running: [...this.running.values()].flatMap((story) => (story.response === null || story.fields['tools'] !== undefined ? [] : [story.response])),
      lost: this.#lost,
      hasAsked: this.#creates > 0,
    }
  }
}

function drawLanes(chance: Chance): readonly string[] {
  const dice = chance.dice()
  if (dice < 0.75) return ['']
  if (dice < 0.85) return ['', 'a']
  return dice < 0.97 ? ['a', 'b', ''] : Array.from({ length: 36 }, (_, nth) => `lane-${nth}`)
}

function idIn(event: JsonObject): string | null {
  const id = (event['response'] as JsonObject | undefined)?.['id']
  return typeof id === 'string' ? id : null
}

function codeIn(event: JsonObject | null): unknown {
  return (event?.['error'] as JsonObject | undefined)?.['code'] ?? event?.['code']
}
