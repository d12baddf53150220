import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import type { Seen } from '../../../src/dialect/dialect.ts'
import { MessagesObserver } from '../../../src/dialect/messages/observe.ts'
import { EventFlow, type Ended } from '../../../src/turn/flow.ts'
import { blockStart, blockStop, ending, model, sse, started, stopped, text } from './said.ts'

const observer = (restore: string | null = null) => new MessagesObserver({ restore: restore as ClientModel | null })

/** Shows the event in the middle of a larger read, as it may come. */
function see(watching: MessagesObserver, event: string): Seen {
  const bytes = Buffer.from(`before${event}behind`)
  return watching.see(bytes, 6, bytes.length - 6)
}
const textOf = (seen: Seen) => ('bytes' in seen ? seen.bytes.toString() : null)
/** What the last of these events is. */
const last = (...events: readonly string[]): Seen => {
  const watching = observer()
  return events.map((event) => see(watching, event)).at(-1) ?? { kind: 'output' }
}
const endOf = (...events: readonly string[]) => {
  const seen = last(...events, stopped)
  if (seen.kind !== 'terminal') throw new Error('no terminal event')
  return seen.end
}

describe('what is no output', () => {
  // B33
  test.each([
    ['the start of a message', started()],
    ['a ping', 'event: ping\ndata: {"type": "ping"}\n\n'],
    ['an event that nobody knows', sse('never_heard_of', { index: 0 })],
    ['an event without a name', 'data: {"index":0,"type":"never_heard_of"}\n\n'],
    ['a comment', ': keep-alive\n\n'],
    ['an event without data', 'event: keepalive\n\n'],
    ['data that is no JSON', 'data: {"type":\n\n'],
    ['data that is no object', 'data: [1,2]\n\n'],
    ['the end that other dialects have', 'data: [DONE]\n\n'],
    ['blank lines', '\n\n'],
  ])('%s is held, byte for byte', (_title, event) => {
    expect(last(event)).toEqual({ kind: 'held', bytes: Buffer.from(event) })
  })

  test('a ping is held behind output too', () => {
    const ping = 'event: ping\ndata: {"type": "ping"}\n\n'
    expect(last(started(), text('a'), ping)).toEqual({ kind: 'held', bytes: Buffer.from(ping) })
  })
})

describe('what is output', () => {
  test.each([
    ['the start of a block', blockStart()],
    ['a delta of text', text('a')],
    ['a delta that nobody knows', sse('content_block_delta', { index: 0, delta: { type: 'never_heard_of' } })],
    ['the end of a block', blockStop()],
    ['a change of the message', ending()],
    ['what names its type last', 'event: content_block_delta\ndata: {"index":0,"type":"content_block_delta"}\n\n'],
    ['what names it in its data alone', 'data: {"index":0,"type":"content_block_delta"}\n\n'],
  ])('%s is', (_title, event) => expect(last(event)).toEqual({ kind: 'output' }))

  test('is an unknown event behind the first of it', () => {
    expect(last(blockStart(), sse('never_heard_of'))).toEqual({ kind: 'output' })
  })

  test('costs no value of its own', () => {
    const watching = observer()
    expect(see(watching, text('a'))).toBe(see(watching, blockStop()))
  })

  test('is output however large it is', () => expect(last(text('A'.repeat(8_000_000)))).toEqual({ kind: 'output' }))
})

