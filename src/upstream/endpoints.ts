import type { Credential, UpstreamKind } from '../core/account.ts'

/** What the transport must know of a kind of upstream. */
export interface Endpoint {
  /** Where accounts of this kind live unless they say otherwise; null: they must say. */
  readonly baseUrl: string | null
  /** Whether loopback may be reached without `allow_private`. */
  readonly loopback: 'allowed' | 'guarded'
  /**
   * How long a connection may idle before it is closed from our side.
   *
   * Unit: milliseconds. A server that announces less (`keep-alive: timeout=`) is believed. Too long is the worse mistake: a request written
   * to a connection that the server has just closed is ambiguous, and the turn may then not be tried freely elsewhere. Many servers of
   * models close after 5 s and announce nothing; OpenAI's edge holds idle connections for minutes.
   */
  readonly idleMs: number
  authorization(credential: Credential): string
}

const bearer = (credential: Credential): string => `Bearer ${credential.kind === 'api_key' ? credential.apiKey : credential.accessToken}`

/** One row per kind of upstream. */
export const endpoints: Readonly<Record<UpstreamKind, Endpoint>> = {
  openai: { baseUrl: 'https://api.openai.com/v1', loopback: 'guarded', idleMs: 30_000, authorization: bearer },
  'openai-compatible': { baseUrl: null, loopback: 'guarded', idleMs: 4_000, authorization: bearer },
  simulator: { baseUrl: null, loopback: 'allowed', idleMs: 4_000, authorization: bearer },
}

/** Below the base URL, for every kind. */
export const modelsPath = '/models'
