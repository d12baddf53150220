import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Likeness } from '../../../src/dialect/translate/likeness.ts'
import type { Json } from '../../../src/dialect/json.ts'

const framed = (name: string | null, data: unknown): Buffer => Buffer.from(`${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)

function likenessTo(name: string | null, data: Json): Likeness | null {
  const bytes = Buffer.concat([Buffer.from('before'), framed(name, data), Buffer.from('behind')])
  return Likeness.to({ bytes, start: 6, end: bytes.length - 6, name, data })
}

function read(likeness: Likeness | null, bytes: Buffer): Json | null {
  const around = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yyy')])
  return likeness?.read(around, 2, around.length - 3) ?? null
}

/** Deltas of each dialect, by their text. */
const deltas: readonly (readonly [title: string, name: string | null, of: (text: string, number: number) => Json])[] = [
  [
    'Responses',
    'response.output_text.delta',
    (text, number) => ({
      type: 'response.output_text.delta',
      sequence_number: number,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: text,
      logprobs: [],
      obfuscation: 'x'.repeat(number % 9),
    }),
  ],
  [
    'Chat Completions',
    null,
    (text) => ({
      id: 'c',
      object: 'chat.completion.chunk',
      model: 'm',
      choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }],
    }),
  ],
  [
    'a call of Chat Completions',
    null,
    (text) => ({ id: 'c', choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: text } }] }, finish_reason: null }] }),
  ],
  ['Messages', 'content_block_delta', (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'text_delta', text } })],
  ['thinking', 'content_block_delta', (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'thinking_delta', thinking: text } })],
  [
    'the input of a tool',
    'content_block_delta',
    (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: text } }),
  ],
]
const texts = [
  'word ',
  '',
  'quote " and \\ and \n',
  '"text":"',
  'ü€😀',
  '"delta":"x"',
  '\u2028',
  '12',
  '"content":"',
  '"arguments":"',
  '"partial_json":"',
  '"thinking":"',
]

describe.each(deltas)('the deltas of %s', (_title, name, of) => {
  test('are read like the one before them, whatever their text', () => {
    const likeness = likenessTo(name, of('hello', 7))
    expect(likeness).not.toBeNull()
    for (const [number, text] of texts.entries()) {
      // Numbers and padding are of no meaning, and stay those of the first.
      expect(read(likeness, framed(name, of(text, number)))).toEqual({ ...of(text, 7) })
    }
  })

  test('are read like any of them that can be told', () => {
    for (const first of texts) {
      const likeness = likenessTo(name, of(first, 7))
      if (likeness !== null) for (const text of texts) expect(read(likeness, framed(name, of(text, 8)))).toEqual(of(text, 7))
    }
  })

  test('are not read where anything else differs', () => {
    const likeness = likenessTo(name, of('hello', 7))
    const [member = '', value] = Object.entries(of('hello', 7)).find(([key]) => key === 'item_id' || key === 'id' || key === 'index') ?? []
    for (const other of [
      { ...of('word', 7), more: 1 },
      { ...of('word', 7), [member]: `${String(value)}2` },
    ])
      expect(read(likeness, framed(name, other))).toBeNull()
    expect(read(likeness, framed('another', of('word', 7)))).toBeNull()
    const cut = framed(name, of('word', 7))
    for (let end = 0; end < cut.length; end++) expect(read(likeness, cut.subarray(0, end))).toBeNull()
    expect(read(likeness, Buffer.concat([cut, Buffer.from(' ')]))).toBeNull()
  })
})

test('a text that is malformed is not read', () => {
  const likeness = likenessTo(null, { delta: 'hello' })
  for (const text of ['\\x', '\\u12', 'line\nbreak', '\\']) expect(read(likeness, Buffer.from(`data: {"delta":"${text}"}\n\n`))).toBeNull()
})

test('an event is not remembered that is large, has no text, or two members of its name', () => {
  expect(likenessTo(null, { delta: 'x'.repeat(5000) })).toBeNull()
  expect(likenessTo(null, { type: 'ping' })).toBeNull()
  expect(likenessTo(null, { delta: 'hello', item: { delta: 'there' } })).toBeNull()
})

test('whatever is read is what a parse would have made of it', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.dictionary(fc.constantFrom('text', 'delta', 'content'), fc.string(), { maxKeys: 2 }))
  const event = fc.dictionary(fc.constantFrom('type', 'delta', 'sequence_number', 'obfuscation', 'index', 'text'), value, { maxKeys: 5 })
  fc.assert(
    fc.property(event, event, (first, second) => {
      const known = read(likenessTo(null, first), framed(null, second))
      if (known === null) return
      const { sequence_number: _number, obfuscation: _padding, ...rest } = second
      expect(known).toMatchObject(rest)
    }),
    { numRuns: 5000 },
  )
})
