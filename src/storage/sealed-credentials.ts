import type { AccountId } from '../core/ids.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { Entities, KeptCredential, KeptCredentials, KeptOf } from '../ports/stores.ts'

const prefix = 'credential:'

/** How often sealing one credential anew is tried when it is renewed at the same moment. */
const overtakenMax = 5

/** What sealing everything anew came to. */
export interface Resealed {
  /** How many are sealed by the newest key now. */
  readonly sealed: number
  /** Those that none of the keys opens. */
  readonly unreadable: readonly AccountId[]
}

/** Credentials that renew themselves, each an entity of the store, sealed. */
export class SealedCredentials implements KeptCredentials {
  readonly #entities: Entities
  #sealer: Sealer

  constructor(entities: Entities, sealer: Sealer) {
    this.#entities = entities
    this.#sealer = sealer
  }

  async all(): Promise<readonly { readonly account: AccountId; readonly of: KeptOf }[]> {
    const entities = await this.#entities.list(prefix)
    return entities.map(({ name, json, version }) => ({ account: name.slice(prefix.length) as AccountId, of: this.#open(name, json, version) }))
  }

  async read(account: AccountId): Promise<KeptOf> {
    const name = prefix + account
    const entity = await this.#entities.read(name)
    return entity === null ? { kind: 'nothing', version: 0 } : this.#open(name, entity.json, entity.version)
  }

  write(account: AccountId, credential: KeptCredential, version: number): Promise<number | null> {
    const name = prefix + account
    return this.#entities.write(name, JSON.stringify({ sealed: this.#sealer.seal(JSON.stringify(credential), name) }), version)
  }

  /** Seals everything anew under the newest of these keys; from now on it alone seals. Rejects when the store does: then some are sealed anew and some are not. */
  async reseal(sealer: Sealer): Promise<Resealed> {
    this.#sealer = sealer
    const entities = await this.#entities.list(prefix)
    const accounts = entities.map(({ name }) => name.slice(prefix.length) as AccountId)
    const unreadable: AccountId[] = []
    for (const account of accounts) if (!(await this.#resealed(account))) unreadable.push(account)
    return { sealed: accounts.length - unreadable.length, unreadable }
  }

  async #resealed(account: AccountId): Promise<boolean> {
    for (let overtaken = 0; overtaken < overtakenMax; overtaken++) {
      const entity = await this.#entities.read(prefix + account)
      const sealed = entity === null ? null : sealedIn(entity.json)
      if (sealed !== null && this.#sealer.isNewest(sealed)) return true
      const of = await this.read(account)
      if (of.kind !== 'kept') return of.kind === 'nothing'
      if ((await this.write(account, of.credential, of.version)) !== null) return true
    }
    return false
  }

  #open(name: string, json: string, version: number): KeptOf {
    const sealed = sealedIn(json)
    const text = sealed === null ? null : this.#sealer.open(sealed, name)
    return text === null ? { kind: 'unreadable', version } : { kind: 'kept', version, credential: JSON.parse(text) as KeptCredential }
  }
}

function sealedIn(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json)
    const sealed = typeof value === 'object' && value !== null && 'sealed' in value ? value.sealed : null
    return typeof sealed === 'string' ? sealed : null
  } catch {
    return null
  }
}
