import type { Account, Credential } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { LiveAccounts } from './accounts.ts'

/** How often an account is asked which models it has. Unit: milliseconds. */
const askEveryMs = 3_600_000

export interface ListingsOptions {
  readonly clock: Clock
  readonly accounts: LiveAccounts
  /** Null: the account did not say. Bounded in time; never rejects. */
  readonly list: (account: Account, credential: Credential) => Promise<readonly string[] | null>
}

/** What each account's own `GET models` listed last; what was once learnt is kept when an account does not answer. */
export class Listings {
  readonly #options: ListingsOptions
  readonly #listed = new Map<AccountId, readonly string[]>()
  #stop: () => void = () => {}

  constructor(options: ListingsOptions) {
    this.#options = options
  }

  /** Asks every account now, and hourly from now on. */
  start(): void {
    void this.refresh()
    this.#stop = this.#options.clock.after(askEveryMs, () => this.start())
  }

  stop(): void {
    this.#stop()
  }

  /** Asks the accounts that are in service; those whose mapping names every model that they serve need not be asked. */
  async refresh(): Promise<void> {
    const live = this.#options.accounts.all()
    for (const id of this.#listed.keys()) if (this.#options.accounts.find(id) === null) this.#listed.delete(id)
    const asked = live.filter(({ account, enabled }) => enabled && (!account.mapping.onlyMapped || account.mapping.wildcards.length > 0))
    await Promise.all(asked.map(({ account, credential }) => this.#ask(account, credential)))
  }

  /** The account has another credential: what it did not say before it may say now. */
  async again(account: AccountId): Promise<void> {
    const live = this.#options.accounts.find(account)
    if (live !== null && !this.#listed.has(account)) await this.#ask(live.account, live.credential)
  }

  listed(account: AccountId): readonly string[] {
    return this.#listed.get(account) ?? []
  }

  async #ask(account: Account, credential: Credential): Promise<void> {
    const models = await this.#options.list(account, credential)
    if (models !== null) this.#listed.set(account.id, models)
  }
}
