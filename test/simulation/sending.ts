import { keptMs } from '../../src/core/health.ts'
import { expectedBody, leavesTrace, mappedName, mayUse, referencesIn, sealedContent, tierVerdict } from './oracle.ts'
import { isFinal, type JsonObject, type Story, type UpstreamCall } from './story.ts'
import type { Truth } from './truth.ts'
import type { Verdicts } from './verdicts.ts'

/** What may be sent to an upstream. Each law is a function of its name; all are asked before any byte is on its way. */
export class SendingLaws {
  readonly #verdicts: Verdicts
  readonly #truth: Truth

  constructor(verdicts: Verdicts, truth: Truth) {
    this.#verdicts = verdicts
    this.#truth = truth
  }

  check(story: Story, sent: UpstreamCall, nowMs: number): void {
    this.upstreamReceivesOnlyMappedModels(story, sent)
    this.accountsAreThoseOfTheKey(story, sent)
    this.continuationGoesOnlyToItsOwner(story, sent)
    this.keysAreApart(story, sent)
    this.blockedAttemptSendsNothing(story, sent)
    this.foreignSealsStayBehind(story, sent)
    this.bytesDependOnBodyAccountAndPlan(story, sent)
    this.nothingIsSentAfterTheCommitPoint(story, sent)
    this.attemptsAreBounded(story, sent, nowMs)
    this.ambiguousIsTriedOnceMore(story, sent)
    this.failoversAreWithinBudget(story, sent)
    this.concurrencyIsKept(story, sent)
    this.statedResetIsKept(story, sent, nowMs)
    this.turnStateGoesOnlyToItsMaker(story, sent)
  }

