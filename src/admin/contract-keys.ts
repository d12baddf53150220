import * as z from 'zod'
import { instant, model, name } from './contract-leaf.ts'

const upTo = (most: number) =>
  z
    .int({ error: `expected a whole number from 1 to ${most}, or null` })
    .min(1, { error: `expected a whole number from 1 to ${most}, or null` })
    .max(most, { error: `expected a whole number from 1 to ${most}, or null` })
    .nullable()
    .default(null)
const dollars = z
  .number({ error: 'expected an amount from 0 to 1000000, in US dollars, or null' })
  .min(0, { error: 'expected an amount from 0 to 1000000, in US dollars, or null' })
  .max(1_000_000, { error: 'expected an amount from 0 to 1000000, in US dollars, or null' })
  .nullable()
  .default(null)

const keyLimits = z
  .strictObject({
    concurrency: upTo(100_000),
    sessions: upTo(100_000),
    requests_per_minute: upTo(10_000_000),
    tokens_per_minute: upTo(1_000_000_000_000),
    usd_per_day: dollars,
    usd_per_month: dollars,
  })
  .meta({ description: 'null: no limit. Days and months are those of UTC.' })

const label = z.string({ error: 'expected a text of at most 256 characters' }).max(256, { error: 'expected a text of at most 256 characters' })
const expectedLabels = 'expected at most 16 names, each with a text'

/** What is said of a key besides its name. */
export const keyDetails = z.strictObject({
  pools: z
    .array(name, { error: 'expected a list of pools' })
    .min(1, { error: 'expected at least one pool' })
    .max(100, { error: 'expected at most 100 pools' })
    .meta({ description: 'The pools that it may use, tried in this order.' }),
  models: z
    .array(model.regex(/^[^*]*$/, { error: "expected a client model's whole name" }), { error: 'expected a list of models' })
    .max(1000, { error: 'expected at most 1000 models' })
    .default([])
    .meta({ description: 'The models, as clients name them, that it may ask for; empty: every model.' }),
  limits: keyLimits.prefault({}),
  labels: z
    .record(name, label, { error: expectedLabels })
    .refine((said) => Object.keys(said).length <= 16, { error: expectedLabels })
    .default({}),
  expires: z.iso
    .datetime({ offset: true, error: 'expected a moment, such as 2030-01-31T12:00:00Z, or null' })
    .nullable()
    .default(null)
    .meta({ description: 'From when on it is refused, in open sessions too.' }),
})

export type KeyDetails = z.output<typeof keyDetails>

/** A key as it is shown. */
export const key = z.strictObject({
  ...keyDetails.shape,
  name: z.string(),
  provisioned: z.boolean().meta({ description: 'Whether it stands in the configuration file.' }),
  state: z.enum(['active', 'expired']),
  tail: z.string().meta({ description: 'All of its text that is shown.' }),
  created: instant.nullable(),
})

export type KeyShape = z.output<typeof key>
