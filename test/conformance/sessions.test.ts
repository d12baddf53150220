import { describe, expect, test } from 'vitest'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { eventually, type Json } from '../support/client.ts'
import { gatewayOfThisFile, triedBy, type Stage } from '../support/gateway.ts'
import { said, type SessionTurn } from '../support/session-client.ts'
import { recordsOf, Talk } from '../support/talk.ts'

/**
 * One suite for every way in which a session's turns go upstream. The client cannot tell them apart: what it sees of each case, in kind and order, is
 * the same everywhere, and is written down where a case was first run.
 */
const stage = gatewayOfThisFile()

interface Transport {
  readonly name: string
  readonly account: Json
  readonly plays: BehaviourSpec
}

const transports: readonly Transport[] = [
  { name: 'over WebSocket', account: { websocket: 'on' }, plays: {} },
  { name: 'over the bridge', account: { websocket: 'off' }, plays: {} },
  { name: 'over the bridge, which an upstream without WebSocket is found to need', account: { websocket: 'auto' }, plays: { websocket: 'refuse' } },
]

/** A session of two accounts on one transport, and what its client sees. */
class Case {
  readonly on: Stage
  readonly talk: Talk
  readonly seen: unknown[] = []
  readonly #plays: BehaviourSpec

  constructor(on: Stage, talk: Talk, plays: BehaviourSpec) {
    this.on = on
    this.talk = talk
    this.#plays = plays
  }

