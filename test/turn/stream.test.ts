import { describe, expect, test } from 'vitest'
import { ResponsesObserver } from '../../src/dialect/responses/observe.ts'
import type { Client } from '../../src/turn/client.ts'
import { EventFlow } from '../../src/turn/flow.ts'
import { AnswerStream, lingerMs, readOnMs } from '../../src/turn/stream.ts'
import { PushedBody } from '../support/pushed-body.ts'
import { times } from '../support/times.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'

const event = (type: string, fields: object = {}) => Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
const created = event('response.created', { response: { id: 'resp_1' } })
const delta = event('response.output_text.delta', { delta: 'x' })
const completed = event('response.completed', {
  response: { id: 'resp_1', status: 'completed', output: [{ id: 'm' }], usage: { input_tokens: 1, output_tokens: 2 } },
})

/** A client that takes everything, or nothing until it is told to. */
class Taking {
  readonly got: Buffer[] = []
  writes = 0
  full = false
  #then: (() => void) | null = null

  write(chunks: readonly Buffer[]): boolean {
    this.writes++
    this.got.push(...chunks)
    return !this.full
  }

  drained(then: () => void): void {
    this.#then = then
  }

  drain(): void {
    this.full = false
    this.#then?.()
  }
}

function begin() {
  const clock = new VirtualClock()
  const body = new PushedBody()
  const flow = new EventFlow(new ResponsesObserver({ restore: null, framing: 'sse', client: 'sse' }), 1024 * 1024)
  const stream = new AnswerStream(body, flow, clock, { times, sentAtMs: clock.now() })
  const taking = new Taking()
  return { clock, body, stream, taking, client: taking as unknown as Client }
}

async function relaying() {
  const parts = begin()
  const judged = parts.stream.judge()
  parts.body.push(Buffer.concat([created, delta]))
  await judged
  return { ...parts, relayed: parts.stream.relay(parts.client) }
}

