import { isSameCredential, type Account, type Credential, type Pool } from '../core/account.ts'
import type { Failure } from '../core/failure.ts'
import { afterFailure, afterProof, afterSuccess, held, isKept, renewed, retired, revived, takenBack, type Condition, type Why } from '../core/health.ts'
import type { AccountId, ClientModel, PoolId, UpstreamModel } from '../core/ids.ts'
import { upstreamModel } from '../core/model.ts'
import type { Candidate, Standing } from '../core/route.ts'
import { exhaustedUntil, type Window } from '../core/windows.ts'
import type { Clock, Dice } from '../lib/clock.ts'
import { abortable } from '../lib/abortable.ts'
import type { Accounts, Lease, Renewal, Waited, WaitWish } from '../ports/pool.ts'
import type { AccountMemory } from '../ports/stores.ts'
import { FailoverBudget } from './budget.ts'
import { LiveAccount, noWebSocketMs, type Tended } from './live-account.ts'
import { Pairs } from './pairs.ts'
import { standing, unmapped } from './standing.ts'
import { WaitingRoom, type WaitingBounds } from './waiting-room.ts'

export interface AccountsOptions {
  readonly clock: Clock
  readonly dice: Dice
  readonly bounds: () => WaitingBounds
  /** Called with what a restart must not forget, whenever that changes. */
  readonly keep: (memory: AccountMemory) => void
  /** Called when the third `forbidden` asks for a probe: if it fails too, `retire` is due. */
  readonly suspect: (account: AccountId) => void
  /** Has the credential of an account renewed that its upstream has refused. Absent: nothing renews any. */
  readonly renew?: (account: AccountId) => Promise<Renewal>
}

/** The live accounts of this process: their health, their leases, and who waits for them. */
export class LiveAccounts implements Accounts {
  readonly #options: AccountsOptions
  readonly #live = new Map<AccountId, LiveAccount>()
  #pools: ReadonlyMap<PoolId, readonly AccountId[]> = new Map()
  #resetFirst: ReadonlySet<PoolId> = new Set()
  readonly #room: WaitingRoom
  readonly #budget: FailoverBudget
  readonly #pairs = new Pairs()

