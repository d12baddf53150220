import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import type { Watched } from '../../../src/dialect/dialect.ts'
import { EventFlow, heldEventsMax } from '../../../src/turn/flow.ts'
import { chunk, done, event, finish, model, role, says, usage, usageChunk, watched, word } from './support.ts'

const bound = 1024 * 1024
const flow = (differing: Partial<Watched> = {}) => new EventFlow(chat.observe(watched(differing)), bound)

/** All that a client gets, and what is known at the end, for a stream that comes in these reads. */
function relayed(reads: readonly Buffer[], differing: Partial<Watched> = {}) {
  const of = flow(differing)
  const out: Buffer[] = []
  for (const read of reads) {
    of.push(read)
    out.push(...of.takeOut())
  }
  of.close()
  out.push(...of.takeOut())
  if (of.ended !== null) out.push(of.ended.bytes)
  return { said: Buffer.concat(out).toString(), kind: of.ended?.kind, end: of.ended?.end, committed: of.committed, events: of.events, output: of.output.events }
}

const ways: readonly (readonly [title: string, differing: Partial<Watched>])[] = [
  ['as it is', {}],
  ['without its usage', { wantsUsage: false }],
  ['with another model', { restore: 'alias' as ClientModel }],
  ['with another model and without its usage', { restore: 'alias' as ClientModel, wantsUsage: false }],
]
const edited = (text: string, { restore = null, wantsUsage = true }: Partial<Watched>): string => {
  const named = restore === null ? text : text.replaceAll(`"model":"${model}"`, `"model":"${restore}"`)
  return wantsUsage ? named : named.replaceAll(',"usage":null', '')
}

describe('a stream on its way to the client', () => {
  const more = { usage: null, service_tier: 'default' }
  const texts = [
    ': hello\n\n',
    chunk({ ...says({ role: 'assistant', content: '' }), ...more }),
    ...['Hi', ' "there"', ',', ' Wörtchen 🚂'].map((text) => word(text, more)),
    word(' odd', { big: 12_345, ...more }).replace('12345', ' 12345678901234567890 '),
    word('\\ \n', more).replaceAll('\n\n', '\r\n\r\n'),
    chunk({ ...says({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] }), ...more }),
    ...['{"q"', ':1}'].map((text) => chunk({ ...says({ tool_calls: [{ index: 0, function: { arguments: text } }] }), ...more })),
    ': still here\n\n',
    finish('tool_calls', more),
  ]

  test.each(ways)('is the same however its reads are cut: %s', (_title, differing) => {
    const whole = Buffer.from([...texts, usageChunk, done].join(''))
    const once = relayed([whole], differing)
    const passes = differing.wantsUsage === false ? texts : [...texts, usageChunk]
    expect(once).toMatchObject({
      said: edited([...passes, done].join(''), differing),
      kind: 'terminal',
      end: { status: 'completed', usage: { inputTokens: 120 }, tierServed: 'default' },
    })
    const wrong = Array.from({ length: whole.length - 1 }, (_, at) => at + 1).filter(
      (at) => !isDeepStrictEqual(relayed([whole.subarray(0, at), whole.subarray(at)], differing), once),
    )
    expect(wrong).toEqual([])
    const bytes = Array.from(whole, (_, at) => whole.subarray(at, at + 1))
    expect(relayed(bytes, differing)).toEqual(once)
  })

  test('goes out in the piece that it came in, where nothing is to be changed', () => {
    const of = flow()
    const read = Buffer.from(Array.from({ length: 100 }, (_, nth) => word(` ${nth}`)).join(''))
    of.push(read)
    expect(of.takeOut()).toEqual([read])
    expect(of.takeOut()).toEqual([])
  })

  test('may move while nobody has spoken but the upstream itself', () => {
    const of = flow({ wantsUsage: false })
    of.push(Buffer.from(`${role}: hi\n\n${usageChunk}${chunk(says({ role: 'assistant' }))}`))
    expect(of.committed).toBe(false)
    of.push(Buffer.from(word('Hi')))
    expect(of.committed).toBe(true)
  })

  test('is held in bounds', () => {
    const of = flow()
    for (let nth = 0; nth < heldEventsMax; nth++) of.push(Buffer.from(role))
    expect(of.committed).toBe(true)
  })

  test('ends once: what follows [DONE] is nobody’s', () => {
    expect(relayed([Buffer.from(`${word('Hi')}${finish()}${done}${word('more')}${done}`)]).said).toBe(`${word('Hi')}${finish()}${done}`)
  })

  test('that ends without [DONE] gets one, where it is whole', () => {
    expect(relayed([Buffer.from(`${word('Hi')}${finish()}`)])).toMatchObject({ said: `${word('Hi')}${finish()}${done}`, kind: 'terminal' })
    expect(relayed([Buffer.from(word('Hi'))])).toMatchObject({ said: word('Hi'), kind: undefined })
  })
})

