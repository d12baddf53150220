import { describe, expect, test } from 'vitest'
import type { DeltaForm, HubEvent, StreamReader, StreamWriter } from '../../../src/dialect/translate/hub.ts'
import { Run, textsBytesMax } from '../../../src/dialect/translate/run.ts'
import { stencilBytesMax } from '../../../src/dialect/stencil.ts'
import type { Json } from '../../../src/dialect/json.ts'

const framed = (name: string | null, data: unknown): Buffer => Buffer.from(`${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)

/** What reader and writer hear of a run. */
class Ends implements StreamReader, StreamWriter {
  text = ''
  events = 0
  readonly #kept: number
  readonly #form: DeltaForm | null

  constructor(form: DeltaForm | null = inBrackets, kept = Infinity) {
    this.#form = form
    this.#kept = kept
  }

  read(): readonly HubEvent[] {
    return []
  }

  close(): readonly HubEvent[] {
    return []
  }

  write(): readonly Buffer[] {
    return []
  }

  lastDelta(): DeltaForm | null {
    return this.#form
  }

  grow(text: string, events?: number): boolean {
    if (events === undefined) this.text += text
    else this.events += events
    return this.text.length <= this.#kept
  }
}

const inBrackets: DeltaForm = { before: '[', behind: ']', number: null, end: '' }

function runAfter(event: Buffer, text: string, ends = new Ends()): Run | null {
  const bytes = Buffer.concat([Buffer.from('before'), event, Buffer.from('behind')])
  return Run.after({ bytes, start: 6, end: bytes.length - 6 }, text, { reader: ends, writer: ends })
}

/** What the client gets of an event in the middle of a read; null: it has to go the whole way. */
function next(run: Run | null, event: Buffer): string | null {
  const around = Buffer.concat([Buffer.from('xx'), event, Buffer.from('yyy')])
  return run?.next(around, 2, around.length - 3)?.toString() ?? null
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
  ['Chat Completions', null, (text) => ({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }] })],
  ['a refusal', null, (text) => ({ id: 'c', choices: [{ index: 0, delta: { refusal: text }, finish_reason: null }] })],
  [
    'a call of Chat Completions',
    null,
    (text) => ({ id: 'c', choices: [{ index: 0, delta: { content: '', tool_calls: [{ index: 1, function: { arguments: text } }] }, finish_reason: null }] }),
  ],
  [
    'the input of a custom tool',
    null,
    (text) => ({ id: 'c', choices: [{ index: 0, delta: { tool_calls: [{ index: 1, custom: { input: text } }] }, finish_reason: null }] }),
  ],
  ['Messages', 'content_block_delta', (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'text_delta', text } })],
  ['thinking', 'content_block_delta', (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'thinking_delta', thinking: text } })],
  [
    'the input of a tool',
    'content_block_delta',
    (text) => ({ type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: text } }),
  ],
]
const texts = ['word ', 'quote " and \\ and \n', '"text":"', 'ü€😀', '"delta":"x"', '\u2028', '12', '"content":"', '"arguments":"', '"thinking":"']

describe.each(deltas)('the deltas of %s', (_title, name, of) => {
  test('run on, whatever their text', () => {
    for (const first of texts) {
      const ends = new Ends()
      const run = runAfter(framed(name, of(first, 7)), first, ends)
      // Some texts look like members, and are then not told from them.
      if (run === null) continue
      for (const [number, text] of texts.entries()) expect(next(run, framed(name, of(text, number)))).toBe(`[${JSON.stringify(text).slice(1, -1)}]`)
      run.settle()
      expect(ends).toMatchObject({ text: texts.join(''), events: texts.length })
    }
    expect(runAfter(framed(name, of('hello', 7)), 'hello')).not.toBeNull()
  })

  test('end their run where anything else differs', () => {
    const run = runAfter(framed(name, of('hello', 7)), 'hello')
    const [member = '', value] = Object.entries(of('hello', 7)).find(([key]) => key === 'item_id' || key === 'id' || key === 'index') ?? []
    for (const other of [
      { ...of('word', 7), more: 1 },
      { ...of('word', 7), [member]: `${String(value)}2` },
    ])
      expect(next(run, framed(name, other))).toBeNull()
    expect(next(run, framed('another', of('word', 7)))).toBeNull()
    const cut = framed(name, of('word', 7))
    for (let end = 0; end < cut.length; end++) expect(next(run, cut.subarray(0, end))).toBeNull()
    expect(next(run, Buffer.concat([cut, Buffer.from(' ')]))).toBeNull()
  })

  test('are told to reader and writer once, and together', () => {
    const ends = new Ends()
    const run = runAfter(framed(name, of('hello', 7)), 'hello', ends)
    for (const text of ['a', 'b']) next(run, framed(name, of(text, 7)))
    expect(ends).toMatchObject({ text: '', events: 0 })
    run?.settle()
    run?.settle()
    expect(ends).toMatchObject({ text: 'ab', events: 2 })
    next(run, framed(name, of('c', 7)))
    run?.settle()
    expect(ends).toMatchObject({ text: 'abc', events: 3 })
  })
})

const hello = framed(null, { delta: 'hello' })
const says = (text: string): Buffer => framed(null, { delta: text })

test(`texts are told when there are ${textsBytesMax} bytes of them, and a longer one goes the whole way`, () => {
  const ends = new Ends()
  const run = runAfter(hello, 'hello', ends)
  expect(next(run, says('x'.repeat(textsBytesMax)))).not.toBeNull()
  expect(ends.events).toBe(0)
  expect(next(run, says('y'))).toBe('[y]')
  expect(ends).toMatchObject({ text: 'x'.repeat(textsBytesMax), events: 1 })
  expect(next(run, says('z'.repeat(textsBytesMax + 1)))).toBeNull()
})

test('a run is over when it is more than the reader keeps', () => {
  const run = runAfter(hello, 'hello', new Ends(inBrackets, textsBytesMax - 1))
  expect(next(run, says('x'.repeat(textsBytesMax)))).not.toBeNull()
  expect(next(run, says('y'))).toBeNull()
})

test('events are numbered on', () => {
  const ends = new Ends({ before: '"', behind: '" is ', number: 8, end: '.' })
  const run = runAfter(hello, 'hello', ends)
  const said = Array.from({ length: 95 }, () => next(run, says('ü')))
  expect([0, 1, 2, 91, 92, 94].map((nth) => said[nth])).toEqual(['"ü" is 8.', '"ü" is 9.', '"ü" is 10.', '"ü" is 99.', '"ü" is 100.', '"ü" is 102.'])
})

test('a text is told as it was spelled, and kept as it is meant', () => {
  const ends = new Ends()
  const run = runAfter(hello, 'hello', ends)
  expect(next(run, Buffer.from('data: {"delta":"\\u00e9\\/"}\n\n'))).toBe('[\\u00e9\\/]')
  run?.settle()
  expect(ends.text).toBe('é/')
})

test('a text that is empty goes the whole way', () => {
  expect(next(runAfter(hello, 'hello'), says(''))).toBeNull()
})

test('a text that is malformed goes the whole way', () => {
  const run = runAfter(hello, 'hello')
  for (const text of ['\\x', '\\u12', 'line\nbreak', '\\']) expect(next(run, Buffer.from(`data: {"delta":"${text}"}\n\n`))).toBeNull()
  expect(next(run, Buffer.concat([Buffer.from('data: {"delta":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n\n')]))).toBeNull()
})

test('no run begins where the writer wrote no delta', () => {
  expect(runAfter(hello, 'hello', new Ends(null))).toBeNull()
})

test.each<[title: string, event: Json, text: string]>([
  ['is large', { delta: 'x'.repeat(stencilBytesMax) }, 'x'.repeat(stencilBytesMax)],
  ['has no text', { type: 'ping' }, 'hello'],
  ['has the text of its delta nowhere', { delta: 'hel' }, 'hello'],
  ['has two members of its name', { delta: 'hello', item: { delta: 'there' } }, 'hello'],
  ['has the text of its delta twice', { delta: 'hello', text: 'hello' }, 'hello'],
])('no run begins with an event that %s', (_title, event, text) => {
  expect(runAfter(framed(null, event), text)).toBeNull()
})
