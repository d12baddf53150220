import * as z from 'zod'
import { instant, pageLimit } from './contract-leaf.ts'

export const auditQuery = z.strictObject({
  limit: pageLimit,
  before: z
    .uuid({ error: "expected a change's id" })
    .optional()
    .meta({ description: 'Only changes that were made before this one: the `next` of the page before.' }),
})

export const auditEntry = z.strictObject({
  id: z.string(),
  at: instant,
  by: z
    .enum(['admin', 'command-line', 'file'])
    .meta({ description: 'Through the admin API, by a command (as the caller says), or in the configuration file.' }),
  from: z.string().nullable().meta({ description: 'The address that asked, or the user who typed the command.' }),
  what: z.string().meta({ description: 'The operation of this document that was carried out, or `reload`.' }),
  target: z.string().nullable(),
  before: z.unknown().meta({ description: 'As JSON; null: it was not there. Secrets are masked.' }),
  after: z.unknown(),
})
