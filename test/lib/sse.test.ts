import { createParser } from 'eventsource-parser'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dataSpan, eventFields, EventSplitter, eventType, joinedData, sseEvent } from '../../src/lib/sse.ts'

interface Said {
  readonly event: string | null
  readonly data: string
}

interface Split {
  readonly events: readonly Buffer[]
  readonly rest: Buffer
}

function split(chunks: readonly Buffer[], eventBytesMax = 1_000_000): Split {
  const splitter = new EventSplitter(eventBytesMax)
  const events: Buffer[] = []
  for (const chunk of chunks) expect(splitter.push(chunk, (bytes, start, end) => events.push(Buffer.from(bytes.subarray(start, end))))).toBe(true)
  expect(splitter.pendingBytes).toBe(splitter.rest().length)
  return { events, rest: splitter.rest() }
}

/** What a reader of our events takes from them. */
function ours(events: readonly Buffer[]): readonly Said[] {
  return events.flatMap((bytes) => {
    const data = joinedData(bytes, 0, bytes.length)
    return data === null ? [] : [{ event: eventFields(bytes, 0, bytes.length).event, data: data.toString() }]
  })
}

/** What an independent reader takes from the whole stream. */
function theirs(stream: string): readonly Said[] {
  const said: Said[] = []
  const parser = createParser({ onEvent: ({ event, data }) => said.push({ event: event === undefined || event === '' ? null : event, data }) })
  parser.feed(stream)
  return said
}

function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...places.toSorted((a, b) => a - b), bytes.length]
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

const texts = (buffers: readonly Buffer[]) => buffers.map((bytes) => bytes.toString())

// The comment at the end tells every reader that the line end before it is complete.
const streams: readonly (readonly [title: string, stream: string])[] = [
  ['lines that end in LF', 'event: a\ndata: {"type":"a"}\n\nevent: b\ndata: {"type":"b"}\n\n: end\n\n'],
  ['lines that end in CR LF', 'event: a\r\ndata: {"type":"a"}\r\n\r\nevent: b\r\ndata: 2\r\n\r\n: end\n\n'],
  ['lines that end in CR', 'event: a\rdata: 1\r\revent: b\rdata: 2\r\r: end\n\n'],
  ['all line ends mixed', 'data: 1\n\r\ndata: 2\r\n\ndata: 3\r\r\ndata: 4\n\r\rdata: 5\r\n\r: end\n\n'],
  ['blank lines in runs', '\n\r\n\r\rdata: 1\n\n\n\n\ndata: 2\r\n\r\n\r\n\r\n: end\n\n'],
  ['a byte order mark', '\ufeffdata: 1\n\ndata: \ufeff2\n\n'],
  ['a byte order mark and blank lines', '\ufeff\n\n\ndata: 1\n\n'],
  ['a byte order mark where it means nothing', 'data: 1\n\n\ufeffdata: 2\n\ndata: 3\n\n'],
  ['data in several lines', 'event: a\ndata: {\ndata:   "type":"b"\ndata\ndata: }\n\n'],
  ['comments, ids, retries and unknown fields', ': hello\n\nid: 1\nretry: 10\nother: x\ndata: 1\n:\n\n:\n\n'],
  ['fields without a space, a value or a colon', 'event:a\ndata:1\n\nevent\ndata\n\nevent:\ndata:  two spaces \n\ndatax: no\ndata : no\n\n'],
  ['other alphabets', 'data: "日本語 🚂 \u2028\u0085"\n\n'],
]

