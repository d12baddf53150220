import * as z from 'zod'
import type { UpstreamKind } from '../core/account.ts'
import type { DialectName } from '../core/turn.ts'
import { choice, choiceNote, modelPattern, name, oneOf, optionalUrl, optionalWhole, secret, share, url, whole, yesNo } from './leaf.ts'

const upstreams = ['openai', 'openai-compatible', 'codex', 'anthropic', 'simulator'] as const
const dialects = ['responses', 'chat', 'messages'] as const
const dialectsError = `expected a list of at least one of ${dialects.join(', ')}`

/** What an upstream of each kind is taken to speak where the file does not say. */
const spoken: Readonly<Record<UpstreamKind, readonly DialectName[]>> = {
  openai: ['responses', 'chat'],
  'openai-compatible': ['responses', 'chat'],
  codex: ['responses'],
  anthropic: ['messages'],
  simulator: dialects,
}

const sockets = ['auto', 'on', 'off'] as const
const tiers = ['default'] as const
const fields = { error: 'expected named fields' }

/** What the simulator does wrong on an account's behalf. */
export const faults = [
  'none',
  'quota',
  'rate',
  'credential',
  'forbidden',
  'overload',
  'server',
  'model',
  'hang',
  'slow',
  'cut',
  'end-early',
  'malformed',
  'failed',
  'giant',
] as const

const oauth = z
  .strictObject(
    {
      access_token: secret('expected the access token').meta({
        description: 'What the account presents, until a renewed one takes its place.',
        'x-unit': 'secret',
      }),
      account_id: secret('expected the id of the ChatGPT account').optional().meta({
        description: 'Sent as `chatgpt-account-id` where the token serves several.',
        'x-unit': 'text',
        'x-default': 'none; for codex the one that the token names',
      }),
      refresh_token: secret('expected the refresh token').optional().meta({
        description: 'What renews the access token. The one that follows it is kept in the store, sealed; write a new one here after a new sign-in only.',
        'x-unit': 'secret',
        'x-default': 'none: the access token is not renewed',
      }),
      token_url: url(['http', 'https'], 'names no user').optional().meta({
        description: 'Where it is renewed. The same addresses are refused as for `base_url`.',
        'x-unit': 'https URL; http with allow_private',
        'x-default': 'https://auth.openai.com/oauth/token for codex; required elsewhere',
      }),
      client_id: secret('expected the id of the OAuth client that signed in')
        .optional()
        .meta({ description: 'For whom it is renewed.', 'x-unit': 'text', 'x-default': "the Codex CLI's for codex, which signed in; required elsewhere" }),
    },
    fields,
  )
  .optional()

const credential = z
  .strictObject(
    {
      api_key: secret('expected the key that the upstream gave you')
        .optional()
        .meta({ description: "The upstream's API key.", 'x-unit': 'secret', 'x-default': 'none' }),
      oauth: oauth.meta({ description: 'The other kind of credential: an access token, and what renews it.' }),
    },
    fields,
  )
  .optional()

const simulate = z
  .strictObject(
    {
      fault: choice(faults).prefault('none').meta(choiceNote(faults, 'What goes wrong.')),
      after: whole(0, [0, 1_000_000_000], 'How many turns are served well before it does.'),
      resets_in_seconds: optionalWhole([0, 31_536_000], 'When the simulated account says that it will serve again.'),
    },
    fields,
  )
  .optional()

/** An account as the file has it. */
const written = z.strictObject(
  {
    name: name('an account').meta({ description: 'What pools, records and the admin API call it; unique. Its identity over a reload.', 'x-unit': 'name' }),
    upstream: choice(upstreams).meta(
      choiceNote(upstreams, 'What kind of service stands behind it. `simulator` without `base_url` is one inside this process.'),
    ),
    base_url: url(['http', 'https'], 'names no user').optional().meta({
      description: 'Paths such as `/responses` are appended to it; for anthropic `/v1/messages` is, or `/messages` where it ends in `/v1`.',
      'x-unit': 'http or https URL',
      'x-default':
        'https://api.openai.com/v1 for openai, https://chatgpt.com/backend-api/codex for codex, https://api.anthropic.com for anthropic; required for openai-compatible',
    }),
    dialects: z
      .array(choice(dialects), { error: dialectsError })
      .min(1, { error: dialectsError })
      .optional()
      .meta({
        description:
          'What its upstream speaks: Responses, Chat Completions, Messages. Nothing else is ever said to it; what a client says in another one is translated.',
        'x-unit': `list of ${oneOf(dialects)}`,
        'x-default': 'responses and chat for openai and openai-compatible, responses for codex, messages for anthropic, all three for simulator',
      }),
    allow_private: yesNo(
      false,
      'Whether the base URL, or the proxy, may be loopback or a private address. Off, so that no account can be made to reach into your network.',
    ),
    credential: credential.meta({
      description: 'Exactly one of `api_key` and `oauth`; a simulator account needs none, nor does a codex account whose sign-in is imported.',
    }),
    models: z.record(modelPattern(), modelPattern(), { error: 'expected client models and the upstream model of each' }).prefault({}).meta({
      description: 'Client model to upstream model, exact or with a `*` at the end of both; empty: every model as named.',
      'x-unit': 'names to names',
    }),
    only_mapped: yesNo(false, 'Whether to serve nothing but the models named above.'),
    priority: whole(10, [0, 1_000_000], 'The lowest number among the accounts that are ready is preferred.'),
    weight: share(1, [0, 1_000_000], 'Its share among accounts of one priority; 0: never chosen.'),
    concurrency: whole(16, [1, 100_000], 'Turns at once. Set it to what the upstream bears; beyond it other accounts, then a queue, take over.'),
    websocket: choice(sockets)
      .prefault('auto')
      .meta(
        choiceNote(sockets, 'How turns of WebSocket sessions go upstream: over WebSocket where it is spoken, else over HTTP; never, or always, over HTTP.'),
      ),
    proxy: optionalUrl(['http', 'https', 'socks5'], 'may name a user')
      .prefault(null)
      .meta({ description: 'The proxy through which the upstream is reached; null: directly.', 'x-unit': 'http, https or socks5 URL, or null' }),
    filter_to: choice(tiers)
      .nullable()
      .prefault(null)
      .meta(choiceNote(['default', 'null'], 'What a filtered tier becomes: the word `default`, or nothing, which means what the upstream project has set.')),
    simulate: simulate.meta({ description: 'The behaviour of an account whose upstream is the simulator of this process.' }),
  },
  fields,
)

/** One entry of `accounts`. What its fields ask of each other is in `agree.ts`. */
export const accountSchema = written.transform(({ name: called, upstream, dialects: said, ...more }) => ({
  name: called,
  upstream,
  // A list of its own: one that several accounts share would be shown with an anchor.
  dialects: said ?? [...spoken[upstream]],
  ...more,
}))
