import { LiveCredentials, type SealingKeys } from './admin/live-credentials.ts'
import type { Resolved } from './config/resolve.ts'
import { isSamePlace, type Account, type Credential } from './core/account.ts'
import type { AccountId, UpstreamModel } from './core/ids.ts'
import { dialectNamed } from './dialect/registry.ts'
import { systemClock as clock, systemDice as dice } from './lib/clock.ts'
import { LiveAccounts } from './pool/accounts.ts'
import { Listings } from './pool/listings.ts'
import { Probes } from './pool/probes.ts'
import type { WaitingBounds } from './pool/waiting-room.ts'
import type { Log } from './ports/log.ts'
import type { AccountMemory } from './ports/stores.ts'
import type { Store } from './storage/store.ts'
import { httpTransport } from './upstream/http.ts'
import { listAccount } from './upstream/models.ts'
import { probeAccount } from './upstream/probe.ts'
import { oauthTokens } from './upstream/refresh.ts'
import { smallTurn, type SmallTurn } from './upstream/small-turn.ts'
import { websocketSockets } from './upstream/sockets.ts'

export interface UpkeepParts {
  readonly store: Store
  readonly log: Log
  readonly sealing: SealingKeys
  readonly bounds: () => WaitingBounds
}

/** How long the end waits for a token that is being renewed. Unit: milliseconds. */
const finishMs = 10_000

/** The live accounts of one gateway, and what keeps them going beside turns: connections, credentials that renew themselves, probes, lists of models. */
export class Upkeep {
  readonly accounts: LiveAccounts
  readonly credentials: LiveCredentials
  readonly transport = httpTransport({ clock })
  readonly sockets = websocketSockets({ clock })
  readonly #probes: Probes
  readonly #listings: Listings

  constructor({ store, log, sealing, bounds }: UpkeepParts) {
    const { transport } = this
    this.accounts = new LiveAccounts({
      clock,
      dice,
      bounds,
      keep: (memory) =>
        void store.memories.keep(memory).catch((error: unknown) => log.error({ err: error, account: memory.account }, 'the health of an account was not kept')),
      suspect: (account) => this.#probes.suspect(account),
      renew: (account) => this.credentials.renew(account),
    })
    const { accounts } = this
    this.credentials = new LiveCredentials({
      clock,
      dice,
      log,
      entities: store.entities,
      accounts,
      sealing,
      tokens: oauthTokens({ transport, clock }),
      renewed: (account) => {
        this.sockets.forget(account)
        void this.#listings.again(account)
      },
    })
    const probe = (account: Account, credential: Credential) =>
      this.credentials.probe(account, () => probeAccount({ transport, clock, dialectNamed }, account, credential))
    this.#probes = new Probes({ clock, log, accounts, probe })
    this.#listings = new Listings({ clock, accounts, list: (account, credential) => listAccount({ transport, clock }, account, credential) })
  }

  /** Takes over a configuration whole. */
  configure(before: Resolved, next: Resolved): void {
    const now = new Map(next.accounts.map(({ account }) => [account.id, account]))
    for (const { account } of before.accounts) {
      const stays = now.get(account.id)
      if (stays === undefined) this.transport.forget(account.id)
      // A socket was opened with what the account was then.
      if (stays === undefined || !isSamePlace(account, stays)) this.sockets.forget(account.id)
    }
    this.credentials.configure(next.accounts, next.pools)
    void this.#listings.refresh()
  }

  /** Reads the credentials that earlier processes have kept. Rejects when the store does. */
  load(): Promise<void> {
    return this.credentials.load()
  }

  /** Takes over what an earlier process has learnt. */
  recall(memories: readonly AccountMemory[]): void {
    this.accounts.recall(memories)
    this.credentials.retireUnusable()
  }

  /** What an account's own `GET models` listed last. */
  listed(account: AccountId): readonly string[] {
    return this.#listings.listed(account)
  }

  smallTurn(account: Account, credential: Credential, model: UpstreamModel | null): Promise<SmallTurn> {
    return smallTurn({ transport: this.transport, clock, dialectNamed }, { account, credential, model })
  }

  /** Begins what goes on by itself: renewals, probes and lists of models. */
  start(): void {
    this.credentials.start()
    this.#probes.start()
    this.#listings.start()
  }

  /** Ends it, and breaks off what is still sent upstream. */
  async stop(): Promise<void> {
    this.#probes.stop()
    this.#listings.stop()
    await this.credentials.finish(finishMs)
    this.transport.close()
    this.sockets.close()
  }
}