describe.for(streams)('a stream with %s', ([, stream]) => {
  const bytes = Buffer.from(stream)
  const whole = split([bytes])

  it('says what an independent reader hears', () => expect(ours(whole.events)).toEqual(theirs(stream)))

  it('has no byte lost or moved but the mark at its start', () => {
    expect(Buffer.concat([...whole.events, whole.rest]).toString()).toBe(stream.replace(/^\uFEFF/, ''))
  })

  it('has the same events wherever it is cut in two', () => {
    for (let at = 0; at <= bytes.length; at++) expect(split(cutAt(bytes, [at])), `cut at ${at}`).toEqual(whole)
  })

  it('has the same events when it comes byte by byte', () => {
    expect(split(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole)
  })
})

describe('any stream', () => {
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
  const field = fc.constantFrom('data: {"type":"a"}', 'data: x', 'data', 'event: a', 'event:', ': comment', 'id: 1', 'data:  y ', 'datab', '日本')
  const line = fc.tuple(fc.oneof({ weight: 3, arbitrary: field }, { weight: 2, arbitrary: fc.constant('') }), lineEnd).map((parts) => parts.join(''))
  const stream = fc.tuple(fc.constantFrom('', '\ufeff'), fc.array(line, { maxLength: 25 })).map(([mark, lines]) => `${mark}${lines.join('')}: end\n\n`)

  it('has the same events for every reader, however it is cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const bytes = Buffer.from(text)
        const whole = split([bytes])
        const cut = split(
          cutAt(
            bytes,
            places.map((place) => place % (bytes.length + 1)),
          ),
        )
        expect(texts(cut.events)).toEqual(texts(whole.events))
        expect(ours(cut.events)).toEqual(theirs(text))
        expect(Buffer.concat([...cut.events, cut.rest]).toString()).toBe(text.replace(/^\ufeff/, ''))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the splitter', () => {
  it('gives an event that lies within one chunk as it lies there', () => {
    const chunk = Buffer.from('data: 1\n\ndata: 2\n\ndata:')
    const taken: (readonly [same: boolean, start: number, end: number])[] = []
    new EventSplitter(100).push(chunk, (bytes, start, end) => taken.push([bytes === chunk, start, end]))
    expect(taken).toEqual([
      [true, 0, 9],
      [true, 9, 18],
    ])
  })

  it('gives an event as soon as its blank line is there', () => {
    for (const end of ['\n\n', '\r\n\n', '\r\n\r\n', '\r\r', '\n\r\n']) expect(split([Buffer.from(`data: 1${end}`)]).events).toHaveLength(1)
  })

  it('waits for the other half of a CR LF, so that an event goes out whole', () => {
    expect(texts(split([Buffer.from('data: 1\r\n\r')]).events)).toEqual([])
    expect(texts(split([Buffer.from('data: 1\r\n\r'), Buffer.from('\n')]).events)).toEqual(['data: 1\r\n\r\n'])
    expect(texts(split([Buffer.from('data: 1\r\n\r'), Buffer.from('data: 2')]).events)).toEqual(['data: 1\r\n\r'])
  })

  it('has as its rest what is not complete', () => {
    const { events, rest } = split(['data: 1\n\nda', 'ta: 2', '\n'].map((text) => Buffer.from(text)))
    expect(texts(events)).toEqual(['data: 1\n\n'])
    expect(rest.toString()).toBe('data: 2\n')
  })

  it.for([1, 3, 9, 1000])('refuses an event above the bound, in chunks of %s bytes, after giving those before it', (size) => {
    const stream = Buffer.from('data: 12\n\ndata: 123\n\ndata: 1\n\n')
    const run = (eventBytesMax: number) => {
      const splitter = new EventSplitter(eventBytesMax)
      const events: string[] = []
      for (let at = 0; at < stream.length; at += size) {
        const isGood = splitter.push(stream.subarray(at, at + size), (bytes, start, end) => events.push(bytes.toString('utf8', start, end)))
        if (!isGood) return { events, pending: splitter.pendingBytes }
      }
      return { events, pending: null }
    }
    expect(run(11)).toEqual({ events: ['data: 12\n\n', 'data: 123\n\n', 'data: 1\n\n'], pending: null })
    const refused = run(10)
    expect(refused.events).toEqual(['data: 12\n\n'])
    expect(refused.pending).toBeLessThan(10 + size)
  })

  it('refuses an event that never ends as soon as it exceeds the bound', () => {
    const splitter = new EventSplitter(10)
    const never = () => expect.unreachable()
    expect(splitter.push(Buffer.from('data: 1234'), never)).toBe(true)
    expect(splitter.push(Buffer.from('5'), never)).toBe(false)
  })

  it('joins an event of very many chunks', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(10_000)}\n\n`)
    expect(split(Array.from(bytes, (byte) => Buffer.from([byte]))).events).toEqual([bytes])
  })
})

describe('the type of an event', () => {
  const cases: readonly (readonly [title: string, event: string, type: string | null])[] = [
    ['is what its JSON says', 'event: a\ndata: {"type":"b","x":1}\n\n', 'b'],
    ['is found without a space behind the colon', 'data:{"type":"b"}\n\n', 'b'],
    ['is found before the event line', 'data: {"type":"b"}\nevent: a\n\n', 'b'],
    ['is found with CR LF and blank lines before', '\r\n\r\nevent: a\r\ndata: {"type":"b"}\r\n\r\n', 'b'],
    ['is the name where the JSON begins with something else', 'event: a\ndata: {"x":{"type":"c"},"type":"b"}\n\n', 'a'],
    ['is the last name of several', 'event: a\nevent: b\ndata: {}\n\n', 'b'],
    ['is the name with CR LF', 'event: a\r\ndata: {}\r\n\r\n', 'a'],
    ['is the name where there is no data', 'event: a\n\n', 'a'],
    ['is unknown without a name', 'data: {"x":1,"type":"b"}\n\n', null],
    ['is unknown where the name is empty', 'event:\ndata: {}\n\n', null],
    ['is unknown where the JSON spells it with escapes', 'event: a\ndata: {"type":"\\u0062"}\n\n', null],
    ['is unknown where the JSON is cut off', 'event: a\ndata: {"type":"b\n\n', null],
    ['is not taken from a later line of data', 'data: {"x":\ndata: {"type":"c"}}\n\n', null],
    ['is unknown for a comment', ': data: {"type":"b"}\n\n', null],
    ['is unknown for other fields', 'database: {"type":"b"}\neventful: a\n\n', null],
    ['is found in other alphabets', 'event: ä\ndata: {"type":"ö"}\n\n', 'ö'],
  ]
  it.for(cases)('%s', ([, event, type]) => {
    const bytes = Buffer.from(`before${event}data: behind`)
    expect(eventType(bytes, 6, 6 + Buffer.byteLength(event))).toBe(type)
  })
})

describe('the data of an event', () => {
  const dataOf = (event: string) => {
    const bytes = Buffer.from(event)
    const span = dataSpan(bytes, 0, bytes.length)
    return { span: span === null ? null : bytes.toString('utf8', span.start, span.end), joined: joinedData(bytes, 0, bytes.length)?.toString() ?? null }
  }

  it('is a range where it is one line, however long', () => {
    for (const length of [0, 1, 255, 256, 257, 5000]) {
      const data = 'x'.repeat(length)
      for (const end of ['\n\n', '\r\n\r\n', '\r\r']) expect(dataOf(`event: a\ndata: ${data}${end}`)).toEqual({ span: data, joined: data })
    }
  })

  it('is joined where it is several lines', () => expect(dataOf('data: a\ndata:\ndata:  b\n\n')).toEqual({ span: null, joined: 'a\n\n b' }))

  it('is none where there is no such line', () => expect(dataOf('event: a\n: data\n\n')).toEqual({ span: null, joined: null }))
})

describe('an event that we write', () => {
  it('is two lines and a blank one', () => {
    expect(sseEvent('error', '{"type":"error"}').toString()).toBe('event: error\ndata: {"type":"error"}\n\n')
    expect(sseEvent('error', Buffer.from('{"type":"error"}')).toString()).toBe('event: error\ndata: {"type":"error"}\n\n')
  })

  it.for(['{\n  "type": "a",\r\n  "x": [1,\r2]\n}', '{"type":"a"}'])('is read back as it was meant: %j', (json) => {
    for (const given of [json, Buffer.from(json)]) {
      const said = theirs(sseEvent('a', given).toString())
      expect(said.map(({ event, data }) => ({ event, value: JSON.parse(data) as unknown }))).toEqual([{ event: 'a', value: JSON.parse(json) as unknown }])
    }
  })
})
