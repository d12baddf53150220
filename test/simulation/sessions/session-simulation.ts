import type { AccountId, TurnId } from '../../../src/core/ids.ts'
import { responses } from '../../../src/dialect/responses/responses.ts'
import type { FrameCall, SessionSockets, SocketListener } from '../../../src/ports/sockets.ts'
import type { Call } from '../../../src/ports/transport.ts'
import type { Sink } from '../../../src/ports/sink.ts'
import type { SessionDoor } from '../../../src/server/session-door.ts'
import { WsSession } from '../../../src/server/ws-session.ts'
import { wasCancelled } from '../../../src/turn/cancel.ts'
import { runTurn } from '../../../src/turn/run-turn.ts'
import type { Ask, World } from '../../../src/turn/world.ts'
import type { Outcome } from '../../../src/core/record.ts'
import { stage, watchedLog } from '../stage.ts'
import type { UpstreamCall } from '../story.ts'
import { parsed } from '../story.ts'
import type { Counted } from '../tally.ts'
import type { Violation } from '../verdicts.ts'
import { isKeepAlive } from './heard-laws.ts'
import { LaneStory } from './lane-story.ts'
import { SessionHappenings } from './session-happenings.ts'
import { SessionLines, type LinesWatch } from './session-lines.ts'
import { SessionSetting, type PlayedTurn, type Spoil } from './session-setting.ts'
import { SimulatedSession } from './simulated-session.ts'

export interface SessionSimulationOptions {
  readonly seed: number
  /** The number of the first session; the worlds of one seed are told apart by it. */
  readonly firstSession: number
  readonly sessions: number
  readonly spoil?: Spoil
}

export interface SimulatedSessions {
  readonly tally: Counted
  readonly checked: ReadonlyMap<string, number>
  readonly violation: Violation | null
}

/** Runs one world from its first session to its last, and then until nothing is under way any more. */
export function simulateSessions(options: SessionSimulationOptions): Promise<SimulatedSessions> {
  return new SessionSimulation(options).run()
}

/** An abandoned turn holds its lease for 10 s at most; a commit is over after 5 s, and what was read on for after 2 s. */
const afterwardsMs = 20_000
const lastLookMs = 120_000
/** What is not over so long after the last session began never will be. */
const worldMsMax = 4 * 7_200_000
/** Tells the worlds of sessions from those of single turns. */
const sessionWorlds = 1_000_003

class SessionSimulation {
  readonly #options: SessionSimulationOptions
  readonly #setting: SessionSetting
  readonly #happenings: SessionHappenings
  #begun = 0
  #turns = 0
  #isDone = false
  #giveUp: () => void = () => {}
  #ended: LaneStory[] = []

  constructor(options: SessionSimulationOptions) {
    this.#options = options
    this.#setting = new SessionSetting(options.seed, sessionWorlds + options.firstSession)
    this.#happenings = new SessionHappenings(this.#setting, () => this.#perhapsLast())
  }

  async run(): Promise<SimulatedSessions> {
    const { timeline, verdicts, tally } = this.#setting
    const startMs = timeline.now()
    this.#arm()
    await timeline.run(() => {
      this.#setting.look()
      return verdicts.violation !== null || this.#isDone
    })
    if (verdicts.violation === null) this.#lastLook()
    tally.events = timeline.rung
    tally.virtualMs = timeline.now() - startMs
    tally.fold(timeline.rung, 'end')
    return { tally, checked: verdicts.checked, violation: verdicts.violation }
  }

  #arm(): void {
    const { timeline, chance, paceMs } = this.#setting
    const ms = chance.is(0.2) ? chance.below(5) : chance.is(0.01) ? 600_000 : chance.below(2 * paceMs)
    timeline.after(ms, () => this.#arrive())
  }

