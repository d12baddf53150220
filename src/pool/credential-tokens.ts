import type { Account, Credential, Renewing } from '../core/account.ts'
import type { Dice } from '../lib/clock.ts'
import { expiryOf } from '../lib/jwt.ts'
import type { KeptCredential, KeptOf } from '../ports/stores.ts'
import type { Refreshed } from '../ports/tokens.ts'

/** A credential that renews itself, as far as it has grown. */
export interface Grown {
  readonly account: Account
  readonly renewing: Renewing
  readonly tokens: KeptCredential
  /** What is kept at this moment, which may be of another beginning. */
  readonly kept: KeptOf
}

/** A token is renewed this much ahead of its end, or a quarter of what is left of its life where that is less. Unit: milliseconds. */
const aheadMsMax = 10 * 60_000

/** What a token endpoint leaves out stays as it was. */
export function grown(before: KeptCredential, said: Extract<Refreshed, { kind: 'renewed' }>, nowMs: number): KeptCredential {
  const accessToken = said.accessToken ?? before.accessToken
  const expiresAtMs = said.accessToken === null ? before.expiresAtMs : (expiryOf(accessToken) ?? (said.expiresInMs === null ? null : nowMs + said.expiresInMs))
  return { ...before, accessToken, refreshToken: said.refreshToken ?? before.refreshToken, expiresAtMs, sending: null }
}

export function credentialOf({ accessToken, accountId }: KeptCredential): Credential {
  return { kind: 'oauth', accessToken, accountId }
}

/** When a token that ends then is to be renewed: ahead of its end, and not all tokens of a pool at once. */
export function renewalAt(expiresAtMs: number, nowMs: number, dice: Dice): number {
  const leftMs = Math.max(0, expiresAtMs - nowMs)
  return Math.floor(expiresAtMs - Math.min(aheadMsMax, leftMs / 4) * (0.5 + dice() / 2))
}

/** What the configuration gives to begin with. */
export function seeded(account: Account, credential: Extract<Credential, { kind: 'oauth' }>, renewing: Renewing): KeptCredential {
  const { accessToken, accountId } = credential
  return {
    seed: account.generation,
    imported: null,
    accessToken,
    refreshToken: renewing.refreshToken,
    accountId,
    expiresAtMs: expiryOf(accessToken),
    sending: null,
  }
}
