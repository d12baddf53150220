import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import type { Json } from '../support/client.ts'
import { Case, Pattern, sceneOf } from '../support/dialect-case.ts'
import { ways, type Spoken, type Way } from '../support/dialect-clients.ts'
import { gatewayOfThisFile, triedBy } from '../support/gateway.ts'

/** The other half of the suite over dialects: what a client hears when its upstream fails, before output and after it. */
const stage = gatewayOfThisFile()

interface Spec {
  readonly title: string
  readonly play: (one: Case) => Promise<void>
  readonly scene?: Json
}

const forms = ['whole', 'streamed'] as const
type Form = (typeof forms)[number]
const inForm = (form: Form) => ({ stream: form === 'streamed' })

const inTheHead: readonly (readonly [title: string, fault: FaultSpec])[] = [
  ['a quota that is spent', { fault: 'quota', resetsInSeconds: 3600 }],
  ['a quota that is forbidden', { fault: 'quota-403' }],
  ['a credential that is refused', { fault: 'credential' }],
  ['a token that was taken back', { fault: 'token-invalidated' }],
  ['a rate', { fault: 'rate', retryAfterSeconds: 30 }],
  ['an overload', { fault: 'overload' }],
  ['an overload of the other kind', { fault: 'overload-529' }],
  ['a bug', { fault: 'server' }],
  ['a model that it does not have', { fault: 'model' }],
  ['a page of something in front of it', { fault: 'edge' }],
  ['a connection that is reset', { fault: 'reset' }],
]

const inTheStream: readonly (readonly [title: string, fault: FaultSpec])[] = [
  ['nothing at all', { fault: 'hang' }],
  ['silence behind its first event', { fault: 'silent' }],
  ['an answer that says that it failed', { fault: 'failed', before: 'output', code: 'server_error', message: 'It broke.' }],
  ['an error event, of a quota', { fault: 'error-event', before: 'output', code: 'rate_limit_exceeded', message: 'Rate limit reached.' }],
  ['an error event, first of all', { fault: 'error-event', events: 0, code: 'server_is_overloaded' }],
  ['a connection that breaks', { fault: 'cut', before: 'output' }],
  ['an end without an answer', { fault: 'end-early', before: 'output' }],
]

const short = { times: { first_event: '100ms', between_events: '100ms' } }

const early = { times: { ...short.times, hold_head: '40ms', keep_alive: '20ms' } }

/** What resets the idle timer of each client, and is no event of an answer (protocols.md 8.3). */
const keptAlive: Readonly<Record<Spoken, RegExp>> = { responses: /^: keep-alive/m, chat: /^: keep-alive/m, messages: /^event: ping/m }

const movable: readonly Spec[] = [
  ...forms.flatMap((form) => inTheHead.map(([title, fault]) => [title, fault, form] as const)),
  ...inTheStream.map(([title, fault]) => [title, fault, 'streamed'] as const),
  ['an answer that says that it failed', { fault: 'json-failed', code: 'server_error', message: 'It broke.' }, 'whole'] as const,
  ['a body that breaks off', { fault: 'cut' }, 'whole'] as const,
  ['a body that ends too early', { fault: 'end-early' }, 'whole'] as const,
].map(([title, fault, form]) => ({
  title: `one ordinary answer, ${form}, where the first account has ${title}`,
  async play(one) {
    one.fail('a', fault)
    expect(await one.say('hello', inForm(form))).toMatchObject({ text: 'Hello from it. You asked: hello', finish: 'stop' })
    const [record] = await one.records(1)
    expect(record === undefined ? [] : triedBy(record)).toEqual(['a', 'b'])
    expect(record?.attempts[0]).toMatchObject({ outcome: 'failed', usage: null })
  },
  scene: fault.fault === 'hang' || fault.fault === 'silent' ? short : {},
}))

/** What everybody hears of a fault that every account has: a status, and our own code where it is ours. */
const everywhere: readonly (readonly [title: string, fault: FaultSpec, kind: string, headers: Json])[] = [
  ['a quota', { fault: 'quota', resetsInSeconds: 7200 }, 'no_account_ready', { 'x-should-retry': 'false' }],
  ['a rate', { fault: 'rate', retryAfterSeconds: 30 }, 'no_account_ready', { 'retry-after': expect.stringMatching(/^\d\d$/) as string }],
  ['a credential', { fault: 'credential' }, 'upstream_credential', { 'retry-after': expect.any(String) as string }],
  ['an overload', { fault: 'overload' }, 'status 503', {}],
  ['an overload of the other kind', { fault: 'overload-529' }, 'status 503', {}],
  ['a bug', { fault: 'server' }, 'status 500', {}],
  ['a reset', { fault: 'reset' }, 'upstream_unreachable', {}],
  ['a page', { fault: 'edge' }, 'upstream_credential', {}],
  ['an unknown model', { fault: 'model' }, 'status 404', {}],
]