const space = fc.constantFrom('', '', ' ', '  ', '\t')
const newline = fc.constantFrom('\n', '\r\n', '\r')
const odd: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, 'stop', 'length', '', 0, [], {}))
const choice = fc.oneof(
  odd,
  fc.record(
    {
      index: fc.oneof(fc.nat(2), odd),
      delta: fc.oneof(fc.record({ role: odd, content: odd, tool_calls: odd }, { requiredKeys: [] }), odd),
      finish_reason: odd,
    },
    { requiredKeys: [] },
  ),
)
const object = fc.record(
  {
    id: odd,
    model: odd,
    choices: fc.oneof(fc.array(choice, { maxLength: 3 }), odd),
    usage: fc.oneof(fc.constant(usage), odd),
    service_tier: odd,
    error: fc.oneof({ weight: 1, arbitrary: odd }, { weight: 5, arbitrary: fc.constant(null) }),
    more: odd,
  },
  { requiredKeys: [] },
)
const anyEvent = fc.oneof(
  fc.constantFrom(role, word('Hi'), word(' there'), finish(), finish('length'), usageChunk, done, ': hi\n\n', 'event: error\ndata: {}\n\n', 'data\n\n', '\n\n'),
  object.map(event),
  fc.tuple(object, space, newline).map(([value, gap, end]) => `data:${gap}${JSON.stringify(value, null, gap)}`.replaceAll('\n', `${end}data: `) + end + end),
  fc.tuple(object, fc.nat(200)).map(([value, at]) => event(value).slice(0, at).trimEnd() + '\n\n'),
  // A byte order mark at the very beginning would be left out.
  fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.startsWith('\ufeff')),
)

describe('whatever an upstream sends', () => {
  test('ends well, and at most once', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), fc.constantFrom(...ways.map(([, differing]) => differing)), (events, differing) => {
        const of = relayed(
          events.map((text) => Buffer.from(text)),
          differing,
        )
        expect(['terminal', 'failed', undefined]).toContain(of.kind)
        expect(of.said.match(/^data: \[DONE\]$/gm)?.length ?? 0).toBeLessThanOrEqual(1)
        const whole = Buffer.from(events.join(''))
        expect(['whole', 'told', 'cut']).toContain(chat.gather(whole).kind)
        expect(chat.observeAnswer(whole, watched(differing)).bytes).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 1000 },
    )
  })

  test('passes byte for byte up to its end, where nothing is to be changed', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), fc.array(fc.nat(300), { maxLength: 5 }), (events, cuts) => {
        const text = Buffer.from(events.join(''))
        const bounds = [0, ...cuts.map((cut) => Math.min(cut, text.length)).toSorted((a, b) => a - b), text.length]
        const of = flow()
        const out: Buffer[] = []
        for (const [nth, from] of bounds.entries()) {
          of.push(text.subarray(from, bounds[nth + 1] ?? text.length))
          out.push(...of.takeOut())
        }
        const said = Buffer.concat(out)
        expect(said.equals(text.subarray(0, said.length))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