  /** How an account behaves from now on. */
  play(account: 'a' | 'b', behaviour: BehaviourSpec): void {
    this.on.play(account, { ...this.#plays, label: 'it', ...behaviour })
  }

  fail(account: 'a' | 'b', fault: FaultSpec): void {
    this.play(account, { faults: [{ on: 'turns', ...fault }] })
  }

  /** An ordinary answer. */
  async well(text: string, more: Json = {}): Promise<SessionTurn> {
    return this.#note(await this.talk.say(text, more))
  }

  /** Any answer. */
  async any(fields: Json): Promise<SessionTurn> {
    const last = this.talk.last === '' ? {} : { previous_response_id: this.talk.last }
    return this.#note(await this.talk.session.turn({ model: 'gpt-5.5', store: false, ...last, ...fields }))
  }

  #note(turn: SessionTurn): SessionTurn {
    this.seen.push(turn.events.map(kindOf))
    return turn
  }
}

/** What a client acts on of an event: ids and texts differ from run to run. */
function kindOf(event: Json): Json {
  const { type, status, sequence_number: number, stream_id: lane, response, item, error, output_index: index } = event
  const { status: ended, output, usage, incomplete_details: incomplete, error: failed, model } = (response ?? {}) as Json
  const told = (error ?? failed ?? null) as Json | null
  return {
    type,
    ...(number === undefined ? {} : { number }),
    ...(lane === undefined ? {} : { lane }),
    ...(index === undefined ? {} : { index }),
    ...(status === undefined ? {} : { status }),
    ...(response === undefined
      ? {}
      : { ended, model, incomplete, items: (output as Json[]).map((one) => one['type']), isBilled: usage !== null && usage !== undefined }),
    ...(item === undefined ? {} : { item: (item as Json)['type'], done: (item as Json)['status'] }),
    ...(told === null ? {} : { error: [told['type'] ?? null, told['code'] ?? null, told['param'] ?? null] }),
  }
}

const lookup = [{ type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }]
const apply = [{ type: 'custom', name: 'apply' }]
const quota = { fault: 'quota', resetsInSeconds: 3600 }

interface Spec {
  readonly title: string
  readonly play: (one: Case) => Promise<void>
  readonly scene?: Json
}

const cases: readonly Spec[] = [
  {
    title: 'an answer in many deltas, and the next',
    async play(one) {
      await one.well('one')
      await one.well('two')
    },
  },
  {
    title: 'a text as the whole input, unstored or stored',
    async play(one) {
      await one.well('', { input: 'plain words' })
      await one.well('', { input: 'kept words', store: true })
      await one.well('and after')
    },
  },
  {
    title: 'reasoning, sealed and open',
    async play(one) {
      await one.well('one', { reasoning: { effort: 'medium', summary: 'auto' } })
      await one.well('two', { reasoning: { effort: 'medium' }, include: ['reasoning.encrypted_content'] })
      await one.well('three', { include: ['reasoning.encrypted_content'] })
    },
  },
  {
    title: 'tools that are called, and what they gave',
    async play(one) {
      const { output } = await one.well('call:lookup', { tools: lookup })
      const told = await one.talk.giveOutput(output.at(-1) ?? {}, '42', { tools: lookup })
      expect(told.text).toContain('The tool said: 42')
      const custom = await one.well('call:apply', { tools: apply })
      const call = custom.output.at(-1) ?? {}
      expect(call).toMatchObject({ type: 'custom_tool_call' })
      await one.talk.turn({
        previous_response_id: custom.id,
        tools: apply,
        input: [{ type: 'custom_tool_call_output', call_id: call['call_id'], output: 'done' }],
      })
    },
  },
  // E12
  {
    title: 'a warm-up, which is created, and completed without usage, and the turn that continues it',
    async play(one) {
      const warm = await one.talk.say('', { input: [{ type: 'message', role: 'developer', content: 'be brief' }], generate: false, stream: true })
      // An upstream may tell of its warm-up's progress too, and numbers its events on; no client acts on either.
      const told = warm.events.filter(({ type }) => type !== 'response.in_progress')
      one.seen.push(told.map(({ sequence_number: _, ...event }) => kindOf(event)))
      expect(told.map(({ type }) => type)).toEqual(['response.created', 'response.completed'])
      expect(warm.last).toMatchObject({ response: { status: 'completed', output: [], usage: { total_tokens: 0 } } })
      await one.well('hello')
    },
  },
  {
    title: 'lanes with names, side by side',
    async play(one) {
      const names = ['left', 'right']
      const first = await Promise.all(names.map((name) => one.talk.say(`in ${name}`, { stream_id: name })))
      const second = await Promise.all(names.map((name, at) => one.talk.say(`more in ${name}`, { stream_id: name, previous_response_id: first[at]?.id })))
      one.seen.push([...first, ...second].map(({ events }) => events.map(kindOf)))
    },
  },
  {
    title: 'a fork, and an answer that is asked for once more',
    async play(one) {
      const root = await one.well('root')
      const left = await one.well('left', { previous_response_id: root.id, stream_id: 'left' })
      await one.well('right', { previous_response_id: root.id, stream_id: 'right' })
      await one.well('further left', { previous_response_id: left.id, stream_id: 'left' })
      await one.well('again', { previous_response_id: root.id })
      await one.well('and again', { previous_response_id: root.id })
      await one.well('from the start', { previous_response_id: null })
    },
  },
  {
    title: 'an answer that is cut short by its limit, and what follows it',
    async play(one) {
      const short = await one.any({ input: [said('one')], max_output_tokens: 2 })
      expect(short.last).toMatchObject({ type: 'response.incomplete' })
      one.talk.note({ input: [said('one')] }, short)
      await one.well('two')
    },
  },
  ...(
    [
      ["the request's own fault", { input: [said('x')], max_output_tokens: 'many' }],
      ['a model that nobody has', { input: [said('x')], model: 'gpt-none' }],
      ['an answer that nobody gave', { input: [said('x')], previous_response_id: 'resp_none' }],
      ['an output of no call', { input: [{ type: 'function_call_output', call_id: 'none', output: '' }] }],
    ] as const
  ).map(([title, fields]): Spec => ({
    title: `an error before output: ${title}`,
    async play(one) {
      one.play('a', { models: ['gpt-5.5'] })
      one.play('b', { models: ['gpt-5.5'] })
      await one.well('one')
      expect((await one.any(fields)).last).toMatchObject({ type: 'error' })
      await one.well('two')
    },
  })),
  ...(
    [
      ['a quota', quota],
      ['a credential', { fault: 'token-invalidated' }],
      ['a server', { fault: 'server' }],
      ['a rate', { fault: 'rate', retryAfterSeconds: 30 }],
    ] as const
  ).map(([title, fault]): Spec => ({
    title: `an error before output, everywhere: ${title}`,
    async play(one) {
      await one.well('one')
      one.fail('a', fault)
      one.fail('b', fault)
      expect((await one.any({ input: [said('two')] })).last).toMatchObject({ type: 'error' })
    },
    scene: { failover: { patience: '0s' } },
  })),
  ...(
    [
      ['in its first event', quota],
      ['behind its first events', { fault: 'failed', code: 'server_is_overloaded' }],
      ['by an error event', { fault: 'error-event', code: 'insufficient_quota' }],
      ['by a connection that breaks', { fault: 'cut', events: 2 }],
      ['by a connection that ends', { fault: 'end-early', events: 2 }],
    ] as const
  ).map(([title, fault]): Spec => ({
    title: `an account that fails before output ${title}`,
    async play(one) {
      await one.well('one')
      one.fail('a', fault)
      await one.well('two')
      await one.well('three')
      const [, second] = await recordsOf(one.on, 3)
      expect([...new Set(second === undefined ? [] : triedBy(second))]).toEqual(['a', 'b'])
    },
  })),
  ...(
    [
      ['a connection that breaks', { fault: 'cut', times: 1 }],
      ['a stream that ends early', { fault: 'end-early', times: 1 }],
      ['silence', { fault: 'silent', events: 5, times: 1 }],
      ['a failure', { fault: 'failed', events: 5, times: 1 }],
      ['an error event', { fault: 'error-event', events: 5, status: 429, code: 'insufficient_quota', times: 1 }],
    ] as const
  ).map(([title, fault]): Spec => ({
    title: `an error after output: ${title}`,
    async play(one) {
      await one.well('one')
      one.fail('a', fault)
      const broken = await one.any({ input: [said('two')] })
      expect(broken.text).not.toBe('')
      expect(['error', 'response.failed']).toContain(broken.last['type'])
      await one.well('three')
    },
    scene: { times: { between_events: '150ms' } },
  })),
  {
    title: 'an answer whose terminal event tells no output, or no usage',
    async play(one) {
      one.fail('a', { fault: 'empty-output', times: 1 })
      await one.well('one')
      one.fail('a', { fault: 'no-usage', times: 1 })
      await one.well('two')
      await one.well('three')
    },
  },
  {
    title: 'a model under another name, and a tier that is filtered',
    async play(one) {
      await one.well('one', { model: 'mine', service_tier: 'fast' })
      await one.well('two', { model: 'mine' })
      const other = await one.any({ input: [said('three')] })
      expect(other.last).toMatchObject({ response: { model: 'gpt-5.5' } })
    },
  },
  {
    title: 'events that nobody knows',
    async play(one) {
      one.fail('a', { fault: 'unknown-event', events: 2, types: ['codex.rate_limits', 'response.novel.delta'] })
      await one.well('one')
      await one.well('two')
    },
  },
  {
    title: 'a client that leaves in the middle',
    async play(one) {
      one.play('a', { paceMs: 15 })
      one.talk.session.create({ model: 'gpt-5.5', store: false, input: 'hello' })
      await one.talk.session.nextOf('response.output_text.delta')
      one.talk.session.leave()
      const [record] = await recordsOf(one.on, 1)
      one.seen.push([record?.outcome, record?.usage !== null, record?.attempts.length === 0])
      await eventually(
        () => one.on.simulator.inFlight(one.on.credential('a')),
        (running) => running === 0,
      )
    },
  },
]

/** What the client saw of each case, where it was run first. */
const pattern = new Map<string, readonly unknown[]>()

describe.each(transports)('a session $name', ({ account, plays }) => {
  for (const spec of cases) {
    test(spec.title, async () => {
      const one = { ...account, models: { mine: 'gpt-5.5-mini', '*': '*' }, plays: { ...plays, label: 'it' } }
      const on = await stage({ accounts: { a: one, b: one }, ...spec.scene })
      const played = new Case(on, await Talk.begin(on), plays)
      await spec.play(played)
      expect(played.seen).not.toEqual([])
      const first = pattern.get(spec.title)
      if (first === undefined) pattern.set(spec.title, played.seen)
      else expect(played.seen).toEqual(first)
      if (!played.talk.session.isOpen) return
      expect(played.talk.session.left).toEqual([])
      await played.talk.session.end()
    })
  }
})