describe('the end of a message', () => {
  test.each<[reason: string | null, status: string]>([
    ['end_turn', 'completed'],
    ['tool_use', 'completed'],
    ['stop_sequence', 'completed'],
    ['pause_turn', 'completed'],
    ['never_heard_of', 'completed'],
    [null, 'completed'],
    ['max_tokens', 'incomplete'],
    ['model_context_window_exceeded', 'incomplete'],
    ['refusal', 'incomplete'],
  ])('for the reason %s is %s', (reason, status) => expect(endOf(started(), ending(reason))).toMatchObject({ status, code: null }))

  test('goes out byte for byte', () => {
    const odd = 'id: 7\nevent: message_stop\ndata: {"type":"message_stop", "n":1e400}\n\n'
    expect(textOf(last(started(), ending(), odd))).toBe(odd)
  })

  test('is one, even where it cannot be read', () => {
    expect(last('event: message_stop\ndata: {"type":"message_stop",\n\n')).toMatchObject({ kind: 'terminal', end: { status: 'completed', usage: null } })
  })

  test('names nothing that could be referred to', () => {
    expect(endOf(started(), ending())).toMatchObject({ response: null, items: [] })
  })

  test('remembers a reason that was told before', () => {
    const later = sse('message_delta', { delta: { stop_reason: null }, usage: { output_tokens: 9 } })
    expect(endOf(started(), ending('max_tokens'), later)).toMatchObject({ status: 'incomplete', usage: { outputTokens: 9 } })
  })

  test('is never a clean end of the stream', () => {
    const watching = observer()
    for (const event of [started(), text('a'), ending()]) see(watching, event)
    expect(watching.close()).toBeNull()
  })
})

describe('what was used', () => {
  const start = {
    input_tokens: 10,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 100,
    cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 15 },
    output_tokens: 1,
    service_tier: 'standard',
  }
  const usage = (...events: readonly string[]) => endOf(...events).usage

  // E17
  test('is what the start said of the question, and the end of the answer', () => {
    expect(usage(started(start), text('a'), ending('end_turn', { output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } }))).toEqual({
      inputTokens: 130,
      cachedTokens: 100,
      cacheWriteTokens: 20,
      longCacheWriteTokens: 15,
      outputTokens: 7,
      reasoningTokens: 3,
    })
  })

  test('is what was told last', () => {
    const grown = { input_tokens: 11, cache_read_input_tokens: 150, cache_creation_input_tokens: null, output_tokens: 4 }
    expect(usage(started(start), ending(null, { output_tokens: 2 }), ending('end_turn', grown))).toMatchObject({
      inputTokens: 181,
      cachedTokens: 150,
      cacheWriteTokens: 20,
      outputTokens: 4,
    })
  })

  test('is what the end alone says, where it says all', () => {
    expect(usage(ending('end_turn', { input_tokens: 3, output_tokens: 4 }))).toMatchObject({ inputTokens: 3, outputTokens: 4 })
  })

  test.each<[title: string, events: readonly string[]]>([
    ['nobody told it', [text('a')]],
    ['only the start told it, before anything was written', [started(start), text('a')]],
    ['the end tells none', [started(start), sse('message_delta', { delta: { stop_reason: 'end_turn' } })]],
    ['the end tells it as null', [started(start), ending('end_turn', null)]],
    ['the end tells it malformed', [started(start), ending('end_turn', { output_tokens: '7' })]],
    ['the start told it malformed', [started({ ...start, input_tokens: -1 }), ending()]],
    ['the start told none', [started(null), ending()]],
  ])('is unknown where %s', (_title, events) => expect(usage(...events)).toBeNull())

  // C15
  test.each<[title: string, told: object, tier: string | null]>([
    ['fast', { speed: 'fast', service_tier: 'standard' }, 'fast'],
    ['standard', { speed: 'standard', service_tier: 'standard' }, 'default'],
    ['standard, and nothing of a speed', { service_tier: 'standard' }, 'default'],
    ['bought capacity', { service_tier: 'priority' }, 'default'],
    ['a speed alone', { speed: 'standard' }, 'default'],
    ['a batch', { service_tier: 'batch' }, 'batch'],
    ['a tier that nobody knows', { service_tier: 'turbo' }, 'turbo'],
    ['nothing', {}, null],
    ['null', { speed: null, service_tier: null }, null],
    ['no words', { speed: 1, service_tier: {} }, null],
  ])('is of a tier: %s', (_title, told, tier) => {
    expect(endOf(started({ ...start, service_tier: null, ...told }), ending()).tierServed).toBe(tier)
  })
})

