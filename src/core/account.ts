import type { AccountId, PoolId } from './ids.ts'
import type { Mapping } from './model.ts'

export type UpstreamKind = 'openai' | 'openai-compatible' | 'simulator'
export type CredentialKind = 'api_key' | 'oauth'

/** One credential at one upstream, as the configuration describes it. Holds no secret: the credential itself travels only in a lease. */
export interface Account {
  readonly id: AccountId
  readonly upstream: UpstreamKind
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

/** What proves to an upstream that we are this account. Lent for the length of a lease; never logged. */
export type Credential =
  | { readonly kind: 'api_key'; readonly apiKey: string }
  | { readonly kind: 'oauth'; readonly accessToken: string; readonly accountId: string | null }

/** The accounts that a key may use. */
export interface Pool {
  readonly id: PoolId
  readonly accounts: readonly AccountId[]
}
