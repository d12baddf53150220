import { isIP } from 'node:net'
import * as z from 'zod'
import { accountSchema } from './schema-account.ts'
import { priceSchema } from './schema-price.ts'
import {
  choice,
  choiceNote,
  duration,
  labels,
  limit,
  modelPattern,
  name,
  optionalInstant,
  optionalSecret,
  secret,
  size,
  usdLimit,
  whole,
  yesNo,
} from './leaf.ts'

const list = (of: string) => ({ error: `expected a list of ${of}` })
const fields = { error: 'expected named fields' }

const host = z
  .string({ error: 'expected an IP address or a host name' })
  .refine((text) => isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text), { error: 'expected an IP address or a host name' })

const server = z.strictObject(
  {
    host: host.prefault('127.0.0.1').meta({
      description: 'The address to listen on. Loopback, so that nobody else reaches the gateway until you say so.',
      'x-unit': 'IP address or host name',
    }),
    port: whole(8080, [0, 65_535], 'The port to listen on; 0 takes a free one and prints it.'),
  },
  fields,
)

const folder = z
  .string({ error: 'expected a path' })
  .min(1, { error: 'expected a path' })
  .regex(/^[^\0]*$/, { error: 'expected a path' })

const storeError = (text: unknown): string => {
  const isServer = typeof text === 'string' && /^postgres(ql)?:/.test(text)
  return isServer ? 'names PostgreSQL, which is not available in this version: expected sqlite:path' : 'expected sqlite:path'
}
const store = z.strictObject(
  {
    url: z
      .string({ error: 'expected sqlite:path' })
      .regex(/^sqlite:[^\0]*[^\0/]$/, { error: (issue) => storeError(issue.input) })
      .optional()
      .meta({
        description: 'Where the ledger and everything else that lasts is kept. One SQLite file serves one process.',
        'x-unit': 'sqlite: and a path',
        'x-default': 'turnout.db in the data folder',
      }),
  },
  fields,
)

const sharingError = (text: unknown): string => {
  const isServer = typeof text === 'string' && /^rediss?:/.test(text)
  return isServer ? 'names Redis, which is not available in this version: expected memory:' : 'expected memory:'
}
const sharing = z.strictObject(
  {
    url: z
      .literal('memory:', { error: (issue) => sharingError(issue.input) })
      .prefault('memory:')
      .meta({ description: 'Where state that several processes share is kept. One process needs none.', 'x-unit': 'memory:' }),
  },
  fields,
)

const strategies = ['balanced', 'reset_first'] as const
const translations = ['fallback', 'never', 'always'] as const

const pool = z.strictObject(
  {
    name: name('a pool').meta({ description: 'What keys call it; unique.', 'x-unit': 'name' }),
    accounts: z
      .array(z.string({ error: "expected an account's name" }), list('accounts'))
      .min(1, { error: 'expected the name of at least one account' })
      .meta({ description: 'The accounts that serve it; which one is up to their priority and weight.', 'x-unit': 'list of account names' }),
    strategy: choice(strategies)
      .prefault('balanced')
      .meta(
        choiceNote(
          strategies,
          'What decides among ready accounts of one priority: warm prompt caches and load; or whose longest quota window is reset soonest, since what is left of it then is lost.',
        ),
      ),
  },
  fields,
)

const key = z.strictObject(
  {
    name: name('a key').meta({ description: 'What records and limits call it; unique.', 'x-unit': 'name' }),
    key: secret('expected the text that clients send').meta({
      description: 'The text that clients send as their API key. Kept as an HMAC only.',
      'x-unit': 'secret',
    }),
    pools: z
      .array(z.string({ error: "expected a pool's name" }), list('pools'))
      .min(1, { error: 'expected the name of at least one pool' })
      .meta({ description: 'The pools that it may use, tried in this order.', 'x-unit': 'list of pool names' }),
    models: z
      .array(modelPattern().regex(/^[^*]*$/, { error: "expected a client model's whole name" }), list('models'))
      .prefault([])
      .meta({ description: 'The models, as clients name them, that it may ask for; empty: every model.', 'x-unit': 'list of model names' }),
    limits: z
      .strictObject(
        {
          concurrency: limit([1, 100_000], 'Turns at once; null: no limit.'),
          requests_per_minute: limit([1, 10_000_000], 'Turns a minute; null: no limit.'),
          sessions: limit([1, 100_000], 'WebSocket sessions open at once; null: no limit.'),
          tokens_per_minute: limit([1, 1_000_000_000_000], 'Tokens read and written a minute; null: no limit.'),
          usd_per_day: usdLimit([0, 1_000_000], 'What its turns may cost in a day (UTC); null: no limit.'),
          usd_per_month: usdLimit([0, 1_000_000], 'What its turns may cost in a month (UTC); null: no limit.'),
        },
        fields,
      )
      .prefault({}),
    labels: labels('Whatever helps you to tell keys apart, such as a team; nothing acts on it.'),
    expires: optionalInstant('From when on it is refused, in open sessions too; null: never.'),
  },
  fields,
)

