import { describe, expect, test } from 'vitest'
import { frameOf } from '../../../src/dialect/responses/frame-of.ts'

/** The frame of an event that lies in the middle of a larger read. */
function framed(text: string, streamId: string | null = null) {
  const bytes = Buffer.from(`before${text}behind`)
  const frame = frameOf(bytes, 6, bytes.length - 6, streamId)
  return { frame, bytes, text: frame?.toString() ?? null }
}
const delta = '{"type":"response.output_text.delta", "n":1e400,"delta":"\\u00e9"}'

describe('a server-sent event as a frame', () => {
  // E13
  test('is its data, the very bytes', () => {
    const { frame, bytes, text } = framed(`event: response.output_text.delta\nid: 7\ndata: ${delta}\n\n`)
    expect(text).toBe(delta)
    expect(frame?.buffer).toBe(bytes.buffer)
  })

  test.each<[title: string, event: string, streamId: string | null, frame: string | null]>([
    ['names its lane first', `data: ${delta}\n\n`, 'a.b', `{"stream_id":"a.b",${delta.slice(1)}`],
    ['may be an empty object', 'event: x\ndata: { }\n\n', 'a', '{"stream_id":"a","type":"x" }'],
    ['is one text though its data takes several lines', 'data: {"type":"x",\ndata: "a":1}\n\n', null, '{"type":"x",\n"a":1}'],
    ['names its lane there, too', 'data: {"type":"x",\ndata: "a":1}\n\n', 'l', '{"stream_id":"l","type":"x",\n"a":1}'],
    [
      'has the type that only its name told',
      'event: response.created\ndata: {"response":{"type":"x"}}\n\n',
      null,
      '{"type":"response.created","response":{"type":"x"}}',
    ],
    ['has its own type wherever that stands', 'event: message\ndata: {"a":1,"type":"x"}\n\n', null, '{"a":1,"type":"x"}'],
    ['is an error where it holds one and says no more', 'data: {"error":{}}\n\n', null, '{"type":"error","error":{}}'],
    ['stays as it is where nothing tells its type', 'data: {"a":1}\n\n', null, '{"a":1}'],
    ['ends where its line does', 'data: {"type":"x"}\r\n\r\n', null, '{"type":"x"}'],
    ['is nothing where it is a comment', ': keep-alive\n\n', 'a', null],
    ['is nothing where it has no data', 'event: ping\n\n', null, null],
    ['is nothing where its data is empty', 'data:\n\n', null, null],
    ['is nothing where it is another dialect’s end', 'data: [DONE]\n\n', 'a', null],
    ['is nothing where its data is no object', 'data: 7\n\n', null, null],
  ])('%s', (_title, event, streamId, frame) => {
    expect(framed(event, streamId).text).toBe(frame)
  })
})
