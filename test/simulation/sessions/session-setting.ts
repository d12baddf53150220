import type { AccountId, KeyId, PoolId } from '../../../src/core/ids.ts'
import { responses } from '../../../src/dialect/responses/responses.ts'
import type { Settings } from '../../../src/ports/settings.ts'
import type { Sink } from '../../../src/ports/sink.ts'
import type { AccountMemory } from '../../../src/ports/stores.ts'
import { Bodies } from '../../../src/server/bodies.ts'
import { FrameReader } from '../../../src/server/frame-reader.ts'
import { OpenTurns } from '../../../src/server/open-turns.ts'
import { Refuser } from '../../../src/server/refuse.ts'
import type { SessionDoor } from '../../../src/server/session-door.ts'
import { Transcripts, type SessionTranscript } from '../../../src/server/transcripts.ts'
import type { Ask, World } from '../../../src/turn/world.ts'
import { Books } from '../books.ts'
import { Chance, seedOf } from '../chance.ts'
import { KeepingLaws } from '../keeping.ts'
import { Network } from '../network.ts'
import { GatewayProcess } from '../process.ts'
import { watchedLog } from '../stage.ts'
import type { Story } from '../story.ts'
import { Tally } from '../tally.ts'
import { Timeline } from '../timeline.ts'
import { Truth } from '../truth.ts'
import { Waiting, type AccountsWatch } from '../turn-accounts.ts'
import { Upstreams } from '../upstreams.ts'
import { Verdicts } from '../verdicts.ts'
import { Dialogues } from './dialogues.ts'
import { HeardLaws } from './heard-laws.ts'
import type { LaneStory } from './lane-story.ts'
import { PinLaws } from './pins.ts'
import { RecordedLaws } from './recorded-laws.ts'
import { SaidLaws } from './said-laws.ts'
import { drawSocketBehaviour, SessionArchitect } from './session-landscape.ts'
import type { SessionParts, SimulatedSession } from './simulated-session.ts'
import { Talker } from './talker.ts'

/** What one turn of a session is run with. */
export interface PlayedTurn {
  readonly world: World
  readonly ask: Ask
  readonly sink: Sink
  readonly story: LaneStory
}

/** Makes the world a wrong one, to see that the laws notice. */
export interface Spoil {
  readonly turn?: (played: PlayedTurn) => PlayedTurn
  readonly door?: (door: SessionDoor) => SessionDoor
}

/** Transcripts that tell which are open, and under which bound. */
class WatchedTranscripts extends Transcripts {
  readonly opened: { readonly one: SessionTranscript; readonly bytesMax: number }[] = []
  readonly #bounds: () => Settings['bounds']

  constructor(bounds: () => Settings['bounds']) {
    super(() => bounds().transcriptsBytes)
    this.#bounds = bounds
  }

