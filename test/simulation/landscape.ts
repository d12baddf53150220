import type { Account, Credential, Pool } from '../../src/core/account.ts'
import type { AccountId, ClientModel, KeyId, PoolId } from '../../src/core/ids.ts'
import { noLimits } from '../../src/core/key.ts'
import { parseMapping, type Mapping } from '../../src/core/model.ts'
import { defaultRules, type Rule } from '../../src/core/policy.ts'
import type { Caller } from '../../src/ports/caller.ts'
import type { Settings } from '../../src/ports/settings.ts'
import { bundled } from '../support/prices.ts'
import type { Chance } from './chance.ts'

/** Stands in every secret of a simulation, and nowhere else. */
export const secretMark = 'sk-simulated'

/** What clients call models; not every account knows every name. */
export const clientModels = ['fast', 'gpt-5.5', 'gpt-5.6-sol', 'gpt-6-sol', 'team/large', 'slow'] as const

/** An account with its credential. `incarnation`: how often an account of this name has come back after it was removed. */
export interface Seat {
  readonly account: Account
  readonly credential: Credential
  readonly incarnation: number
}

/** Everything that the operator configured, at one time. */
export interface Landscape {
  readonly version: number
  readonly seats: ReadonlyMap<AccountId, Seat>
  readonly pools: readonly Pool[]
  readonly callers: readonly Caller[]
  readonly settings: Settings
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f'] as const
const hosts = ['one', 'two', 'three'] as const

/** Draws landscapes: the first, and each that a reload makes of the one before. */
export class Architect {
  readonly #chance: Chance
  readonly #hosts: readonly string[]
  #version = 0
  #secrets = 0
  readonly #incarnations = new Map<AccountId, number>()

  constructor(chance: Chance) {
    this.#chance = chance
    this.#hosts = hosts.slice(0, chance.between(1, 3))
  }

