import type { Account, Credential, UpstreamKind } from '../core/account.ts'
import type { HeaderList } from '../ports/sink.ts'

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
  /** Where its list of models lies, below the base URL. */
  readonly modelsPath: string
  /** What questions must accept; null: what the client does. */
  readonly accept: string | null
}

/** The list of models below the base URL. */
const modelsPath = '/models'
/** The list of this backend asks who wants it (protocols.md 3.1), and is told: a Turnout, and no other program. */
const codexModelsPath = '/models?client_version=1.0.0'
const common = { modelsPath, accept: null } as const

/** One row per kind of upstream. */
export const endpoints: Readonly<Record<UpstreamKind, Endpoint>> = {
  openai: { ...common, baseUrl: 'https://api.openai.com/v1', loopback: 'guarded', idleMs: 30_000 },
  'openai-compatible': { ...common, baseUrl: null, loopback: 'guarded', idleMs: 4_000 },
  codex: {
    baseUrl: 'https://chatgpt.com/backend-api/codex',
    loopback: 'guarded',
    idleMs: 30_000,
    modelsPath: codexModelsPath,
    accept: 'text/event-stream',
  },
  simulator: { ...common, baseUrl: null, loopback: 'allowed', idleMs: 4_000 },
}

/** What proves to an upstream who asks. */
export function credentialHeaders(credential: Credential): HeaderList {
  if (credential.kind === 'api_key') return [['authorization', `Bearer ${credential.apiKey}`]]
  const bearer = ['authorization', `Bearer ${credential.accessToken}`] as const
  return credential.accountId === null ? [bearer] : [bearer, ['chatgpt-account-id', credential.accountId]]
}

/** What this request must accept, whatever its client does; null: what the client does. Answers that are no streams are asked for in other places. */
export function acceptOf({ upstream }: Account, path: string): string | null {
  return path === '/responses' ? endpoints[upstream].accept : null
}
