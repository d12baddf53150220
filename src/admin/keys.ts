import { writtenLimits } from '../core/key.ts'
import type { Clock } from '../lib/clock.ts'
import { answer, changed, fromStore, problem, type Handles } from './answer.ts'
import type { KeyShape } from './contract-keys.ts'
import { storedKeysMax, type IssuedKeys, type ListedKey } from './issued-keys.ts'
import { pageOf } from './page.ts'
import { instant } from './shown.ts'

export interface KeysDoor {
  readonly clock: Clock
  readonly keys: IssuedKeys
  /** Names of the pools that there are. */
  readonly poolNames: () => readonly string[]
}

export function keyHandles({ clock, keys, poolNames }: KeysDoor): Handles<'keys' | 'createKey' | 'revokeKey'> {
  const list = () => keys.list().map((key) => shown(key, clock.now()))
  const found = (name: string) => list().find((key) => key.name === name) ?? null
  return {
    keys: async ({ query }) => {
      const { page, next } = pageOf(list(), ({ name }) => name, query)
      return answer({ keys: [...page], next })
    },
    createKey: async ({ body: { name, ...details } }) => {
      const known = poolNames()
      const stranger = details.pools.find((pool) => !known.includes(pool))
      if (stranger !== undefined) return problem('invalid_body', `No pool is named '${stranger}'; there are ${known.join(', ')}.`, 'pools')
      if (details.expires !== null && Date.parse(details.expires) <= clock.now())
        return problem('invalid_body', `The moment '${details.expires}' is over already: a key that expires then would never work.`, 'expires')
      const written = await fromStore(keys.create(name, details))
      if (written.kind === 'problem') return written
      switch (written.value.kind) {
        case 'created':
          return changed({ name, key: written.value.text }, { target: name, before: null, after: found(name) })
        case 'taken':
          return problem('name_taken', `A key is named '${name}' already. Take another name, or revoke that one first.`, 'name')
        case 'provisioned':
          return provisioned(name)
        case 'full':
          return problem('too_many_keys', `There are ${storedKeysMax} stored keys, and no more are kept. Revoke some that are not used any more.`)
      }
    },
    revokeKey: async ({ params }) => {
      const name = params['name'] ?? ''
      const before = found(name)
      const written = await fromStore(keys.revoke(name))
      if (written.kind === 'problem') return written
      switch (written.value.kind) {
        case 'revoked':
          return changed(null, { target: name, before, after: null })
        case 'unknown':
          return problem('unknown_key', `No key is named '${name}'.`, 'name')
        case 'provisioned':
          return provisioned(name)
      }
    },
  }
}

function provisioned(name: string) {
  return problem('provisioned', `The key '${name}' stands in the configuration file. Change it there.`, 'name')
}

function shown(key: ListedKey, nowMs: number): KeyShape {
  const { caller, tail, labels, expiresAtMs } = key
  return {
    name: caller.key,
    provisioned: key.from === 'file',
    state: expiresAtMs !== null && expiresAtMs <= nowMs ? 'expired' : 'active',
    tail,
    pools: [...caller.pools],
    models: [...caller.models],
    limits: writtenLimits(caller.limits),
    labels: { ...labels },
    expires: expiresAtMs === null ? null : instant(expiresAtMs),
    created: key.from === 'file' ? null : instant(key.createdAtMs),
  }
}
