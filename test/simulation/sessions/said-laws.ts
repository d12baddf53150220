import type { AccountId, ResponseId } from '../../../src/core/ids.ts'
import { itemsOf } from '../../../src/simulator/dialogue.ts'
import { expectedBody, mappedName, referencesIn, sealedContent } from '../oracle.ts'
import { SendingLaws } from '../sending.ts'
import { parsed, type JsonObject, type UpstreamCall } from '../story.ts'
import type { Truth } from '../truth.ts'
import type { Verdicts } from '../verdicts.ts'
import { essence, itemsIn, type Dialogues } from './dialogues.ts'
import type { LaneStory } from './lane-story.ts'
import type { SimulatedSession } from './simulated-session.ts'

/** What a session's turns may send to upstreams. Each law is a function of its name; those of any turn are asked too. */
export class SaidLaws {
  readonly #verdicts: Verdicts
  readonly #truth: Truth
  readonly #dialogues: Dialogues
  readonly #any: SendingLaws

  constructor(verdicts: Verdicts, truth: Truth, dialogues: Dialogues) {
    this.#verdicts = verdicts
    this.#truth = truth
    this.#dialogues = dialogues
    this.#any = new SendingLaws(verdicts, truth)
  }

  /** Before anything of it is on its way. */
  sending(story: LaneStory, sent: UpstreamCall, nowMs: number): void {
    const any = this.#any
    any.accountsAreThoseOfTheKey(story, sent)
    any.keysAreApart(story, sent)
    any.blockedAttemptSendsNothing(story, sent)
    any.foreignSealsStayBehind(story, sent)
    any.nothingIsSentAfterTheCommitPoint(story, sent)
    any.attemptsAreBounded(story, sent, nowMs)
    any.ambiguousIsTriedOnceMore(story, sent)
    any.concurrencyIsKept(story, sent)
    any.statedResetIsKept(story, sent, nowMs)
    any.turnStateGoesOnlyToItsMaker(story, sent)
    this.turnStateInFramesGoesOnlyToItsMaker(story, sent)
    this.continuationGoesOnlyToItsOwner(story, sent)
    this.framesSayWhatWasAsked(story, sent)
    if (sent.over === 'http') this.upstreamReceivesOnlyMappedModels(story, sent, sent.fields['model'])
  }

  closed(sent: UpstreamCall): void {
    this.#any.closed(sent)
  }