describe('a stream before its commit point', () => {
  test('is held back: upstream waits until someone takes it', async () => {
    const { body, stream } = begin()
    const judged = stream.judge()
    body.push(created)
    expect(body.paused).toBe(false)
    body.push(delta)
    expect(await judged).toEqual({ kind: 'committed' })
    expect(body.paused).toBe(true)
  })

  test('is silent when its first event does not come in time', async () => {
    const { clock, body, stream } = begin()
    const judged = stream.judge()
    await clock.advance(times.firstEventMs)
    expect(await judged).toEqual({ kind: 'failed', signal: { kind: 'silent', waitingFor: 'first-event' }, ended: null })
    expect(body.cancelled).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('is silent when lifecycle events are followed by nothing for too long', async () => {
    const { clock, body, stream } = begin()
    const judged = stream.judge()
    await clock.advance(times.firstEventMs - 1)
    body.push(created)
    await clock.advance(times.betweenEventsMs - 1)
    body.push(created)
    await clock.advance(times.betweenEventsMs)
    expect(await judged).toMatchObject({ signal: { kind: 'silent', waitingFor: 'next-event' } })
  })

  // B13 B15
  test.each([
    ['that fails is a signal', event('response.failed', { response: { error: { code: 'server_is_overloaded' } } }), 'told'],
    ['that ends without a terminal event is a signal', null, 'ended'],
  ])('%s, and leaves no timer', async (_, last, kind) => {
    const { clock, body, stream } = begin()
    const judged = stream.judge()
    body.push(created)
    if (last === null) body.end()
    else body.push(last)
    expect(await judged).toMatchObject({ kind: 'failed', signal: { kind } })
    expect(clock.pending).toBe(0)
  })
})

describe('a stream behind its commit point', () => {
  // F8
  test('lets its upstream end, and so its lease come back, when it is stopped before anyone took what had come whole', async () => {
    const { clock, body, stream } = begin()
    const judged = stream.judge()
    body.push(Buffer.concat([created, delta, completed]))
    await judged
    stream.stop('the ledger is unavailable')
    expect(body.paused).toBe(false)
    await clock.advance(lingerMs)
    expect(body.cancelled).toBe(true)
  })

  test('is over at once for a client that is full, when it is stopped behind its terminal event', async () => {
    const { clock, body, stream, taking, relayed } = await relaying()
    taking.full = true
    body.push(Buffer.concat([delta, completed]))
    stream.stop('the gateway is shutting down')
    expect(await relayed).toMatchObject({ kind: 'ended' })
    body.end()
    taking.drain()
    expect(clock.pending).toBe(0)
  })

  test('goes to the client from its first byte, and its terminal event is left to the caller', async () => {
    const { body, taking, relayed, clock } = await relaying()
    body.push(Buffer.concat([delta, completed]))
    expect(await relayed).toMatchObject({ kind: 'ended', ended: { kind: 'terminal' } })
    expect(Buffer.concat(taking.got).equals(Buffer.concat([created, delta, delta]))).toBe(true)
    body.end()
    expect(clock.pending).toBe(0)
  })

  test('is given in one write where many events came in one read', async () => {
    const { body, taking } = await relaying()
    const before = taking.writes
    for (let i = 0; i < 100; i++) body.push(delta)
    await settled()
    expect(taking.writes - before).toBe(1)
    expect(taking.got.slice(-100)).toEqual(Array.from({ length: 100 }, () => delta))
  })

  test('waits while the client takes nothing, and goes on when it does', async () => {
    const { body, taking } = await relaying()
    taking.full = true
    body.push(delta)
    await settled()
    expect(body.paused).toBe(true)
    taking.drain()
    expect(body.paused).toBe(false)
  })

  test('gives what came last before it breaks off', async () => {
    const { body, taking, relayed } = await relaying()
    const before = taking.got.length
    body.push(delta)
    body.broken('reset')
    expect(await relayed).toMatchObject({ kind: 'broken' })
    expect(taking.got.slice(before)).toEqual([delta])
  })

  // B14
  test.each([
    ['cut off', (body: PushedBody) => body.broken('reset')],
    ['ended without a terminal event', (body: PushedBody) => body.end()],
  ])('is broken when it is %s', async (_, stop) => {
    const { body, relayed } = await relaying()
    stop(body)
    expect(await relayed).toMatchObject({ kind: 'broken', signal: { kind: 'ended' } })
  })

  test('is broken, not silent, when nothing comes for too long', async () => {
    const { clock, body, relayed } = await relaying()
    await clock.advance(times.betweenEventsMs)
    expect(await relayed).toMatchObject({ kind: 'broken', signal: { kind: 'ended', detail: 'the upstream fell silent' } })
    expect(body.cancelled).toBe(true)
  })

  // E16
  test('is read on for its usage when the client has gone, and nothing more is written', async () => {
    const { body, stream, taking, relayed } = await relaying()
    const before = taking.got.length
    stream.readOn()
    body.push(delta)
    body.push(completed)
    expect(await relayed).toMatchObject({ ended: { end: { usage: { inputTokens: 1, outputTokens: 2 } } } })
    expect(taking.got).toHaveLength(before)
  })

  // E16
  test('is read on for two seconds at most', async () => {
    const { clock, body, stream, relayed } = await relaying()
    stream.readOn()
    await clock.advance(readOnMs)
    expect(await relayed).toMatchObject({ kind: 'broken' })
    expect(body.cancelled).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('leaves no timer behind where its upstream ends in the tick of the terminal event', async () => {
    const { clock, body, relayed } = await relaying()
    body.push(completed)
    body.end()
    expect(await relayed).toMatchObject({ kind: 'ended' })
    expect(clock.pending).toBe(0)
  })

  test('whose upstream does not end after the terminal event is given up', async () => {
    const { clock, body, relayed } = await relaying()
    body.push(completed)
    await relayed
    await clock.advance(lingerMs - 1)
    expect(body.cancelled).toBe(false)
    await clock.advance(1)
    expect(body.cancelled).toBe(true)
    await settled()
  })
})
