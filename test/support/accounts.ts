import type { Account } from '../../src/core/account.ts'
import type { AccountId, ClientModel, KeyId, PoolId, UpstreamModel } from '../../src/core/ids.ts'
import { parseMapping } from '../../src/core/model.ts'
import type { Candidate, Wish } from '../../src/core/route.ts'

export const accountId = (name: string) => name as AccountId
export const keyId = (name: string) => name as KeyId
export const poolId = (name: string) => name as PoolId
export const clientModel = (name: string) => name as ClientModel
/** For tests alone: everywhere else an upstream's name comes out of a mapping. */
export const upstreamName = (name: string) => name as UpstreamModel

/** An account with nothing special about it but its name. */
export function account(name: string, differing: Partial<Omit<Account, 'id'>> = {}): Account {
  return {
    id: accountId(name),
    upstream: 'openai',
    dialects: ['responses', 'chat'],
    baseUrl: `https://${name}.test/v1`,
    credentialKind: 'api_key',
    generation: 'g1',
    mapping: parseMapping({}, false),
    priority: 10,
    weight: 1,
    concurrency: 16,
    filterTo: null,
    websocket: 'auto',
    allowPrivate: false,
    proxy: null,
    ...differing,
  }
}

/** A candidate that is ready, free and idle unless said otherwise. */
export function candidate(name: string, differing: Partial<Omit<Candidate, 'account'>> & { readonly account?: Partial<Omit<Account, 'id'>> } = {}): Candidate {
  const { account: ofAccount, ...rest } = differing
  return {
    account: account(name, ofAccount),
    asked: clientModel('gpt-5.5'),
    model: upstreamName('gpt-5.5'),
    pool: poolId('default'),
    poolRank: 0,
    standing: { kind: 'ready' },
    inFlight: 0,
    free: true,
    ...rest,
  }
}

/** A turn's wish: none, unless said otherwise. */
export function wish(differing: Partial<Wish> = {}): Wish {
  return { owner: null, pin: null, pinHolds: 'always', again: null, affinity: null, tried: new Set(), unwell: new Set(), ...differing }
}
