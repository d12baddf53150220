import * as z from 'zod'

/** What several shapes of the admin API are made of. */

export const instant = z.iso.datetime()

export const name = z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: 'expected a name' })
export const model = z
  .string({ error: 'expected a model, as clients name it' })
  .min(1, { error: 'expected a model, as clients name it' })
  .max(256, { error: 'expected at most 256 characters' })

const pageMax = 100
const expectedLimit = `expected a whole number from 1 to ${pageMax}`

/** How many of a list are asked for at once. */
export const pageLimit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, { error: expectedLimit })
  .transform(Number)
  .refine((limit) => limit <= pageMax, { error: expectedLimit })
  .default(50)
