import { randomUUID } from 'node:crypto'
import type { Account, Credential, Pool } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import { signalOf } from '../core/signal.ts'
import type { Clock, Dice } from '../lib/clock.ts'
import { Sealer } from '../lib/sealer.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import { Credentials, type Configured, type Imported, type SignIn } from '../pool/credentials.ts'
import type { Probed } from '../pool/probes.ts'
import type { Log } from '../ports/log.ts'
import type { Renewal } from '../ports/pool.ts'
import type { Entities } from '../ports/stores.ts'
import type { Tokens } from '../ports/tokens.ts'
import { SealedCredentials, type Resealed } from '../storage/sealed-credentials.ts'

/** The keys under which credentials are sealed. */
export interface SealingKeys {
  /** Those that hold now, the newest first. */
  readonly keys: readonly Buffer[]
  /** Makes a new one, which is on disk beside the old ones when this returns. */
  begin(): { readonly kind: 'secret'; readonly sealing: readonly Buffer[] } | { readonly kind: 'unusable'; readonly why: string }
  /** Everything is sealed anew: the old ones go. The answer says what is left to do by hand; null: nothing. */
  end(): string | null
}

export interface LiveCredentialsParts {
  readonly clock: Clock
  readonly dice: Dice
  readonly log: Log
  readonly entities: Entities
  readonly tokens: Tokens
  readonly accounts: LiveAccounts
  readonly sealing: SealingKeys
  /** What was opened with this account's old credential is to be closed. */
  readonly renewed: (account: AccountId) => void
}

export type Rotated =
  | { readonly kind: 'rotated'; readonly resealed: Resealed; readonly left: string | null }
  | { readonly kind: 'unusable'; readonly why: string }

/** The credentials of the live accounts: carried by them, renewed, imported, and sealed where they rest. */
export class LiveCredentials {
  readonly #parts: LiveCredentialsParts
  readonly #sealed: SealedCredentials
  readonly #credentials: Credentials
  #configured: { readonly accounts: readonly Configured[]; readonly pools: readonly Pool[] } = { accounts: [], pools: [] }

  constructor(parts: LiveCredentialsParts) {
    const { clock, dice, log, tokens, accounts } = parts
    this.#parts = parts
    this.#sealed = new SealedCredentials(parts.entities, new Sealer(parts.sealing.keys))
    const holder = {
      renewed: (account: AccountId, credential: Credential) => {
        accounts.renewed(account, credential)
        parts.renewed(account)
      },
      hold: accounts.hold.bind(accounts),
      retire: accounts.retire.bind(accounts),
    }
    // The embedded store is one process's own; the pid file keeps others away.
    const sharing = 'alone'
    this.#credentials = new Credentials({ clock, dice, log, kept: this.#sealed, tokens, holder, process: randomUUID(), sharing })
  }

  /** Takes over a configuration whole: each account carries what is its own by now. */
  configure(accounts: readonly Configured[], pools: readonly Pool[]): void {
    this.#configured = { accounts, pools }
    this.#parts.accounts.configure(this.#credentials.configure(accounts), pools)
    this.retireUnusable()
  }

  /** Reads what earlier processes have kept. Rejects when the store does. */
  async load(): Promise<void> {
    await this.#credentials.load()
    this.configure(this.#configured.accounts, this.#configured.pools)
  }

  /** An account that has nothing to present is of no use, whatever was remembered of it. */
  retireUnusable(): void {
    for (const { account, why } of this.#credentials.unusable()) {
      if (this.#parts.accounts.find(account)?.self.condition.health.kind !== 'retired') this.#parts.accounts.retire(account, why)
    }
  }

  start(): void {
    this.#credentials.start()
  }

  /** Begins nothing more, and waits for what is under way. */
  finish(ms: number): Promise<void> {
    return this.#credentials.finish(ms)
  }

  renew(account: AccountId): Promise<Renewal> {
    return this.#credentials.renew(account)
  }

  /** An account that nobody but the operator can help is not asked again. */
  probe(account: Account, ask: () => Promise<Probed>): Promise<Probed> {
    const lost = this.#credentials.lost(account.id)
    return lost === null ? ask() : Promise.resolve({ kind: 'unwell', signal: signalOf(lost) })
  }

  /** Gives an account another sign-in; it is on disk, and in use, when this resolves. Rejects when the store does. */
  async import(account: AccountId, signIn: SignIn): Promise<Imported> {
    const imported = await this.#credentials.import(account, signIn)
    if (imported.kind !== 'imported') return imported
    this.configure(this.#configured.accounts, this.#configured.pools)
    this.#parts.renewed(account)
    return imported
  }

  /** Seals everything anew under a new key. Rejects when the store does: then the old keys stay, and it can be done again. */
  async rotate(): Promise<Rotated> {
    const begun = this.#parts.sealing.begin()
    if (begun.kind === 'unusable') return begun
    const resealed = await this.#sealed.reseal(new Sealer(begun.sealing))
    return { kind: 'rotated', resealed, left: this.#parts.sealing.end() }
  }
}
