import { AuditTrail } from '../../src/admin/audit.ts'
import { adminRoutes } from '../../src/admin/routes.ts'
import type { AnswerOf, EndpointName } from '../../src/admin/contract.ts'
import { contract, problemShape, type Contract } from '../../src/admin/contract.ts'
import { IssuedKeys, type KnownKey } from '../../src/admin/issued-keys.ts'
import { LiveRules, type ParsedRules } from '../../src/admin/rules.ts'
import type { Standing } from '../../src/admin/status.ts'
import type { Account } from '../../src/core/account.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { AccountId, ClientModel, UpstreamModel } from '../../src/core/ids.ts'
import type { Rule } from '../../src/core/policy.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { LiveAccounts } from '../../src/pool/accounts.ts'
import { noUsage } from '../../src/core/usage.ts'
import type { SmallTurn } from '../../src/upstream/small-turn.ts'
import type { Audit, AuditEntry, Entities, TurnQuery, TurnRow, Turns } from '../../src/ports/stores.ts'
import type { UsageQuery, UsageRow } from '../../src/ports/usage-books.ts'
import { adminToken, ask, Observed, start, type Answer, type Asking, type Gateway } from '../server/support.ts'
import { account, accountId, poolId } from '../support/accounts.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const startMs = Date.UTC(2026, 10, 21, 12)

/** Entities in memory, with the store's own way of counting versions. */
export class KeptEntities implements Entities {
  readonly #kept = new Map<string, { json: string | null; version: number }>()
  broken: Error | null = null

  async list(prefix: string): Promise<readonly { readonly name: string; readonly json: string; readonly version: number }[]> {
    if (this.broken !== null) throw this.broken
    const kept = [...this.#kept].filter(([name]) => name.startsWith(prefix)).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return kept.flatMap(([name, { json, version }]) => (json === null ? [] : [{ name, json, version }]))
  }

  async read(name: string): Promise<{ readonly json: string; readonly version: number } | null> {
    if (this.broken !== null) throw this.broken
    const kept = this.#kept.get(name)
    return kept === undefined || kept.json === null ? null : { json: kept.json, version: kept.version }
  }

  async write(name: string, json: string | null, version: number): Promise<number | null> {
    if (this.broken !== null) throw this.broken
    const kept = this.#kept.get(name)
    if ((kept === undefined || kept.json === null ? 0 : kept.version) !== version) return null
    const next = (kept?.version ?? 0) + 1
    this.#kept.set(name, { json, version: next })
    return next
  }
}

/** The audit log in memory. */
export class KeptAudit implements Audit {
  readonly entries: AuditEntry[] = []
  broken: Error | null = null

  async append(entry: AuditEntry): Promise<void> {
    if (this.broken !== null) throw this.broken
    this.entries.unshift(entry)
  }

