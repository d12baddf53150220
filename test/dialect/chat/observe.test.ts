import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import { choicesMax } from '../../../src/dialect/chat/observe.ts'
import type { EventObserver, Seen, Watched } from '../../../src/dialect/dialect.ts'
import { chunk, done, event, finish, model, role, says, textOf, usage, usageChunk, usageRead, watched, word } from './support.ts'

const observer = (differing: Partial<Watched> = {}) => chat.observe(watched(differing))
const restore = 'alias' as ClientModel

/** Shows each event in the middle of a larger read, as it may come; the last one's answer. */
function see(watching: EventObserver, ...texts: readonly string[]): Seen {
  let seen: Seen = { kind: 'output' }
  for (const text of texts) {
    const bytes = Buffer.from(`before${text}behind`)
    seen = watching.see(bytes, 6, bytes.length - 6)
  }
  return seen
}

describe('what is no output', () => {
  // B33
  test.each<[title: string, text: string]>([
    ['who speaks', role],
    ['who speaks, and nothing more', chunk(says({ role: 'assistant' }))],
    ['a delta of nothing', chunk(says({}))],
    ['a delta of null', chunk({ choices: [{ index: 0, delta: null, finish_reason: null }] })],
    ['a choice without a delta', chunk({ choices: [{ index: 0 }] })],
    ['empty texts and lists', chunk(says({ role: 'assistant', content: '', tool_calls: [], function_call: null, reasoning_content: '', audio: {} }))],
    ['a finish reason of no letters', chunk(says({ content: '' }, ''))],
    ['no choices', chunk({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] })],
    ['choices that are none', chunk({ choices: 'hi' })],
    ['choices that are no objects', chunk({ choices: ['hi', null] })],
    ['usage alone', usageChunk],
    ['an object that nobody knows', event({ type: 'ping' })],
    ['an error of null', event({ error: null })],
    ['an empty error', event({ error: '' })],
    ['a comment', ': OPENROUTER PROCESSING\n\n'],
    ['an event without data', 'event: ping\n\n'],
    ['data that is no JSON', 'data: {"choices":\n\n'],
    ['data that is no object', 'data: [1,2]\n\n'],
    ['blank lines', '\n\n'],
  ])('%s is held, byte for byte', (_title, text) => {
    expect(see(observer(), text)).toEqual({ kind: 'held', bytes: Buffer.from(text) })
  })
})

describe('what is output', () => {
  // B33
  test.each<[title: string, text: string]>([
    ['a word', word('Hi')],
    ['a space', word(' ')],
    ['a refusal', chunk(says({ refusal: 'No' }))],
    [
      'a call',
      chunk(says({ role: 'assistant', content: null, tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] })),
    ],
    ['a call in the old way', chunk(says({ function_call: { name: 'f', arguments: '' } }))],
    ['a thought', chunk(says({ reasoning_content: 'Hm' }))],
    ['whatever else a delta brings', chunk(says({ never_heard_of: 0 }))],
    ['the reason of the end', finish()],
    [
      'a word of another choice',
      chunk({
        choices: [
          { index: 0, delta: {} },
          { index: 1, delta: { content: 'Hi' } },
        ],
      }),
    ],
    ['a word over several lines of data', 'data: {"choices":[\ndata: {"delta":{"content":"Hi"}}]}\n\n'],
    ['a word in odd spelling', 'data:{ "choices" : [ { "delt\\u0061" : { "content" : "\\u0048i" } } ], "n" : 12345678901234567890, "f" : 1e400 }\n\n'],
    ['a word in an event with a name', `event: chunk\n${word('Hi')}`],
    ['a word in lines that end in two characters', word('Hi').replaceAll('\n', '\r\n')],
  ])('%s is, in its very bytes', (_title, text) => {
    expect(see(observer(), text)).toEqual({ kind: 'output' })
  })

  test('costs no value of its own', () => {
    const watching = observer()
    expect(see(watching, word('a'))).toBe(see(watching, finish()))
    expect(see(watching, word('b'))).toBe(see(watching, word('c')))
  })
})

