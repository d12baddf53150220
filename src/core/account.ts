import { claimsOf } from '../lib/jwt.ts'
import type { AccountId, PoolId } from './ids.ts'
import type { Mapping } from './model.ts'
import type { DialectName } from './turn.ts'

export type UpstreamKind = 'openai' | 'openai-compatible' | 'codex' | 'anthropic' | 'simulator'
export type CredentialKind = 'api_key' | 'oauth'

/** One credential at one upstream, as the configuration describes it. Holds no secret: the credential itself travels only in a lease. */
export interface Account {
  readonly id: AccountId
  readonly upstream: UpstreamKind
  /** What its upstream speaks, at least one; nothing else is ever said to it. */
  readonly dialects: readonly DialectName[]
  /** Without a slash at the end; paths such as `/responses` are appended. */
  readonly baseUrl: string
  readonly credentialKind: CredentialKind
  /** Changes whenever the credential does: HMAC of it, so it may be stored and compared, never shown. */
  readonly generation: string
  readonly mapping: Mapping
  /** Lower is preferred. */
  readonly priority: number
  /** A share among accounts of one priority; 0 means "never choose". */
  readonly weight: number
  /** Leases at once. */
  readonly concurrency: number
  /** What a filtered tier becomes: nothing, or the word `default`. */
  readonly filterTo: 'default' | null
  /** Whether the base URL may be loopback or a private address. */
  readonly allowPrivate: boolean
  /** How a session's turns go upstream. `auto`: over WebSocket where the upstream speaks it, else over HTTP; `on`: never over HTTP; `off`: always. */
  readonly websocket: 'auto' | 'on' | 'off'
  /** `http://`, `https://` or `socks5://`; null connects directly. May hold a password: never logged. */
  readonly proxy: string | null
}

/** Whether what was opened for the one serves the other. */
export function isSamePlace(a: Account, b: Account): boolean {
  return a.generation === b.generation && a.baseUrl === b.baseUrl && a.proxy === b.proxy && a.allowPrivate === b.allowPrivate
}

/** What proves to an upstream that we are this account. Lent for the length of a lease; never logged. */
export type Credential =
  | { readonly kind: 'api_key'; readonly apiKey: string }
  | { readonly kind: 'oauth'; readonly accessToken: string; readonly accountId: string | null }

/** What must not be told of a credential. */
export function secretsOf(credential: Credential): readonly string[] {
  if (credential.kind === 'api_key') return [credential.apiKey]
  return credential.accountId === null ? [credential.accessToken] : [credential.accessToken, credential.accountId]
}

/** Whether two credentials are one and the same to an upstream. */
export function isSameCredential(a: Credential, b: Credential): boolean {
  if (a === b) return true
  if (a.kind === 'api_key') return b.kind === 'api_key' && a.apiKey === b.apiKey
  return b.kind === 'oauth' && a.accessToken === b.accessToken && a.accountId === b.accountId
}

/** Where the tokens of a ChatGPT sign-in name its account (protocols.md 3.4). */
const chatgptClaims = 'https://api.openai.com/auth'

/** The ChatGPT account that a token is for; null: it does not say. */
export function chatgptAccountOf(token: string): string | null {
  const claims = claimsOf(token)?.[chatgptClaims]
  const id = typeof claims === 'object' && claims !== null && 'chatgpt_account_id' in claims ? claims.chatgpt_account_id : null
  return typeof id === 'string' && /^[\x21-\x7e]{1,256}$/.test(id) ? id : null
}

/** How an access token is renewed. Never logged. */
export interface Renewing {
  readonly tokenUrl: string
  readonly clientId: string
  /** As the operator gave it; a newer one may be in the store. Null: only an imported one can be there. */
  readonly refreshToken: string | null
}

/** Whether answers of such an upstream can be stored there, and named by later questions over HTTP. */
export function keepsAnswers(upstream: UpstreamKind): boolean {
  return upstream !== 'codex'
}

/** Whether such an upstream answers in streams alone, which are gathered for a client that asked for none. */
export function onlyStreams(upstream: UpstreamKind): boolean {
  return upstream === 'codex'
}

/** What decides among the accounts of the best priority, where neither a pin nor room does. */
export type Strategy = 'balanced' | 'reset_first'

/** The accounts that a key may use. */
export interface Pool {
  readonly id: PoolId
  readonly accounts: readonly AccountId[]
  /** Absent: `balanced`. */
  readonly strategy?: Strategy
}
