import { randomUUID } from 'node:crypto'
import type { Account, Credential, Renewing } from '../core/account.ts'
import type { Why } from '../core/health.ts'
import type { AccountId } from '../core/ids.ts'
import { expiryOf } from '../lib/jwt.ts'
import type { Renewal } from '../ports/pool.ts'
import type { KeptCredential, KeptOf } from '../ports/stores.ts'
import { missingAdvice, unreadableAdvice } from './credential-advice.ts'
import { RenewableCredential, type CredentialParts } from './credential.ts'
import { credentialOf, seeded, type Grown } from './credential-tokens.ts'

/** An account of the configuration with what it presents, and how that is renewed; null: it is not. */
export interface Configured {
  readonly account: Account
  readonly credential: Credential
  readonly renewing: Renewing | null
}

/** What a sign-in elsewhere gave. */
export interface SignIn {
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly accountId: string | null
}

export type Imported = { readonly kind: 'imported' } | { readonly kind: 'not-renewable' } | { readonly kind: 'unknown' } | { readonly kind: 'overtaken' }

/** How often an import is tried anew when a refresh writes at the same moment. */
const overtakenMax = 3

const nothingKept: KeptOf = { kind: 'nothing', version: 0 }

/**
 * Credentials that renew themselves, and everything that is kept of them. What is kept goes before what the configuration gives, for as long as
 * the configuration gives what it began with.
 */
export class Credentials {
  readonly #parts: CredentialParts
  readonly #kept = new Map<AccountId, KeptOf>()
  readonly #renewable = new Map<AccountId, RenewableCredential>()
  #configured: readonly Configured[] = []
  #state: 'new' | 'loaded' | 'started' | 'finished' = 'new'

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  /** Reads what earlier processes have kept. Rejects when the store does. */
  async load(): Promise<void> {
    this.#state = 'loaded'
    for (const { account, of } of await this.#parts.kept.all()) this.#kept.set(account, of)
  }

  /** Takes over a configuration; the answer is what each account carries by now. */
  configure(configured: readonly Configured[]): readonly { readonly account: Account; readonly credential: Credential }[] {
    this.#configured = configured
    const names = new Set(configured.map(({ account }) => account.id))
    for (const [id, renewable] of this.#renewable) {
      if (names.has(id)) continue
      renewable.stop()
      this.#renewable.delete(id)
    }
    return configured.map((one) => this.#carried(one))
  }

  /** Why these accounts cannot serve, whatever their upstreams would say. Nothing is known of it before what is kept was read. */
  unusable(): readonly { readonly account: AccountId; readonly why: Why }[] {
    if (this.#state === 'new') return []
    return this.#configured.flatMap(({ account, renewing }) => {
      const advice = renewing === null ? null : this.#missing(account)
      return advice === null ? [] : [{ account: account.id, why: { kind: 'credential', status: null, code: 'no_credential', advice } }]
    })
  }

  /** Renews what is due, from now on. */
  start(): void {
    this.#state = 'started'
    for (const renewable of this.#renewable.values()) renewable.start()
  }

  /** Begins nothing more, and waits for what is under way: a token that was exchanged and not kept is lost. Bounded in time. */
  async finish(ms: number): Promise<void> {
    this.#state = 'finished'
    const late = Promise.withResolvers<void>()
    const disarm = this.#parts.clock.after(ms, late.resolve)
    await Promise.race([Promise.all([...this.#renewable.values()].map((renewable) => renewable.finish())), late.promise])
    disarm()
    for (const renewable of this.#renewable.values()) renewable.stop()
  }

  /** An upstream has refused this account's credential. */
  renew(account: AccountId): Promise<Renewal> {
    const renewable = this.#renewable.get(account)
    if (renewable === undefined) return Promise.resolve('none')
    return this.#state === 'finished' ? Promise.resolve('failed') : renewable.renew()
  }

  /** Why nobody but the operator can renew this account's credential; null: that is not so. */
  lost(account: AccountId): Why | null {
    return this.#renewable.get(account)?.lost ?? null
  }

  /** Keeps what a sign-in gave; it is on disk when this resolves, and carried from the next `configure` on. Rejects when the store does. */
  async import(id: AccountId, signIn: SignIn): Promise<Imported> {
    const configured = this.#configured.find(({ account }) => account.id === id)
    if (configured === undefined) return { kind: 'unknown' }
    if (configured.renewing === null) return { kind: 'not-renewable' }
    // Whatever is being renewed is of no use any more.
    this.#renewable.get(id)?.stop()
    this.#renewable.delete(id)
    const credential: KeptCredential = {
      seed: configured.account.generation,
      imported: randomUUID(),
      ...signIn,
      expiresAtMs: expiryOf(signIn.accessToken),
      sending: null,
    }
    for (let overtaken = 0; overtaken < overtakenMax; overtaken++) {
      const version = await this.#parts.kept.write(id, credential, (await this.#parts.kept.read(id)).version)
      if (version === null) continue
      this.#kept.set(id, { kind: 'kept', version, credential })
      return { kind: 'imported' }
    }
    return { kind: 'overtaken' }
  }

  #carried({ account, credential, renewing }: Configured): { readonly account: Account; readonly credential: Credential } {
    // Before what is kept was read, nobody knows what has become of it.
    if (renewing === null || credential.kind !== 'oauth' || this.#state === 'new') {
      this.#forget(account.id)
      return { account, credential }
    }
    const renewable = this.#renewable.get(account.id) ?? null
    if (renewable !== null && renewable.tokens.seed === account.generation) {
      renewable.configure(account, renewing)
      return { account: asImported(account, renewable.tokens), credential: renewable.credential }
    }
    this.#forget(account.id)
    const grown = this.#grown(account, renewing, seeded(account, credential, renewing))
    if (grown.tokens.accessToken === '' && grown.tokens.refreshToken === null) return { account: asImported(account, grown.tokens), credential }
    const begun = new RenewableCredential(this.#parts, grown)
    this.#renewable.set(account.id, begun)
    if (this.#state === 'started') begun.start()
    return { account: asImported(account, grown.tokens), credential: credentialOf(grown.tokens) }
  }

  #grown(account: Account, renewing: Renewing, seed: KeptCredential): Grown {
    const of = this.#kept.get(account.id) ?? nothingKept
    if (of.kind === 'kept' && of.credential.seed === account.generation) return { account, renewing, tokens: of.credential, kept: of }
    // What the configuration gave may have been exchanged long since: behind a seal that cannot be opened there is nobody who knows.
    const tokens = of.kind === 'unreadable' ? { ...seed, accessToken: '', refreshToken: null, imported: 'unreadable' } : seed
    return { account, renewing, tokens, kept: of }
  }

  #forget(account: AccountId): void {
    const renewable = this.#renewable.get(account)
    if (renewable === undefined) return
    renewable.stop()
    this.#renewable.delete(account)
    // What it has kept by now is known to it alone.
    this.#kept.set(account, renewable.kept)
  }

  #missing(account: Account): string | null {
    if (this.#renewable.has(account.id)) return null
    return this.#kept.get(account.id)?.kind === 'unreadable' ? unreadableAdvice(account) : missingAdvice(account)
  }
}

/** An import makes it another credential: what was learnt with the one before is void. A renewal does not. */
function asImported(account: Account, { imported }: KeptCredential): Account {
  return imported === null ? account : { ...account, generation: `${account.generation}+${imported}` }
}
