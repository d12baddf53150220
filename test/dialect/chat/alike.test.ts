import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import { Alike } from '../../../src/dialect/chat/alike.ts'
import { ChatObserver } from '../../../src/dialect/chat/observe.ts'
import { JsonEvent } from '../../../src/dialect/json-event.ts'
import type { Edit } from '../../../src/lib/body.ts'
import { chunk, event, says, textOf, word } from './support.ts'

const dropUsage: Edit = { kind: 'drop', member: 'usage' }
const setModel: Edit = { kind: 'set', member: 'model', json: '"alias"' }

function alikeTo(text: string, edits: readonly Edit[] = []): Alike | null {
  const bytes = Buffer.from(`before${text}`)
  const place = { start: 6, end: bytes.length }
  const read = JsonEvent.parse(bytes, { ...place, framing: 'sse' })
  return read === null ? null : Alike.to(read, { bytes, ...place }, edits)
}

/** What becomes of a chunk in the middle of a read; null: it is not like the first. */
function second(first: string, text: string, edits: readonly Edit[] = []): string | null {
  const bytes = Buffer.from(`before${text}behind`)
  const seen = alikeTo(first, edits)?.see(bytes, 6, bytes.length - 6) ?? null
  return seen === null ? null : (textOf(seen) ?? text)
}

const call = (text: string) => chunk(says({ tool_calls: [{ index: 0, function: { arguments: text } }] }))
const padded = (text: string, padding: string) => word(text, { usage: null, obfuscation: padding })

describe('a chunk is like another', () => {
  test.each<[title: string, first: string, text: string]>([
    ['that says another word', word('Hi'), word(' there')],
    ['that says the same', word('Hi'), word('Hi')],
    ['whose word is escaped', word('Hi'), word('"\\"\n\u0000\\')],
    ['that says much', word('Hi'), word('x'.repeat(100_000))],
    ['that thinks', chunk(says({ reasoning_content: 'Hm' })), chunk(says({ reasoning_content: 'Ah' }))],
    ['that goes on with the arguments of a call', call('{'), call('"q":1}')],
    ['that is padded to another length', padded('Hi', 'abc'), padded(' there', 'a')],
    ['whose padding comes first', event({ obfuscation: 'a', ...says({ content: 'x' }) }), event({ obfuscation: 'bcd', ...says({ content: 'y' }) })],
    ['whose lines end in two characters', word('Hi').replaceAll('\n', '\r\n'), word(' there').replaceAll('\n', '\r\n')],
  ])('%s', (_title, first, text) => {
    expect(second(first, text)).toBe(text)
  })

  test('and is edited like it', () => {
    const edited = (text: string) => text.replace(/"model":"[^"]*"/, '"model":"alias"').replace('"usage":null,', '')
    const text = padded('"usage":null,', 'z')
    expect(second(padded('Hi', 'abc'), text, [setModel, dropUsage])).toBe(edited(text))
    expect(second(word('Hi', { usage: null }), word(' there', { usage: null }), [dropUsage])).toBe(word(' there'))
  })
})

test('a chunk that is remembered keeps no read alive', () => {
  const bytes = Buffer.from(word('Hi'))
  const read = JsonEvent.parse(bytes, { start: 0, end: bytes.length, framing: 'sse' })
  const alike = read === null ? null : Alike.to(read, { bytes, start: 0, end: bytes.length }, [])
  bytes.fill(0)
  const next = Buffer.from(word(' there'))
  expect(alike?.see(next, 0, next.length)).toEqual({ kind: 'output' })
})

