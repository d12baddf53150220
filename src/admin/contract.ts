import * as z from 'zod'
import { account, failureKind, tested, testQuery } from './contract-accounts.ts'
import { auditEntry, auditQuery } from './contract-audit.ts'
import { resealed, signIn } from './contract-credentials.ts'
import { key, keyDetails } from './contract-keys.ts'
import { count, instant, model, money, name, namesQuery, pageLimit } from './contract-leaf.ts'
import { usageQuery, usageRow, usageShape } from './contract-usage.ts'

/** The shapes of the admin API. They are public: scripts and dashboards rely on them, so a change is a line in CHANGELOG.md. */

const outcomes = ['completed', 'incomplete', 'failed', 'cancelled', 'refused'] as const
const statuses = ['open', 'settled', 'interrupted'] as const
const transport = z.enum(['http', 'websocket'])

const status = z.strictObject({
  version: z.string(),
  started_at: instant,
  config: z.strictObject({ loaded_at: instant, error: z.string().nullable() }),
  ready: z.boolean(),
  turns_open: count,
  sessions: count,
  accounts: z.strictObject({ ready: count, cooling: count, retired: count, disabled: count }),
})

const attempt = z.strictObject({
  account: z.string(),
  upstream_model: z.string(),
  transport,
  outcome: z.enum(outcomes),
  failure: failureKind.nullable(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  started_at: instant,
  duration_ms: count,
  because: z.string(),
  not_chosen: z.array(
    z.union([
      z.strictObject({ account: z.string(), why: z.string() }),
      z.strictObject({ account: z.null(), why: z.string(), count: count.meta({ description: 'How many further accounts this reason stands for.' }) }),
    ]),
  ),
  price: z.string().nullable().meta({
    description: 'The prices that it was charged at: US dollars per million tokens of input, cache reads, cache writes and output, as in 5/0.5/5/30.',
  }),
})

const turn = z.strictObject({
  id: z.string(),
  key: z.string(),
  endpoint: z.enum(['responses', 'compact', 'input_tokens', 'chat', 'embeddings', 'moderations', 'images', 'messages', 'count_tokens']),
  transport,
  model: z.string(),
  status: z.enum(statuses),
  outcome: z.enum(outcomes).nullable(),
  code: z.string().nullable(),
  started_at: instant,
  first_output_ms: count.nullable(),
  duration_ms: count.nullable(),
  tier: z.strictObject({
    requested: z.string().nullable(),
    sent: z.string().nullable(),
    served: z.string().nullable(),
    billed: z.string().nullable(),
  }),
  usage: usageShape.nullable().meta({ description: 'null: unknown, which is never zero.' }),
  charge_nano_usd: money.nullable().meta({ description: 'What upstreams bill for it. null: unknown, which is never zero.' }),
  charge_estimated_nano_usd: money
    .nullable()
    .meta({ description: 'What it is thought to have cost beyond that: usage that nobody told, tiers without a price.' }),
  charge_notional_nano_usd: money.nullable().meta({ description: 'What subscriptions covered, at the prices of the list. No money.' }),
  attempts: z.array(attempt),
})

const rule = z.strictObject({
  tier: z.enum(['priority', 'flex', 'ultrafast', 'any']),
  action: z.enum(['pass', 'filter', 'block']),
  accounts: z.enum(['all', 'oauth', 'api_key']),
  models: z.array(z.string()),
  otherwise: z.enum(['pass', 'filter', 'block']),
  message: z.string(),
})

const rules = z.strictObject({ source: z.enum(['file', 'store', 'default']), rules: z.array(rule), error: z.string().nullable() })

const words = (of: readonly string[]): string => `expected one of ${of.join(', ')}`

const turnsQuery = z.strictObject({
  limit: pageLimit,
  before: z.uuid({ error: "expected a turn's id" }).optional().meta({ description: 'Only turns that began before this one: the `next` of the page before.' }),
  key: name.optional(),
  account: name.optional().meta({ description: 'Turns that tried this account.' }),
  status: z.enum(statuses, { error: words(statuses) }).optional(),
  outcome: z.enum(outcomes, { error: words(outcomes) }).optional(),
})

const trying = z.strictObject({
  model,
  tier: z.string({ error: 'expected a service tier, or null' }).max(64, { error: 'expected at most 64 characters' }).nullable().default(null),
  account: name,
})

const tried = z.strictObject({
  verdict: z.enum(['pass', 'filter', 'block']),
  rule: count.nullable().meta({ description: 'The index of the rule that decided; null: none did.' }),
  sent: z.string().nullable().meta({ description: 'The tier that the upstream would be asked for; null: its default.' }),
  message: z.string().nullable(),
})

/** What every error looks like. */
export const problemShape = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string(), param: z.string().nullable() }) })

/** One endpoint: where it is, what it takes and what it gives. */
export interface Contract {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly says: string
  readonly query: z.ZodType | null
  /** Whether a JSON object is expected, and which. */
  readonly body: z.ZodType | null
  /** Null: 204, without a body. */
  readonly answer: z.ZodType | null
  /** Whether it makes something that was not there before: then 201 instead of 200. */
  readonly makes?: 'something new'
  /** Whether it changes something; a guarded change needs the ETag of what it changes as `if-match`. */
  readonly effect: 'none' | 'change' | 'guarded change'
}

const bare = { query: null, body: null, effect: 'none' } as const

