import type { AccountId } from '../../src/core/ids.ts'
import type { KeptCredential, KeptCredentials, KeptOf } from '../../src/ports/stores.ts'
import type { Refreshed, RefreshWish, Tokens } from '../../src/ports/tokens.ts'

/** A disk: what was written to it outlives the process that wrote. */
export class Disk {
  readonly entries = new Map<AccountId, { readonly version: number; readonly json: string }>()
  /** Every write that came through, oldest first. */
  readonly written: KeptCredential[] = []

  of(account: AccountId): KeptCredential | null {
    const entry = this.entries.get(account)
    return entry === undefined ? null : (JSON.parse(entry.json) as KeptCredential)
  }
}

/** How one write ends: it comes through; it is refused; it comes through and nobody hears of it; the process dies before it, or right after it. */
export type WriteDeed = 'done' | 'refused' | 'unheard' | 'dies-before' | 'dies-after'

const never = <T>(): Promise<T> => new Promise<T>(() => {})

/** The store as one process sees it. */
export class DiskCredentials implements KeptCredentials {
  readonly #disk: Disk
  /** For the next writes, one each; then all are done. */
  deeds: WriteDeed[]

  constructor(disk: Disk, deeds: readonly WriteDeed[] = []) {
    this.#disk = disk
    this.deeds = [...deeds]
  }

  async all(): Promise<readonly { readonly account: AccountId; readonly of: KeptOf }[]> {
    return Promise.all([...this.#disk.entries.keys()].map(async (account) => ({ account, of: await this.read(account) })))
  }

  async read(account: AccountId): Promise<KeptOf> {
    const entry = this.#disk.entries.get(account)
    if (entry === undefined) return { kind: 'nothing', version: 0 }
    return entry.json === ''
      ? { kind: 'unreadable', version: entry.version }
      : { kind: 'kept', version: entry.version, credential: JSON.parse(entry.json) as KeptCredential }
  }

  async write(account: AccountId, credential: KeptCredential, version: number): Promise<number | null> {
    const deed = this.deeds.shift() ?? 'done'
    if (deed === 'refused') throw new Error('The store did not commit within 1000 ms.')
    if (deed === 'dies-before') return never()
    const before = this.#disk.entries.get(account)?.version ?? 0
    if (before !== version) return null
    this.#disk.entries.set(account, { version: version + 1, json: JSON.stringify(credential) })
    this.#disk.written.push(credential)
    if (deed === 'dies-after') return never()
    if (deed === 'unheard') throw new Error('The store did not commit within 1000 ms.')
    return version + 1
  }
}

/** What a token endpoint does with one request; `-dies` : it does so, and the process dies before it hears. */
export type TokenDeed = 'serve' | 'dies-before' | 'serve-dies' | Exclude<Refreshed, { kind: 'renewed' }> | 'lose-answer'

/** A token endpoint whose refresh tokens are each good for one exchange; it outlives the processes that ask it. */
export class RotatingTokens implements Tokens {
  readonly wishes: RefreshWish[] = []
  deeds: TokenDeed[] = []
  expiresInMs: number | null = null
  #nth = 0

  /** The refresh token that is good at the moment. */
  get good(): string {
    return `refresh-${this.#nth}`
  }

  async refresh(wish: RefreshWish): Promise<Refreshed> {
    this.wishes.push(wish)
    const deed = this.deeds.shift() ?? 'serve'
    if (deed === 'dies-before') return never()
    if (typeof deed === 'object') return deed
    if (wish.refreshToken !== this.good) return { kind: 'refused', status: 401, code: 'refresh_token_reused', fault: 'token' }
    this.#nth++
    if (deed === 'serve-dies') return never()
    if (deed === 'lose-answer') return { kind: 'failed', status: null, why: 'its answer broke off', exchanged: 'perhaps', retryAfterMs: null }
    return { kind: 'renewed', accessToken: `access-${this.#nth}`, refreshToken: this.good, expiresInMs: this.expiresInMs }
  }
}