  #arrive(): void {
    const { timeline } = this.#setting
    this.#lookBack()
    this.#happenings.perhaps()
    if (this.#happenings.isOpen) {
      this.#begun++
      this.#begin(this.#options.firstSession + this.#begun - 1)
    }
    if (this.#begun < this.#options.sessions) return this.#arm()
    this.#giveUp = timeline.after(worldMsMax, () => {
      this.#isDone = true
    })
    this.#perhapsLast()
  }

  #begin(number: number): void {
    const setting = this.#setting
    const { chance, sessions, truth, tally, process } = setting
    const keys = setting.keys()
    if (keys.length === 0) return
    const key = chance.pick(keys)
    const session = new SimulatedSession(number, key, setting.sessionParts(), () => truth.landscape.settings.times.clientWriteMs)
    const headers = {
      ...(chance.is(0.3) ? { originator: 'codex_cli_rs' } : {}),
      ...(chance.is(0.1) ? { 'x-codex-turn-state': `state-of-${chance.pick(['a', 'b', 'c'])}` } : {}),
    }
    const door = this.#door(session)
    const caller = () => truth.landscape.callers.find((one) => one.key === key) ?? null
    const open = new WsSession(this.#options.spoil?.door?.(door) ?? door, { socket: session.end, headers, requestId: `session-${number}`, caller }, () =>
      this.#over(session),
    )
    session.transcript = process.transcripts.opened.at(-1) ?? null
    sessions.add(session)
    tally.count('sessions', 'begun')
    session.open(open)
  }

  #door(session: SimulatedSession): SessionDoor {
    const setting = this.#setting
    const { timeline, truth, keeping, verdicts, process } = setting
    const log = watchedLog(keeping, null)
    return {
      clock: timeline,
      log: {
        ...log,
        error: (fields, sentence) => {
          const { err } = fields as { readonly err?: unknown }
          verdicts.check('noTurnThrows', false, null, () => `${sentence}: ${err instanceof Error ? String(err.stack) : String(err)}`)
        },
      },
      dialect: responses,
      reader: process.reader,
      transcripts: process.transcripts,
      sockets: { session: (listener) => this.#lines(session, listener) },
      open: process.open,
      lingerMs: 2000,
      settings: () => truth.landscape.settings,
      newId: () => `turn-${this.#options.firstSession}-${this.#turns++}` as TurnId,
      account: (id) => truth.landscape.seats.get(id)?.account ?? null,
      run: (ask, sink, signal) => this.#run(session, ask, sink, signal),
    }
  }

  #lines(session: SimulatedSession, listener: SocketListener): SessionSockets {
    const { timeline, chance, upstreams, truth } = this.#setting
    return new SessionLines({
      timeline,
      chance,
      upstreams,
      listener,
      renewMs: chance.pick([55 * 60_000, 55 * 60_000, 20_000, 1200]),
      seat: (account) => truth.landscape.seats.get(account.id) ?? { account, credential: { kind: 'api_key', apiKey: 'sk-simulated-gone' }, incarnation: 0 },
      watch: this.#linesWatch(session),
    })
  }

  #linesWatch(session: SimulatedSession): LinesWatch {
    const { timeline, truth, saidLaws } = this.#setting
    const stories = new Map<UpstreamCall, LaneStory>()
    const issue = (call: UpstreamCall): void => {
      for (const id of call.ids) truth.issued.set(id, { account: call.account, key: session.key, turn: session.number })
    }
    return {
      sending: (call) => {
        const story = session.running.get(call.lane)
        if (story === undefined) throw new Error('a turn is sent that does not run')
        const sent = this.#callOf(call, story)
        stories.set(sent, story)
        story.note(timeline.now(), 'sent', { account: sent.account, over: 'websocket', text: sent.text.slice(0, 400) })
        saidLaws.sending(story, sent, timeline.now())
        saidLaws.whatNobodyKeepsIsSaidWhereItIsKnown(story, sent, call.continues)
        if (call.preamble !== null) saidLaws.updatesNameOnlyMappedModels(session, sent.account, textOf(call.preamble.pieces))
        return sent
      },
      saying: (call, line) => {
        const story = stories.get(call)
        if (story === undefined) return
        story.note(timeline.now(), 'said', `on line ${line}`)
        this.#setting.pins.said(session, story, { account: call.account, line })
      },
      asked: (call, model) => {
        const story = stories.get(call)
        if (story !== undefined) saidLaws.upstreamReceivesOnlyMappedModels(story, call, model)
      },
      resolved: (call) => {
        issue(call)
        const story = stories.get(call)
        if (story !== undefined) saidLaws.modelSeesTheDialogue(story, call, null)
      },
      successor: (lane) => {
        const last = [...stories.keys()].findLast((call) => stories.get(call)?.lane === lane)
        if (last === undefined) throw new Error('an answer follows none')
        const sent: UpstreamCall = {
          ...last,
          text: '',
          fields: {},
          ids: [],
          frames: [],
          lastFrame: null,
          dialogue: null,
          faults: [],
          status: 200,
          state: 'answering',
          ended: 'not yet',
        }
        session.successors.set(lane, [...(session.successors.get(lane) ?? []), sent])
        return sent
      },
      forwarding: (account, text) => saidLaws.updatesNameOnlyMappedModels(session, account, text),
      given: (call, frame) => {
        const story = stories.get(call)
        const type = parsed(frame.toString('utf8'))?.['type']
        if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed' || type === 'error') call.lastFrame = frame
        if (story !== undefined && frame.includes('invalid_encrypted_content')) story.sawForeignState = true
        story?.note(timeline.now(), 'upstream said', String(type))
      },
      over: (call, how) => {
        if (call.state === 'over') return
        call.state = 'over'
        call.ended = how
        stories.get(call)?.note(timeline.now(), 'upstream over', how)
      },
      closed: (call) => saidLaws.closed(call),
    }
  }

  #callOf(call: FrameCall, story: LaneStory): UpstreamCall {
    const { timeline, truth } = this.#setting
    const { account, credential, path, clientHeaders, omit, signal } = call
    const text = textOf(call.frame.pieces)
    const asHttp: Call = { account, credential, method: 'POST', path, clientHeaders, omit, body: null, connectMs: call.connectMs, headMs: 0, signal }
    const sent: UpstreamCall = {
      call: asHttp,
      over: 'websocket',
      seat: truth.landscape.seats.get(account.id) ?? { account, credential, incarnation: 0 },
      account: account.id,
      place: '',
      text,
      fields: parsed(text) ?? {},
      sentAtMs: timeline.now(),
      status: null,
      isStream: true,
      faults: [],
      ids: [],
      said: Buffer.alloc(0),
      givenBytes: 0,
      frames: [],
      lastFrame: null,
      dialogue: null,
      state: 'sending',
      ended: 'not yet',
    }
    story.calls.push(sent)
    return sent
  }

  /** The session starts a turn: the real pipeline runs it, with everything that it uses looked at. */
  async #run(session: SimulatedSession, ask: Ask, sink: Sink, signal: AbortSignal): Promise<Outcome> {
    const setting = this.#setting
    const { timeline, truth, process, accountsWatch, tally } = setting
    const asked = session.askedWith(ask.body.value.bytes.toString('utf8'))
    const number = this.#options.firstSession * 1000 + this.#turns
    const story = new LaneStory(number, ask, { landscape: truth.landscape, session: session.number, asked: ask.session?.adopted === null ? asked : null })
    story.note(timeline.now(), 'asked', `session ${session.number}, ${ask.caller.key}, lane "${story.lane}", model ${ask.turn.model}: ${story.original}`)
    session.begins(story)
    setting.pins.begins(session, story)
    this.#adopt(session, story)
    signal.addEventListener('abort', () => {
      const by = wasCancelled(signal)?.by
      story.cancelledBy ??= by === 'client' || by === 'shutdown' ? by : null
      story.note(timeline.now(), 'called off', by ?? null)
    })
    const world = this.#world(session, story, stage(setting, process.gateway, accountsWatch, story))
    const played: PlayedTurn = { world, ask: setting.pins.watched(session, ask), sink: this.#sink(session, story, sink), story }
    const { world: itsWorld, ask: itsAsk, sink: itsSink } = this.#options.spoil?.turn?.(played) ?? played
    try {
      const outcome = await runTurn(itsWorld, itsAsk, itsSink, signal)
      story.outcome = outcome
      return outcome
    } finally {
      session.ends(story)
      story.endedAtMs = timeline.now()
      if (story.outcome !== null) setting.recorded.ended(story, session.end.state === 'open')
      this.#count(session, story)
      tally.story(story, { state: session.end.state })
      this.#ended.push(story)
    }
  }

  #adopt(session: SimulatedSession, story: LaneStory): void {
    if (story.ask.session?.adopted === null) return
    const sent = session.successors.get(story.lane)?.shift()
    if (sent === undefined) return
    story.calls.push(sent)
    this.#setting.saidLaws.modelSeesTheDialogue(story, sent, session.steered(story.previous ?? ''))
    sent.state = 'over'
  }

  #world(session: SimulatedSession, story: LaneStory, world: World): World {
    const { accounts } = world
    const failed: World['accounts']['failed'] = (lease, failure, atMs) => {
      this.#setting.pins.failed(session, story, { account: lease.account.id, kind: failure.kind })
      accounts.failed(lease, failure, atMs)
    }
    const watched = new Proxy(accounts, {
      get(target, name) {
        if (name === 'failed') return failed
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    return { ...world, accounts: watched }
  }

  /** What a turn says is known as its own. */
  #sink(session: SimulatedSession, story: LaneStory, sink: Sink): Sink {
    const as = <T>(say: () => T): T => {
      const before = session.writer
      session.writer = story
      try {
        return say()
      } finally {
        session.writer = before
      }
    }
    return {
      head: (status, headers) => sink.head(status, headers),
      write: (chunks) => {
        const takes = as(() => sink.write(chunks))
        // A keep-alive waits for nobody.
        if (!takes && chunks.some((chunk) => !isKeepAlive(chunk))) story.isHeld = true
        return takes
      },
      drained: (then) =>
        sink.drained(() => {
          story.isHeld = false
          then()
        }),
      end: () => as(() => sink.end()),
      cut: () => sink.cut(),
    }
  }

  #count(session: SimulatedSession, story: LaneStory): void {
    const { tally } = this.#setting
    const by: AccountId | null = story.terminals === 1 && story.record?.outcome !== 'failed' ? (story.last?.account ?? null) : null
    if (by === null) return
    if (session.servedBy !== null && session.servedBy !== by) tally.count('sessions', 'moves')
    if (story.last !== null) tally.count('served over', story.last.over)
    session.servedBy = by
  }

  #over(session: SimulatedSession): void {
    const { sessions, tally, process } = this.#setting
    sessions.delete(session)
    session.isOver = true
    const at = process.transcripts.opened.findIndex(({ one }) => one === session.transcript?.one)
    if (at !== -1) process.transcripts.opened.splice(at, 1)
    tally.count('closed with', session.closedWith === null ? 'gone' : String(session.closedWith))
    session.leave()
    this.#happenings.sessionEnded()
    this.#perhapsLast()
  }

  #lookBack(): void {
    const { timeline, recorded } = this.#setting
    const due = timeline.now() - afterwardsMs
    let count = 0
    for (const story of this.#ended) {
      const { leftAtMs } = story
      if (leftAtMs === null || leftAtMs > due) break
      recorded.nothingIsLeftBehind(story)
      count++
    }
    if (count > 0) this.#ended.splice(0, count)
  }

  #perhapsLast(): void {
    const { timeline, sessions, process } = this.#setting
    if (this.#begun < this.#options.sessions || sessions.size > 0 || this.#isDone || !this.#happenings.isOpen) return
    process.gateway.stop()
    this.#giveUp()
    timeline.after(lastLookMs, () => {
      this.#isDone = true
    })
  }

  #lastLook(): void {
    const { timeline, verdicts, sessions, process, books } = this.#setting
    const [stranded] = sessions
    verdicts.check(
      'everySessionEnds',
      this.#isDone && stranded === undefined,
      null,
      () => `nothing is going to happen any more, and session ${stranded?.number} is not over`,
    )
    this.#lookBack()
    verdicts.check('noTimerIsLeft', timeline.pending === 0, null, () => `${timeline.pending} timers are set although all is over`)
    for (const live of process.gateway.accounts.all())
      verdicts.check('everyLeaseIsReturned', live.inFlight === 0, null, () => `${live.account.id} has ${live.inFlight} leases`)
    verdicts.check('framesAreLetGo', process.bodies.bytes === 0, null, () => `${process.bodies.bytes} bytes of frames are still held`)
    verdicts.check(
      'transcriptsAreBounded',
      process.transcripts.bytes === 0,
      null,
      () => `${process.transcripts.bytes} bytes of transcripts outlive their sessions`,
    )
    verdicts.check('everyRecordIsCommitted', books.lag === 0, null, () => `${books.lag} records were never committed`)
    verdicts.check('everySessionEnds', process.open.size === 0, null, () => `${process.open.size} turns are still open`)
  }
}

function textOf(pieces: readonly Buffer[]): string {
  return (pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)).toString('utf8')
}
