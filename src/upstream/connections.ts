import { isIP, type LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { Account } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { UpstreamAgent } from './agent.ts'
import { endpoints } from './endpoints.ts'
import type { Reach } from './guard.ts'

/** How requests of one account go out. */
export interface Way {
  readonly agent: UpstreamAgent
  /** The `host` header. */
  readonly authority: string
  readonly hostname: string
  readonly port: number
  /** What stands before every path, without a slash at the end. */
  readonly basePath: string
}

/** Connections beyond the leases of an account: probes, lists of models, requests about stored answers. */
const spareSockets = 8
const freeSocketsMax = 256
/** Accounts that keep connections; the least recently used one beyond it closes its own as they come free. */
const agentsMax = 4096

/** The agents of all accounts: one per account, address, proxy and reach, so a reload that changes none of these keeps the connections. */
export class Connections {
  readonly #names: LookupFunction
  readonly #clock: Clock
  readonly #ways = new WeakMap<Account, Way>()
  readonly #agents: LRUCache<string, UpstreamAgent>

  constructor(names: LookupFunction, clock: Clock, max = agentsMax) {
    this.#names = names
    this.#clock = clock
    this.#agents = new LRUCache({ max, dispose: (agent) => agent.retire() })
  }

  /** Throws where the account's base URL or proxy is no URL. */
  of(account: Account): Way {
    const known = this.#ways.get(account)
    if (known !== undefined && !known.agent.retired) return known
    const way = this.#make(account)
    this.#ways.set(account, way)
    return way
  }

  /** For an account that is gone: its idle connections close now, the others when their requests are over. */
  forget(account: AccountId): void {
    for (const key of this.#agents.keys()) if (key.startsWith(`${account}\n`)) this.#agents.delete(key)
  }

  counts(): { readonly open: number; readonly idle: number } {
    let open = 0
    let idle = 0
    for (const agent of this.#agents.values()) {
      const counts = agent.counts()
      open += counts.open
      idle += counts.idle
    }
    return { open, idle }
  }

  /** Breaks every connection off. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #make(account: Account): Way {
    const url = new URL(account.baseUrl)
    const secure = url.protocol === 'https:'
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
    const destination = {
      host: hostname,
      port,
      security: secure ? 'tls' : 'plain',
      reach: reachOf(account),
      proxy: account.proxy === null ? null : new URL(account.proxy),
    } as const
    const key = [account.id, url.origin, account.proxy, destination.reach, account.upstream, account.concurrency].join('\n')
    const kept = this.#agents.get(key)
    const agent = kept ?? this.#agent(account, destination)
    if (kept === undefined) this.#agents.set(key, agent)
    return { agent, authority: url.host, hostname: isIP(hostname) === 6 ? url.hostname : hostname, port, basePath: url.pathname.replace(/\/+$/, '') }
  }

  #agent(account: Account, destination: ConstructorParameters<typeof UpstreamAgent>[0]['destination']): UpstreamAgent {
    const socketsMax = account.concurrency + spareSockets
    const { idleMs } = endpoints[account.upstream]
    return new UpstreamAgent({ destination, socketsMax, freeMax: Math.min(socketsMax, freeSocketsMax), idleMs, names: this.#names, clock: this.#clock })
  }
}

function reachOf(account: Account): Reach {
  if (account.allowPrivate) return 'any'
  return endpoints[account.upstream].loopback === 'allowed' ? 'loopback' : 'public'
}
