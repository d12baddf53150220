import type { TurnSettled } from '../../src/core/record.ts'
import type { Usage } from '../../src/core/usage.ts'
import type { SimulatedClient } from './client.ts'
import { secretMark } from './landscape.ts'
import { normalTier } from './oracle.ts'
import { isFinal, parsed, terminalIn, type Story } from './story.ts'
import type { Verdicts } from './verdicts.ts'

/** What the books must say, and what a turn may leave behind. Each law is a function of its name. */
export class KeepingLaws {
  readonly #verdicts: Verdicts

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  /** At the end of every turn. */
  ended(story: Story, client: SimulatedClient): void {
    this.turnLeavesOneRecord(story, client)
    const { record } = story
    if (record !== null) {
      this.recordTellsEveryAttempt(story, record)
      this.tierBilledIsTierServed(story, record)
      this.usageIsWhatTheUpstreamSaid(story, record)
    }
    this.everyClientIsAnswered(story, client)
    this.credentialTroubleIsOurs(story, client)
  }

  /** Invariant 4. A turn that was refused at the ledger's door leaves none. */
  turnLeavesOneRecord(story: Story, client: SimulatedClient): void {
    const { opens, settles, record, outcome } = story
    const isTurnedAway = opens === 0 && settles === 0 && outcome === 'refused' && (client.state === 'gone' || client.status === 503)
    const holds = isTurnedAway || (opens === 1 && settles === 1 && record?.outcome === outcome)
    this.#verdicts.check(
      'turnLeavesOneRecord',
      holds,
      story,
      () => `${opens} opens, ${settles} settles, outcome ${outcome ?? 'none'}, recorded ${record?.outcome ?? 'none'}`,
    )
  }

  /** Blocked attempts and one that was called off before anything was sent are recorded too. */
  recordTellsEveryAttempt(story: Story, record: TurnSettled): void {
    const made = record.attempts.filter((one) => one.outcome !== 'refused')
    if (made.length > story.calls.length && made.at(-1)?.outcome === 'cancelled') made.pop()
    const told = made.map((one) => `${one.account} ${one.upstreamModel}`)
    const sent = story.calls.map((one) => `${one.account} ${String(one.fields['model'])}`)
    this.#verdicts.check('recordTellsEveryAttempt', told.join() === sent.join(), story, () => `recorded ${told.join(', ')}; sent ${sent.join(', ')}`)
  }

  /** Invariant 5: what the answer said was served; where it did not say, what was sent. */
  tierBilledIsTierServed(story: Story, record: TurnSettled): void {
    const isSent = record.attempts.filter((one) => one.outcome !== 'refused').length === story.calls.length
    const sent = isSent ? story.last?.fields['service_tier'] : record.tier.sent
    const word = lastWord(story)
    const served = word === null ? null : lastIn(word, '"service_tier":')
    const due = served ?? (typeof sent === 'string' ? sent : null)
    const billed = due === null ? null : normalTier(due)
    this.#verdicts.check(
      'tierBilledIsTierServed',
      record.tier.billed === billed,
      story,
      () => `billed ${record.tier.billed}, served ${served}, sent ${JSON.stringify(sent)}`,
    )
  }

  /** Design, sentence 6: we bill what was served. Unknown is never zero. */
  usageIsWhatTheUpstreamSaid(story: Story, record: TurnSettled): void {
    const word = lastWord(story)
    if (word === null || story.calls.length > 1 || story.ask.turn.endpoint === 'input_tokens') return
    const said = usageIn(word)
    const { usage } = record
    const holds =
      said === null
        ? usage === null
        : usage !== null && usage.inputTokens === said.inputTokens && usage.outputTokens === said.outputTokens && usage.cachedTokens === said.cachedTokens
    this.#verdicts.check('usageIsWhatTheUpstreamSaid', holds, story, () => `recorded ${JSON.stringify(usage)}, said ${JSON.stringify(said)}`)
  }

  everyClientIsAnswered(story: Story, client: SimulatedClient): void {
    this.#verdicts.check('everyClientIsAnswered', client.state !== 'open', story, () => `the turn is over (${story.outcome}), and its client still waits`)
    const turn = client.header('x-turnout-turn')
    if (client.status !== null) this.#verdicts.check('everyClientIsAnswered', turn === story.ask.id, story, () => `the head names turn ${turn}`)
    const attempts = client.header('x-turnout-attempts')
    const made = story.record?.attempts.length ?? 0
    if (attempts !== null)
      this.#verdicts.check('everyClientIsAnswered', Number(attempts) === made, story, () => `the head counts ${attempts} attempts of ${made}`)
  }

  /** Design 11: what an upstream holds against our account is never told as the client's own trouble. */
  credentialTroubleIsOurs(story: Story, client: SimulatedClient): void {
    const { status } = client
    const isTheirs =
      status === 401 || status === 402 || (status === 403 && story.record?.code !== 'policy_violation' && story.record?.code !== 'model_not_allowed')
    const forbidding = new Set(story.calls.filter((one) => one.status === 403).map((one) => one.account))
    this.#verdicts.check(
      'credentialTroubleIsOurs',
      !isTheirs || (status === 403 && forbidding.size > 1),
      story,
      () => `the client was told ${status} by ${[...forbidding].join(' and ')}`,
    )
  }

  /** Invariant 10. */
  noSecretIsLogged(story: Story | null, text: string): void {
    this.#verdicts.check('noSecretIsLogged', !text.includes(secretMark), story, () => text)
  }

  /** Invariant 6: once a turn was called off, it changes no health. */
  cancelledTurnChangesNoHealth(story: Story, how: string): void {
    this.#verdicts.check(
      'cancelledTurnChangesNoHealth',
      story.cancelledBy === null,
      story,
      () => `${how} after the turn was called off by ${story.cancelledBy}`,
    )
  }

  /** Invariant 7, and the same for timers: some seconds after its end a turn holds nothing. */
  nothingIsLeftBehind(story: Story): void {
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

/** What the last attempt said at its end, where the gateway has read that and has given output before it; else null. */
function lastWord(story: Story): string | null {
  const { last, record } = story
  if (last === null || last.status === null || last.status < 200 || last.status >= 300 || !isFinal(last)) return null
  if (record === null || record.firstOutputMs === null) return null
  // An event beyond the bound ends the reading before the end.
  if (last.isStream && last.faults.includes('giant') && last.said.length > story.landscape.settings.bounds.frameBytes) return null
  const text = last.said.toString('utf8')
  return last.isStream ? text.slice(terminalIn(text)?.at ?? text.length) : text
}

/** The last string that follows these words. */
function lastIn(text: string, words: string): string | null {
  const at = text.lastIndexOf(words)
  if (at === -1) return null
  const found = /^"((?:[^"\\]|\\.)*)"/.exec(text.slice(at + words.length))
  return found === null ? null : (JSON.parse(found[0]) as string)
}

function usageIn(text: string): Pick<Usage, 'inputTokens' | 'outputTokens' | 'cachedTokens'> | null {
  const at = text.lastIndexOf('"usage":')
  const end = text.indexOf(',"service_tier"', at)
  const usage = at === -1 || end === -1 ? null : parsed(text.slice(at + 8, end))
  const details = usage?.['input_tokens_details']
  const cached = typeof details === 'object' && details !== null && 'cached_tokens' in details ? details.cached_tokens : 0
  const [input, output] = [usage?.['input_tokens'], usage?.['output_tokens']]
  if (typeof input !== 'number' || typeof output !== 'number' || output < 0) return null
  return { inputTokens: input, outputTokens: output, cachedTokens: Number(cached) }
}
