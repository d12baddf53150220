import * as z from 'zod'
import { choice, choiceNote, modelPattern, optionalInstant } from './leaf.ts'

const fields = { error: 'expected named fields' }
const list = (of: string) => ({ error: `expected a list of ${of}` })

const usdMax = 1_000_000
const multipleMax = 1000

/** Six digits behind the point are a whole picodollar per token; what has more could not be charged exactly. */
function exact(most: number, what: string) {
  const error = `expected ${what} from 0 to ${most}, with at most 6 digits behind the point`
  return z
    .number({ error })
    .min(0, { error })
    .max(most, { error })
    .refine((usd) => Math.round(usd * 1e6) / 1e6 === usd, { error })
}

const usd = (description: string) => exact(usdMax, 'US dollars').meta({ description, 'x-unit': 'US dollars per million tokens' })
const optionalUsd = (description: string, otherwise: string) =>
  exact(usdMax, 'US dollars').optional().meta({ description, 'x-unit': 'US dollars per million tokens', 'x-default': otherwise })

const aboveError = { error: 'expected a number of tokens from 1 to 1000000000' }

const long = z
  .array(
    z.strictObject(
      {
        above: z.int(aboveError).min(1, aboveError).max(1_000_000_000, aboveError).meta({
          description: 'Requests with more tokens of input than this, cached ones counted, pay these prices for all of their tokens.',
          'x-unit': 'tokens',
        }),
        input: optionalUsd('Their tokens read.', 'as in shorter ones'),
        cached: optionalUsd('Their tokens read from a cache.', 'as in shorter ones'),
        written: optionalUsd('Their tokens written to a cache.', 'as in shorter ones'),
        written_1h: optionalUsd('Their tokens written to a cache that keeps them for an hour or longer.', 'as in shorter ones'),
        output: optionalUsd('Their tokens written.', 'as in shorter ones'),
      },
      fields,
    ),
    list('prices of long requests'),
  )
  .prefault([])
  .meta({ description: 'The prices of long requests.' })

const words = ['flex', 'priority', 'ultrafast', 'scale'] as const

const tier = z.strictObject(
  {
    tier: choice(words).meta(choiceNote(words, 'The service tier, as the upstream says that it served it.')),
    multiple: exact(multipleMax, 'a number')
      .optional()
      .meta({
        description: 'How many times the prices above it costs. Either this, or prices of its own.',
        'x-unit': `number, 0 to ${multipleMax}`,
        'x-default': 'none',
      }),
    input: optionalUsd('A price of its own for tokens read; together with `output`.', 'none'),
    cached: optionalUsd('Its price for tokens read from a cache.', 'as `input`'),
    written: optionalUsd('Its price for tokens written to a cache.', 'as `input`'),
    written_1h: optionalUsd('Its price for those that the cache keeps for an hour or longer.', 'as `written`'),
    output: optionalUsd('Its price for tokens written; together with `input`.', 'none'),
    long,
  },
  fields,
)

/** One entry of `prices`. What its fields ask of each other is in `agree.ts`. */
export const priceSchema = z.strictObject(
  {
    model: modelPattern().meta({
      description: 'The upstream model, exact or with a `*` at the end; the exact name wins, then the longest one.',
      'x-unit': 'model name',
    }),
    accounts: z
      .array(z.string({ error: "expected an account's name" }), list('accounts'))
      .prefault([])
      .meta({ description: 'The accounts that it is for, before those that are for all; empty: every account.', 'x-unit': 'list of account names' }),
    from: optionalInstant('Requests that began before are priced as if it did not stand here; null: it holds for all.'),
    input: usd('Tokens read, where nothing else is said. 0 where they cost nothing.'),
    cached: optionalUsd('Tokens read from a cache.', 'as `input`'),
    written: optionalUsd('Tokens written to a cache.', 'as `input`'),
    written_1h: optionalUsd('Of these, those that the cache keeps for an hour or longer: Anthropic bills them otherwise.', 'as `written`'),
    output: usd('Tokens written, reasoning among them.'),
    long,
    tiers: z.array(tier, list('tiers')).prefault([]).meta({ description: 'The prices of service tiers.' }),
  },
  fields,
)