  first(): Landscape {
    const names = letters.slice(0, this.#chance.between(1, 6))
    const seats = new Map(names.map((name) => [name as string as AccountId, this.#seat(name)]))
    const pools = this.#pools([...seats.keys()])
    return { version: this.#version++, seats, pools, callers: this.#callers(pools), settings: this.#settings() }
  }

  /** What a reload brings: one thing or several are different. */
  reload(before: Landscape): Landscape {
    const chance = this.#chance
    const seats = new Map(before.seats)
    for (const [name, seat] of before.seats) {
      if (chance.is(0.1)) seats.delete(name)
      else if (chance.is(0.4)) seats.set(name, this.#changed(seat))
    }
    const name = chance.pick(letters)
    const id = name as string as AccountId
    if (!seats.has(id) && (seats.size === 0 || chance.is(0.5))) seats.set(id, this.#seat(name))
    const pools = chance.is(0.3) || seats.size !== before.seats.size ? this.#pools([...seats.keys()]) : before.pools
    const callers = chance.is(0.3) || pools.length !== before.pools.length ? this.#callers(pools) : before.callers
    return { version: this.#version++, seats, pools, callers, settings: chance.is(0.5) ? this.#settings() : before.settings }
  }

  #seat(name: string): Seat {
    const chance = this.#chance
    const id = name as AccountId
    const incarnation = (this.#incarnations.get(id) ?? 0) + 1
    this.#incarnations.set(id, incarnation)
    const { credential, generation } = this.#credential(chance.is(0.3) ? 'oauth' : 'api_key')
    const account: Account = {
      id,
      upstream: 'simulator',
      dialects: ['responses'],
      baseUrl: `https://${chance.pick(this.#hosts)}.test/v1`,
      credentialKind: credential.kind,
      generation,
      mapping: this.#mapping(name),
      priority: chance.pick([1, 10, 10, 10, 20]),
      weight: chance.is(0.03) ? 0 : chance.pick([1, 1, 1, 2, 5]),
      concurrency: chance.between(1, 4),
      filterTo: chance.is(0.25) ? 'default' : null,
      websocket: 'auto',
      allowPrivate: chance.is(0.5),
      proxy: chance.is(0.2) ? `http://user:${secretMark}-proxy@proxy.test:8080` : null,
    }
    return { account, credential, incarnation }
  }

  #changed(seat: Seat): Seat {
    const chance = this.#chance
    const { account } = seat
    const fresh = chance.is(0.25) ? this.#credential(account.credentialKind) : { credential: seat.credential, generation: account.generation }
    return {
      ...seat,
      credential: fresh.credential,
      account: {
        ...account,
        generation: fresh.generation,
        baseUrl: chance.is(0.1) ? `https://${chance.pick(this.#hosts)}.test/v1` : account.baseUrl,
        mapping: chance.is(0.6) ? this.#mapping(account.id) : account.mapping,
        priority: chance.is(0.3) ? chance.pick([1, 10, 20]) : account.priority,
        concurrency: chance.is(0.3) ? chance.between(1, 4) : account.concurrency,
        filterTo: chance.is(0.2) ? 'default' : account.filterTo,
      },
    }
  }

  #credential(kind: 'api_key' | 'oauth'): { readonly credential: Credential; readonly generation: string } {
    const nth = ++this.#secrets
    const secret = `${secretMark}-${nth}-${'x'.repeat(8)}`
    const credential: Credential = kind === 'api_key' ? { kind, apiKey: secret } : { kind, accessToken: secret, accountId: null }
    return { credential, generation: `g${nth}` }
  }

  #mapping(name: string): Mapping {
    const lines: readonly Readonly<Record<string, string>>[] = [
      { fast: `quick-of-${name}` },
      { fast: 'gpt-5.5', slow: 'gpt-6-sol' },
      { 'gpt-*': 'gpt-*' },
      { 'gpt-*': `base-${name}-*` },
      { 'gpt-5.5': 'gpt-5.5', 'gpt-5*': `five-of-${name}` },
      { 'team/*': '*' },
      { '*': `any-of-${name}` },
      { slow: `slow-of-${name}` },
    ]
    const drawn = this.#chance.some(lines, 0.3)
    return parseMapping(Object.assign({}, ...drawn) as Record<string, string>, drawn.length > 1 && this.#chance.is(0.2))
  }

  #pools(accounts: readonly AccountId[]): readonly Pool[] {
    const count = this.#chance.between(1, 3)
    return Array.from({ length: count }, (_, nth) => {
      const some = nth === 0 ? accounts : this.#chance.some(accounts, 0.6)
      return { id: `pool-${nth + 1}` as PoolId, accounts: some }
    })
  }

  #callers(pools: readonly Pool[]): readonly Caller[] {
    const chance = this.#chance
    return Array.from({ length: chance.between(1, 4) }, (_, nth) => {
      const drawn = chance.some(pools, 0.5).map((pool) => pool.id)
      return {
        key: `key-${nth + 1}` as KeyId,
        pools: drawn.length === 0 ? pools.slice(0, 1).map((pool) => pool.id) : drawn,
        models: chance.is(0.06) ? (chance.some(clientModels, 0.7) as readonly string[] as readonly ClientModel[]) : [],
        limits: { ...noLimits, concurrency: chance.is(0.1) ? chance.between(1, 8) : null, requestsPerMinute: chance.is(0.08) ? chance.between(20, 900) : null },
      }
    })
  }

  #settings(): Settings {
    const chance = this.#chance
    return {
      rules: drawRules(chance),
      prices: bundled,
      translate: 'fallback',
      failover: { accountsPerTurn: chance.between(1, 5), patienceMs: chance.pick([1000, 5000, 10_000]), budgetPercent: chance.pick([0, 20, 20, 50, 100]) },
      times: {
        connectMs: 10_000,
        handshakeMs: 15_000,
        firstEventMs: 60_000,
        betweenEventsMs: chance.pick([40_000, 280_000]),
        answerMs: chance.pick([120_000, 590_000]),
        lastAttemptMs: chance.pick([4000, 60_000, 240_000, 240_000]),
        holdHeadMs: chance.pick([2000, 45_000, 45_000]),
        keepAliveMs: chance.pick([500, 15_000, 15_000]),
        clientWriteMs: 30_000,
        slotWaitMs: chance.pick([2000, 30_000]),
        drainMs: 30_000,
        firstFrameMs: 30_000,
        sessionIdleMs: 3_600_000,
      },
      bounds: {
        bodyBytes: 1 << 20,
        answerBytes: chance.pick([16_384, 1 << 20]),
        bodiesBytes: 1 << 24,
        frameBytes: chance.pick([16_384, 1 << 20]),
        transcriptBytes: 1 << 20,
        transcriptsBytes: 1 << 24,
        waiting: chance.between(6, 60),
        waitingPerKey: chance.between(3, 32),
      },
    }
  }
}

/** Absent rules, none at all, or some at random. */
function drawRules(chance: Chance): readonly Rule[] {
  const dice = chance.dice()
  if (dice < 0.35) return defaultRules
  if (dice < 0.5) return []
  const action = () => chance.pick(['pass', 'filter', 'filter', 'block'] as const)
  return Array.from({ length: chance.between(1, 3) }, () => ({
    tier: chance.pick(['priority', 'flex', 'ultrafast', 'any'] as const),
    action: action(),
    accounts: chance.pick(['all', 'all', 'oauth', 'api_key'] as const),
    models: chance.is(0.5) ? [] : [chance.pick(['gpt-5.5', 'gpt-*', 'any-of-*', 'quick-of-a', 'base-*'])],
    otherwise: action(),
    message: chance.is(0.5) ? '' : 'Not in this house.',
  }))
}
