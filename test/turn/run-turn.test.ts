import { describe, expect, test } from 'vitest'
import { fresh, type Condition } from '../../src/core/health.ts'
import type { KeyId, TurnId } from '../../src/core/ids.ts'
import { noLimits } from '../../src/core/key.ts'
import type { Outcome } from '../../src/core/record.ts'
import { responses } from '../../src/dialect/responses/responses.ts'
import { Body } from '../../src/lib/body.ts'
import { Kept } from '../../src/lib/kept.ts'
import type { AnswerBody, AnswerReader, Call, Sent } from '../../src/ports/transport.ts'
import type { Sink } from '../../src/ports/sink.ts'
import { Cancelled } from '../../src/turn/cancel.ts'
import { runTurn } from '../../src/turn/run-turn.ts'
import type { Ask, World } from '../../src/turn/world.ts'
import { account, accountId, poolId } from '../support/accounts.ts'
import { LivePool } from '../support/live-pool.ts'
import { bundled } from '../support/prices.ts'
import { times } from '../support/times.ts'
import { settled } from '../support/virtual-clock.ts'

/** A promise in the hands of a test. */
class Gate {
  readonly promise: Promise<void>
  open: () => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => (this.open = resolve))
  }
}

/** An answer that is broken off when its call is, and whose connection takes its time to close. */
class LingeringBody implements AnswerBody {
  readonly #gate = new Gate()
  reader: AnswerReader | null = null
  readonly closed = this.#gate.promise
  read(reader: AnswerReader): void {
    this.reader = reader
  }
  pause(): void {}
  resume(): void {}
  cancel(): void {}
  close(): void {
    this.#gate.open()
  }
}

/** One turn over a real pool; its upstream, its client and its books do what the test says. */
class Rig {
  readonly pool = new LivePool([account('a')])
  readonly controller = new AbortController()
  readonly opened = new Gate()
  readonly settled = new Gate()
  readonly body = new LingeringBody()
  readonly heard: string[] = []
  /** How many attempts were not wholly sent when the body was let go; null before that. */
  lentAtTheEnd: number | null = null
  taken: () => void = () => {}
  readonly outcome: Promise<Outcome>
  readonly asked: Ask
  #resolve: (sent: Sent) => void = () => {}