  /** Invariant 1. `model`: what the service takes the question to be for, whether the frame named it or not. */
  upstreamReceivesOnlyMappedModels(story: LaneStory, sent: UpstreamCall, model: unknown): void {
    const expected = mappedName(sent.seat.account.mapping, story.ask.turn.model)
    this.#verdicts.check('upstreamReceivesOnlyMappedModels', expected !== null && model === expected, story, () => {
      return `account ${sent.account} takes the question to be for ${JSON.stringify(model)}; its mapping yields ${JSON.stringify(expected)} for ${story.ask.turn.model}: ${sent.text.slice(0, 200)}`
    })
  }

  /** Invariant 1, for what is no turn. */
  updatesNameOnlyMappedModels(session: SimulatedSession, account: AccountId, text: string): void {
    const said = parsed(text)
    if (said?.['type'] !== 'session.update') {
      this.#verdicts.check('unknownFramesPassAsTheyAre', session.said.has(text), null, () => `${account} was sent ${text}, which the client did not say`)
      return
    }
    const update = said['session'] as JsonObject | undefined
    const model = update?.['model']
    const mapping = this.#truth.landscape.seats.get(account)?.account.mapping
    const isTheirs = mapping !== undefined && [...session.updates].some((name) => mappedName(mapping, name) === model)
    this.#verdicts.check('updatesNameOnlyMappedModels', model === undefined || isTheirs, null, () => `session ${session.number}: ${account} was sent ${text}`)
  }

  /** Invariant 2: what a frame still names was given by the account that it goes to. */
  continuationGoesOnlyToItsOwner(story: LaneStory, sent: UpstreamCall): void {
    for (const id of referencesIn(sent.fields)) {
      const owner = this.#truth.issued.get(id)?.account ?? null
      this.#verdicts.check(
        'continuationGoesOnlyToItsOwner',
        owner === sent.account,
        story,
        () => `${id} belongs to ${owner ?? 'nobody'} and was sent to ${sent.account}`,
      )
    }
  }

  /** An answer that no upstream keeps is known on one socket only, so what names it is bound to that one. @param bound the answer that it may only be said with */
  whatNobodyKeepsIsSaidWhereItIsKnown(story: LaneStory, { fields, text }: UpstreamCall, bound: ResponseId | null): void {
    const named = fields['previous_response_id'] ?? null
    const node = typeof named === 'string' ? (story.ask.session?.transcript.find(named as ResponseId) ?? null) : null
    const isOnlyThere = node !== null && !node.stored
    this.#verdicts.check('whatNobodyKeepsIsSaidWhereItIsKnown', isOnlyThere ? bound === named : bound === null || bound === named, story, () => {
      return `a frame is bound to ${bound ?? 'nothing'}: ${text.slice(0, 200)}`
    })
  }

  turnStateInFramesGoesOnlyToItsMaker(story: LaneStory, { fields, account }: UpstreamCall): void {
    const metadata = fields['client_metadata'] as JsonObject | undefined
    const state = metadata?.['x-codex-turn-state']
    if (state !== undefined)
      this.#verdicts.check(
        'turnStateGoesOnlyToItsMaker',
        state === `state-of-${account}`,
        story,
        () => `${account} was sent ${JSON.stringify(state)} in a frame`,
      )
  }

  /** Case A7, in a session: beside the dialogue, the model, the tier and what one transport alone knows, a frame is what the client wrote. */
  framesSayWhatWasAsked(story: LaneStory, sent: UpstreamCall): void {
    if (story.asked === null) return
    const { fields: expected } = expectedBody(story, sent.seat, mappedName(sent.seat.account.mapping, story.ask.turn.model) ?? '', () => null)
    const isSame = essentials(expected, sent.over) === essentials(sent.fields, sent.over)
    this.#verdicts.check(
      'framesSayWhatWasAsked',
      isSame,
      story,
      () => `expected ${essentials(expected, sent.over)}\n  sent     ${essentials(sent.fields, sent.over)}`,
    )
    if (JSON.stringify(sent.fields) === JSON.stringify(story.fields) && sent.over === 'websocket') {
      this.#verdicts.check('framesSayWhatWasAsked', sent.text === story.original, story, () => `${story.original} became ${sent.text}`)
    }
  }

  /** Invariant 14: what the model has before it is what its client has said and heard, up to the answer that it named. */
  modelSeesTheDialogue(story: LaneStory, sent: UpstreamCall, steered: readonly JsonObject[] | null): void {
    if (sent.dialogue === null) return
    const before = story.previous === null ? [] : this.#dialogues.upTo(story.previous)
    const { account } = sent
    const sealer = (content: string): AccountId | null => this.#truth.seals.get(content) ?? null
    if (before === null) {
      this.#verdicts.check('modelSeesTheDialogue', false, story, () => `${account} went on from ${story.previous}, which no client was given`)
      return
    }
    const due = essence([...before, ...(steered ?? itemsIn(story.fields['input']))], account, sealer)
    const seen = essence(itemsOf(sent.dialogue), account, sealer)
    this.#verdicts.check('modelSeesTheDialogue', due === seen, story, () => `${account} over ${sent.over}\n  the client had ${due}\n  the model sees ${seen}`)
    this.itemsAreKeptTogether(story, sent, itemsOf(sent.dialogue))
  }

  /** An item that still has its id has the reasoning of its answer with it; what nobody else can read does not go along. */
  itemsAreKeptTogether(story: LaneStory, { account }: UpstreamCall, items: readonly JsonObject[]): void {
    for (const item of items) {
      const content = sealedContent(item)
      const sealer = content === null ? null : (this.#truth.seals.get(content) ?? null)
      this.#verdicts.check('foreignSealsStayBehind', sealer === null || sealer === account, story, () => `${account} sees what ${sealer ?? ''} sealed`)
    }
  }
}

const dialogueMembers: ReadonlySet<string> = new Set(['input', 'previous_response_id', 'model', 'client_metadata'])
const frameMembers: ReadonlySet<string> = new Set(['type', 'stream_id', 'generate', 'event_id'])

function essentials(fields: JsonObject, over: UpstreamCall['over']): string {
  const kept = Object.entries(fields).filter(([name]) => !dialogueMembers.has(name) && name !== 'stream' && !(over === 'http' && frameMembers.has(name)))
  return JSON.stringify(Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
