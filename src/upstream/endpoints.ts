import type { Account, Credential, UpstreamKind } from '../core/account.ts'
import type { DialectName } from '../core/turn.ts'
import type { Headers } from '../lib/headers.ts'
import type { HeaderList } from '../ports/sink.ts'

/** What the transport must know of a kind of upstream. */
export interface Endpoint {
  /** What stands between the base URL and every path, unless the base URL ends in it already. */
  readonly root: '' | '/v1'
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
  /** What proves who asks. */
  readonly presents: (credential: Credential) => HeaderList
  /** What an access token must ask for in `anthropic-beta`, beside what the client asks for; null: nothing. */
  readonly tokenBeta: string | null
}

/** The list of models below the base URL. */
const modelsPath = '/models'
/** The list of this backend asks who wants it (protocols.md 3.1), and is told: a Turnout, and no other program. */
const codexModelsPath = '/models?client_version=1.0.0'
/** In pages, of which the largest holds as many. */
const anthropicModelsPath = '/models?limit=1000'
const common = { root: '', modelsPath, accept: null, presents: bearer, tokenBeta: null } as const

/** One row per kind of upstream. */
export const endpoints: Readonly<Record<UpstreamKind, Endpoint>> = {
  openai: { ...common, loopback: 'guarded', idleMs: 30_000 },
  'openai-compatible': { ...common, loopback: 'guarded', idleMs: 4_000 },
  codex: { ...common, loopback: 'guarded', idleMs: 30_000, modelsPath: codexModelsPath, accept: 'text/event-stream' },
  anthropic: {
    ...common,
    root: '/v1',
    loopback: 'guarded',
    idleMs: 30_000,
    modelsPath: anthropicModelsPath,
    presents: keyOrBearer,
    tokenBeta: 'oauth-2025-04-20',
  },
  simulator: { ...common, loopback: 'allowed', idleMs: 4_000 },
}

/** What proves to an upstream who asks. */
export function credentialHeaders({ upstream }: Account, credential: Credential): HeaderList {
  return endpoints[upstream].presents(credential)
}

/** What this request must ask for in `anthropic-beta`; null: what the client does. */
export function betaOf({ upstream }: Account, credential: Credential | null): string | null {
  return credential?.kind === 'oauth' ? endpoints[upstream].tokenBeta : null
}

function bearer(credential: Credential): HeaderList {
  if (credential.kind === 'api_key') return [['authorization', `Bearer ${credential.apiKey}`]]
  const token = ['authorization', `Bearer ${credential.accessToken}`] as const
  return credential.accountId === null ? [token] : [token, ['chatgpt-account-id', credential.accountId]]
}

/** protocols.md 5.1 */
function keyOrBearer(credential: Credential): HeaderList {
  return credential.kind === 'api_key' ? [['x-api-key', credential.apiKey]] : [['authorization', `Bearer ${credential.accessToken}`]]
}

/** What this request must accept, whatever its client does; null: what the client does. Answers that are no streams are asked for in other places. */
export function acceptOf({ upstream }: Account, path: string): string | null {
  return path === '/responses' ? endpoints[upstream].accept : null
}

/** What questions of our own are put in, the best understood first. */
const ours: readonly DialectName[] = ['responses', 'chat', 'messages']

/** The dialect in which an account is asked where no client is. */
export function ourDialect({ dialects }: Account): DialectName {
  return ours.find((dialect) => dialects.includes(dialect)) ?? 'responses'
}

/** What a request of our own says where a client's would speak for itself. Messages is answered to no one who names no version (protocols.md 5.1). */
export function ourHeaders(account: Account, accept: string): Headers {
  return ourDialect(account) === 'messages' ? { accept, 'anthropic-version': '2023-06-01' } : { accept }
}
