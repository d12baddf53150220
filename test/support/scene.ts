import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { Json } from './client.ts'

export const laptopKey = 'tk-laptop-5b1e7c'
export const otherKey = 'tk-other-90aa31'
export const adminToken = 'at-operator-77c0de'

/** An account of the configuration, and how its upstream behaves. Accounts are preferred in the order given. */
export interface Playing {
  readonly plays?: BehaviourSpec
  readonly [setting: string]: unknown
}

/** A configuration: its accounts by name, and whatever other section differs from the default. */
export interface Scene {
  readonly accounts: Readonly<Record<string, Playing>>
  readonly [section: string]: unknown
}

/** How a request is put; left out: a POST to `/v1/responses` with the key of `laptop`. */
export interface Asking {
  readonly path?: string
  readonly method?: string
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string | string[]>>
}

/** A question that every simulated upstream answers. */
export const question: Json = { model: 'gpt-5.5', input: 'hello' }
export const streamed: Json = { ...question, stream: true }

/** Where a scene takes place. */
export interface Place {
  readonly simulator: { readonly url: string }
  /** The pool of the scene, which holds all its accounts. */
  readonly pool: string
  /** The API key with which an account presents itself. */
  credential(account: string): string
}

/** The configuration file of a scene. */
export function configurationOf({ accounts, ...sections }: Scene, place: Place): object {
  const { pool, simulator } = place
  return {
    accounts: Object.entries(accounts).map(([name, { plays: _, ...settings }], index) => ({
      name,
      upstream: 'openai-compatible',
      base_url: simulator.url,
      allow_private: true,
      credential: { api_key: place.credential(name) },
      priority: index + 1,
      ...settings,
    })),
    pools: [{ name: pool, accounts: Object.keys(accounts) }],
    keys: [
      { name: 'laptop', key: laptopKey, pools: [pool] },
      { name: 'other', key: otherKey, pools: [pool] },
    ],
    admin: { token: adminToken },
    log: { level: 'debug' },
    ledger: { spool: '1MiB' },
    ...sections,
  }
}
