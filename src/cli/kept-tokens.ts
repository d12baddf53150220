import { existsSync } from 'node:fs'
import type { Resolved } from '../config/resolve.ts'
import type { AccountId } from '../core/ids.ts'
import { Sealer } from '../lib/sealer.ts'
import type { KeptCredential } from '../ports/stores.ts'
import { SealedCredentials } from '../storage/sealed-credentials.ts'
import { StoreError } from '../storage/store-error.ts'
import { entitiesIn, storeReader } from './closed-store.ts'

/** The configuration, with the newest tokens of each account that renews itself. What is wrong with the store is for others to say: then as the file has it. */
export async function withKeptTokens(file: string, sealing: readonly Buffer[], resolved: Resolved): Promise<Resolved> {
  if (!existsSync(file) || resolved.accounts.every(({ renewing }) => renewing === null)) return resolved
  const kept = await keptIn(file, sealing)
  const accounts = resolved.accounts.map((one) => {
    const newest = one.renewing === null ? undefined : kept.get(one.account.id)
    if (newest === undefined || newest.seed !== one.account.generation) return one
    return { ...one, credential: { kind: 'oauth', accessToken: newest.accessToken, accountId: newest.accountId } as const }
  })
  return { ...resolved, accounts }
}

async function keptIn(file: string, sealing: readonly Buffer[]): Promise<ReadonlyMap<AccountId, KeptCredential>> {
  const read = storeReader(file)
  try {
    await read.open()
    const entities = { ...entitiesIn(read), write: () => Promise.resolve(null) }
    const all = await new SealedCredentials(entities, new Sealer(sealing)).all()
    return new Map(all.flatMap(({ account, of }) => (of.kind === 'kept' ? [[account, of.credential] as const] : [])))
  } catch (error) {
    if (error instanceof StoreError) return new Map()
    throw error
  } finally {
    await read.close()
  }
}
