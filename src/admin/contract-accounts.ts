import * as z from 'zod'
import { count, instant, model } from './contract-leaf.ts'
import { usageShape } from './contract-usage.ts'

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
export const failureKind = z.enum(failureKinds)
const health = z.strictObject({
  state: z.enum(['ready', 'cooling', 'retired']),
  until: instant.nullable(),
  why: z.string().nullable().meta({ description: 'The kind of failure, its status and its code; and, where the operator can do something, what.' }),
})

export const account = z.strictObject({
  name: z.string(),
  upstream: z.enum(['openai', 'openai-compatible', 'codex', 'anthropic', 'simulator']),
  dialects: z.array(z.enum(['responses', 'chat', 'messages'])).meta({ description: 'What its upstream speaks, at least one.' }),
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

export const testQuery = z.strictObject({
  model: model
    .optional()
    .meta({ description: 'What to ask, as clients name it. Left out: the first model that the mapping names, else a small one that the upstream lists.' }),
})

export const tested = z.strictObject({
  account: z.string(),
  outcome: z.enum(['well', 'unwell']),
  kind: failureKind.nullable(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
  model: z
    .string()
    .nullable()
    .meta({ description: 'The upstream model that was asked; null: no turn was made, and the upstream was asked for its list of models.' }),
  text: z.string().nullable().meta({ description: 'The beginning of what it answered.' }),
  usage: usageShape.nullable().meta({ description: 'null: unknown, or nothing was used.' }),
  duration_ms: count,
})
