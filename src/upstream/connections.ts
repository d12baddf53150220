import type { LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { Account } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { AccountConnections } from './account-connections.ts'
import { placeOf } from './destination.ts'
import type { Destination } from './dial.ts'
import { endpoints } from './endpoints.ts'

/** How requests of one account go out. */
export interface Way {
  readonly connections: AccountConnections
  /** The `host` header. */
  readonly authority: string
  /** What stands before every path, without a slash at the end. */
  readonly basePath: string
}

/** Connections beyond the leases of an account: probes, lists of models, requests about stored answers. */
const spareConnections = 8
const idleMax = 256
/** Accounts that keep connections; the least recently used one beyond it closes its own as they come free. */
const accountsMax = 4096

/** The connections of all accounts: one per account, address, proxy and reach, so a reload that changes none of these keeps them. */
export class Connections {
  readonly #names: LookupFunction
  readonly #clock: Clock
  readonly #ways = new WeakMap<Account, Way>()
  readonly #accounts: LRUCache<string, AccountConnections>

  constructor(names: LookupFunction, clock: Clock, max = accountsMax) {
    this.#names = names
    this.#clock = clock
    this.#accounts = new LRUCache({ max, dispose: (connections) => connections.retire() })
  }

  /** Throws where the account's base URL or proxy is no URL. */
  of(account: Account): Way {
    const known = this.#ways.get(account)
    if (known !== undefined && !known.connections.retired) return known
    const way = this.#make(account)
    this.#ways.set(account, way)
    return way
  }

  /** For an account that is gone: its idle connections close now, the others when their requests are over. */
  forget(account: AccountId): void {
    for (const key of this.#accounts.keys()) if (key.startsWith(`${account}\n`)) this.#accounts.delete(key)
  }

  counts(): { readonly open: number; readonly idle: number } {
    let open = 0
    let idle = 0
    for (const connections of this.#accounts.values()) {
      const counts = connections.counts()
      open += counts.open
      idle += counts.idle
    }
    return { open, idle }
  }

  /** Breaks every connection off. */
  close(): void {
    for (const connections of this.#accounts.values()) connections.destroy()
    this.#accounts.clear()
  }

  #make(account: Account): Way {
    const { destination, authority, basePath } = placeOf(account)
    const key = [account.id, destination.security, authority, account.proxy, destination.reach, account.upstream, account.concurrency].join('\n')
    const kept = this.#accounts.get(key)
    const connections = kept ?? this.#connect(account, destination)
    if (kept === undefined) this.#accounts.set(key, connections)
    return { connections, authority, basePath }
  }

  #connect(account: Account, destination: Destination): AccountConnections {
    const openMax = account.concurrency + spareConnections
    const { idleMs } = endpoints[account.upstream]
    return new AccountConnections({ destination, openMax, idleMax: Math.min(openMax, idleMax), idleMs, names: this.#names, clock: this.#clock })
  }
}
