import { describe, expect, test } from 'vitest'
import { JsonEvent } from '../../src/dialect/json-event.ts'
import type { Edit } from '../../src/lib/body.ts'

const eventOf = (text: string, framing: 'sse' | 'frames' = 'sse') => {
  const bytes = Buffer.from(`before${text}behind`)
  return JsonEvent.parse(bytes, { start: 6, end: bytes.length - 6, framing })
}
const edits: readonly Edit[] = [{ kind: 'set', member: 'a', json: '2' }]

describe('an event whose data is an object', () => {
  test.each<[title: string, text: string, edited: string]>([
    ['in one line', 'id: 7\ndata: { "a" : 1 , "n":1e400 }\n\n', 'id: 7\ndata: { "a" : 2 , "n":1e400 }\n\n'],
    ['in lines that end in two characters', 'data:{"a":1}\r\n\r\n', 'data:{"a":2}\r\n\r\n'],
    ['in several lines, which become one', 'data: {"b":0,\ndata: "a":1}\n\n', 'data: {"b":0, "a":2}\n\n'],
    ['in several lines and with a name', 'event: x\ndata: {\ndata: "a":1}\n\n', 'event: x\ndata: { "a":2}\n\n'],
  ])('is edited in its place: %s', (_title, text, edited) => {
    const event = eventOf(text)
    expect(event?.with(edits).toString()).toBe(edited)
    expect(event?.with([]).toString()).toBe(text)
    expect(event?.value()).toMatchObject({ a: 1 })
  })

  test('may be a frame', () => expect(eventOf('{"a":1}', 'frames')?.with(edits).toString()).toBe('{"a":2}'))
  test('is no value where a string in it is malformed', () => expect(eventOf('data: {"a":"\\x"}\n\n')?.value()).toBeUndefined())
})

test.each(['', '\n\n', ': hi\n\n', 'event: x\n\n', 'data: \n\n', 'data: 7\n\n', 'data: [DONE]\n\n', 'data: {"a":\n\n', 'data: {\ndata: "a"}\n\n'])(
  'there is none in %j',
  (text) => {
    expect(eventOf(text)).toBeNull()
  },
)
