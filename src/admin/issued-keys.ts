import * as z from 'zod'
import type { ClientModel, KeyId, PoolId } from '../core/ids.ts'
import { limitsOf } from '../core/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { Caller } from '../ports/caller.ts'
import type { Log } from '../ports/log.ts'
import type { Entities } from '../ports/stores.ts'
import { keyDetails, type KeyDetails } from './contract-keys.ts'

/** A key that we issued, wherever it is kept. */
export interface KnownKey {
  readonly caller: Caller
  /** What is kept and compared instead of its text. */
  readonly hash: Buffer
  /** All of its text that is shown. */
  readonly tail: string
  readonly labels: Readonly<Record<string, string>>
  /** Null: never. */
  readonly expiresAtMs: number | null
}

export type ListedKey = KnownKey &
  (
    | { readonly from: 'file' }
    | {
        readonly from: 'store'
        readonly createdAtMs: number
        /** Of what is stored. */
        readonly version: number
      }
  )

export interface IssuedKeysParts {
  readonly clock: Clock
  readonly log: Log
  readonly entities: Entities
  /** Text that nobody can guess, of characters that a header takes. */
  readonly makeText: () => string
  readonly hash: (text: string) => Buffer
  /** Makes these the keys that open the gateway, at once. */
  readonly publish: (keys: readonly KnownKey[]) => void
}

export type Created =
  /** `text` is the key itself, which is kept nowhere. */
  { readonly kind: 'created'; readonly text: string } | { readonly kind: 'taken' | 'provisioned' | 'full' }

export type Revoked = { readonly kind: 'revoked' | 'unknown' | 'provisioned' }

/** Keys that may be stored. One process holds them all in memory. */
export const storedKeysMax = 10_000

const prefix = 'key:'
const shownLength = 4

const storedKey = z.object({ ...keyDetails.shape, hash: z.string(), tail: z.string(), created_at: z.number() })

/**
 * The keys that open the gateway: those of the configuration file and those that were made while it runs. A name of the file goes before the same name in the
 * store, whose key opens nothing meanwhile: nobody could revoke it.
 */
export class IssuedKeys {
  readonly #parts: IssuedKeysParts
  #file: ReadonlyMap<string, KnownKey> = new Map()
  #stored = new Map<string, Extract<ListedKey, { from: 'store' }>>()

  constructor(parts: IssuedKeysParts) {
    this.#parts = parts
  }

  /** Takes over the keys of a configuration that is applied. */
  configure(keys: readonly KnownKey[]): void {
    this.#file = new Map(keys.map((key) => [key.caller.key, key]))
    const shadowed = keys.filter(({ caller }) => this.#stored.has(caller.key)).map(({ caller }) => caller.key)
    if (shadowed.length > 0)
      this.#parts.log.warn({ keys: shadowed }, 'keys of the configuration file have names of stored keys: the stored ones open nothing meanwhile')
    this.#publish()
  }

  /** Reads what an earlier process, or another one, has stored. Rejects when the store does. */
  async load(): Promise<void> {
    const kept = await this.#parts.entities.list(prefix)
    const read = kept.map(({ name, json, version }) => ({ name: name.slice(prefix.length), key: readKey(name.slice(prefix.length), json, version) }))
    for (const { name, key } of read) if (key === null) this.#parts.log.error({ key: name }, 'a stored key cannot be read and opens nothing; revoke it')
    this.#stored = new Map(read.flatMap(({ name, key }) => (key === null ? [] : [[name, key]])))
    this.#publish()
  }

  /** By name. */
  list(): readonly ListedKey[] {
    const file = [...this.#file.values()].map((key): ListedKey => ({ ...key, from: 'file' }))
    const stored = [...this.#stored.values()].filter(({ caller }) => !this.#file.has(caller.key))
    return [...file, ...stored].toSorted((a, b) => (a.caller.key < b.caller.key ? -1 : 1))
  }

  /** It opens the gateway when this resolves. Rejects when the store does. */
  async create(name: string, details: KeyDetails): Promise<Created> {
    if (this.#file.has(name)) return { kind: 'provisioned' }
    if (this.#stored.has(name)) return { kind: 'taken' }
    if (this.#stored.size >= storedKeysMax) return { kind: 'full' }
    const { clock, entities, makeText, hash } = this.#parts
    const text = makeText()
    const kept = { ...details, hash: hash(text).toString('base64url'), tail: `****${text.slice(-shownLength)}`, created_at: clock.now() }
    const version = await entities.write(prefix + name, JSON.stringify(kept), 0)
    if (version === null) {
      // Another process was faster.
      await this.load()
      return { kind: 'taken' }
    }
    this.#stored.set(name, knownKey(name, kept, version))
    this.#publish()
    return { kind: 'created', text }
  }

  /** It opens nothing from now on, whatever the store does; rejects when that does not keep it so. */
  async revoke(name: string): Promise<Revoked> {
    if (this.#file.has(name)) return { kind: 'provisioned' }
    this.#stored.delete(name)
    this.#publish()
    const { entities } = this.#parts
    const kept = await entities.read(prefix + name)
    if (kept === null) return { kind: 'unknown' }
    if ((await entities.write(prefix + name, null, kept.version)) !== null) return { kind: 'revoked' }
    // Another process has changed it meanwhile; what that one stored holds.
    await this.load()
    return { kind: 'unknown' }
  }

  #publish(): void {
    this.#parts.publish(this.list())
  }
}

type StoredKey = z.output<typeof storedKey>

function readKey(name: string, json: string, version: number): Extract<ListedKey, { from: 'store' }> | null {
  try {
    return knownKey(name, storedKey.parse(JSON.parse(json)), version)
  } catch {
    return null
  }
}

function knownKey(name: string, kept: StoredKey, version: number): Extract<ListedKey, { from: 'store' }> {
  return {
    from: 'store',
    caller: { key: name as KeyId, pools: kept.pools as PoolId[], models: kept.models as ClientModel[], limits: limitsOf(kept.limits) },
    hash: Buffer.from(kept.hash, 'base64url'),
    tail: kept.tail,
    labels: kept.labels,
    expiresAtMs: kept.expires === null ? null : Date.parse(kept.expires),
    createdAtMs: kept.created_at,
    version,
  }
}
