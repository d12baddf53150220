import type { Account, Credential } from '../core/account.ts'
import type { Signal } from '../core/failure.ts'
import { classify } from '../core/failure-table.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../ports/log.ts'
import type { LiveAccounts } from './accounts.ts'

/** Retired accounts are asked once an hour whether they are well again. */
export const probeEveryMs = 3_600_000
/** How often it is looked which probes are due. */
const lookEveryMs = 60_000

export type Probed = { readonly kind: 'well' } | { readonly kind: 'unwell'; readonly signal: Signal }

export interface ProbesOptions {
  readonly clock: Clock
  readonly log: Log
  readonly accounts: LiveAccounts
  /** Asks an upstream, at the least cost, whether it takes this credential. Bounded in time; never rejects. */
  readonly probe: (account: Account, credential: Credential) => Promise<Probed>
}

/** Finds out, without a client's turn, whether retired and suspected accounts work. */
export class Probes {
  readonly #options: ProbesOptions
  readonly #running = new Set<AccountId>()
  readonly #lastAtMs = new Map<AccountId, number>()
  #stop: () => void = () => {}

  constructor(options: ProbesOptions) {
    this.#options = options
  }

  start(): void {
    this.#stop = this.#options.clock.after(lookEveryMs, () => {
      for (const live of this.#options.accounts.all()) if (this.#isDue(live.account.id)) void this.#probe(live.account.id, 'retired')
      this.start()
    })
  }

  stop(): void {
    this.#stop()
  }

  /** An account with three `forbidden` in a row: a probe that fails too retires it. */
  suspect(account: AccountId): void {
    void this.#probe(account, 'suspect')
  }

  #isDue(account: AccountId): boolean {
    const live = this.#options.accounts.find(account)
    if (live === null || !live.enabled || live.self.condition.health.kind !== 'retired') return false
    const lastAtMs = Math.max(live.self.condition.health.sinceMs, this.#lastAtMs.get(account) ?? 0)
    return this.#options.clock.now() - lastAtMs >= probeEveryMs
  }

  async #probe(id: AccountId, why: 'retired' | 'suspect'): Promise<void> {
    const { accounts, clock, log, probe } = this.#options
    const live = accounts.find(id)
    if (live === null || this.#running.has(id)) return
    this.#running.add(id)
    this.#lastAtMs.set(id, clock.now())
    const { generation } = live.account
    const probed = await probe(live.account, live.credential)
    this.#running.delete(id)
    // A credential that was replaced meanwhile makes the answer void.
    if (accounts.find(id)?.account.generation !== generation) return
    if (probed.kind === 'well') {
      if (why === 'retired') accounts.revive(id)
      log.info({ account: id }, 'the account answered a probe')
      return
    }
    const { kind, status, code } = classify(probed.signal, clock.now())
    if (why === 'suspect') accounts.retire(id, { kind, status, code })
    log.warn(
      { account: id, failure: kind, status, code },
      why === 'suspect' ? 'the account was retired: a probe failed too' : 'the retired account failed a probe',
    )
  }
}
