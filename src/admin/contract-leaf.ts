import * as z from 'zod'

/** What several shapes of the admin API are made of. */

export const instant = z.iso.datetime()
export const count = z.int().min(0)
/** Billionths of a dollar, in a string, since JSON's numbers end where large sums begin. */
export const money = z.string().regex(/^\d+$/)

export const name = z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: 'expected a name' })
export const model = z
  .string({ error: 'expected a model, as clients name it' })
  .min(1, { error: 'expected a model, as clients name it' })
  .max(256, { error: 'expected at most 256 characters' })

const limitOf = (most: number) => {
  const error = `expected a whole number from 1 to ${most}`
  return z
    .string()
    .regex(/^[1-9]\d{0,3}$/, { error })
    .transform(Number)
    .refine((limit) => limit <= most, { error })
}

/** How many of a list that goes on for ever are asked for at once. */
export const pageLimit = limitOf(100).default(50)

/** Of a list of names that the operator made: most have few of them, and get all at once. */
export const namesQuery = z.strictObject({
  limit: limitOf(1000).default(1000),
  after: name.optional().meta({ description: 'Only those whose names come after this one: the `next` of the page before.' }),
})