const hopeless: readonly Spec[] = forms.flatMap((form) =>
  everywhere.map(([title, fault, kind, headers]) => ({
    title: `what every account has, ${form}: ${title}`,
    async play(one) {
      one.fail('a', fault)
      one.fail('b', fault)
      const { heard, answer } = await one.any('hello', inForm(form))
      expect(heard.error?.kind).toBe(kind)
      expect(heard.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers).toMatchObject({ 'x-turnout-turn': expect.any(String) as string, 'x-turnout-attempts': '2', ...headers })
    },
    scene: { failover: { patience: '0s' } },
  })),
)

/** An error of the request, as the services of each dialect say it. */
const faulty: Readonly<Record<Spoken, Readonly<Record<'context' | 'value', Json>>>> = {
  responses: {
    context: {
      message: 'Your input exceeds the context window of this model.',
      type: 'invalid_request_error',
      param: 'input',
      code: 'context_length_exceeded',
    },
    value: { message: "Unsupported value: 'temperature'.", type: 'invalid_request_error', param: 'temperature', code: 'unsupported_value' },
  },
  chat: {
    context: { message: "This model's maximum context length is 9 tokens.", type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
    value: { message: "Unsupported value: 'temperature'.", type: 'invalid_request_error', param: 'temperature', code: 'unsupported_value' },
  },
  messages: {
    context: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    value: { type: 'invalid_request_error', message: 'temperature: Input should be less than or equal to 1' },
  },
}

const requests: readonly Spec[] = forms.flatMap((form) => [
  ...(['context', 'value'] as const).map((which) => ({
    title: `the request's own fault, ${form}: ${which}`,
    async play(one: Case) {
      const { client, upstream } = one.way
      const error = faulty[upstream][which]
      one.fail('a', { fault: 'status', status: 400, body: upstream === 'messages' ? { type: 'error', error, request_id: 'req_1' } : { error } })
      const { heard } = await one.any('hello', inForm(form))
      // Claude Code shortens its dialogue at these words, Codex at the code.
      const opening = which === 'context' && client === 'messages' && upstream !== 'messages' ? 'prompt is too long: ' : ''
      expect(heard.error).toMatchObject({ status: 400, kind: 'status 400', message: `${opening}${String(error['message'])}` })
      if (client !== 'messages' && upstream !== 'messages') expect(heard.error?.param).toBe(error['param'])
      const [record] = await one.records(1)
      expect(record === undefined ? [] : triedBy(record)).toEqual(['a'])
    },
  })),
  {
    title: `a model that nobody has, ${form}`,
    async play(one: Case) {
      one.play('a', { models: ['gpt-5.5'] })
      one.play('b', { models: ['gpt-5.5'] })
      const { heard } = await one.any('hello', { model: 'gpt-none', ...inForm(form) })
      expect(heard.error).toMatchObject({ status: 404, kind: 'status 404' })
      expect(heard.error?.message).toContain('gpt-none')
    },
  },
  {
    title: `a model that no account is for, ${form}`,
    async play(one: Case) {
      const { heard } = await one.any('hello', { model: 'elsewhere', ...inForm(form) })
      expect(heard.error).toMatchObject({ status: 404, kind: 'model_not_served' })
      if (one.way.client !== 'messages') expect(heard.error?.param).toBe('model')
    },
    scene: { only: true },
  },
])

const afterwards: readonly (readonly [title: string, fault: FaultSpec, kind: string | null])[] = [
  ['a connection that breaks', { fault: 'cut' }, null],
  ['a connection that breaks before the end is told', { fault: 'cut', before: 'end' }, null],
  ['an end that nobody told', { fault: 'end-early' }, null],
  ['an end that nobody told, when all was said', { fault: 'end-early', before: 'end' }, null],
  ['silence', { fault: 'silent', before: 'end' }, null],
  ['an answer that says that it failed', { fault: 'failed', before: 'end', code: 'server_error', message: 'It broke.' }, 'server'],
  ['an error event, of a rate', { fault: 'error-event', before: 'end', code: 'rate_limit_exceeded', message: 'Rate limit reached.' }, 'rate'],
  ['an event that is larger than the bound', { fault: 'giant', megabytes: 3 }, null],
]

const broken: readonly Spec[] = afterwards.map(([title, fault, kind]) => ({
  title: `an error after output, and no end: ${title}`,
  async play(one) {
    one.fail('a', fault)
    const { heard } = await one.any('hello', { stream: true })
    expect(heard).toMatchObject({ status: 200, isOver: false, finish: null, usage: null })
    expect(heard.text).toMatch(/^Hello/)
    if (kind !== null) expect(heard.error?.kind).toBe(kind)
    const [record] = await one.records(1)
    expect(record).toMatchObject({ outcome: 'failed', attempts: [{ account: 'a' }] })
    expect(one.on.sent('b')).toEqual([])
  },
  scene: { ...(fault.fault === 'silent' ? short : {}), bounds: { frame: '1MiB' } },
}))

const mended: readonly Spec[] = [
  {
    title: 'the rest of an answer in which one event was no JSON',
    async play(one) {
      one.fail('a', { fault: 'malformed' })
      const { heard } = await one.any('hello', { stream: true }, (breach) => breach.startsWith('no JSON'))
      expect(heard).toMatchObject({ text: 'Hello from it. You asked: hello', isOver: true, finish: 'stop' })
    },
  },
  {
    title: 'an answer whose usage makes no sense',
    async play(one) {
      one.fail('a', { fault: 'bad-usage' })
      await one.any('hello', { stream: true })
      const [record] = await one.records(1)
      expect(record).toMatchObject({ outcome: 'completed', usage: null })
      one.seen.splice(0, 1, ...one.seen.map((heard) => ({ ...heard, usage: null })))
    },
  },
]

const laidOver: readonly Spec[] = [
  ...forms.map((form) => ({
    title: `an answer that its upstream has packed, ${form}`,
    async play(one: Case) {
      one.fail('a', { fault: 'gzip' })
      expect((await one.any('hello', inForm(form))).heard).toMatchObject({ text: 'Hello from it. You asked: hello', isOver: true })
    },
  })),
  {
    title: 'all of an answer whose end tells nothing of it',
    async play(one) {
      one.fail('a', { fault: 'empty-output' })
      expect(await one.say('call:lookup({"q":1})', { stream: true, tools: ['lookup'] })).toMatchObject({ calls: [{ name: 'lookup', says: { q: 1 } }] })
      one.dialogue = []
      expect(await one.say('hello', { stream: true })).toMatchObject({ text: 'Hello from it. You asked: hello' })
    },
  },
]

const late: readonly Spec[] = [
  {
    title: 'an ordinary answer behind a head that left early',
    async play(one) {
      one.fail('a', { fault: 'hang' })
      const { heard, answer } = await one.any('hello', { stream: true })
      expect(heard).toMatchObject({ status: 200, text: 'Hello from it. You asked: hello', isOver: true })
      expect(answer.headers).not.toHaveProperty('x-turnout-attempts')
      expect(answer.text).toMatch(keptAlive[one.way.client])
    },
    scene: early,
  },
  {
    title: 'an error inside a stream whose head left early, and no end',
    async play(one) {
      one.fail('a', { fault: 'hang' })
      one.fail('b', { fault: 'hang' })
      const { heard } = await one.any('hello', { stream: true })
      expect(heard).toMatchObject({ status: 200, end: 'cut', text: '', isOver: false, error: { status: null, kind: 'upstream_timeout' } })
    },
    scene: early,
  },
  {
    title: 'what is wrong with the request, inside a stream whose head left early',
    async play(one) {
      one.fail('a', { fault: 'hang' })
      one.fail('b', { fault: 'status', status: 400, message: 'This is wrong.' })
      const { heard } = await one.any('hello', { stream: true })
      expect(heard).toMatchObject({ status: 200, end: 'cut', isOver: false, error: { status: null, message: 'This is wrong.' } })
      one.seen.splice(0, 1, ...one.seen.map((each) => ({ ...each, error: null })))
    },
    scene: early,
  },
]

const pattern = new Pattern()

const all = [...movable, ...hopeless, ...requests, ...broken, ...mended, ...laidOver]

/** When a head leaves is up to the client's side alone: each is seen natively, and by one translation. */
const showsHeads = ({ client, upstream }: Way): boolean => client === upstream || upstream === (client === 'responses' ? 'chat' : 'responses')

describe.each(ways)('a client of $client before accounts that speak $upstream hears', (way) => {
  // A title in a table would be cut short.
  for (const { title, play, scene = {} } of showsHeads(way) ? [...all, ...late] : all) {
    test(title, async () => {
      const { only, ...sections } = scene
      const { accounts } = sceneOf(way)
      const mapped = only === true ? { models: { 'gpt-5.5': 'gpt-5.5' }, only_mapped: true } : {}
      const on = await stage({ accounts: { a: { ...accounts.a, ...mapped }, b: { ...accounts.b, ...mapped } }, ...sections })
      const one = new Case(on, way)
      await play(one)
      pattern.compare(title, one)
    })
  }
})