  override open(bytesMax: number): SessionTranscript {
    const one = super.open(bytesMax)
    this.opened.push({ one, bytesMax: this.#bounds().transcriptBytes })
    return one
  }
}

/** One gateway process, as far as sessions have a part in it. */
export interface SessionProcess {
  readonly gateway: GatewayProcess
  readonly bodies: Bodies
  readonly transcripts: WatchedTranscripts
  readonly open: OpenTurns
  readonly reader: FrameReader
}

/** All parts of one world of sessions, wired: the gateway's own, the simulated ones round it, and the laws that watch where they meet. */
export class SessionSetting {
  readonly timeline = new Timeline()
  readonly verdicts = new Verdicts()
  readonly truth = new Truth()
  readonly tally = new Tally()
  readonly dialogues = new Dialogues()
  readonly sessions = new Set<SimulatedSession>()
  readonly #memories = new Map<AccountId, AccountMemory>()
  readonly chance: Chance
  readonly architect: SessionArchitect
  readonly upstreams: Upstreams
  readonly network: Network
  readonly books: Books
  readonly talker: Talker
  readonly keeping: KeepingLaws
  readonly heard: HeardLaws
  readonly saidLaws: SaidLaws
  readonly recorded: RecordedLaws
  readonly pins: PinLaws
  /** The gateway's own dice. */
  readonly dice: () => number
  /** Between two sessions, on average. */
  readonly paceMs: number
  process: SessionProcess
  accountsWatch: AccountsWatch
  #transcriptBytes = 0

  constructor(seed: number, part: number) {
    const { timeline, verdicts, truth } = this
    this.chance = new Chance(seedOf(seed, 2 * part))
    this.dice = new Chance(seedOf(seed, 2 * part + 1)).dice
    this.paceMs = this.chance.pick([300, 3000, 15_000])
    this.architect = new SessionArchitect(this.chance)
    truth.landscapes.push(this.architect.first())
    this.upstreams = new Upstreams(this.chance)
    this.books = new Books(this)
    this.talker = new Talker(this.chance, this.dialogues)
    this.keeping = new KeepingLaws(verdicts)
    this.heard = new HeardLaws(verdicts)
    this.saidLaws = new SaidLaws(verdicts, truth, this.dialogues)
    this.recorded = new RecordedLaws(verdicts)
    this.pins = new PinLaws(verdicts)
    this.network = new Network({
      timeline,
      chance: this.chance,
      upstreams: this.upstreams,
      landscape: () => truth.landscape,
      watch: {
        sending: (story, sent) => this.saidLaws.sending(laneStory(story), sent, timeline.now()),
        asked: (story, sent) => {
          truth.issue(story, sent)
          this.saidLaws.modelSeesTheDialogue(laneStory(story), sent, null)
        },
        given: () => {},
        closed: (_story, sent) => this.saidLaws.closed(sent),
      },
    })
    this.process = this.#begin()
    this.accountsWatch = this.#watchAccounts()
    for (const seat of truth.landscape.seats.values()) this.upstreams.turnWeather(seat, drawSocketBehaviour)
  }

  /** A new process in place of the old one, which has come to its end. */
  restart(keptMs: number): void {
    this.truth.forget(keptMs)
    this.process = this.#begin()
    this.accountsWatch = this.#watchAccounts()
    this.#transcriptBytes = 0
  }

  /** After every event. */
  look(): void {
    const { verdicts, process, truth } = this
    const { bounds } = truth.landscape.settings
    this.accountsWatch.waiting.look(verdicts, bounds.waitingPerKey)
    const { bytes } = process.transcripts
    if (bytes === this.#transcriptBytes) return
    verdicts.check(
      'transcriptsAreBounded',
      bytes <= Math.max(bounds.transcriptsBytes, this.#transcriptBytes),
      null,
      () => `transcripts take ${bytes} of ${bounds.transcriptsBytes} bytes`,
    )
    this.#transcriptBytes = bytes
    let sum = 0
    for (const { one, bytesMax } of process.transcripts.opened) {
      sum += one.bytes
      verdicts.check('transcriptsAreBounded', one.bytes <= bytesMax, null, () => `a transcript takes ${one.bytes} of ${bytesMax} bytes`)
    }
    verdicts.check('transcriptsAreBounded', sum === bytes, null, () => `transcripts take ${sum} bytes, and ${bytes} are counted`)
  }

  sessionParts(): SessionParts {
    const { timeline, chance, truth, verdicts, heard, talker, dialogues } = this
    return { timeline, chance, truth, verdicts, heard, talker, dialogues }
  }

  keys(): readonly KeyId[] {
    return this.truth.landscape.callers.map((caller) => caller.key)
  }

  #begin(): SessionProcess {
    const { timeline, chance, dice, truth, keeping } = this
    const log = watchedLog(keeping, null)
    const settings = () => truth.landscape.settings
    const bodies = new Bodies()
    const metrics = { turnEnded() {}, attemptEnded() {}, refused() {}, tierServedAbove() {} }
    return {
      gateway: new GatewayProcess({ timeline, chance, dice, memories: this.#memories, log, landscape: () => truth.landscape }),
      bodies,
      transcripts: new WatchedTranscripts(() => settings().bounds),
      open: new OpenTurns(),
      reader: new FrameReader({ dialect: responses, bodies, refuser: new Refuser({ metrics, log }), settings }),
    }
  }

  #watchAccounts(): AccountsWatch {
    const { timeline, truth, verdicts, keeping } = this
    return { timeline, truth, verdicts, keeping, waiting: new Waiting(), budget: new Map<PoolId, { turns: number[]; grants: number[] }>() }
  }
}

function laneStory(story: Story): LaneStory {
  return story as LaneStory
}
