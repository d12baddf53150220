import { isAbsolute, resolve as absolute } from 'node:path'
import { chatgptAccountOf, type Account, type Credential, type Pool, type Renewing, type UpstreamKind } from '../core/account.ts'
import type { AccountId, ClientModel, KeyId, PoolId } from '../core/ids.ts'
import { limitsOf, noLimits, type KeyLimits } from '../core/key.ts'
import { parseMapping } from '../core/model.ts'
import type { Rule } from '../core/policy.ts'
import { isLoopbackHost } from '../lib/address.ts'
import { Hasher } from '../lib/hasher.ts'
import { tail } from './masked.ts'
import { priceTable } from './prices.ts'
import type { Configuration } from './schema.ts'

/** What a configuration does not say itself. */
export interface Context {
  /** Where the configuration file is: relative paths start here. */
  readonly folder: string
  readonly secret: Buffer
  /** The base URL of the simulator of this process; null where none runs (nothing may then be sent). */
  readonly simulatorUrl: string | null
  /** The key of the trial; null where there is none. Used only while the configuration is the trial's. */
  readonly trialKey: string | null
}

/** Where the data folder and the SQLite file are, absolute. */
export interface Places {
  readonly data: string
  readonly store: string
  /** What the store does not take in time. */
  readonly spool: string
}

/** What goes wrong on a simulated account's turns. */
export interface Simulate {
  readonly fault: NonNullable<Configuration['accounts'][number]['simulate']>['fault']
  /** Turns that are served well before. */
  readonly after: number
  readonly resetsInSeconds: number | null
}

export interface ResolvedAccount {
  readonly account: Account
  readonly credential: Credential
  /** Null: the credential stays as it is. */
  readonly renewing: Renewing | null
  /** Null: an upstream that is not simulated in this process. */
  readonly simulate: Simulate | null
}

/** A key that we issued. `caller` is what `ports/caller` calls so. */
export interface ResolvedKey {
  readonly caller: {
    readonly key: KeyId
    readonly pools: readonly PoolId[]
    readonly models: readonly ClientModel[]
    readonly limits: KeyLimits
  }
  /** What is kept and compared instead of its text. */
  readonly hash: Buffer
  /** All of its text that is shown. */
  readonly tail: string
  readonly labels: Readonly<Record<string, string>>
  /** Null: never. */
  readonly expiresAtMs: number | null
}

/** A configuration in the terms of the other parts. */
export interface Resolved {
  readonly server: { readonly host: string; readonly port: number }
  readonly places: Places
  readonly accounts: readonly ResolvedAccount[]
  readonly pools: readonly Pool[]
  readonly keys: readonly ResolvedKey[]
  /** Null: the file has none. */
  readonly rules: readonly Rule[] | null
  readonly settings: ReturnType<typeof settingsOf>
  readonly retentionMs: number
  readonly onLedgerFailure: 'refuse' | 'serve'
  /** Null: one is made and kept in the data folder. */
  readonly adminToken: string | null
  readonly metricsToken: string | null
  readonly logLevel: Configuration['log']['level']
  readonly trial: boolean
}

/** Whoever compares a presented key must hash it in this way. */
export const keyHasher = (secret: Buffer): Hasher => new Hasher(secret, 'keys')

/** Where accounts live unless they say otherwise (protocols.md 3.1, 5.1). */
const homes: Readonly<Partial<Record<UpstreamKind, string>>> = {
  openai: 'https://api.openai.com/v1',
  codex: 'https://chatgpt.com/backend-api/codex',
  anthropic: 'https://api.anthropic.com',
}
/** Where no simulator runs, nothing may be sent. */
const nowhere = 'http://127.0.0.1:9'
/** Of the sign-in that the command line of Codex makes (protocols.md 3.4). */
const codexTokenUrl = 'https://auth.openai.com/oauth/token'
const codexClientId = 'app_EMoamEEZ73f0CkXaXp7hrann'
const trialKeyName = 'trial'

/** Whether every account of the pools is simulated and no key is named: then the key of the trial opens all pools. */
export function isTrial({ accounts, pools, keys }: Configuration): boolean {
  const serving = new Set(pools.flatMap((pool) => pool.accounts))
  return keys.length === 0 && accounts.every((account) => account.upstream === 'simulator' || !serving.has(account.name))
}

/** Whether an account needs a simulator inside this process. */
export function needsSimulator(configuration: Configuration): boolean {
  return configuration.accounts.some((account) => account.upstream === 'simulator' && account.base_url === undefined)
}

/** @param folder where the configuration file is. */
export function placesOf(configuration: Configuration, folder: string): Places {
  const data = absolute(folder, configuration.data)
  const spool = absolute(data, 'turnout.spool')
  const { url } = configuration.store
  if (url === undefined) return { data, store: absolute(data, 'turnout.db'), spool }
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  return { data, store: isAbsolute(path) ? path : absolute(folder, path), spool }
}

export function resolve(configuration: Configuration, context: Context): Resolved {
  const { server, pools, keys, rules, ledger, admin, metrics, log } = configuration
  const trial = isTrial(configuration)
  return {
    server,
    places: placesOf(configuration, context.folder),
    accounts: configuration.accounts.map((account) => accountOf(account, context)),
    pools: pools.map((pool) => ({ id: pool.name as PoolId, accounts: pool.accounts as AccountId[], strategy: pool.strategy })),
    keys: trial && context.trialKey !== null ? [trialOf(configuration, context.trialKey, context.secret)] : keys.map((key) => keyOf(key, context.secret)),
    rules: rules ?? null,
    settings: settingsOf(configuration),
    retentionMs: ledger.retention,
    onLedgerFailure: ledger.on_failure,
    adminToken: admin.token,
    metricsToken: metrics.token,
    logLevel: log.level,
    trial,
  }
}