describe('a chunk is not like another', () => {
  test.each<[title: string, first: string, text: string]>([
    ['of another answer', word('Hi'), word('Hi', { id: 'chatcmpl-2' })],
    ['that says nothing', word('Hi'), word('')],
    ['that brings another member', word('Hi'), word('Hi', { error: {} })],
    ['that brings one less', padded('Hi', 'abc'), word('Hi')],
    ['that ends its choice', word('Hi'), chunk(says({ content: 'Hi' }, 'stop'))],
    ['whose word ends in its own quote', word('Hi'), word('Hi').replace('"Hi"', '"Hi\\"')],
    ['whose word is broken by a line', word('Hi'), word('Hi').replace('"Hi"', '"H\ndata: i"')],
    ['that is cut off', word('Hi'), word('Hi there').slice(0, -60)],
    ['that is cut off in its word', word('Hi'), word('Hi there').slice(0, word('Hi').indexOf('"Hi"') + 3)],
    ['that goes on', word('Hi'), `${word('Hi')}\n`],
    ['that is nothing', word('Hi'), ''],
  ])('%s', (_title, first, text) => {
    expect(second(first, text)).toBeNull()
  })

  test.each<[title: string, text: string]>([
    ['says nothing', word('')],
    ['says no text', chunk(says({ content: 7 }))],
    ['has several choices', chunk({ choices: [{ delta: { content: 'a' } }, { delta: { content: 'b' } }] })],
    ['brings several calls', chunk(says({ tool_calls: [{ function: { arguments: 'a' } }, { function: { arguments: 'b' } }] }))],
    ['has no choices', chunk({ obfuscation: 'abc' })],
    ['has lists for objects', chunk({ choices: [{ delta: ['content'] }] })],
    ['stands in several lines', 'data: {"choices":[\ndata: {"delta":{"content":"Hi"}}]}\n\n'],
    ['is too large to be kept', word('Hi', { filling: 'x'.repeat(4096) })],
  ])('none is, where the first %s', (_title, text) => {
    expect(alikeTo(text)).toBeNull()
  })

  test('none is, where the first cannot be told from its own edits', () => {
    expect(alikeTo(`data: {"x":"\u0000","usage":null,"choices":[{"delta":{"content":"Hi"}}]}\n\n`, [dropUsage])).toBeNull()
  })
})

/** Chunks of which neighbours are often alike. */
const text = fc.oneof(fc.constantFrom('', ' ', 'a', '"', '\\', '\n', '\u2028', '"usage":null', ',"finish_reason":"stop"'), fc.string({ maxLength: 8 }))
const members = fc.record(
  {
    usage: fc.constantFrom(null, { prompt_tokens: 1, completion_tokens: 1 }),
    obfuscation: text,
    service_tier: fc.constantFrom(null, 'flex'),
    error: fc.constant(null),
  },
  { requiredKeys: [] },
)
const delta = fc.oneof(
  { weight: 4, arbitrary: text.map((content) => ({ content })) },
  { weight: 1, arbitrary: text.map((refusal) => ({ role: 'assistant', refusal })) },
  { weight: 1, arbitrary: text.map((args) => ({ tool_calls: [{ index: 0, function: { arguments: args } }] })) },
)
const chunks = fc.array(
  fc
    .record({ more: members, deltas: fc.array(delta, { minLength: 1, maxLength: 6 }), reason: fc.constantFrom(null, null, 'stop'), escaped: fc.boolean() })
    .map(({ more, deltas, reason, escaped }) =>
      deltas.map((each) => (escaped ? chunk({ ...says(each, reason), ...more }).replaceAll('a', '\\u0061') : chunk({ ...says(each, reason), ...more }))),
    ),
  { maxLength: 4 },
)

test('a chunk that is like the last one is seen as it would be seen for itself', () => {
  fc.assert(
    fc.property(chunks, fc.boolean(), fc.constantFrom(null, 'alias' as ClientModel), (runs, wantsUsage, restore) => {
      const watching = new ChatObserver({ wantsUsage, restore })
      for (const each of runs.flat()) {
        const bytes = Buffer.from(each)
        const alone = new ChatObserver({ wantsUsage, restore }).see(bytes, 0, bytes.length)
        expect(watching.see(bytes, 0, bytes.length)).toEqual(alone)
      }
    }),
    { numRuns: 500 },
  )
})