const tiers = ['priority', 'flex', 'ultrafast', 'any'] as const
const actions = ['pass', 'filter', 'block'] as const
const kinds = ['all', 'oauth', 'api_key'] as const

const rule = z.strictObject(
  {
    tier: choice(tiers).meta(choiceNote(tiers, 'The tier asked for; `fast` counts as `priority`, and `any` is every word, unknown ones too.')),
    action: choice(actions).meta(choiceNote(actions, 'Send it as asked, drop the wish, or refuse the turn.')),
    accounts: choice(kinds).prefault('all').meta(choiceNote(kinds, 'The accounts that it is for, by the kind of their credential.')),
    models: z
      .array(modelPattern(), list('models'))
      .prefault([])
      .meta({ description: 'Upstream models, exact or with a `*` at the end; empty: every model.', 'x-unit': 'list of model names' }),
    otherwise: choice(actions).prefault('pass').meta(choiceNote(actions, 'The action for models outside the list.')),
    message: z
      .string({ error: 'expected text' })
      .max(1000, { error: 'expected at most 1000 characters' })
      .prefault('')
      .meta({ description: 'What a blocked client is told; empty: "This service tier is not allowed here."', 'x-unit': 'text' }),
  },
  fields,
)

const failover = z.strictObject(
  {
    accounts_per_turn: whole(4, [1, 16], 'How many accounts one turn may try. More hides more failures, and makes a hopeless turn slower to say so.'),
    patience: duration(
      '10s',
      ['0s', '5m'],
      'How long a turn waits when every account is cooling and one is ready within this time; longer waits are told to the client.',
    ),
    budget_percent: whole(
      20,
      [0, 100],
      "Failovers blamed on an upstream, as a share of a pool's turns in the last minute (10 are free): in an outage retries must not multiply the load.",
    ),
  },
  fields,
)

const times = z.strictObject(
  {
    connect: duration('10s', ['10ms', '10m'], 'Opening a connection to an upstream. A healthy one needs well under a second.'),
    handshake: duration('15s', ['10ms', '10m'], 'A WebSocket handshake with an upstream.'),
    first_event: duration('60s', ['10ms', '1h'], 'The first event of a stream; after that the account counts as silent.'),
    between_events: duration('280s', ['10ms', '1h'], 'Silence between later events. Clients give up at 300 s; we want to be first and say why.'),
    answer: duration('590s', ['10ms', '2h'], 'A whole answer that is not streamed. SDKs give up at 600 s.'),
    last_attempt: duration('240s', ['10ms', '1h'], 'No attempt of a turn starts later than this after its request was read.'),
    hold_head: duration('45s', ['10ms', '10m'], 'How long the head of a stream waits for the first output, across all attempts. Proxies in front cut at 60 s.'),
    keep_alive: duration('15s', ['10ms', '10m'], 'After this much silence a stream gets a keep-alive, so that no idle timer on the way runs out.'),
    client_write: duration('30s', ['10ms', '10m'], 'A client that takes no byte for this long is gone.'),
    slot_wait: duration('30s', ['0s', '10m'], 'How long a turn waits for a busy account before it is told to come back.'),
    drain: duration('30s', ['0s', '1h'], 'How long running turns may take to end when the server stops.'),
    first_frame: duration('30s', ['10ms', '10m'], 'The first frame of a WebSocket session.'),
    session_idle: duration('60m', ['1s', '1d'], 'A WebSocket session between turns.'),
  },
  fields,
)

const bounds = z.strictObject(
  {
    body: size('64MiB', ['1KiB', '1GiB'], "One request's body, decoded. Long dialogues with images fit."),
    answer: size('64MiB', ['1KiB', '1GiB'], 'One answer that is not streamed.'),
    bodies: size('1GiB', ['1KiB', '1024GiB'], 'All request bodies in the process; beyond it new turns get 503. Keep it well under the memory of the machine.'),
    frame: size('32MiB', ['1KiB', '1GiB'], "One event of an upstream's stream, and one frame of a WebSocket."),
    transcript: size('16MiB', ['0B', '1GiB'], 'What is kept of one session to say its dialogue again elsewhere.'),
    transcripts: size('512MiB', ['0B', '1024GiB'], 'The same of all sessions; the oldest idle ones are forgotten first.'),
    waiting: whole(1000, [0, 1_000_000], 'Turns that wait for an account, in all; beyond it they are refused at once.'),
    waiting_per_key: whole(32, [0, 1_000_000], 'The same for one key, so that no key fills the queue alone.'),
  },
  fields,
)

