import { secretMark } from '../landscape.ts'
import { mappedName } from '../oracle.ts'
import { parsed, type JsonObject, type UpstreamCall } from '../story.ts'
import type { Verdicts } from '../verdicts.ts'
import type { LaneStory } from './lane-story.ts'
import type { SimulatedSession } from './simulated-session.ts'

interface Progress {
  of: UpstreamCall | null
  at: number
}

const terminals: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

/** What a session's client may be told. Each law is a function of its name; all are asked at every frame. */
export class HeardLaws {
  readonly #verdicts: Verdicts
  readonly #progress = new WeakMap<LaneStory, Progress>()
  readonly #events = new WeakMap<UpstreamCall, { of: Buffer; events: readonly Buffer[] }>()

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  /** A frame that belongs to a turn. */
  heard(story: LaneStory, frame: Buffer, said: JsonObject | null): void {
    this.noSecretIsSaid(story, frame)
    // An upstream's own words on what was passed on to it may come at any time.
    if (isKeepAlive(frame) || isAside(said)) return
    this.lanesAreNamed(story, said)
    this.oneTerminalPerTurn(story, said, frame)
    this.answerHoldsOneAttempt(story, frame, said)
    this.aFullClientIsLeftInPeace(story, said)
  }

  /** A frame that belongs to no turn. */
  heardBetween(session: SimulatedSession, frame: Buffer, said: JsonObject | null): void {
    this.noSecretIsSaid(null, frame)
    const type = String(said?.['type'])
    const isKnown = type === 'error' || type.startsWith('response.steer.') || isAside(said)
    this.#verdicts.check(
      'onlyTurnsAreAnswered',
      isKnown,
      null,
      () => `session ${session.number} was told outside of any turn: ${frame.toString('utf8', 0, 300)}`,
    )
    if (type === 'error') this.#verdicts.check('errorsTellTheirStatus', typeof said?.['status'] === 'number', null, () => frame.toString('utf8'))
  }

  /** Invariant 10, for the client. */
  noSecretIsSaid(story: LaneStory | null, frame: Buffer): void {
    this.#verdicts.check('noSecretIsSaid', !frame.includes(secretMark), story, () => frame.toString('utf8'))
  }

  /** Every event of a named lane says so, and no other does. */
  lanesAreNamed(story: LaneStory, said: JsonObject | null): void {
    if (said !== null)
      this.#verdicts.check(
        'lanesAreNamed',
        (said['stream_id'] ?? '') === story.lane,
        story,
        () => `lane "${story.lane}" was told ${JSON.stringify(said).slice(0, 300)}`,
      )
  }

  /** Case E20. */
  oneTerminalPerTurn(story: LaneStory, said: JsonObject | null, frame: Buffer): void {
    const before = story.terminals + story.ours
    this.#verdicts.check(
      'oneTerminalPerTurn',
      before === 0,
      story,
      () => `after its end the turn said ${frame.toString('utf8', 0, 300)} (terminal: ${terminals.has(said?.['type'])})`,
    )
  }

  /** Invariant 3: event by event what the last attempt's upstream said, but for the model's name, the lane's, and an error of ours. */
  answerHoldsOneAttempt(story: LaneStory, frame: Buffer, said: JsonObject | null): void {
    const progress = this.#of(story)
    const due = progress.of === null ? undefined : this.#eventsOf(progress.of)[progress.at]
    const isTerminal = terminals.has(said?.['type'])
    if (isOurWarmUp(story, said)) {
      if (!isTerminal) return
      story.terminals++
      return this.recordPrecedesTheEnd(story)
    }
    if (due !== undefined && progress.of !== null && isSame(story, progress.of, { due, frame, said })) {
      this.#verdicts.check('answerHoldsOneAttempt', true, story, () => '')
      if (progress.at === 0 && said?.['type'] !== 'error') this.openPrecedesOutput(story)
      progress.at++
      story.outputBytes += frame.length
      if (!isTerminal) return
      story.terminals++
      if (said?.['type'] !== 'error' && said?.['type'] !== 'response.failed') this.recordPrecedesTheEnd(story)
      return
    }
    if (progress.at === 0 && progress.of !== null && tellsTurnState(progress.of, said)) return
    const isOurs = said?.['type'] === 'error' && typeof said['status'] === 'number'
    if (isOurs) {
      story.ours++
      return
    }
    this.#verdicts.check(
      'answerHoldsOneAttempt',
      false,
      story,
      () => `the client was told ${frame.toString('utf8', 0, 300)}\n  where the upstream said ${due?.toString('utf8', 0, 300)}`,
    )
  }

  /** A client that takes nothing is told no more output, but the end of what it asked. */
  aFullClientIsLeftInPeace(story: LaneStory, said: JsonObject | null): void {
    this.#verdicts.check(
      'heldFramesAreBounded',
      !story.isHeld || terminals.has(said?.['type']),
      story,
      () => `output for a client that takes nothing: ${JSON.stringify(said).slice(0, 200)}`,
    )
  }

  openPrecedesOutput(story: LaneStory): void {
    this.#verdicts.check(
      'openPrecedesOutput',
      story.isOpenCommitted || story.calls.at(-1)?.status !== 200,
      story,
      () => 'output before the turn was on the books',
    )
  }

  /** Invariant 12. */
  recordPrecedesTheEnd(story: LaneStory): void {
    this.#verdicts.check('recordPrecedesTheEnd', story.isSettleCommitted, story, () => 'the end was told before the record was committed')
  }

  #of(story: LaneStory): Progress {
    let progress = this.#progress.get(story)
    if (progress === undefined) this.#progress.set(story, (progress = { of: null, at: 0 }))
    if (progress.at === 0) progress.of = story.last
    return progress
  }

  #eventsOf(call: UpstreamCall): readonly Buffer[] {
    if (call.over === 'websocket') return call.frames
    const known = this.#events.get(call)
    if (known?.of === call.said) return known.events
    const events = call.isStream ? eventsIn(call.said) : []
    this.#events.set(call, { of: call.said, events })
    return events
  }
}