  /** Invariant 1, by the mapping that the account has at the moment of the lease. */
  upstreamReceivesOnlyMappedModels(story: Story, sent: UpstreamCall): void {
    const expected = mappedName(sent.seat.account.mapping, story.ask.turn.model)
    const model = sent.fields['model']
    this.#verdicts.check('upstreamReceivesOnlyMappedModels', expected !== null && model === expected, story, () => {
      return `account ${sent.account} was sent the model ${JSON.stringify(model)}; its mapping yields ${JSON.stringify(expected)}`
    })
  }

  accountsAreThoseOfTheKey(story: Story, sent: UpstreamCall): void {
    const { landscapes, landscape } = this.#truth
    const isThere = landscape.seats.get(sent.account)?.account.generation === sent.call.account.generation
    const since = landscapes.slice(story.landscape.version)
    this.#verdicts.check('accountsAreThoseOfTheKey', isThere && since.some((one) => mayUse(one, story, sent.account)), story, () => {
      return `key ${story.ask.caller.key} was served by ${sent.account}, which ${isThere ? 'is in none of its pools' : 'is no longer configured so'}`
    })
  }

  /** Invariant 2. */
  continuationGoesOnlyToItsOwner(story: Story, sent: UpstreamCall): void {
    for (const id of referencesIn(story.fields)) {
      const owner = this.#truth.issued.get(id)?.account ?? null
      this.#verdicts.check(
        'continuationGoesOnlyToItsOwner',
        owner === sent.account,
        story,
        () => `${id} belongs to ${owner ?? 'nobody'} and was sent to ${sent.account}`,
      )
    }
  }

  /** Invariant 13. */
  keysAreApart(story: Story, sent: UpstreamCall): void {
    for (const id of referencesIn(sent.fields)) {
      const key = this.#truth.issued.get(id)?.key ?? null
      this.#verdicts.check(
        'keysAreApart',
        key === story.ask.caller.key,
        story,
        () => `${id} was given to ${key ?? 'nobody'} and was used by ${story.ask.caller.key}`,
      )
    }
  }

  /** Invariant 11. */
  blockedAttemptSendsNothing(story: Story, sent: UpstreamCall): void {
    const model = mappedName(sent.seat.account.mapping, story.ask.turn.model) ?? ''
    const verdict = tierVerdict(story.landscape.settings.rules, sent.seat, model, story.fields['service_tier'])
    this.#verdicts.check('blockedAttemptSendsNothing', verdict.kind !== 'blocked', story, () => {
      return `the rules block the tier ${JSON.stringify(story.fields['service_tier'])} for ${model} on ${sent.account}`
    })
  }

  foreignSealsStayBehind(story: Story, sent: UpstreamCall): void {
    const { input } = sent.fields
    if (!Array.isArray(input)) return
    for (const item of input as readonly JsonObject[]) {
      const content = sealedContent(item)
      const sealer = content === null ? null : (this.#truth.seals.get(content) ?? null)
      this.#verdicts.check(
        'foreignSealsStayBehind',
        sealer === null || sealer === sent.account,
        story,
        () => `${sent.account} was sent what ${sealer ?? ''} sealed`,
      )
    }
  }

  /** Case A7: f(original body, account, plan) and nothing else. Without an edit the very bytes go out. */
  bytesDependOnBodyAccountAndPlan(story: Story, sent: UpstreamCall): void {
    const { seals } = this.#truth
    const model = String(sent.fields['model'])
    const expected = expectedBody(story, sent.seat, model, (content) => seals.get(content) ?? null)
    const { original } = story
    const holds = expected.isEdited ? JSON.stringify(sent.fields) === JSON.stringify(expected.fields) : sent.text === original
    this.#verdicts.check('bytesDependOnBodyAccountAndPlan', holds, story, () => {
      return `the client wrote ${original}\n  expected ${expected.isEdited ? JSON.stringify(expected.fields) : 'the same bytes'}\n  sent     ${sent.text}`
    })
    const twin = story.calls.find((one) => one !== sent && one.account === sent.account && JSON.stringify(one.fields) === JSON.stringify(sent.fields))
    if (twin !== undefined) this.#verdicts.check('bytesDependOnBodyAccountAndPlan', twin.text === sent.text, story, () => `${twin.text} became ${sent.text}`)
  }

  nothingIsSentAfterTheCommitPoint(story: Story, _sent: UpstreamCall): void {
    this.#verdicts.check(
      'nothingIsSentAfterTheCommitPoint',
      story.outputBytes === 0,
      story,
      () => `${story.outputBytes} bytes of output had been given already`,
    )
  }

  /** Invariant 8. */
  attemptsAreBounded(story: Story, sent: UpstreamCall, nowMs: number): void {
    const { failover, times } = story.landscape.settings
    const accounts = new Set(story.calls.map((one) => one.account))
    const lateMs = nowMs - story.ask.receivedAtMs - times.lastAttemptMs
    const tooMany = story.calls.length > failover.accountsPerTurn + 4 || accounts.size > failover.accountsPerTurn
    this.#verdicts.check('attemptsAreBounded', !tooMany, story, () => `attempt ${story.calls.length}, account ${accounts.size} of ${failover.accountsPerTurn}`)
    this.#verdicts.check('attemptsAreBounded', lateMs <= 0, story, () => `an attempt at ${sent.account} began ${lateMs} ms too late`)
    this.#verdicts.check('attemptsAreBounded', story.leasesOut > 0, story, () => 'an attempt without a lease')
    this.#verdicts.check(
      'attemptsAreBounded',
      story.calls.every((one) => one === sent || one.state === 'over'),
      story,
      () => 'two attempts at once',
    )
  }

  /** What may have been served is tried once more at most, and never where it could leave something behind twice. */
  ambiguousIsTriedOnceMore(story: Story, sent: UpstreamCall): void {
    if (story.calls.length === 1) return
    // A handshake that was refused has carried nothing of the question.
    const before = story.calls.filter((one) => one !== sent && (one.over === 'http' || (one.status ?? 200) < 300))
    const first = before.findIndex((one) => one.ended !== 'unsent' && !isFinal(one))
    if (first === -1) return
    this.#verdicts.check('ambiguousIsTriedOnceMore', before.length === first + 1 && !leavesTrace(story.fields), story, () => {
      return `attempt ${first + 1} may have been served${leavesTrace(story.fields) ? ' and leaves a trace' : ''}; this is attempt ${story.calls.length}`
    })
    const isLateWhole = before.some((one) => one.ended === 'silent' && !story.ask.turn.stream)
    this.#verdicts.check('ambiguousIsTriedOnceMore', !isLateWhole, story, () => 'a whole answer that took too long was asked for again')
  }

  /** The pool's window is checked where the budget grants; here, that nobody goes on without a grant. */
  failoversAreWithinBudget(story: Story, sent: UpstreamCall): void {
    const before = story.calls.at(-2)
    if (before === undefined || before === sent) return
    if (isBlamedOnUpstream(before))
      this.#verdicts.check('failoversAreWithinBudget', story.grants > 0, story, () => `attempt ${story.calls.length} was not granted`)
    story.grants = 0
  }

  /** Case F8: an upstream never sees more at once than its account allows. */
  concurrencyIsKept(story: Story, sent: UpstreamCall): void {
    sent.place = `${sent.account} ${sent.seat.incarnation} ${this.#truth.life}`
    const known = this.#truth.busy.get(sent.place)
    const busy = known ?? new Set<UpstreamCall>()
    if (known === undefined) this.#truth.busy.set(sent.place, busy)
    busy.add(sent)
    const { concurrency } = sent.seat.account
    this.#verdicts.check('concurrencyIsKept', busy.size <= concurrency, story, () => {
      const others = [...busy].map((one) => `sent at ${one.sentAtMs}, ${one.state}, ended ${one.ended}${one.call.signal.aborted ? ', called off' : ''}`)
      return `${sent.account} is busy with ${busy.size} requests, and ${concurrency} are allowed: ${others.join('; ')}`
    })
  }

  closed(sent: UpstreamCall): void {
    this.#truth.busy.get(sent.place)?.delete(sent)
  }

  statedResetIsKept(story: Story, sent: UpstreamCall, nowMs: number): void {
    const rest = this.#truth.rests.get(sent.account)
    if (rest?.of !== this.#truth.restIdentity(sent.seat)) return
    this.#verdicts.check('statedResetIsKept', nowMs >= rest.untilMs, story, () => {
      return `${sent.account} said that it rests for ${rest.untilMs - rest.sinceMs} ms, and ${rest.untilMs - nowMs} ms are left (kept over a restart above ${keptMs} ms)`
    })
  }

  turnStateGoesOnlyToItsMaker(story: Story, { call, account }: UpstreamCall): void {
    const state = call.clientHeaders['x-codex-turn-state']
    if (state === undefined || call.omit.includes('x-codex-turn-state')) return
    this.#verdicts.check('turnStateGoesOnlyToItsMaker', state === `state-of-${account}`, story, () => `${account} was sent ${String(state)}`)
  }
}

function isBlamedOnUpstream(call: UpstreamCall): boolean {
  if (call.ended === 'unsent' || call.ended === 'reset' || call.ended === 'silent') return true
  const status = call.status ?? 0
  return status >= 500 || (status >= 200 && status < 300 && !isFinal(call))
}
