import type { Account, Credential, Renewing } from '../core/account.ts'
import type { Why } from '../core/health.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock, Dice } from '../lib/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Renewal } from '../ports/pool.ts'
import type { KeptCredential, KeptCredentials, KeptOf } from '../ports/stores.ts'
import type { Refreshed, Tokens } from '../ports/tokens.ts'
import { lostAdvice, refusedAdvice } from './credential-advice.ts'
import { credentialOf, grown, renewalAt, type Grown } from './credential-tokens.ts'

/** What a credential may do to the account that it belongs to. */
export interface Holder {
  /** The account carries this credential from now on; what the old one was held for is over. */
  renewed(account: AccountId, credential: Credential): void
  /** The account rests until then. */
  hold(account: AccountId, why: Why, untilMs: number): void
  retire(account: AccountId, why: Why): void
}

export interface CredentialParts {
  readonly clock: Clock
  readonly dice: Dice
  readonly log: Log
  readonly kept: KeptCredentials
  readonly tokens: Tokens
  readonly holder: Holder
  /** Tells this process from others that have served, or serve, the same store. */
  readonly process: string
  /** `alone`: no other process serves this store while this one does, so that whatever another has begun is over. */
  readonly sharing: 'alone' | 'shared'
}

/** A refresh is over within this, one way or the other: a mark that is older is nobody's any more. Unit: milliseconds. */
const flightMsMax = 45_000
/** How long a token endpoint that failed is left alone: doubling, from and to. Unit: milliseconds. */
const backOffMs = 5_000
const backOffMsMax = 10 * 60_000
/** The longest wait that a token endpoint may ask for. Unit: milliseconds. */
const waitMsMax = 3_600_000
/** A token that is refused this soon after its renewal is refused for another reason than its age. Unit: milliseconds. */
const freshMs = 30_000
/** Not even tokens that live for a moment are renewed more often than this. Unit: milliseconds. */
const betweenMs = 1_000
/** How often in a row what was about to be written is found to have been overtaken. */
const overtakenMax = 3

/** The credential of one account: one refresh at a time, and every new token on disk before anyone is given it. */
export class RenewableCredential {
  readonly #parts: CredentialParts
  readonly #breaker = new AbortController()
  #account: Account
  #renewing: Renewing
  #tokens: KeptCredential
  #kept: KeptOf
  #credential: Credential
  /** What a token endpoint gave and no disk has yet: nobody is given it, and nothing else is asked for before it is kept. */
  #unkept: KeptCredential | null = null
  #flight: Promise<Renewal> | null = null
  /** Whether an upstream has refused the token since it was renewed last. */
  #state: 'good' | 'refused' = 'good'
  #failures = 0
  #notBeforeMs = 0
  #renewedAtMs = -Infinity
  #lost: Why | null = null
  #disarm: () => void = () => {}

  constructor(parts: CredentialParts, { account, renewing, tokens, kept }: Grown) {
    this.#parts = parts
    this.#account = account
    this.#renewing = renewing
    this.#tokens = tokens
    this.#kept = kept
    this.#credential = credentialOf(tokens)
  }

  get tokens(): KeptCredential {
    return this.#tokens
  }

  /** What is on disk, as far as is known here. */
  get kept(): KeptOf {
    return this.#kept
  }

  /** What a lease is given; the same object until it is renewed. */
  get credential(): Credential {
    return this.#credential
  }

  /** Why nobody but the operator can renew it; null: it may be renewed. */
  get lost(): Why | null {
    return this.#lost
  }

  /** Takes over a changed configuration that leaves the credential as it is. */
  configure(account: Account, renewing: Renewing): void {
    this.#account = account
    this.#renewing = renewing
  }