type AccountSetting = Configuration['accounts'][number]

function accountOf(setting: AccountSetting, { secret, simulatorUrl }: Context): ResolvedAccount {
  const isOwn = setting.upstream === 'simulator' && setting.base_url === undefined
  const baseUrl = setting.base_url ?? homes[setting.upstream] ?? simulatorUrl ?? nowhere
  const credential = credentialOf(setting)
  const account: Account = {
    id: setting.name as AccountId,
    upstream: setting.upstream,
    dialects: setting.dialects,
    baseUrl: new URL(baseUrl).href.replace(/\/+$/, ''),
    credentialKind: credential.kind,
    generation: generationOf(credential, setting.credential?.oauth?.refresh_token ?? null, secret),
    mapping: parseMapping(setting.models, setting.only_mapped),
    priority: setting.priority,
    weight: setting.weight,
    concurrency: setting.concurrency,
    filterTo: setting.filter_to,
    websocket: setting.websocket,
    allowPrivate: setting.allow_private || (setting.upstream === 'simulator' && isLoopbackHost(new URL(baseUrl).hostname)),
    proxy: setting.proxy,
  }
  return { account, credential, renewing: renewingOf(setting), simulate: isOwn ? simulateOf(setting.simulate) : null }
}

function simulateOf(setting: AccountSetting['simulate']): Simulate {
  return { fault: setting?.fault ?? 'none', after: setting?.after ?? 0, resetsInSeconds: setting?.resets_in_seconds ?? null }
}

/** Simulated accounts may leave the credential out; each then has one of its own, since the simulator tells them apart by it. */
function credentialOf({ credential, name, upstream }: AccountSetting): Credential {
  if (credential?.oauth !== undefined) {
    const { access_token: accessToken, account_id: said } = credential.oauth
    return { kind: 'oauth', accessToken, accountId: said ?? (upstream === 'codex' ? chatgptAccountOf(accessToken) : null) }
  }
  if (upstream === 'codex') return { kind: 'oauth', accessToken: '', accountId: null }
  return { kind: 'api_key', apiKey: credential?.api_key ?? `simulated-${name}` }
}

/** Null: what the account presents stays as it is. */
function renewingOf({ credential, upstream }: AccountSetting): Renewing | null {
  const oauth = credential?.oauth
  const refreshToken = oauth?.refresh_token ?? null
  if (upstream === 'codex') return { tokenUrl: oauth?.token_url ?? codexTokenUrl, clientId: oauth?.client_id ?? codexClientId, refreshToken }
  if (oauth?.token_url === undefined || oauth.client_id === undefined || refreshToken === null) return null
  return { tokenUrl: oauth.token_url, clientId: oauth.client_id, refreshToken }
}

/** Of what a sign-in gave, and not of where it is renewed: that may change without another sign-in. */
function generationOf(credential: Credential, refreshToken: string | null, secret: Buffer): string {
  const renewed = refreshToken === null ? '' : `\0${refreshToken}`
  const text = credential.kind === 'api_key' ? credential.apiKey : `${credential.accessToken}\0${credential.accountId ?? ''}${renewed}`
  return new Hasher(secret, credential.kind).hash(text).toString('hex').slice(0, 32)
}

function keyOf(key: Configuration['keys'][number], secret: Buffer): ResolvedKey {
  return {
    caller: { key: key.name as KeyId, pools: key.pools as PoolId[], models: key.models as ClientModel[], limits: limitsOf(key.limits) },
    hash: keyHasher(secret).hash(key.key),
    tail: tail(key.key),
    labels: key.labels,
    expiresAtMs: key.expires,
  }
}

function trialOf(configuration: Configuration, text: string, secret: Buffer): ResolvedKey {
  const pools = configuration.pools.map((pool) => pool.name as PoolId)
  return {
    caller: { key: trialKeyName as KeyId, pools, models: [], limits: noLimits },
    hash: keyHasher(secret).hash(text),
    tail: tail(text),
    labels: {},
    expiresAtMs: null,
  }
}

/** What a turn sees, but for the rules. */
function settingsOf({ prices, translate, failover, times, bounds }: Configuration) {
  return {
    prices: priceTable(prices),
    translate,
    failover: { accountsPerTurn: failover.accounts_per_turn, patienceMs: failover.patience, budgetPercent: failover.budget_percent },
    times: {
      connectMs: times.connect,
      handshakeMs: times.handshake,
      firstEventMs: times.first_event,
      betweenEventsMs: times.between_events,
      answerMs: times.answer,
      lastAttemptMs: times.last_attempt,
      holdHeadMs: times.hold_head,
      keepAliveMs: times.keep_alive,
      clientWriteMs: times.client_write,
      slotWaitMs: times.slot_wait,
      drainMs: times.drain,
      firstFrameMs: times.first_frame,
      sessionIdleMs: times.session_idle,
    },
    bounds: {
      bodyBytes: bounds.body,
      answerBytes: bounds.answer,
      bodiesBytes: bounds.bodies,
      frameBytes: bounds.frame,
      transcriptBytes: bounds.transcript,
      transcriptsBytes: bounds.transcripts,
      waiting: bounds.waiting,
      waitingPerKey: bounds.waiting_per_key,
    },
  } as const
}
