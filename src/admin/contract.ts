import * as z from 'zod'

/** The shapes of the admin API. They are public: scripts and dashboards rely on them, so a change is a line in CHANGELOG.md. */

const instant = z.iso.datetime()
const count = z.int().min(0)
const money = z.string().regex(/^\d+$/)

const failureKinds = [
  'credential',
  'quota',
  'forbidden',
  'edge-block',
  'rate',
  'model',
  'overload',
  'server',
  'network',
  'silent',
  'transport',
  'lost-continuation',
  'foreign-state',
  'request',
  'broken-stream',
] as const
const failureKind = z.enum(failureKinds)
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

const health = z.strictObject({
  state: z.enum(['ready', 'cooling', 'retired']),
  until: instant.nullable(),
  why: z.string().nullable().meta({ description: 'The kind of failure, its status and its code.' }),
})

const account = z.strictObject({
  name: z.string(),
  upstream: z.enum(['openai', 'openai-compatible', 'simulator']),
  enabled: z.boolean(),
  provisioned: z.boolean().meta({ description: 'Whether it stands in the configuration file.' }),
  health,
  pairs: z.array(z.strictObject({ model: z.string(), health })).meta({ description: 'Upstream models that rest on this account alone; at most 100.' }),
  leases: count,
  windows: z.array(z.strictObject({ minutes: count, used_percent: z.number(), resets_at: instant.nullable() })),
  last_failures: z
    .array(z.strictObject({ at: instant, kind: failureKind, status: z.int().nullable(), code: z.string().nullable() }))
    .max(8)
    .meta({ description: 'Oldest first.' }),
})

const tested = z.strictObject({
  account: z.string(),
  outcome: z.enum(['well', 'unwell']),
  kind: failureKind.nullable(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
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
})

const turn = z.strictObject({
  id: z.string(),
  key: z.string(),
  endpoint: z.enum(['responses', 'compact', 'input_tokens']),
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
  usage: z
    .strictObject({ input_tokens: count, cached_tokens: count, cache_write_tokens: count, output_tokens: count, reasoning_tokens: count })
    .nullable()
    .meta({ description: 'null: unknown, which is never zero.' }),
  charge_nano_usd: money.nullable(),
  charge_estimated_nano_usd: money.nullable(),
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

const name = z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: 'expected a name' })
const model = z
  .string({ error: 'expected a model, as clients name it' })
  .min(1, { error: 'expected a model, as clients name it' })
  .max(256, { error: 'expected at most 256 characters' })

const turnsLimitMax = 100
const expectedLimit = `expected a whole number from 1 to ${turnsLimitMax}`
const words = (of: readonly string[]): string => `expected one of ${of.join(', ')}`

const turnsQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, { error: expectedLimit })
    .transform(Number)
    .refine((limit) => limit <= turnsLimitMax, { error: expectedLimit })
    .default(50),
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
export const problemShape = z.strictObject({ error: z.object({ code: z.string(), message: z.string(), param: z.string().nullable() }) })

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
    says: 'Every account, its health and why.',
    answer: z.strictObject({ accounts: z.array(account) }),
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
    says: 'Asks the upstream whether it serves this account, and says what came back. Touches no health.',
    answer: tested,
  },
  turns: {
    ...bare,
    method: 'GET',
    path: '/admin/api/turns',
    says: 'Turns, newest first.',
    query: turnsQuery,
    answer: z.strictObject({ turns: z.array(turn), next: z.string().nullable() }),
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
} as const satisfies Readonly<Record<string, Contract>>

export type EndpointName = keyof typeof contract

type Output<Shape> = Shape extends z.ZodType ? z.output<Shape> : null

export type QueryOf<Name extends EndpointName> = Output<(typeof contract)[Name]['query']>
export type BodyOf<Name extends EndpointName> = Output<(typeof contract)[Name]['body']>
export type AnswerOf<Name extends EndpointName> = Output<(typeof contract)[Name]['answer']>

export type AccountShape = z.output<typeof account>
export type TestedShape = z.output<typeof tested>
export type TurnShape = z.output<typeof turn>
export type AttemptShape = z.output<typeof attempt>
export type StatusShape = z.output<typeof status>
