import * as z from 'zod'
import { count, money } from './contract-leaf.ts'

/** What an answer used, or answers together. */
export const usageShape = z.strictObject({
  input_tokens: count,
  cached_tokens: count,
  cache_write_tokens: count,
  long_cache_write_tokens: count.meta({ description: 'Of these, those that are kept for an hour or longer, where the upstream bills them otherwise.' }),
  output_tokens: count,
  reasoning_tokens: count,
})

const usageBys = ['key', 'account', 'model', 'day'] as const
const expectedMoment = 'expected a day, such as 2026-11-21, or a moment, such as 2026-11-21T08:00:00Z'

/** A day is its beginning, in UTC. Milliseconds once parsed. */
const moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: expectedMoment })
  .transform((text) => Date.parse(text))
  .optional()

export const usageQuery = z.strictObject({
  by: z
    .enum(usageBys, { error: `expected one of ${usageBys.join(', ')}` })
    .default('key')
    .meta({ description: 'Models are those that clients named; days are those of UTC.' }),
  from: moment.meta({ type: 'string', description: 'Only turns that began then or later: a day or a moment, to the hour.' }),
  to: moment.meta({ type: 'string', description: 'Only turns that began before then: a day or a moment, to the hour.' }),
})

/** What the turns of one key, account, model or day come to. */
export const usageRow = z.strictObject({
  by: z.union([
    z.strictObject({ key: z.string() }),
    z.strictObject({ account: z.string().nullable().meta({ description: 'null: turns that reached no account.' }) }),
    z.strictObject({ model: z.string() }),
    z.strictObject({ day: z.iso.date() }),
  ]),
  turns: count,
  usage: usageShape.nullable().meta({ description: 'Of the turns whose usage is known; null: of none.' }),
  charge_nano_usd: money.nullable().meta({ description: 'Of the turns whose charge is known; null: of none.' }),
  charge_estimated_nano_usd: money.nullable(),
  charge_notional_nano_usd: money.nullable(),
  unknown_turns: count.meta({ description: 'Turns that used, or may have used, what is not in these sums, since their usage or their charge is unknown.' }),
})
