import { existsSync } from 'node:fs'
import { resolve as absolute } from 'node:path'
import { backUp } from '../storage/backup.ts'
import { LeftSpool } from '../storage/spool-recovery.ts'
import { StoreError } from '../storage/store-error.ts'
import { findPlace } from './place.ts'
import { failed, giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'

/** `turnout backup FILE`: copies the store, whether a gateway serves or not. */
export async function backup(name: string, options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') return giveUp(place, surroundings)
  const { places } = place
  if (!existsSync(places.store)) return giveUp(failed(1, `There is no store ${places.store} yet: the first start of the gateway makes it.`), surroundings)
  const file = absolute(name)
  try {
    const { bytes, turns } = await backUp(places.store, file)
    const isSpoolEmpty = new LeftSpool(places.spool).isEmpty()
    if (options.json === true) printJson({ file, bytes, turns, spool: isSpoolEmpty ? 'empty' : 'holds records' }, surroundings)
    else surroundings.out(`${file}: ${turns} turns, ${bytes} bytes. Keep ${places.data}/secret.key with it, in another place.\n`)
    if (!isSpoolEmpty)
      surroundings.err(`Some records are in ${places.spool} and not in this backup, since the store did not take them in time. They will be in the next one.\n`)
    return 0
  } catch (error) {
    if (error instanceof StoreError) return giveUp(failed(1, error.message), surroundings)
    throw error
  }
}
