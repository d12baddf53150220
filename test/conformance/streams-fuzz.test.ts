import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chaos } from '../support/dialect-chaos.ts'
import { rawEventsOf, ways, type Spoken } from '../support/dialect-clients.ts'
import { flowOf, heardIn, relay } from '../support/dialect-flow.ts'

const foreign = ways.filter(({ client, upstream }) => client !== upstream)
const buffers = (events: readonly string[]): readonly Buffer[] => events.map((event) => Buffer.from(event))

const isGood: Readonly<Record<Spoken, (type: string | null, data: string) => boolean>> = {
  responses: (type) => type === 'response.completed' || type === 'response.incomplete',
  chat: (_type, data) => data === '[DONE]',
  messages: (type) => type === 'message_stop',
}
const isBad: Readonly<Record<Spoken, (type: string | null, data: string) => boolean>> = {
  responses: (type) => type === 'response.failed' || type === 'error',
  chat: (_type, data) => data.startsWith('{"error"'),
  messages: (type) => type === 'error',
}

/** What tells a client that the answer is over, in the order in which it comes, and whether anything follows. */
function endsIn(client: Spoken, said: string): readonly string[] {
  return rawEventsOf(said).map(({ event, data }) => (isGood[client](event, data) ? 'good' : isBad[client](event, data) ? 'bad' : 'more'))
}

describe.each(foreign)('whatever an upstream sends in $upstream, a client of $client', (way) => {
  const { client, upstream } = way

  test('has one end at most, which is the last that it hears, and a good one only where the upstream told it', () => {
    fc.assert(
      fc.property(chaos[upstream], (events) => {
        const { said, kind } = relay(way, buffers(events))
        const ends = endsIn(client, said)
        expect(ends.slice(0, -1)).not.toContain('good')
        expect(ends.slice(0, -1)).not.toContain('bad')
        const last = ends.at(-1) ?? 'more'
        expect({ kind, last }).toEqual({ kind, last: kind === 'terminal' ? 'good' : kind === 'failed' ? 'bad' : 'more' })
      }),
      { numRuns: 400 },
    )
  })

  test('hears no good end where the connection was cut', () => {
    fc.assert(
      fc.property(chaos[upstream], (events) => {
        const { said, kind } = relay(way, buffers(events), 'cut')
        if (kind !== 'terminal') expect(endsIn(client, said)).not.toContain('good')
      }),
      { numRuns: 200 },
    )
  })

  test('hears a stream by the rules of its dialect', () => {
    fc.assert(
      fc.property(chaos[upstream], (events) => {
        const { said, kind } = relay(way, buffers(events))
        if (kind !== 'failed') expect(heardIn(client, said).breaches).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  test('hears the same wherever the reads are cut', () => {
    fc.assert(
      fc.property(chaos[upstream], fc.array(fc.nat(), { maxLength: 8 }), (events, cuts) => {
        const bytes = Buffer.from(events.join(''))
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
        const reads = places.slice(1).map((place, at) => bytes.subarray(places[at], place))
        expect(relay(way, reads)).toEqual(relay(way, [bytes]))
      }),
      { numRuns: 100 },
    )
  })

  test('hears the same whether deltas that follow each other are spelled alike or not', () => {
    const turns = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 4 })), { maxLength: 12 })
    fc.assert(
      fc.property(chaos[upstream], turns, (few, all) => {
        const again = all.flatMap(([which, times]) => Array.from({ length: few.length === 0 ? 0 : times }, () => few[which % few.length] ?? ''))
        const events = [...few, ...again]
        const unlike = events.map((event, at) => (at % 2 === 0 ? event : event.replace(/\n+$/, (end) => ` ${end}`)))
        expect(relay(way, buffers(unlike))).toEqual({ ...relay(way, buffers(events)) })
      }),
      { numRuns: 600 },
    )
  })
})

/** Well-formed beginnings, one delta of a text in each dialect, and an end. */
const speech: Readonly<Record<Spoken, { readonly begun: string; delta: (text: string) => string; readonly end: string }>> = {
  responses: {
    begun:
      'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","model":"m","output":[]}}\n\n' +
      'event: response.output_item.added\ndata: {"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}\n\n',
    delta: (text) =>
      `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":${JSON.stringify(text)}}\n\n`,
    end: 'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","model":"m","status":"completed","output":[]}}\n\n',
  },
  chat: {
    begun: 'data: {"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
    delta: (text) => `data: {"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]}\n\n`,
    end: 'data: {"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
  },
  messages: {
    begun:
      'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","content":[],"usage":{}}}\n\n' +
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    delta: (text) =>
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}}\n\n`,
    end:
      'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n' +
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n' +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  },
}

describe.each(foreign)('a text that comes in $upstream for a client of $client', (way) => {
  const { begun, delta, end } = speech[way.upstream]

  test('is out as soon as it is in, word by word', () => {
    const words = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(words, (all) => {
        const flow = flowOf(way)
        flow.push(Buffer.from(begun))
        flow.takeOut()
        for (const word of all) {
          flow.push(Buffer.from(delta(word)))
          expect(Buffer.concat(flow.takeOut()).toString()).toContain(JSON.stringify(word))
        }
      }),
      { numRuns: 50 },
    )
  })

  test.each([1024 * 1024, 1000])('costs no more memory for being longer than is kept, and then has no good end: by %i letters', (letters) => {
    const flow = flowOf(way)
    const word = Buffer.from(delta('x'.repeat(letters)))
    flow.push(Buffer.from(begun))
    const out: string[] = []
    for (let told = 0; told < 24 * 1024 * 1024; told += letters) {
      flow.push(word)
      out.push(...flow.takeOut().map((bytes) => (bytes.length > 1000 ? '' : bytes.toString())))
    }
    flow.push(Buffer.from(end))
    out.push(...flow.takeOut().map((bytes) => (bytes.length > 1000 ? '' : bytes.toString())))
    if (flow.ended !== null && flow.ended.bytes.length < 100_000) out.push(flow.ended.bytes.toString())
    const ends = endsIn(way.client, out.join(''))
    expect(ends.filter((each) => each !== 'more')).toHaveLength(1)
    // Responses tells the whole answer once more at its end; the others do not, and need to keep nothing.
    expect(flow.ended?.kind).toBe(way.upstream === 'responses' ? 'terminal' : 'failed')
  })
})

test('an answer of more items than are told apart has no good end', () => {
  const way = { client: 'messages', upstream: 'responses' } as const
  const item = (at: number): string => `{"id":"msg_${at}","type":"message","role":"assistant","content":[{"type":"output_text","text":"x"}]}`
  const output = Array.from({ length: 10_500 }, (_, at) => item(at)).join(',')
  const created = 'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","model":"m","output":[]}}\n\n'
  const completed = `event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","model":"m","status":"completed","output":[${output}]}}\n\n`
  const { said, kind } = relay(way, [Buffer.from(created + completed)])
  expect([kind, endsIn('messages', said).at(-1)]).toEqual(['failed', 'bad'])
})