describe('the model’s name', () => {
  // A11
  test('is the client’s own again in every chunk, and nothing else is altered', () => {
    const watching = observer({ restore })
    const more = { metadata: { model }, choices: [{ index: 0, delta: { content: 'a', model } }] }
    for (const text of [role, chunk(more), chunk(more), word('b'), finish(), usageChunk]) {
      expect(textOf(see(watching, text))).toBe(text.replace(`"model":"${model}"`, '"model":"alias"'))
    }
  })

  test('is restored in what is held, and in what is output', () => {
    expect(see(observer({ restore }), role).kind).toBe('held')
    expect(see(observer({ restore }), word('Hi'))).toMatchObject({ kind: 'instead', isOutput: true })
  })

  test('is not put where there is none', () => {
    const text = event({ choices: [{ delta: { content: 'Hi' } }] })
    expect(see(observer({ restore }), text)).toEqual({ kind: 'output' })
  })

  test('is restored where the data stands in several lines', () => {
    const seen = see(observer({ restore }), 'data: {"model":"x",\ndata: "choices":[{"delta":{"content":"Hi"}}]}\n\n')
    expect(textOf(seen)).toBe('data: {"model":"alias", "choices":[{"delta":{"content":"Hi"}}]}\n\n')
  })
})

describe('the usage, for a client that asked for it', () => {
  test('passes in its very bytes', () => {
    const watching = observer()
    for (const text of [role, usageChunk]) expect(textOf(see(watching, text))).toBe(text)
    for (const text of [word('a', { usage: null }), word('b', { usage }), finish('stop', { usage: null })])
      expect(see(watching, text)).toEqual({ kind: 'output' })
  })
})

describe('the usage, for a client that did not ask for it', () => {
  const watching = () => observer({ wantsUsage: false })

  test('is taken out of every chunk', () => {
    const all = watching()
    for (const text of [
      chunk({ usage: null, ...says({ role: 'assistant' }) }),
      word('a', { usage: null }),
      word('b', { usage: null }),
      finish('stop', { usage: null }),
    ])
      expect(textOf(see(all, text))).toBe(text.replace('"usage":null,', '').replace(',"usage":null', ''))
    expect(textOf(see(watching(), finish('stop', { usage })))).toBe(finish('stop'))
  })

  test('is taken out and nothing else, however it is spelt', () => {
    const text = 'data: { "us\\u0061ge" : null, "big":12345678901234567890, "choices":[{"delta":{"content":"\\u0041","usage":null}}] }\n\n'
    expect(textOf(see(watching(), text))).toBe('data: {  "big":12345678901234567890, "choices":[{"delta":{"content":"\\u0041","usage":null}}] }\n\n')
  })

  test.each<[title: string, text: string]>([
    ['with no choices', usageChunk],
    ['with none at all', event({ usage })],
    ['that cannot be read', chunk({ choices: [], usage: { prompt_tokens: 'many' } })],
  ])('is not heard of in a chunk of its own: %s', (_title, text) => {
    expect(see(watching(), word('a'), text)).toEqual({ kind: 'instead', events: [], isOutput: false })
  })

  test('leaves chunks without it as they come', () => {
    for (const text of [event({ type: 'ping' }), chunk({ choices: [], prompt_filter_results: [] })]) {
      expect(see(watching(), text)).toEqual({ kind: 'held', bytes: Buffer.from(text) })
    }
    expect(see(watching(), word('a'))).toEqual({ kind: 'output' })
    expect(see(watching(), role)).toEqual({ kind: 'held', bytes: Buffer.from(role) })
  })

  test('is read all the same', () => {
    expect(see(watching(), finish(), usageChunk, done)).toMatchObject({ kind: 'terminal', end: { usage: usageRead } })
  })
})

