import type { Account } from '../core/account.ts'

/** A refusal of a token endpoint, for the person who has to do something about it. */
interface Refusal {
  readonly account: Account
  readonly code: string | null
  /** Whether another sign-in would help, or another client. */
  readonly fault: 'token' | 'client'
}

/** The endpoint no longer takes a token that was sent before without an answer being kept: it was exchanged then. */
export function lostAdvice({ account }: Refusal, sentAtMs: number): string {
  const at = new Date(sentAtMs).toISOString()
  return `the rotated token was lost in flight: a refresh was sent at ${at}, and its answer was never stored; ${signIn(account)}`
}

export function refusedAdvice(refusal: Refusal): string {
  const { account, code, fault } = refusal
  if (fault === 'client') return `the token endpoint refuses the client${code === null ? '' : ` (${code})`}: correct credential.oauth.client_id or token_url`
  switch (code) {
    case 'refresh_token_reused':
      return `the refresh token was already used by another program that shares this sign-in; ${signIn(account)}, for Turnout alone`
    case 'refresh_token_expired':
      return `the refresh token has expired; ${signIn(account)}`
    default:
      return `the token endpoint no longer takes the refresh token, which was revoked or replaced; ${signIn(account)}`
  }
}

/** A codex account without any credential. */
export function missingAdvice(account: Account): string {
  return `it has no credential yet; ${signIn(account)}`
}

export function unreadableAdvice(account: Account): string {
  return `its stored credential was sealed with another secret key than the one in use: put that key back and start again, or ${signIn(account)}`
}

function signIn({ id, upstream }: Account): string {
  if (upstream === 'codex') return `sign in again and import it: turnout accounts import codex-auth FILE --account ${id}`
  return 'sign in again and write the new tokens into credential.oauth'
}
