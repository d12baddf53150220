import { join } from 'node:path'
import { IssuedKeys } from '../admin/issued-keys.ts'
import { keyHasher, type ResolvedKey } from '../config/resolve.ts'
import { closeFolder, newKeyText, secretKey, type SecretKey } from '../config/secret-key.ts'
import { systemClock as clock } from '../lib/clock.ts'
import { claimPidFile, removePidFile } from '../lib/pid-file.ts'
import type { Log } from '../ports/log.ts'
import type { Entities } from '../ports/stores.ts'
import { writeEntityAlone } from '../storage/alone.ts'
import { StoreError } from '../storage/store-error.ts'
import type { Place } from './place.ts'
import type { Surroundings } from './surroundings.ts'

export interface ClosedKeysParts {
  readonly place: Place
  readonly surroundings: Surroundings
  readonly log: Log
  /** Keys of the configuration file. */
  readonly file: readonly ResolvedKey[]
  /** Reads the store; it may not be there yet. */
  readonly books: Pick<Entities, 'list' | 'read'>
}

/** The keys while no gateway serves. Rejects with a StoreError where the stored ones cannot be read. */
export async function closedKeys({ place, surroundings, log, file, books }: ClosedKeysParts): Promise<IssuedKeys> {
  const entities = writingEntities(place, books)
  const keys = new IssuedKeys({
    clock,
    log,
    entities,
    makeText: newKeyText,
    hash: (text) => keyHasher(secretOf(place, surroundings).key).hash(text),
    publish: () => undefined,
  })
  keys.configure(file)
  await keys.load()
  return keys
}

/** What is stored, where each change takes the data for itself. */
export function writingEntities(place: Place, books: Pick<Entities, 'list' | 'read'>): Entities {
  return { ...books, write: (name, json, version) => written(place, () => writeEntityAlone(place.places.store, name, json, version)) }
}

/** The data is taken for one change, so that no gateway starts which would not see it. */
export async function written<T>({ places }: Place, change: () => Promise<T>): Promise<T> {
  closeFolder(places.data)
  const pidFile = join(places.data, 'turnout.pid')
  const holder = claimPidFile(pidFile, { pid: process.pid, url: '' })
  if (holder !== null)
    throw new StoreError('busy', `Process ${holder.pid} has just taken the data in ${places.data}. Try again: that one will make the change.`)
  try {
    return await change()
  } finally {
    removePidFile(pidFile, process.pid)
  }
}

/** The installation's own, made where there is none yet: by it keys and accounts are known again when they are served. */
export function secretOf({ places }: Place, { environment }: Surroundings): Extract<SecretKey, { kind: 'secret' }> {
  const secret = secretKey(places.data, environment)
  if (secret.kind === 'unusable') throw new StoreError('cannot-open', `${secret.why}.`)
  return secret
}
