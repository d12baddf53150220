import { systemClock as clock } from '../lib/clock.ts'
import { workerFile } from '../lib/worker-file.ts'
import type { Log } from '../ports/log.ts'
import type { Entities } from '../ports/stores.ts'
import { ReadSide } from '../storage/read-side.ts'

/** What the gateway would log, a command says in sentences of its own, or not at all. */
export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The store of a file, to be opened and read while no gateway serves. */
export function storeReader(file: string): ReadSide {
  return new ReadSide({ file, clock, log: silent, worker: workerFile('../storage/reader', import.meta.url) })
}

export function entitiesIn(read: ReadSide): Pick<Entities, 'list' | 'read'> {
  return {
    list: (prefix) => read.ask({ kind: 'entities', prefix }),
    read: (name) => read.ask({ kind: 'entity', name }),
  }
}