describe('a message that fails', () => {
  const overloaded = sse('error', { error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' })

  // B13
  test('tells its error, and a status by its type', () => {
    expect(last(started(), overloaded)).toEqual({
      kind: 'failed',
      bytes: Buffer.from(overloaded),
      end: { status: 'failed', response: null, items: [], usage: null, tierServed: null, code: 'overloaded_error' },
      signal: {
        kind: 'told',
        status: 529,
        headers: {},
        error: { code: 'overloaded_error', type: 'overloaded_error', message: 'Overloaded', param: null, resetsAt: undefined, resetsInSeconds: undefined },
      },
    })
  })

  test('tells a code that its details name', () => {
    const event = sse('error', { error: { type: 'rate_limit_error', message: 'no', details: { error_code: 'enforced_spend_limit_reached' } } })
    expect(last(event)).toMatchObject({ end: { code: 'enforced_spend_limit_reached' }, signal: { status: 429, error: { type: 'rate_limit_error' } } })
  })

  test('keeps what was told of its use before', () => {
    const used = [started({ input_tokens: 3, output_tokens: 1, speed: 'fast' }), ending(null, { output_tokens: 6 })]
    expect(last(...used, overloaded)).toMatchObject({ end: { usage: { inputTokens: 3, outputTokens: 6 }, tierServed: 'fast' } })
    expect(last(started({ input_tokens: 3, output_tokens: 1, speed: 'fast' }), overloaded)).toMatchObject({ end: { usage: null, tierServed: 'fast' } })
  })

  test.each([
    ['without a type', 'data: {"error":{"message":"no"}}\n\n', 500],
    ['with text for an error', 'event: error\ndata: {"error":"no"}\n\n', 500],
    ['that is no JSON', 'event: error\ndata: oh\n\n', 500],
    ['without data', 'event: error\n\n', 500],
    ['in the words of another dialect', 'event: error\ndata: {"error":{"code":"server_is_overloaded"}}\n\n', 529],
  ])('%s fails all the same', (_title, event, status) => {
    expect(last(event)).toMatchObject({ kind: 'failed', bytes: Buffer.from(event), signal: { status } })
  })
})

describe('the model’s name', () => {
  const odd = `id: 1\nevent: message_start\ndata: {"type":"message_start", "message":{"id":"msg_1","model": "${model}","x":{"model":"${model}"},"n":1e400}}\n\n`

  // A11
  test('is the client’s own again in the start of the message, and nothing else is altered', () => {
    expect(textOf(see(observer('alias'), odd))).toBe(odd.replace(`"model": "${model}"`, '"model": "alias"'))
    expect(textOf(see(observer('alias'), odd.replaceAll('\n', '\r\n')))).toBe(odd.replace(`"model": "${model}"`, '"model": "alias"').replaceAll('\n', '\r\n'))
  })

  test('is restored where the data stands in several lines', () => {
    const seen = see(observer('alias'), 'event: message_start\ndata: {"type":"message_start",\ndata: "message":{"model":"x"}}\n\n')
    expect(textOf(seen)).toBe('event: message_start\ndata: {"type":"message_start", "message":{"model":"alias"}}\n\n')
  })

  test.each([
    ['where mapping changed nothing', null, odd],
    ['where the message has none', 'alias', 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1"}}\n\n'],
    ['where there is no message', 'alias', 'event: message_start\ndata: {"type":"message_start","message":7}\n\n'],
    ['where it cannot be read', 'alias', 'event: message_start\ndata: {"type":"message_start",\n\n'],
  ])('is left %s', (_title, restore, event) => expect(textOf(see(observer(restore), event))).toBe(event))

  test('is left in everything but the start', () => {
    const block = blockStart({ type: 'fallback', to: { model } })
    expect(see(observer('alias'), block)).toEqual({ kind: 'output' })
  })
})

describe('what else a stream tells', () => {
  test('is the id of the message', () => {
    const watching = observer()
    expect(watching.response()).toBeNull()
    see(watching, started())
    expect(watching.response()).toBe('msg_1')
  })

  test('is nothing of sealed reasoning, items, routing and quota', () => {
    const watching = observer()
    for (const event of [started(), blockStart({ type: 'thinking', thinking: '', signature: 'x' }), ending(), stopped]) see(watching, event)
    expect([watching.sealed(), watching.items(), watching.turnStates(), watching.readings()]).toEqual([[], null, [], []])
  })
})

describe('on its way to the client', () => {
  const bound = 32 * 1024 * 1024
  const content = [
    blockStart(),
    'event: ping\ndata: {"type": "ping"}\n\n',
    text('a 😀'),
    'event: content_block_delta\r\ndata: {"type":"content_block_delta",  "index":0,"n":12345678901234567890,"delta":{"x":1e400}}\r\n\r\n',
    ': a comment\n\n',
    sse('never_heard_of', { model }),
    blockStop(),
    ending(),
  ]

  interface Came {
    readonly out: string
    readonly ended: Ended | null
  }
  function flowed(reads: readonly Buffer[], restore: string | null = null): Came {
    const flow = new EventFlow(observer(restore), bound)
    for (const read of reads) expect(flow.push(read)).toBe(true)
    return { out: Buffer.concat(flow.takeOut()).toString(), ended: flow.ended }
  }

  test('every byte stays, unknown members and events among them, wherever the reads are cut', () => {
    const whole = Buffer.from([started(), ...content, stopped].join(''))
    const out = whole.toString().slice(0, -stopped.length)
    const restored = out.replace(`"model":"${model}"`, '"model":"alias"')
    for (let at = 0; at <= whole.length; at++) {
      const reads = [whole.subarray(0, at), whole.subarray(at)]
      const came = flowed(reads)
      expect(came.out).toBe(out)
      expect(came.ended?.bytes.toString()).toBe(stopped)
      expect(came.ended).toMatchObject({ kind: 'terminal', end: { status: 'completed', usage: { inputTokens: 10, outputTokens: 5 } } })
      expect(flowed(reads, 'alias').out).toBe(restored)
    }
  })

  test('one byte at a time is the same', () => {
    const whole = Buffer.from([started(), ...content, stopped].join(''))
    const came = flowed(Array.from(whole, (byte) => Buffer.from([byte])))
    expect(came.out + (came.ended?.bytes.toString() ?? '')).toBe(whole.toString())
  })

  // B33 B34
  test.each<[title: string, events: readonly string[], committed: boolean]>([
    ['is not reached by the start and pings', [started(), 'event: ping\ndata: {"type": "ping"}\n\n', sse('never_heard_of')], false],
    ['is the first block', [started(), blockStart()], true],
    ['is the end of an empty message', [started(), ending()], true],
    ['is the terminal event', [started(), stopped], true],
    ['is not an error', [started(), sse('error', { error: { type: 'overloaded_error', message: 'no' } })], false],
  ])('the commit point %s', (_title, events, committed) => {
    const flow = new EventFlow(observer(), bound)
    flow.push(Buffer.from(events.join('')))
    expect(flow.committed).toBe(committed)
  })

  // E20
  test('there is one end, whatever follows it', () => {
    const failed = sse('error', { error: { type: 'api_error', message: 'no' } })
    expect(flowed([Buffer.from([text('a'), failed, text('b'), stopped].join(''))])).toMatchObject({ out: text('a'), ended: { kind: 'failed' } })
    expect(flowed([Buffer.from([text('a'), stopped, failed, stopped].join(''))])).toMatchObject({ out: text('a'), ended: { kind: 'terminal' } })
  })

  test('whatever bytes come, seeing them ends well, and nothing is lost before the end', () => {
    const types = fc.constantFrom('message_start', 'content_block_delta', 'message_delta', 'message_stop', 'error', 'ping', 'x')
    const odd = fc.tuple(types, fc.json(), fc.nat(60), fc.constantFrom('\n', '\r\n', '\r')).map(([type, json, cut, end]) => {
      const event = `event: ${type}${end}data: {"type":"${type}","message":${json},"delta":${json},"usage":${json},"error":${json}}`
      return `${event.slice(0, Math.max(1, event.length - cut))}${end}${end}`
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.string()), { maxLength: 6 }), fc.option(fc.constant('alias')), fc.nat(200), (events, restore, at) => {
        const whole = Buffer.from(events.join(''))
        const { out, ended } = flowed([whole.subarray(0, at), whole.subarray(at)], restore)
        expect([undefined, 'terminal', 'failed']).toContain(ended?.kind)
        if (restore === null)
          expect(
            whole
              .toString()
              .replace(/^\uFEFF/, '')
              .startsWith(out + (ended?.bytes.toString() ?? '')),
          ).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
