import * as z from 'zod'

/** What goes into a header, or proves who someone is: shown to nobody, in no problem either. */
const secret = (what: string) => {
  const error = `expected ${what}`
  return z
    .string({ error })
    .max(64 * 1024, { error })
    .regex(/^[\x21-\x7e]+$/, { error })
}

/** What a sign-in elsewhere gave. */
export const signIn = z.strictObject({
  access_token: secret('the access token'),
  refresh_token: secret('the refresh token').nullable().default(null),
  account_id: secret('the id of the ChatGPT account').nullable().default(null),
})

export const resealed = z.strictObject({
  sealed: z.int().min(0).meta({ description: 'Credentials that are sealed by the newest key now.' }),
  unreadable: z.array(z.string()).meta({ description: 'Accounts whose credential none of the keys opens; they need another sign-in.' }),
  left: z.string().nullable().meta({ description: 'What is left to do by hand; null: nothing.' }),
})
