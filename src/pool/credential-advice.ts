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
  const found = causes.find((cause) => cause.code === code)?.says ?? 'the token endpoint no longer takes the refresh token, which was revoked or replaced'
  return `${found}; ${signIn(account)}`
}

/** What some codes of token endpoints mean (protocols.md 3.4). */
const causes: readonly { readonly code: string; readonly says: string }[] = [
  { code: 'refresh_token_reused', says: 'the refresh token was already used by another program that shares this sign-in, which Turnout must have for itself' },
  { code: 'refresh_token_expired', says: 'the refresh token has expired' },
]

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