/** Every endpoint of the admin API. Routes, the OpenAPI document and the command line are made from these rows. */
export const contract = {
  status: { ...bare, method: 'GET', path: '/admin/api/status', says: 'How the gateway is doing.', answer: status },
  accounts: {
    ...bare,
    method: 'GET',
    path: '/admin/api/accounts',
    says: 'The accounts by name, their health and why.',
    query: namesQuery,
    answer: z.strictObject({ accounts: z.array(account), next: z.string().nullable() }),
  },
  reset: {
    ...bare,
    method: 'POST',
    path: '/admin/api/accounts/:name/reset',
    says: 'Clears cooling, retirement, strikes and pairs.',
    answer: account,
    effect: 'change',
  },
  disable: { ...bare, method: 'POST', path: '/admin/api/accounts/:name/disable', says: 'Takes an account out of service.', answer: account, effect: 'change' },
  enable: { ...bare, method: 'POST', path: '/admin/api/accounts/:name/enable', says: 'Takes it back into service.', answer: account, effect: 'change' },
  test: {
    ...bare,
    method: 'POST',
    path: '/admin/api/accounts/:name/test',
    says: 'Makes one turn of a few tokens at the upstream of this account, and says what came back. Touches no health, and is not on the books; the upstream may bill it.',
    query: testQuery,
    answer: tested,
  },
  importCredential: {
    ...bare,
    method: 'POST',
    path: '/admin/api/accounts/:name/credential',
    says: 'Gives an account that renews itself another sign-in, which is sealed in the store and in use at once.',
    body: signIn,
    answer: account,
    effect: 'change',
  },
  rotateSecrets: {
    ...bare,
    method: 'POST',
    path: '/admin/api/secrets/rotate',
    says: 'Makes a new key for sealing, and seals every stored credential anew. Keys that were issued stay good.',
    answer: resealed,
    effect: 'change',
  },
  turns: {
    ...bare,
    method: 'GET',
    path: '/admin/api/turns',
    says: 'Turns, newest first.',
    query: turnsQuery,
    answer: z.strictObject({ turns: z.array(turn), next: z.string().nullable() }),
  },
  usage: {
    ...bare,
    method: 'GET',
    path: '/admin/api/usage',
    says: 'What the turns of each key, account, model or day come to: days in their order, else those with the most turns first, at most 10,000.',
    query: usageQuery,
    answer: z.strictObject({ rows: z.array(usageRow) }),
  },
  turn: { ...bare, method: 'GET', path: '/admin/api/turns/:id', says: 'One turn with all its attempts.', answer: turn },
  rules: { ...bare, method: 'GET', path: '/admin/api/rules', says: 'The rules that hold, and where they come from.', answer: rules },
  putRules: {
    ...bare,
    method: 'PUT',
    path: '/admin/api/rules',
    says: 'Stores rules, which hold from the next turn on. 409 while the configuration file has rules.',
    body: z.strictObject({ rules: z.array(z.unknown(), { error: 'expected a list of rules' }) }),
    answer: rules,
    effect: 'guarded change',
  },
  deleteRules: {
    ...bare,
    method: 'DELETE',
    path: '/admin/api/rules',
    says: 'Forgets the stored rules: the default holds again.',
    answer: null,
    effect: 'guarded change',
  },
  tryRules: {
    ...bare,
    method: 'POST',
    path: '/admin/api/rules/try',
    says: 'What the rules say of this model, tier and account.',
    body: trying,
    answer: tried,
  },
  keys: {
    ...bare,
    method: 'GET',
    path: '/admin/api/keys',
    says: 'The keys that open the gateway, by name; of their text, the end alone.',
    query: namesQuery,
    answer: z.strictObject({ keys: z.array(key), next: z.string().nullable() }),
  },
  createKey: {
    ...bare,
    method: 'POST',
    path: '/admin/api/keys',
    says: 'Makes a key, which opens the gateway at once. It is shown here and never again. 409 where the name is taken, or stands in the configuration file.',
    body: z.strictObject({ name, ...keyDetails.shape }),
    answer: z.strictObject({ name: z.string(), key: z.string() }),
    makes: 'something new',
    effect: 'change',
  },
  revokeKey: {
    ...bare,
    method: 'DELETE',
    path: '/admin/api/keys/:name',
    says: 'Takes a key away at once, from open sessions too. 409 while it stands in the configuration file.',
    answer: null,
    effect: 'change',
  },
  audit: {
    ...bare,
    method: 'GET',
    path: '/admin/api/audit',
    says: 'Who changed what, newest first: through this API, from the command line and in the configuration file.',
    query: auditQuery,
    answer: z.strictObject({ changes: z.array(auditEntry), next: z.string().nullable() }),
  },
} as const satisfies Readonly<Record<string, Contract>>

export type EndpointName = keyof typeof contract

type Output<Shape> = Shape extends z.ZodType ? z.output<Shape> : null

export type QueryOf<Name extends EndpointName> = Output<(typeof contract)[Name]['query']>
export type BodyOf<Name extends EndpointName> = Output<(typeof contract)[Name]['body']>
export type AnswerOf<Name extends EndpointName> = Output<(typeof contract)[Name]['answer']>

export type AccountShape = z.output<typeof account>
export type TestedShape = z.output<typeof tested>
export type UsageRowShape = z.output<typeof usageRow>
export type TurnShape = z.output<typeof turn>
export type AttemptShape = z.output<typeof attempt>
export type StatusShape = z.output<typeof status>
export type AuditShape = z.output<typeof auditEntry>
