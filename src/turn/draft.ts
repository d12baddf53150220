import { charge, type Bill, type Used } from '../core/charge.ts'
import { guessedInput } from '../core/guess.ts'
import type { AccountId } from '../core/ids.ts'
import type { AttemptRecord, Outcome, TierRecord, TurnOpened, TurnSettled } from '../core/record.ts'
import { bookedTier } from '../core/tier.ts'
import type { Usage } from '../core/usage.ts'
import type { Ask } from './world.ts'

/** What became of the attempt that answered, for the books. */
export interface Answered {
  readonly outcome: Outcome
  readonly code: string | null
  readonly usage: Usage | null
  readonly tierServed: string | null
  readonly owned: TurnSettled['owned']
}

/** What the upstream of an attempt said of its use. */
export interface Told {
  readonly usage: Usage | null
  readonly tierServed: string | null
  /** Tokens that it may have written, where it told no usage. Null: then it has nothing to bill. */
  readonly guessedOutput: number | null
}

/** The record of a turn while it is being written: one per turn, settled once. */
export class Draft {
  readonly opened: TurnOpened
  readonly #attempts: AttemptRecord[] = []
  readonly #bills: Bill[] = []
  #tierSent: string | null = null
  #saidBytes = 0
  #firstOutputAtMs: number | null = null
  #waitedMs = 0
  #upstreamAnsweredAtMs = 0

  constructor(ask: Ask, startedAtMs: number) {
    const { tier, endpoint, model } = ask.turn
    const tierRequested = tier.kind === 'known' || tier.kind === 'unknown' ? tier.raw : null
    this.opened = { id: ask.id, key: ask.caller.key, endpoint, transport: ask.session === null ? 'http' : 'websocket', model, startedAtMs, tierRequested }
  }

  sending(tierSent: string | null): void {
    this.#tierSent = tierSent
    this.#saidBytes = 0
  }

  /** This much of a question was handed over to the upstream of the attempt. */
  said(bytes: number): void {
    this.#saidBytes = bytes
  }

  /** What the attempt has used, by what its upstream told, or might have. */
  used({ usage, tierServed, guessedOutput }: Told): Used {
    const tier = tierServed ?? this.#tierSent
    if (usage !== null) return { kind: 'known', usage, tier }
    const inputTokens = guessedInput(this.#saidBytes)
    if (guessedOutput === null || inputTokens + guessedOutput === 0) return { kind: 'nothing' }
    return { kind: 'guessed', inputTokens, outputTokens: guessedOutput, tier }
  }

  /** Time in which the turn could do nothing but wait: for an account, or before trying again. */
  waited(ms: number): void {
    this.#waitedMs += ms
  }

  /** The upstream has given its first output, or its whole answer. */
  upstreamAnswered(atMs: number): void {
    this.#upstreamAnsweredAtMs = atMs
  }

  /** What the gateway itself added up to the first output: not its waits, and not the time of any upstream. Null: no output was given. */
  overheadMs(receivedAtMs: number): number | null {
    const last = this.#attempts.at(-1)
    if (this.#firstOutputAtMs === null || last === undefined) return null
    const failedMs = this.#attempts.slice(0, -1).reduce((sum, attempt) => sum + attempt.durationMs, 0)
    const upstreamMs = this.#upstreamAnsweredAtMs - last.startedAtMs
    return Math.max(0, this.#firstOutputAtMs - receivedAtMs - this.#waitedMs - failedMs - upstreamMs)
  }

  firstOutput(atMs: number): void {
    this.#firstOutputAtMs ??= atMs
  }

  /** Milliseconds from the beginning of an attempt to the first output, if that is the attempt that gave it. */
  firstOutputAfter(startedAtMs: number): number | null {
    return this.#firstOutputAtMs === null ? null : this.#firstOutputAtMs - startedAtMs
  }

  attempted(attempt: AttemptRecord, bill: Bill): void {
    this.#attempts.push(attempt)
    this.#bills.push(bill)
  }

  get attempts(): readonly AttemptRecord[] {
    return this.#attempts
  }

  settled(answered: Answered, nowMs: number): TurnSettled {
    const { startedAtMs } = this.opened
    return {
      opened: this.opened,
      outcome: answered.outcome,
      code: answered.code,
      firstOutputMs: this.#firstOutputAtMs === null ? null : this.#firstOutputAtMs - startedAtMs,
      durationMs: nowMs - startedAtMs,
      tier: this.#tier(answered.tierServed),
      usage: this.#usage(answered.usage),
      charge: charge(this.#bills),
      attempts: this.#attempts,
      owned: answered.owned,
    }
  }

  /** Billed is what was served; where the upstream did not say, what was sent. */
  #tier(served: string | null): TierRecord {
    return { requested: this.opened.tierRequested, sent: this.#tierSent, served, billed: bookedTier(served ?? this.#tierSent) }
  }

  /** What failed attempts are known to have used is part of the turn, if what the answer used is known too. */
  #usage(ofAnswer: Usage | null): Usage | null {
    if (ofAnswer === null) return null
    const failed = this.#attempts.slice(0, -1).flatMap((attempt) => (attempt.usage === null ? [] : [attempt.usage]))
    return failed.reduce(sum, ofAnswer)
  }
}

function sum(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    longCacheWriteTokens: a.longCacheWriteTokens + b.longCacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  }
}

/** What the upstream stored, so that it may be referred to: nothing, unless the turn was stored. */
export function ownedBy(ids: readonly (string | null)[], account: AccountId): TurnSettled['owned'] {
  const known = ids.filter((id) => id !== null)
  return known.length === 0 ? null : { ids: known, account }
}
