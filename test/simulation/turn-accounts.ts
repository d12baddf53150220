import type { Failure } from '../../src/core/failure.ts'
import type { AccountId, ClientModel, KeyId, PoolId } from '../../src/core/ids.ts'
import type { Candidate } from '../../src/core/route.ts'
import type { Window } from '../../src/core/windows.ts'
import type { Accounts, Lease, Renewal, Waited, WaitWish } from '../../src/ports/pool.ts'
import type { KeepingLaws } from './keeping.ts'
import type { Story } from './story.ts'
import type { Timeline } from './timeline.ts'
import type { Truth } from './truth.ts'
import type { Verdicts } from './verdicts.ts'

/** Turns that wait, by key, as they have asked for it themselves. */
export class Waiting {
  readonly #counts = new Map<KeyId, number>()
  readonly #before = new Map<KeyId, number>()
  #isChanged = false

  add(key: KeyId, by: 1 | -1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by)
    this.#isChanged = true
  }

  /** Invariant 8. A reload may lower the bound below what waits already; then it only does not grow. */
  look(verdicts: Verdicts, bound: number): void {
    if (!this.#isChanged) return
    this.#isChanged = false
    for (const [key, count] of this.#counts) {
      verdicts.check('waitsAreBounded', count <= Math.max(bound, this.#before.get(key) ?? 0), null, () => `${count} turns of ${key} wait, and ${bound} may`)
      this.#before.set(key, count)
    }
  }
}

/** What all turns of one process share. */
export interface AccountsWatch {
  readonly timeline: Timeline
  readonly truth: Truth
  readonly verdicts: Verdicts
  readonly keeping: KeepingLaws
  readonly waiting: Waiting
  /** When each pool was given a turn, and when it was granted a failover. */
  readonly budget: Map<PoolId, { turns: number[]; grants: number[] }>
}

/** The live accounts as one turn uses them, with every use looked at. */
export class TurnAccounts implements Accounts {
  readonly #inner: Accounts
  readonly #story: Story
  readonly #watch: AccountsWatch

  constructor(inner: Accounts, story: Story, watch: AccountsWatch) {
    this.#inner = inner
    this.#story = story
    this.#watch = watch
  }

  candidates(pools: readonly PoolId[], model: ClientModel): readonly Candidate[] {
    return this.#inner.candidates(pools, model)
  }

  async lease(candidate: Candidate): Promise<Lease | null> {
    const lease = await this.#inner.lease(candidate)
    return lease === null ? null : this.#counted(lease)
  }

  async wait(wish: WaitWish): Promise<Waited> {
    const { timeline, verdicts, waiting } = this.#watch
    const story = this.#story
    const { key } = story.ask.caller
    story.note(timeline.now(), 'waits', { forAccounts: wish.wants.map((want) => want.account.id), ms: wish.deadlineMs - timeline.now() })
    const { settings } = story.landscape
    const latestMs = Math.min(
      timeline.now() + Math.max(settings.times.slotWaitMs, settings.failover.patienceMs),
      story.ask.receivedAtMs + settings.times.lastAttemptMs,
    )
    verdicts.check('waitsAreBounded', wish.deadlineMs <= latestMs, story, () => `would wait ${wish.deadlineMs - latestMs} ms longer than it may`)
    waiting.add(key, 1)
    try {
      const waited = await this.#inner.wait(wish)
      verdicts.check('waitsAreBounded', timeline.now() <= wish.deadlineMs, story, () => `waited ${timeline.now() - wish.deadlineMs} ms beyond its deadline`)
      story.note(timeline.now(), 'waited', waited.kind)
      return waited.kind === 'leased' ? { kind: 'leased', lease: this.#counted(waited.lease) } : waited
    } finally {
      waiting.add(key, -1)
    }
  }

  refusedWebSocket(lease: Lease, status: number | null, atMs: number): void {
    this.#inner.refusedWebSocket(lease, status, atMs)
  }

  speaksWebSocket(account: AccountId): boolean {
    return this.#inner.speaksWebSocket(account)
  }

  proved(lease: Lease, startedAtMs: number): void {
    this.#watch.keeping.cancelledTurnChangesNoHealth(this.#story, 'proved')
    this.#inner.proved(lease, startedAtMs)
  }

  succeeded(lease: Lease, startedAtMs: number): void {
    this.#watch.keeping.cancelledTurnChangesNoHealth(this.#story, 'succeeded')
    this.#inner.succeeded(lease, startedAtMs)
  }

  failed(lease: Lease, failure: Failure, atMs: number): void {
    const { keeping, truth, timeline } = this.#watch
    const story = this.#story
    keeping.cancelledTurnChangesNoHealth(story, 'failed')
    story.note(timeline.now(), 'failed', { account: lease.account.id, kind: failure.kind, status: failure.status, code: failure.code })
    const seat = truth.landscape.seats.get(lease.account.id)
    if (failure.kind === 'quota' && failure.resetAtMs !== null && seat?.account.generation === lease.account.generation) {
      const of = truth.restIdentity(seat)
      const before = truth.rests.get(lease.account.id)
      const isLonger = before?.of !== of || before.untilMs < failure.resetAtMs
      if (isLonger) truth.rests.set(lease.account.id, { sinceMs: atMs, untilMs: failure.resetAtMs, of })
    }
    this.#inner.failed(lease, failure, atMs)
  }

  renew(lease: Lease, signal: AbortSignal): Promise<Renewal> {
    return this.#inner.renew(lease, signal)
  }

  metered(lease: Lease, windows: readonly Window[]): void {
    this.#inner.metered(lease, windows)
  }

  takeBack(account: AccountId, atMs: number): void {
    this.#watch.keeping.cancelledTurnChangesNoHealth(this.#story, 'taken back')
    this.#inner.takeBack(account, atMs)
  }

  countTurn(pool: PoolId): void {
    this.#window(pool).turns.push(this.#watch.timeline.now())
    this.#inner.countTurn(pool)
  }

  /** The pool's budget, counted a second time: the exact window of the grants is shorter than the pool's by its rounding. */
  mayFailOver(pool: PoolId, budgetPercent: number): boolean {
    const isGranted = this.#inner.mayFailOver(pool, budgetPercent)
    if (!isGranted) return false
    this.#story.grants++
    const { timeline, verdicts } = this.#watch
    const { turns, grants } = this.#window(pool)
    const nowMs = timeline.now()
    dropOlder(turns, nowMs - 60_000)
    dropOlder(grants, nowMs - 59_000)
    const most = (turns.length * budgetPercent) / 100 + 10
    verdicts.check(
      'failoversAreWithinBudget',
      grants.length < most,
      this.#story,
      () => `${grants.length} failovers of ${turns.length} turns in a minute, at ${budgetPercent} %`,
    )
    grants.push(nowMs)
    return true
  }

  #window(pool: PoolId): { turns: number[]; grants: number[] } {
    const known = this.#watch.budget.get(pool)
    if (known !== undefined) return known
    const window = { turns: [], grants: [] }
    this.#watch.budget.set(pool, window)
    return window
  }

  #counted(lease: Lease): Lease {
    this.#story.leasesOut++
    let isGiven = false
    const give = () => {
      if (!isGiven) this.#story.leasesOut--
      isGiven = true
      lease.give()
    }
    return { ...lease, give }
  }
}

function dropOlder(times: number[], atMs: number): void {
  let old = 0
  while (old < times.length && (times[old] ?? Infinity) <= atMs) old++
  if (old > 0) times.splice(0, old)
}
