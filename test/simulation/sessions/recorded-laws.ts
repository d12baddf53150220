import type { TurnSettled } from '../../../src/core/record.ts'
import { normalTier } from '../oracle.ts'
import { parsed, terminalIn, type JsonObject } from '../story.ts'
import type { Verdicts } from '../verdicts.ts'
import type { LaneStory } from './lane-story.ts'

/** What the books must say of a session's turns. Each law is a function of its name. */
export class RecordedLaws {
  readonly #verdicts: Verdicts

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  /** @param isHeard whether the client is still there to be told. */
  ended(story: LaneStory, isHeard: boolean): void {
    this.turnLeavesOneRecord(story)
    this.everyTurnIsToldToItsClient(story, isHeard)
    if (story.record === null) return
    this.recordTellsEveryAttempt(story, story.record)
    this.billedIsWhatTheUpstreamSaid(story, story.record)
  }

  /** Invariant 4. A turn that was refused at the ledger's door leaves none. */
  turnLeavesOneRecord(story: LaneStory): void {
    const { opens, settles, record, outcome } = story
    const isTurnedAway = opens === 0 && settles === 0 && outcome === 'refused'
    const holds = isTurnedAway || (opens === 1 && settles === 1 && record?.outcome === outcome)
    this.#verdicts.check(
      'turnLeavesOneRecord',
      holds,
      story,
      () => `${opens} opens, ${settles} settles, outcome ${outcome ?? 'none'}, recorded ${record?.outcome ?? 'none'}`,
    )
  }

  /** Case E20: one end, and no less. */
  everyTurnIsToldToItsClient(story: LaneStory, isHeard: boolean): void {
    if (!isHeard || story.cancelledBy === 'client') return
    const ends = story.terminals + story.ours
    this.#verdicts.check('everyTurnIsToldToItsClient', ends === 1, story, () => `the turn is over (${story.outcome}), and its client was told ${ends} ends`)
  }

  /** Blocked attempts and one that was called off before anything was sent are recorded too. */
  recordTellsEveryAttempt(story: LaneStory, record: TurnSettled): void {
    const made = record.attempts.filter((one) => one.outcome !== 'refused' && !(story.isWarmUp && one.transport === 'http'))
    if (made.length > story.calls.length && made.at(-1)?.outcome === 'cancelled') made.pop()
    const told = made.map((one) => `${one.account} ${one.transport}`)
    const sent = story.calls.map((one) => `${one.account} ${one.over}`)
    // What an upstream has begun by itself came over a WebSocket, and nothing was asked.
    const isTold = story.asked === null ? told.length === sent.length : told.join() === sent.join()
    this.#verdicts.check('recordTellsEveryAttempt', isTold, story, () => `recorded ${told.join(', ')}; sent ${sent.join(', ')}`)
  }

  /** Invariant 5, and design, sentence 6: unknown is never zero. */
  billedIsWhatTheUpstreamSaid(story: LaneStory, record: TurnSettled): void {
    const { last } = story
    if (
      last === null ||
      (story.isWarmUp && record.attempts.at(-1)?.transport === 'http') ||
      story.terminals !== 1 ||
      record.outcome === 'failed' ||
      record.firstOutputMs === null
    )
      return
    const response = lastWord(story)
    if (response === null) return
    const sent = last.fields['service_tier']
    const served = typeof response['service_tier'] === 'string' ? response['service_tier'] : typeof sent === 'string' ? sent : null
    const billed = served === null ? null : normalTier(served)
    this.#verdicts.check(
      'tierBilledIsTierServed',
      story.asked === null || record.tier.billed === billed,
      story,
      () => `billed ${record.tier.billed}, served ${served}`,
    )
    if (story.calls.length > 1) return
    const usage = response['usage'] as JsonObject | null | undefined
    const tokens = usage?.['input_tokens']
    const isSaid = typeof tokens === 'number' && (usage?.['output_tokens'] as number) >= 0
    const holds = isSaid ? record.usage?.inputTokens === tokens && record.usage.outputTokens === usage?.['output_tokens'] : record.usage === null
    this.#verdicts.check('usageIsWhatTheUpstreamSaid', holds, story, () => `recorded ${JSON.stringify(record.usage)}, said ${JSON.stringify(usage)}`)
  }

  /** Invariant 7, and the same for timers: some seconds after its end a turn holds nothing. */
  nothingIsLeftBehind(story: LaneStory): void {
    this.#verdicts.check('everyLeaseIsReturned', story.leasesOut === 0, story, () => `${story.leasesOut} leases were not returned`)
    this.#verdicts.check('noTimerIsLeft', story.timersSet === 0, story, () => `${story.timersSet} timers are still set`)
    this.#verdicts.check(
      'everyRecordIsCommitted',
      story.settles === 0 || story.isSettleCommitted || story.isStuck,
      story,
      () => 'the record never reached the disk',
    )
  }
}

/** The response that the upstream's last event tells. */
function lastWord({ last }: LaneStory): JsonObject | null {
  if (last === null) return null
  const text = last.over === 'websocket' ? last.lastFrame?.toString('utf8') : dataOf(last.said.toString('utf8'))
  return text === undefined ? null : ((parsed(text)?.['response'] as JsonObject | undefined) ?? null)
}

function dataOf(text: string): string | undefined {
  const found = terminalIn(text)
  if (found?.isWhole !== true) return undefined
  const data = text.indexOf('data: ', found.at) + 'data: '.length
  return text.slice(data, text.indexOf('\n\n', found.at))
}
