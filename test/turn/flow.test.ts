import { describe, expect, test } from 'vitest'
import { but } from '../simulation/sessions/pins.ts'
import { ResponsesObserver } from '../../src/dialect/responses/observe.ts'
import type { EventObserver, Seen } from '../../src/dialect/dialect.ts'
import { EventFlow, heldBytesMax, heldEventsMax } from '../../src/turn/flow.ts'

const bound = 32 * 1024 * 1024
const flow = (eventBytesMax = bound) => new EventFlow(new ResponsesObserver({ restore: null, framing: 'sse', client: 'sse' }), eventBytesMax)
const event = (type: string, fields: object = {}) => Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
const created = event('response.created', { response: { id: 'resp_1', status: 'in_progress' } })
const delta = event('response.output_text.delta', { delta: 'x' })
const completed = event('response.completed', { response: { id: 'resp_1', status: 'completed', output: [{ id: 'msg_1' }] } })

describe('the commit point of a stream', () => {
  // B33
  test.each([
    ['is not reached by lifecycle events', [created, event('response.queued'), event('response.in_progress')], false],
    [
      'is not reached by metadata that nobody knows',
      [event('codex.rate_limits'), event('keepalive'), event('response.metadata'), Buffer.from(': hi\n\n')],
      false,
    ],
    ['is the first event of output', [created, delta], true],
    ['is an unknown event of a response', [event('response.something_new')], true],
    ['is a terminal event', [created, completed], true],
    ['is not a failure', [created, event('response.failed', { response: { error: { code: 'server_error' } } })], false],
  ])('%s', (_, events, committed) => {
    const of = flow()
    for (const bytes of events) of.push(bytes)
    expect(of.committed).toBe(committed)
  })

  test('is reached when as many events are held as may be', () => {
    const of = flow()
    for (let i = 1; i < heldEventsMax; i++) of.push(event('keepalive'))
    expect(of.committed).toBe(false)
    of.push(event('keepalive'))
    expect(of.committed).toBe(true)
  })

  test('is reached when as many bytes are held as may be', () => {
    const of = flow()
    of.push(event('response.created', { response: { id: 'r', instructions: 'x'.repeat(heldBytesMax - 200) } }))
    expect(of.committed).toBe(false)
    of.push(event('keepalive', { filling: 'x'.repeat(200) }))
    expect(of.committed).toBe(true)
  })
})

describe('what the client gets', () => {
  test('is every byte but the terminal event, in order, whatever the reads', () => {
    const whole = Buffer.concat([created, delta, delta, completed])
    for (let at = 1; at < whole.length; at++) {
      const of = flow()
      of.push(whole.subarray(0, at))
      of.push(whole.subarray(at))
      expect(Buffer.concat(of.takeOut()).equals(Buffer.concat([created, delta, delta]))).toBe(true)
      expect(of.ended?.kind === 'terminal' && of.ended.bytes.equals(completed)).toBe(true)
    }
  })

  test('is one piece for a read of a hundred events', () => {
    const of = flow()
    const read = Buffer.concat(Array.from({ length: 100 }, () => delta))
    of.push(read)
    const out = of.takeOut()
    expect(out).toHaveLength(1)
    expect(out[0]).toBe(read)
  })

  // E20
  test('is nothing of what follows the terminal event', () => {
    const of = flow()
    of.push(Buffer.concat([delta, completed, delta, completed]))
    of.push(delta)
    expect(Buffer.concat(of.takeOut()).equals(delta)).toBe(true)
  })

  test('is refused where an event is larger than the bound', () => {
    const of = flow(100)
    expect(of.push(Buffer.alloc(90, 'x'))).toBe(true)
    expect(of.push(Buffer.alloc(90, 'x'))).toBe(false)
  })
})

describe('an event that the client gets in other words', () => {
  const done = {
    kind: 'terminal',
    bytes: Buffer.from('last'),
    end: { status: 'completed', response: null, items: [], usage: null, tierServed: null, code: null },
  } as const
  /** Sees a script, one entry an event. */
  const scripted = (script: readonly Seen[], atEnd: ReturnType<EventObserver['close']> = null) => {
    const left = [...script]
    const observer = but<EventObserver>(new ResponsesObserver({ restore: null, framing: 'sse', client: 'sse' }), {
      see: () => left.shift() ?? done,
      close: () => atEnd,
    })
    return new EventFlow(observer, bound)
  }
  const words = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text))
  const textOf = (of: EventFlow) => of.takeOut().map(String)

  test('is several, one or none, each a piece of its own', () => {
    const of = scripted([
      { kind: 'instead', events: words('a', 'b'), isOutput: false },
      { kind: 'instead', events: [], isOutput: true },
      { kind: 'instead', events: words('c'), isOutput: true },
    ])
    of.push(delta)
    expect([of.committed, textOf(of)]).toEqual([false, ['a', 'b']])
    of.push(delta)
    expect([of.committed, textOf(of)]).toEqual([true, []])
    of.push(delta)
    expect(textOf(of)).toEqual(['c'])
    expect(of.output).toEqual({ events: 2, bytes: 2 * delta.length })
  })

  test('goes as a frame where the client takes frames', () => {
    const observer = but<EventObserver>(new ResponsesObserver({ restore: null, framing: 'sse', client: 'frames' }), {
      see: () => ({ ...done, before: words('a', 'b') }),
    })
    const of = new EventFlow(observer, bound, { kind: 'bridge', frameOf: (bytes) => Buffer.from(`<${bytes.toString()}>`) })
    of.push(delta)
    expect(textOf(of)).toEqual(['<a>', '<b>'])
    expect(of.ended?.bytes.toString()).toBe('<last>')
  })

  test('goes ahead of the terminal event that brought it', () => {
    const of = scripted([{ ...done, before: words('a', 'b') }])
    of.push(delta)
    expect([of.committed, textOf(of), of.ended?.bytes.toString()]).toEqual([true, ['a', 'b'], 'last'])
  })

  test('may be the terminal one that a clean end amounts to, once', () => {
    const of = scripted([{ kind: 'output' }], done)
    of.push(delta)
    expect([of.close(), of.close()]).toEqual([true, false])
    expect(of.ended).toEqual(done)
    expect(scripted([done], done).close()).toBe(true)
    expect(scripted([]).close()).toBe(false)
  })
})