  constructor(options: AccountsOptions) {
    this.#options = options
    this.#budget = new FailoverBudget(options.clock)
    this.#room = new WaitingRoom(options.clock, options.bounds, {
      tryLease: (candidate) => this.#tryLease(candidate, 'waited'),
      readyAt: (wants) => this.#readyAt(wants),
    })
  }

  /** Takes over a configuration whole. Accounts that stay keep their health and leases; leases on those that go run out by themselves. */
  configure(accounts: readonly { readonly account: Account; readonly credential: Credential }[], pools: readonly Pool[]): void {
    const names = new Set(accounts.map(({ account }) => account.id))
    for (const id of this.#live.keys()) if (!names.has(id)) this.#live.delete(id)
    for (const { account, credential } of accounts) {
      const live = this.#live.get(account.id)
      if (live === undefined) this.#live.set(account.id, new LiveAccount(account, credential))
      else live.configure(account, credential)
    }
    this.#pools = new Map(pools.map((pool) => [pool.id, pool.accounts]))
    this.#resetFirst = new Set(pools.filter(({ strategy }) => strategy === 'reset_first').map(({ id }) => id))
    this.#budget.keep(new Set(this.#pools.keys()))
    for (const id of names) this.#room.wake(id)
  }

  /** Takes over what an earlier process learnt; what was learnt with another credential is void. */
  recall(memories: readonly AccountMemory[]): void {
    for (const memory of memories) {
      const live = this.#live.get(memory.account)
      if (live === undefined) continue
      live.enabled = memory.enabled
      if (live.account.generation !== memory.generation) continue
      live.self.condition = memory.condition
      for (const { model, condition } of memory.pairs) this.#pairs.of(live, model).condition = condition
    }
  }

  candidates(pools: readonly PoolId[], model: ClientModel): readonly Candidate[] {
    const nowMs = this.#options.clock.now()
    const seen = new Set<AccountId>()
    const candidates: Candidate[] = []
    pools.forEach((pool, poolRank) => {
      for (const id of this.#pools.get(pool) ?? []) {
        const live = this.#live.get(id)
        if (live === undefined || seen.has(id)) continue
        seen.add(id)
        const name = upstreamModel(live.account.mapping, model)
        candidates.push({
          account: live.account,
          asked: model,
          model: name,
          pool,
          poolRank,
          standing: name === null ? unmapped : standing(live, name, nowMs),
          inFlight: live.inFlight,
          free: live.inFlight < live.account.concurrency && !this.#room.isWantedBySomeone(id),
          ...(this.#resetFirst.has(pool) ? live.resets(nowMs) : null),
        })
      }
    })
    return candidates
  }

  // Asynchronous in the port, since several processes may share the count.
  lease(candidate: Candidate): Promise<Lease | null> {
    return Promise.resolve(this.#tryLease(candidate, 'new'))
  }

  wait(wish: WaitWish): Promise<Waited> {
    return this.#room.wait(wish)
  }

  proved(lease: Lease, startedAtMs: number): void {
    this.#learn(lease, (condition) => afterProof(condition, startedAtMs, this.#options.clock.now()))
  }

  succeeded(lease: Lease, startedAtMs: number): void {
    this.#learn(lease, (condition) => afterSuccess(condition, startedAtMs, this.#options.clock.now()))
  }

  failed(lease: Lease, failure: Failure, atMs: number): void {
    const live = this.#of(lease)
    if (live === null) return
    // The one that was refused is not the one that is carried now.
    if (failure.kind === 'credential' && !isSameCredential(lease.credential, live.credential)) return
    live.remember(failure, atMs)
    if (failure.blame === 'request' || failure.blame === 'nobody') return
    const tended = failure.blame === 'account' ? live.self : this.#pairs.of(live, lease.model)
    const before = tended.condition
    const hinted = failure.kind === 'quota' && failure.resetAtMs === null ? { ...failure, resetAtMs: exhaustedUntil(live.windows, atMs) } : failure
    const { condition, probe } = afterFailure(before, hinted, atMs, this.#options.dice)
    tended.condition = condition
    tended.prover = null
    if (isKept(before) || isKept(condition)) this.#options.keep(live.memory())
    if (probe) this.#options.suspect(live.account.id)
  }

  async renew(lease: Lease, signal: AbortSignal): Promise<Renewal> {
    const live = this.#live.get(lease.account.id)
    const { renew } = this.#options
    if (live === undefined || renew === undefined || live.credential.kind !== 'oauth') return 'none'
    return isSameCredential(lease.credential, live.credential) ? abortable(renew(live.account.id), signal) : 'renewed'
  }

  metered(lease: Lease, windows: readonly Window[]): void {
    if (windows.length > 0) this.#of(lease)?.metered(windows)
  }

  /** The credential of an account was renewed: what the old one was held for is over. */
  renewed(account: AccountId, credential: Credential): void {
    const live = this.#live.get(account)
    if (live !== undefined) live.credential = credential
    this.#change(account, renewed)
  }

  /** The account rests until then, without a strike. */
  hold(account: AccountId, why: Why, untilMs: number): void {
    this.#change(account, (condition) => held(condition, why, this.#options.clock.now(), untilMs))
  }

  takeBack(account: AccountId, atMs: number): void {
    this.#change(account, (condition) => takenBack(condition, atMs))
  }

  refusedWebSocket(lease: Lease, status: number | null, atMs: number): void {
    const live = this.#of(lease)
    if (live !== null) live.noWebSocket = { untilMs: atMs + noWebSocketMs, status }
  }

  speaksWebSocket(account: AccountId): boolean {
    return this.#live.get(account)?.speaksWebSocket(this.#options.clock.now()) ?? true
  }

  countTurn(pool: PoolId): void {
    this.#budget.countTurn(pool)
  }

  mayFailOver(pool: PoolId, budgetPercent: number): boolean {
    return this.#budget.allow(pool, budgetPercent)
  }

  /** Clears cooling, retirement, strikes and pairs. False: no such account. */
  reset(account: AccountId): boolean {
    const live = this.#live.get(account)
    if (live === undefined) return false
    live.forgive()
    this.#options.keep(live.memory())
    this.#room.wake(account)
    return true
  }

  /** Takes an account out of service, or back into it. False: no such account. */
  setEnabled(account: AccountId, enabled: boolean): boolean {
    const live = this.#live.get(account)
    if (live === undefined) return false
    live.enabled = enabled
    this.#options.keep(live.memory())
    this.#room.wake(account)
    return true
  }

  /** What a failed probe of a suspect makes of it. */
  retire(account: AccountId, why: Why): void {
    this.#change(account, ({ strikes }) => retired(strikes, why, this.#options.clock.now()))
  }

  /** What a probe that went well makes of a retired account. */
  revive(account: AccountId): void {
    this.#change(account, revived)
  }

  find(account: AccountId): LiveAccount | null {
    return this.#live.get(account) ?? null
  }

  all(): readonly LiveAccount[] {
    return [...this.#live.values()]
  }

  pools(): ReadonlyMap<PoolId, readonly AccountId[]> {
    return this.#pools
  }

  get waiting(): number {
    return this.#room.size
  }

  #tryLease(candidate: Candidate, who: 'new' | 'waited'): Lease | null {
    const now = this.#asItStands(candidate)
    if (now === null || now.standing.kind !== 'ready') return null
    const { live, model } = now
    if (live.inFlight >= live.account.concurrency || (who === 'new' && this.#room.isWantedBySomeone(live.account.id))) return null
    return this.#lend(live, model, candidate.pool)
  }

  /** The mapping may have changed since the candidate was made: a lease carries the name that it yields now. Null: it yields none. */
  #asItStands({ account, asked }: Candidate): { readonly live: LiveAccount; readonly model: UpstreamModel; readonly standing: Standing } | null {
    const live = this.#live.get(account.id)
    const model = live === undefined ? null : upstreamModel(live.account.mapping, asked)
    return live === undefined || model === null ? null : { live, model, standing: standing(live, model, this.#options.clock.now()) }
  }

  #lend(live: LiveAccount, model: UpstreamModel, pool: PoolId): Lease {
    const unproven = [live.self, live.pairs.get(model)].filter((tended) => tended?.condition.proven === false)
    let given = false
    const lease: Lease = {
      account: live.account,
      model,
      pool,
      credential: live.credential,
      give: () => {
        if (given) return
        given = true
        live.inFlight--
        for (const tended of unproven) if (tended?.prover === lease) tended.prover = null
        this.#room.wake(live.account.id)
      },
    }
    for (const tended of unproven) if (tended !== undefined) tended.prover = lease
    live.inFlight++
    return lease
  }

  /** The live account that this lease was taken on; null when it is gone, or when it has another credential by now. */
  #of(lease: Lease): LiveAccount | null {
    const live = this.#live.get(lease.account.id)
    return live?.account.generation === lease.account.generation ? live : null
  }

  #learn(lease: Lease, change: (condition: Condition) => Condition): void {
    const live = this.#of(lease)
    if (live === null) return
    this.#set(live, live.self, change(live.self.condition))
    const pair = live.pairs.get(lease.model)
    if (pair === undefined) return
    this.#set(live, pair, change(pair.condition))
    if (pair.condition.health.kind === 'ready' && pair.condition.proven && pair.condition.strikes.length === 0) this.#pairs.forget(pair)
  }

  #change(account: AccountId, change: (condition: Condition) => Condition): void {
    const live = this.#live.get(account)
    if (live !== undefined) this.#set(live, live.self, change(live.self.condition))
  }

  #set(live: LiveAccount, tended: Tended, condition: Condition): void {
    const before = tended.condition
    if (condition === before) return
    tended.condition = condition
    if (condition.proven) tended.prover = null
    if (isKept(before) || isKept(condition)) this.#options.keep(live.memory())
    this.#room.wake(live.account.id)
  }

  #readyAt(wants: readonly Candidate[]): number | null {
    const standings = wants.map((want) => this.#asItStands(want)?.standing)
    const times = standings.flatMap((standing) => (standing?.kind === 'cooling' ? [standing.untilMs] : []))
    return times.length === 0 ? null : Math.min(...times)
  }
}
