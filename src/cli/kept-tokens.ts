import { existsSync } from 'node:fs'
import type { Resolved } from '../config/resolve.ts'
import type { AccountId } from '../core/ids.ts'
import { systemClock as clock } from '../lib/clock.ts'
import { Sealer } from '../lib/sealer.ts'
import { workerFile } from '../lib/worker-file.ts'
import type { Log } from '../ports/log.ts'
import type { KeptCredential } from '../ports/stores.ts'
import { ReadSide } from '../storage/read-side.ts'
import { SealedCredentials } from '../storage/sealed-credentials.ts'
import { StoreError } from '../storage/store-error.ts'

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

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
  const read = new ReadSide({ file, clock, log: silent, worker: workerFile('../storage/reader', import.meta.url) })
  try {
    await read.open()
    const entities = {
      list: (prefix: string) => read.ask({ kind: 'entities', prefix }),
      read: (name: string) => read.ask({ kind: 'entity', name }),
      write: () => Promise.resolve(null),
    }
    const all = await new SealedCredentials(entities, new Sealer(sealing)).all()
    return new Map(all.flatMap(({ account, of }) => (of.kind === 'kept' ? [[account, of.credential] as const] : [])))
  } catch (error) {
    if (error instanceof StoreError) return new Map()
    throw error
  } finally {
    await read.close()
  }
}
