import { dirname } from 'node:path'
import type { CredentialsDoor } from '../admin/credentials.ts'
import { LiveCredentials } from '../admin/live-credentials.ts'
import { resolve, type Resolved } from '../config/resolve.ts'
import { rotationOf } from '../config/secret-rotation.ts'
import { systemClock as clock, systemDice as dice } from '../lib/clock.ts'
import { LiveAccounts } from '../pool/accounts.ts'
import type { Log } from '../ports/log.ts'
import type { Entities } from '../ports/stores.ts'
import { secretOf } from './closed-keys.ts'
import type { Place } from './place.ts'
import type { Surroundings } from './surroundings.ts'

export interface ClosedCredentialsParts {
  readonly place: Place
  readonly surroundings: Surroundings
  readonly log: Log
  readonly entities: Entities
}

/** The credentials while no gateway serves: they can be imported and sealed anew, and nothing renews them. */
export function closedCredentials(parts: ClosedCredentialsParts): CredentialsDoor['credentials'] {
  const opened = (): Promise<LiveCredentials> => {
    const { file, configuration } = parts.place
    const resolved = resolve(configuration, {
      folder: dirname(file),
      secret: secretOf(parts.place, parts.surroundings).key,
      simulatorUrl: null,
      trialKey: null,
    })
    return carried(parts, resolved, new LiveAccounts({ clock, dice, bounds: () => noRoom, keep: () => undefined, suspect: () => undefined }))
  }
  return {
    import: async (account, signIn) => (await opened()).import(account, signIn),
    rotate: async () => (await opened()).rotate(),
  }
}

/** Gives accounts what is kept for them. Rejects with a StoreError where that cannot be read. */
export async function carried(parts: ClosedCredentialsParts, resolved: Resolved, accounts: LiveAccounts): Promise<LiveCredentials> {
  const { place, surroundings, log, entities } = parts
  const sealing = rotationOf(place.places.data, surroundings.environment, secretOf(place, surroundings).sealing)
  const tokens = { refresh: () => Promise.reject(new Error('nothing is renewed while no gateway serves')) }
  const credentials = new LiveCredentials({ clock, dice, log, entities, tokens, accounts, sealing, renewed: () => undefined })
  credentials.configure(resolved.accounts, resolved.pools)
  await credentials.load()
  return credentials
}

const noRoom = { waiting: 0, waitingPerKey: 0 }