const failures = ['refuse', 'serve'] as const
const ledger = z.strictObject(
  {
    on_failure: choice(failures)
      .prefault('refuse')
      .meta(
        choiceNote(
          failures,
          'What happens to new turns while neither the store nor the spool can be written: refused, because unbooked turns are turns nobody accounts for; or served.',
        ),
      ),
    spool: size('64MiB', ['1MiB', '16GiB'], 'What the spool holds while the store does not answer: about 30,000 turns. Allocated at the start.'),
    retention: duration('90d', ['1m', '3650d'], 'How long records of turns are kept.'),
  },
  fields,
)

const admin = z.strictObject(
  {
    token: optionalSecret('expected the text of the admin token')
      .prefault('')
      .meta({ description: 'The token of the admin API. Empty: one is made, kept in `data/admin.token` and printed once.', 'x-unit': 'secret or null' }),
  },
  fields,
)

const metrics = z.strictObject(
  {
    token: optionalSecret('expected the text of the metrics token').prefault(null).meta({
      description: 'A second token that reads `/metrics` and nothing else, for the scraper. null: only the admin token does.',
      'x-unit': 'secret or null',
    }),
  },
  fields,
)

const levels = ['debug', 'info', 'warn', 'error'] as const
const log = z.strictObject({ level: choice(levels).prefault('info').meta(choiceNote(levels, 'How much is logged; info is one line a turn.')) }, fields)

const traces = z.strictObject(
  {
    enabled: yesNo(
      false,
      'Whether every turn and every attempt is a span of OpenTelemetry. Where spans go is said by the SDK that you load into the process. Off, since they cost time on every turn.',
    ),
  },
  fields,
)

/** `turnout.yaml`, after `${ENV}` is expanded. Every setting carries its unit and its reason; docs/configuration.md and `turnout check --schema` say the same. */
export const schema = z.strictObject(
  {
    server: server.prefault({}).meta({ description: 'Where clients reach the gateway.' }),
    data: folder.prefault('./data').meta({ description: 'Holds the SQLite file and the generated secrets; closed to other users.', 'x-unit': 'path' }),
    store: store.prefault({}).meta({ description: 'What lasts.' }),
    sharing: sharing.prefault({}).meta({ description: 'What several processes share.' }),
    accounts: z
      .array(accountSchema, list('accounts'))
      .min(1, { error: 'expected at least one account' })
      .meta({ description: 'The upstream accounts: one credential each.' }),
    pools: z.array(pool, list('pools')).min(1, { error: 'expected at least one pool' }).meta({ description: 'Groups of accounts that keys may use.' }),
    keys: z.array(key, list('keys')).prefault([]).meta({ description: 'The API keys that clients use.' }),
    rules: z.array(rule, list('rules')).optional().meta({
      description:
        'The policy on service tiers; the first rule that fits decides. Left out: `priority` and `ultrafast` are filtered. An empty list: every tier passes.',
    }),
    prices: z.array(priceSchema, list('prices')).prefault([]).meta({ description: 'What models cost, over the price list that Turnout comes with.' }),
    translate: choice(translations)
      .prefault('fallback')
      .meta(
        choiceNote(
          translations,
          "Whether accounts that do not speak a client's dialect are asked by translation: only while none that speaks it is ready, not at all, or like all others.",
        ),
      ),
    failover: failover.prefault({}).meta({ description: 'How far a turn may move.' }),
    times: times.prefault({}).meta({ description: 'How long things may take.' }),
    bounds: bounds.prefault({}).meta({ description: 'How much is held at once.' }),
    ledger: ledger.prefault({}).meta({ description: 'The books.' }),
    admin: admin.prefault({}).meta({ description: 'The admin API.' }),
    metrics: metrics.prefault({}).meta({ description: 'Prometheus.' }),
    log: log.prefault({}).meta({ description: 'The log.' }),
    traces: traces.prefault({}).meta({ description: 'OpenTelemetry.' }),
  },
  fields,
)

/** A valid configuration with every default filled in: times in milliseconds, sizes in bytes, names as in the file. */
export type Configuration = z.output<typeof schema>