const isAside = (said: JsonObject | null) => said?.['type'] === 'session.updated' || said?.['type'] === 'acknowledged'
const keepAlive = Buffer.from('{"type":"keepalive"}')
export const isKeepAlive = (frame: Buffer): boolean => frame.equals(keepAlive)
const dataHead = 'data: '

/** The data of each event of a stream. */
function eventsIn(said: Buffer): readonly Buffer[] {
  const text = said.toString('utf8')
  return text.split('\n\n').flatMap((event) => {
    const at = event.indexOf(dataHead)
    return at === -1 ? [] : [Buffer.from(event.slice(at + dataHead.length))]
  })
}

interface Compared {
  readonly due: Buffer
  readonly frame: Buffer
  readonly said: JsonObject | null
}

function isSame(story: LaneStory, call: UpstreamCall, { due, frame, said }: Compared): boolean {
  const asked: string = story.ask.turn.model
  const isRenamed = mappedName(call.seat.account.mapping, asked) !== asked
  if (due.equals(frame) && !isRenamed) return true
  const expected = parsed(due.toString('utf8'))
  // What cannot be read may get its lane at most.
  if (expected === null || said === null) return frame.toString('utf8').replace(/"stream_id":"[^"]*",/, '') === due.toString('utf8')
  return plain(expected, story, call, isRenamed ? asked : null) === plain(said, story, call, null)
}

/** Where nothing is to be generated, and no WebSocket is there to be told, the gateway answers itself, under an id that is the turn's. */
function isOurWarmUp({ isWarmUp, ask }: LaneStory, said: JsonObject | null): boolean {
  const id = (said?.['response'] as JsonObject | undefined)?.['id']
  return isWarmUp && id === `resp_${ask.id.replaceAll('-', '')}`
}

/** Over HTTP Codex's routing token comes in a header; in a session an event tells it. */
function tellsTurnState({ over, account }: UpstreamCall, said: JsonObject | null): boolean {
  const state = (said?.['headers'] as JsonObject | undefined)?.['x-codex-turn-state']
  return over === 'http' && said?.['type'] === 'response.metadata' && (state === `state-of-${account}` || state === 'sticky-simulated-state')
}

/** An event without its lane, the model restored where it was renamed. */
function plain(event: JsonObject, _story: LaneStory, call: UpstreamCall, model: string | null): string {
  const { stream_id: _, status, ...rest } = event
  const isError = rest['type'] === 'error'
  const response = rest['response']
  if (typeof response !== 'object' || response === null) return JSON.stringify(isError ? sorted(rest) : rest)
  const said: Record<string, unknown> = { ...response }
  if (model !== null && 'model' in said) said['model'] = model
  if (call.faults.includes('empty-output')) delete said['output']
  return JSON.stringify({ ...rest, response: said, ...(status === undefined ? {} : { status }) })
}

function sorted(event: JsonObject): JsonObject {
  const error = event['error']
  const code = typeof error === 'object' && error !== null ? (error as JsonObject)['code'] : event['code']
  return { type: event['type'], code: code ?? null }
}