  constructor(fields: object, condition: Condition = fresh) {
    this.pool.accounts.recall([{ account: accountId('a'), generation: 'g1', enabled: true, condition, pairs: [] }])
    const { sink, pool, controller } = this
    this.asked = ask(fields, pool.clock.now(), (_, lent) => (this.lentAtTheEnd = lent))
    this.outcome = runTurn(this.#world(), this.asked, sink, controller.signal)
  }

  get sink(): Sink {
    return {
      head: (status) => void this.heard.push(String(status)),
      write: (chunks) => this.heard.push(Buffer.concat(chunks).toString()) > 0,
      drained: (then) => then(),
      end: () => Promise.resolve(void this.heard.push('end')),
      cut: () => void this.heard.push('cut'),
    }
  }

  get condition(): Condition | undefined {
    return this.pool.accounts.find(accountId('a'))?.self.condition
  }

  get inFlight(): number | undefined {
    return this.pool.accounts.find(accountId('a'))?.inFlight
  }

  async answer(status: number, type: string): Promise<void> {
    this.#resolve({ kind: 'answer', status, headers: { 'content-type': type }, pass: [], body: this.body })
    await settled()
  }

  async say(text: string): Promise<void> {
    this.body.reader?.chunk(Buffer.from(text))
    await settled()
  }

  #world(): World {
    const quiet = () => {}
    return {
      clock: this.pool.clock,
      dice: () => 0,
      accounts: this.pool.accounts,
      transport: { send: (call) => this.#send(call) },
      ledger: { open: () => this.opened.promise, settle: () => this.settled.promise, commits: () => true, lag: () => 0 },
      limits: { enter: () => Promise.resolve({ kind: 'entered', leave: quiet }), adopt: () => ({ leave: quiet }) },
      owners: { find: () => Promise.resolve(null) },
      origins: { sealedBy: () => null, rememberSealed: quiet, turnStateOf: () => null, rememberTurnState: quiet },
      metrics: { turnEnded: quiet, attemptEnded: quiet, refused: quiet, tierServedAbove: quiet },
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      settings: () => ({
        rules: [],
        prices: bundled,
        translate: 'fallback',
        failover: { accountsPerTurn: 4, patienceMs: 0, budgetPercent: 20 },
        times,
        bounds: {
          bodyBytes: 1e6,
          answerBytes: 1e6,
          bodiesBytes: 1e6,
          frameBytes: 1e6,
          transcriptBytes: 1e6,
          transcriptsBytes: 1e6,
          waiting: 9,
          waitingPerKey: 9,
        },
      }),
    }
  }

  #send(call: Call): Promise<Sent> {
    this.taken = call.body?.taken ?? this.taken
    call.signal.addEventListener('abort', () => this.body.reader?.broken('called off'))
    return new Promise((resolve) => (this.#resolve = resolve))
  }
}

function ask(fields: object, receivedAtMs: number, letGo: (body: Body, lent: number) => void): Ask {
  const dialect = responses
  const body = Body.parse(Buffer.from(JSON.stringify({ model: 'gpt-5.5', input: 'hello', ...fields })), dialect.governed)
  if (body.kind !== 'body') throw new Error(body.kind)
  const read = dialect.read(body.body, 'responses', {})
  if (read.kind !== 'turn') throw new Error(read.refusal.message)
  const caller = { key: 'laptop' as KeyId, pools: [poolId('default')], models: [], limits: noLimits }
  return {
    id: 'turn-1' as TurnId,
    caller,
    dialect,
    turn: read.turn,
    body: new Kept(body.body, letGo),
    headers: {},
    search: '',
    receivedAtMs,
    requestId: 'request-1',
    session: null,
  }
}

const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

/** Rested, and to be proven by the next turn. */
const unproven: Condition = { health: { kind: 'ready' }, strikes: [], proven: false }

describe('a turn that is called off', () => {
  // B28
  test('has taught what its first output proves, and teaches nothing when the books open behind its end', async () => {
    const rig = new Rig({ stream: true }, unproven)
    await settled()
    await rig.answer(200, 'text/event-stream')
    await rig.say(event('response.created', { response: { id: 'resp_1' } }) + event('response.output_text.delta', { delta: 'x' }))
    const learnt = rig.condition
    expect(learnt?.proven).toBe(true)
    rig.controller.abort(new Cancelled('client'))
    rig.opened.open()
    rig.settled.open()
    await rig.pool.clock.advance(2000)
    expect(await rig.outcome).toBe('cancelled')
    expect(rig.condition).toBe(learnt)
  })

  // F8
  test('holds its lease until its upstream is done with what was broken off', async () => {
    const rig = new Rig({})
    await settled()
    await rig.answer(500, 'application/json')
    rig.controller.abort(new Cancelled('client'))
    expect(await rig.outcome).toBe('cancelled')
    await settled()
    expect(rig.inFlight).toBe(1)
    rig.body.close()
    await settled()
    expect(rig.inFlight).toBe(0)
  })
})

describe('the body of a question', () => {
  test('is kept while another attempt may be made from it, and let go at the commit point', async () => {
    const rig = new Rig({ stream: true })
    await settled()
    await rig.answer(200, 'text/event-stream')
    await rig.say(event('response.created', { response: { id: 'resp_1' } }))
    expect(rig.asked.body.value.bytes.length).toBeGreaterThan(0)
    await rig.say(event('response.output_text.delta', { delta: 'x' }))
    rig.opened.open()
    await settled()
    expect(() => rig.asked.body.value).toThrow('let go')
  })

  test.each([
    ["is nobody's when it is let go, where the upstream was sent all of it", true],
    ['is still lent when it is let go, where the upstream answered before it had been sent', false],
  ])('%s', async (_title, isTaken) => {
    const rig = new Rig({})
    await settled()
    expect(rig.lentAtTheEnd).toBeNull()
    if (isTaken) rig.taken()
    await rig.answer(200, 'application/json')
    await rig.say(JSON.stringify({ id: 'resp_1', status: 'completed', output: [] }))
    rig.body.reader?.end()
    await settled()
    expect(rig.lentAtTheEnd).toBe(isTaken ? 0 : 1)
  })
})

describe('an answer that tells its failure inside a success', () => {
  // Law 12
  test('goes to the client when its record is committed, not before', async () => {
    const rig = new Rig({})
    await settled()
    await rig.answer(200, 'application/json')
    await rig.say(JSON.stringify({ id: 'resp_1', status: 'failed', error: { code: 'invalid_prompt', message: 'no' }, output: [] }))
    rig.body.reader?.end()
    await settled()
    expect(rig.heard).toEqual([])
    rig.settled.open()
    await settled()
    expect(rig.heard.at(0)).toBe('200')
    expect(rig.heard.at(-1)).toBe('end')
    expect(await rig.outcome).toBe('failed')
  })
})