  /** From now on it is renewed when its time comes. */
  start(): void {
    this.#disarm()
    const dueMs = this.#dueMs()
    if (dueMs === null || this.#breaker.signal.aborted) return
    const { clock } = this.#parts
    this.#disarm = clock.after(Math.max(0, dueMs - clock.now()), () => void this.#begin())
  }

  /** Begins nothing more. What is under way may come to its end, since a token that was exchanged and not kept is lost. */
  async finish(): Promise<void> {
    this.#disarm()
    await this.#flight
    this.#disarm()
  }

  /** Breaks off what is under way. */
  stop(): void {
    this.#disarm()
    this.#breaker.abort(new Error('the credential is no longer kept here'))
  }

  /** An upstream has refused it. However many ask at a time, it is renewed once. */
  renew(): Promise<Renewal> {
    const { clock, holder } = this.#parts
    const nowMs = clock.now()
    const { refreshToken, expiresAtMs } = this.#tokens
    const isFresh = nowMs - this.#renewedAtMs < freshMs && (expiresAtMs === null || expiresAtMs > nowMs)
    if (refreshToken === null || (this.#flight === null && isFresh)) return Promise.resolve('none')
    this.#state = 'refused'
    if (this.#flight !== null || nowMs >= this.#notBeforeMs) return this.#begin()
    holder.hold(this.#account.id, { ...this.#why(null, null), advice: 'its access token was refused, and could not be renewed yet' }, this.#notBeforeMs)
    return Promise.resolve('failed')
  }

  #begin(): Promise<Renewal> {
    this.#disarm()
    this.#flight ??= this.#fly().finally(() => {
      this.#flight = null
      this.start()
    })
    return this.#flight
  }

  async #fly(): Promise<Renewal> {
    try {
      return this.#unkept === null ? await this.#refresh(0) : await this.#keep(this.#unkept, 0)
    } catch (error) {
      if (this.#breaker.signal.aborted) return 'failed'
      return this.#failed(`the store does not take it: ${error instanceof Error ? error.message : 'unknown error'}`, { status: null, waitMs: null })
    }
  }

  /** Marks on disk that the refresh token is about to be used, uses it, and keeps what comes of it. */
  async #refresh(overtaken: number): Promise<Renewal> {
    const { clock, tokens, process, sharing } = this.#parts
    const before = this.#tokens
    const { refreshToken, sending } = before
    if (refreshToken === null) return 'none'
    const waitMs = sending === null || sending.by === process || sharing === 'alone' ? 0 : sending.atMs + flightMsMax - clock.now()
    if (waitMs > 0) return this.#failed('another process may be renewing it', { status: null, waitMs })
    const marked = { ...before, sending: { atMs: clock.now(), by: process } }
    if (!(await this.#write(marked))) return (await this.#reread(overtaken)) ?? this.#refresh(overtaken + 1)
    const refreshed = await tokens.refresh({ account: this.#account, ...this.#renewing, refreshToken, signal: this.#breaker.signal })
    switch (refreshed.kind) {
      case 'renewed':
        return this.#keep(grown(marked, refreshed, clock.now()), 0)
      case 'refused':
        await this.#unmark(before)
        return this.#refused(refreshed, before)
      case 'failed':
        if (refreshed.exchanged === 'surely-not') await this.#unmark(before)
        return this.#failed(refreshed.why, { status: refreshed.status, waitMs: refreshed.retryAfterMs })
    }
  }

  async #keep(tokens: KeptCredential, overtaken: number): Promise<Renewal> {
    this.#unkept = tokens
    if (!(await this.#write(tokens))) return (await this.#reread(overtaken)) ?? this.#keep(tokens, overtaken + 1)
    return this.#renewed()
  }

  /** Where the store does not take it, the mark stays, and says too much. */
  async #unmark(before: KeptCredential): Promise<void> {
    try {
      await this.#write(before)
    } catch {
      this.#parts.log.warn({ account: this.#account.id }, 'the store did not take that a refresh token was not used')
    }
  }

  /** False: what is kept is not what was thought to be. */
  async #write(tokens: KeptCredential): Promise<boolean> {
    const version = await this.#parts.kept.write(this.#account.id, tokens, this.#kept.version)
    if (version === null) return false
    this.#kept = { kind: 'kept', version, credential: tokens }
    this.#tokens = tokens
    return true
  }

  /**
   * Someone has written meanwhile: another process, an import, or this very process, whose write was given up and came through all the same.
   * Null: nothing newer is there, and the write may be tried again.
   */
  async #reread(overtaken: number): Promise<Renewal | null> {
    const { kept, process } = this.#parts
    const now = await kept.read(this.#account.id)
    const { seed, imported, accessToken, refreshToken, sending } = this.#tokens
    const isOurs = now.kind === 'kept' && now.credential.seed === seed && now.credential.imported === imported
    if (!isOurs || overtaken >= overtakenMax) return this.#failed('another credential was stored meanwhile', { status: null, waitMs: null })
    const { credential } = now
    this.#kept = now
    if (credential.accessToken !== accessToken || credential.refreshToken !== refreshToken) {
      this.#tokens = credential
      return this.#renewed()
    }
    // Of a mark of its own that came through late it is known here that nothing was sent under it.
    this.#tokens = credential.sending?.by === process ? { ...credential, sending } : credential
    return null
  }

  #renewed(): Renewal {
    const { clock, holder, log } = this.#parts
    this.#unkept = null
    this.#state = 'good'
    this.#failures = 0
    this.#renewedAtMs = clock.now()
    this.#notBeforeMs = clock.now() + betweenMs
    this.#lost = null
    this.#credential = credentialOf(this.#tokens)
    holder.renewed(this.#account.id, this.#credential)
    log.info({ account: this.#account.id, expiresAtMs: this.#tokens.expiresAtMs }, 'the access token was renewed')
    return 'renewed'
  }

  /** Only the operator can help. */
  #refused({ status, code, fault }: Extract<Refreshed, { kind: 'refused' }>, { sending }: KeptCredential): Renewal {
    const { holder, log, clock } = this.#parts
    const to = { account: this.#account, code, fault }
    const advice = sending !== null && fault === 'token' ? lostAdvice(to, sending.atMs) : refusedAdvice(to)
    this.#lost = { ...this.#why(status, code), advice }
    this.#notBeforeMs = clock.now() + backOffMs
    holder.retire(this.#account.id, this.#lost)
    log.error({ account: this.#account.id, status, code, advice }, 'the access token cannot be renewed any more: the account is retired')
    return 'failed'
  }

  /** Tries again later. The account rests only where its token is of no use any more. */
  #failed(reason: string, { status, waitMs }: { readonly status: number | null; readonly waitMs: number | null }): Renewal {
    const { clock, dice, holder, log } = this.#parts
    const nowMs = clock.now()
    const ownMs = Math.min(backOffMs * 2 ** this.#failures, backOffMsMax)
    this.#failures++
    this.#notBeforeMs = nowMs + Math.round(Math.max(ownMs, Math.min(waitMs ?? 0, waitMsMax)) * (1 + dice() / 10))
    const again = new Date(this.#notBeforeMs).toISOString()
    log.warn({ account: this.#account.id, status, reason, again }, 'the access token could not be renewed')
    const { expiresAtMs } = this.#tokens
    const isUseless = this.#state === 'refused' || (expiresAtMs !== null && expiresAtMs <= nowMs)
    const advice = `its access token could not be renewed: ${reason}; tried again at ${again}`
    if (isUseless) holder.hold(this.#account.id, { ...this.#why(status, null), advice }, this.#notBeforeMs)
    return 'failed'
  }

  #why(status: number | null, code: string | null): Why {
    return { kind: 'credential', status, code }
  }

  /** Null: it is not renewed before an upstream refuses it. */
  #dueMs(): number | null {
    const { clock, dice } = this.#parts
    const { expiresAtMs, refreshToken } = this.#tokens
    if (this.#lost !== null || refreshToken === null) return null
    if (this.#failures > 0) return this.#notBeforeMs
    return expiresAtMs === null ? null : Math.max(this.#notBeforeMs, renewalAt(expiresAtMs, clock.now(), dice))
  }
}