  async list({ limit, before }: { readonly limit: number; readonly before: string | null }): Promise<readonly AuditEntry[]> {
    if (this.broken !== null) throw this.broken
    return this.entries.filter(({ id }) => before === null || id < before).slice(0, limit)
  }
}

/** Stands for the configuration's schema: a rule needs a tier and an action that are words. */
export function parseRules(json: unknown): ParsedRules {
  if (!Array.isArray(json)) return { kind: 'wrong', message: 'rules is other text: expected a list of rules', param: 'rules' }
  const wrong = json.findIndex((rule: { tier?: unknown }) => rule.tier !== 'priority' && rule.tier !== 'flex' && rule.tier !== 'any')
  if (wrong !== -1) return { kind: 'wrong', message: `rules[${wrong}].tier is wrong: expected a tier`, param: `rules[${wrong}].tier` }
  return { kind: 'rules', rules: json.map((rule: Pick<Rule, 'tier' | 'action'>) => ({ accounts: 'all', models: [], otherwise: 'pass', message: '', ...rule })) }
}

export interface Rig {
  readonly gateway: Gateway
  readonly clock: VirtualClock
  readonly accounts: LiveAccounts
  readonly entities: KeptEntities
  readonly rules: LiveRules
  readonly keys: IssuedKeys
  readonly audit: KeptAudit
  /** What opens the gateway now. */
  readonly opening: { now: readonly KnownKey[] }
  readonly queries: TurnQuery[]
  readonly rows: TurnRow[]
  readonly sums: { readonly asked: UsageQuery[]; readonly rows: UsageRow[] }
  readonly standing: { now: Standing }
  readonly trial: { says: (account: Account, model: UpstreamModel | null) => Promise<SmallTurn>; asked: number }
  readonly turns: { broken: Error | null }
  /** One request to the admin API; the operator's, unless another key is named. */
  get(path: string, asking?: Asking): Promise<Answer>
  /** A failed attempt of this account. */
  fail(name: string, failure?: Partial<Failure>): Promise<void>
}

/** The admin API behind a real server, over accounts that live and books that a test writes. */
export async function rig(accounts: readonly Account[] = [account('main', { priority: 1 }), account('backup')]): Promise<Rig> {
  const clock = new VirtualClock(startMs)
  const bounds = { waiting: 10, waitingPerKey: 10 }
  const live = new LiveAccounts({ clock, dice: () => 0, bounds: () => bounds, keep: () => {}, suspect: () => {} })
  live.configure(
    accounts.map((each) => ({ account: each, credential: { kind: 'api_key', apiKey: `sk-secret-of-${each.id}` } })),
    [{ id: poolId('default'), accounts: accounts.map((each) => each.id) }],
  )
  const entities = new KeptEntities()
  const rules = new LiveRules({ entities, parse: parseRules })
  await rules.load()
  const opening: Rig['opening'] = { now: [] }
  const keys = keysOver(entities, clock, opening)
  await keys.load()
  const queries: TurnQuery[] = []
  const rows: TurnRow[] = []
  const sums: Rig['sums'] = { asked: [], rows: [] }
  const broken: { broken: Error | null } = { broken: null }
  const turns: Turns = {
    find: async (id) => {
      if (broken.broken !== null) throw broken.broken
      return rows.find((row) => row.id === id) ?? null
    },
    list: async (query) => {
      if (broken.broken !== null) throw broken.broken
      queries.push(query)
      return rows.slice(0, query.limit)
    },
  }
  const standing = {
    now: { version: '0.1.0', startedAtMs: startMs, config: { loadedAtMs: startMs, error: null }, ready: true, turnsOpen: 2, sessions: 0 } as Standing,
  }
  const trial: Rig['trial'] = {
    says: async (_account, model) => ({ kind: 'answered', model: model ?? ('gpt-5.5' as UpstreamModel), text: 'pong', usage: noUsage }),
    asked: 0,
  }
  const audit = new KeptAudit()
  let made = 0
  const newId = () => `019aa000-0000-7000-8000-${String(++made).padStart(12, '0')}`
  const gateway = await start(({ seen }) =>
    adminRoutes({
      clock,
      log: seen,
      trail: new AuditTrail({ clock, log: seen, audit, newId }),
      audit,
      accounts: live,
      turns,
      usage: {
        sum: async (query) => {
          if (broken.broken !== null) throw broken.broken
          sums.asked.push(query)
          return sums.rows
        },
      },
      credentials: {
        import: async () => ({ kind: 'imported' }),
        rotate: async () => ({ kind: 'rotated', resealed: { sealed: 1, unreadable: [] }, left: null }),
      },
      rules,
      keys,
      poolNames: () => ['default'],
      standing: () => standing.now,
      smallTurn: (of, _credential, model) => {
        trial.asked += 1
        return trial.says(of, model)
      },
    }),
  )
  const fail: Rig['fail'] = async (name, failure = {}) => {
    const candidate = live.candidates([poolId('default')], 'gpt-5.5' as ClientModel).find((c) => c.account.id === accountId(name))
    const lease = candidate === undefined ? null : await live.lease(candidate)
    if (lease === null) throw new Error(`${name} has no lease to give`)
    live.failed(lease, { ...quota, ...failure }, clock.now())
    lease.give()
  }
  return {
    gateway,
    clock,
    accounts: live,
    entities,
    rules,
    keys,
    audit,
    opening,
    queries,
    rows,
    sums,
    standing,
    trial,
    turns: broken,
    get: (path, asking = {}) => ask(gateway, path, { key: adminToken, ...asking }),
    fail,
  }
}

/** As a process would have them that starts on this store. */
export function keysOver(entities: Entities, clock: Clock, opening: Rig['opening'] = { now: [] }): IssuedKeys {
  let made = 0
  return new IssuedKeys({
    clock,
    log: new Observed(),
    entities,
    makeText: () => `tk-made-0123456789-${++made}`,
    hash: (text) => keyHash(text),
    publish: (known) => (opening.now = known),
  })
}

export const keyHash = (text: string): Buffer => Buffer.from(`hash of ${text}`)

const quota: Failure = {
  kind: 'quota',
  blame: 'account',
  because: 'the quota is spent',
  status: 403,
  code: 'usage_limit_reached',
  message: 'usage limit reached',
  resetAtMs: null,
  ambiguous: false,
  final: false,
}

/** The body, which must have exactly the shape that the contract promises. */
export function bodyOf<Name extends EndpointName>(name: Name, answer: Answer): AnswerOf<Name> {
  const { makes }: Contract = contract[name]
  if (answer.status !== (makes === undefined ? 200 : 201)) throw new Error(`${answer.status}: ${answer.text}`)
  return contract[name].answer?.parse(JSON.parse(answer.text)) as AnswerOf<Name>
}

/** What is wrong, in the shape of every error. */
export function problemOf(answer: Answer): { readonly status: number; readonly code: string; readonly message: string; readonly param: string | null } {
  return { status: answer.status, ...problemShape.parse(JSON.parse(answer.text)).error }
}

export const named = (name: string) => name as AccountId