describe('the end', () => {
  const whole = { status: 'completed', response: null, items: [], usage: usageRead, tierServed: 'priority', code: null }

  // E17
  test('is told by [DONE]: usage and tier', () => {
    const seen = see(observer(), word('a', { service_tier: 'default' }), finish('stop', { service_tier: 'priority' }), usageChunk, done)
    expect(seen).toEqual({ kind: 'terminal', bytes: Buffer.from(done), end: whole })
  })

  test.each<[title: string, text: string]>([
    ['without a space', 'data:[DONE]\n\n'],
    ['with many', 'data:   [DONE] \r\n\r\n'],
    ['behind a blank line', '\ndata: [DONE]\n\n'],
    ['in an event with a name', 'event: done\ndata: [DONE]\n\n'],
  ])('is known by [DONE] %s', (_title, text) => {
    expect(see(observer(), finish(), text)).toMatchObject({ kind: 'terminal', bytes: Buffer.from(text) })
  })

  test.each<[reason: string, status: string]>([
    ['stop', 'completed'],
    ['tool_calls', 'completed'],
    ['function_call', 'completed'],
    ['never_heard_of', 'completed'],
    ['length', 'incomplete'],
    ['content_filter', 'incomplete'],
  ])('after the reason %s is %s', (reason, status) => {
    expect(see(observer(), finish(reason), done)).toMatchObject({ end: { status } })
  })

  test('is incomplete where one choice of several is', () => {
    const of = (index: number, reason: string) => chunk({ choices: [{ index, delta: {}, finish_reason: reason }] })
    expect(see(observer(), of(0, 'length'), of(1, 'stop'), done)).toMatchObject({ end: { status: 'incomplete' } })
  })

  test.each<[title: string, texts: readonly string[], read: object | null]>([
    ['of the last chunk that has one', [word('a', { usage: { prompt_tokens: 1, completion_tokens: 1 } }), finish('stop', { usage })], usageRead],
    ['of the one before, where the last says null', [finish('stop', { usage }), chunk({ choices: [], usage: null })], usageRead],
    ['unknown, where the last cannot be read', [finish('stop', { usage }), chunk({ choices: [], usage: { prompt_tokens: -1 } })], null],
    ['unknown, where none was told', [finish()], null],
  ])('has the usage %s', (_title, texts, read) => {
    expect(see(observer(), ...texts, done)).toMatchObject({ end: { usage: read } })
  })

  test('has what was told last, though it was told in words of before', () => {
    const first = word('a', { usage, service_tier: 'flex' })
    const other = { prompt_tokens: 1, completion_tokens: 1 }
    const between = chunk({ choices: [], usage: other, service_tier: 'default' })
    expect(see(observer(), first, between, first, finish(), done)).toMatchObject({ end: { usage: usageRead, tierServed: 'flex' } })
    expect(see(observer(), first, first, between, finish(), done)).toMatchObject({ end: { usage: { inputTokens: 1 }, tierServed: 'default' } })
  })

  test('has the tier that was told last, null being no word', () => {
    const tiers = ['default', 'flex', null].map((service_tier) => word('a', { service_tier }))
    expect(see(observer(), ...tiers, finish(), done)).toMatchObject({ end: { tierServed: 'flex' } })
  })

  // B14
  test.each<[title: string, texts: readonly string[]]>([
    ['nothing was said', []],
    ['something was said but nothing finished', [role, word('Hi')]],
    ['only usage was told', [usageChunk]],
  ])('is a failure where %s, and no [DONE] to the client', (_title, texts) => {
    const seen = see(observer(), ...texts, done)
    expect(seen).toMatchObject({
      kind: 'failed',
      end: { status: 'failed', code: 'server_error', usage: texts.includes(usageChunk) ? usageRead : null },
      signal: { kind: 'told', status: null, error: { code: 'server_error', message: 'The upstream ended its answer without a finish reason.' } },
    })
    expect(textOf(seen)).toMatch(/^data: \{"error":\{.*\}\}\n\n$/)
    expect(textOf(seen)).not.toContain('DONE')
  })

  test('is well where the upstream says so itself, though a choice of several was left open', () => {
    expect(see(observer(), chunk({ choices: [{ index: 1, delta: { content: 'x' } }] }), finish(), done).kind).toBe('terminal')
  })
})

describe('a stream that ends without [DONE]', () => {
  const of = (index: number, reason: string | null) => chunk({ choices: [{ index, delta: {}, finish_reason: reason }] })
  const closed = (...texts: readonly string[]) => {
    const watching = observer()
    see(watching, ...texts)
    return watching.close()
  }

  test('has ended well when all that was begun is finished', () => {
    expect(closed(word('a'), finish('length'), usageChunk)).toEqual({
      kind: 'terminal',
      bytes: Buffer.from(done),
      end: { status: 'incomplete', response: null, items: [], usage: usageRead, tierServed: null, code: null },
    })
    expect(closed(of(0, null), of(1, null), of(1, 'stop'), of(0, 'stop'), of(0, null))?.kind).toBe('terminal')
  })

  // B14
  test.each<[title: string, texts: readonly string[]]>([
    ['nothing was begun', []],
    ['nothing is finished', [word('a')]],
    ['one choice is not', [of(0, null), of(1, 'stop')]],
  ])('was cut when %s', (_title, texts) => {
    expect(closed(...texts)).toBeNull()
  })

  test('tells as many choices apart as anyone asks for, and of more only that they are more', () => {
    const all = (count: number) => Array.from({ length: count }, (_, index) => of(index, 'stop'))
    expect(closed(...all(choicesMax))?.kind).toBe('terminal')
    expect(closed(...all(choicesMax + 1))).toBeNull()
    expect(see(observer(), ...all(choicesMax + 1), done).kind).toBe('terminal')
  })
})

describe('an error inside the stream', () => {
  test.each<[title: string, text: string, status: number | null, error: object]>([
    [
      'as an object',
      event({ error: { message: 'busy', type: 'server_error', code: null, param: null } }),
      null,
      { message: 'busy', type: 'server_error', code: null },
    ],
    ['as text', event({ error: 'busy' }), null, { message: 'busy', code: null }],
    ['as true', event({ error: true, message: 'busy' }), null, { message: 'busy' }],
    ['beside choices', chunk({ ...says({}, 'error'), error: { code: 'slow_down' } }), null, { code: 'slow_down' }],
    ['with its status as a code', event({ error: { code: 429, message: 'slow' } }), 429, { code: '429' }],
    ['with a code that is no status', event({ error: { code: 12, message: 'slow' } }), null, { code: '12' }],
    ['with its status beside it', event({ status: 503, error: { code: 'x' } }), 503, { code: 'x' }],
    ['by the event’s name', 'event: error\ndata: {"message":"busy","code":"slow_down"}\n\n', null, { message: 'busy', code: 'slow_down' }],
  ])('is a failure: %s', (_title, text, status, error) => {
    const seen = see(observer({ wantsUsage: false, restore }), text)
    expect(seen).toMatchObject({ kind: 'failed', signal: { kind: 'told', status, error }, end: { status: 'failed', response: null } })
    expect(textOf(seen)).toBe(text)
  })

  test('tells the books what was known so far, and its code, or else its type', () => {
    expect(see(observer(), word('a', { usage, service_tier: 'flex' }), event({ error: { type: 'overloaded_error' } }))).toMatchObject({
      end: { usage: usageRead, tierServed: 'flex', code: 'overloaded_error' },
    })
  })
})

test('nobody can refer to anything of the answer later', () => {
  const watching = observer()
  see(watching, role, word('a'), finish(), done)
  expect([watching.response(), watching.items(), watching.sealed(), watching.turnStates(), watching.readings()]).toEqual([null, null, [], [], []])
})
