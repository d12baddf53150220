import { describe, expect, test } from 'vitest'
import { itemsOf } from '../../../src/dialect/responses/items.ts'
import { sealHash } from '../../../src/dialect/question.ts'
import { Body } from '../../../src/lib/body.ts'
import { bodyOf } from '../../support/bodies.ts'

const of = (input: string) => itemsOf(bodyOf(`{"type":"response.create","input":${input}}`))?.apart() ?? null
const texts = (input: string) => of(input)?.map(({ json }) => json.toString())
const plain = { is: 'other', sealed: null, hasId: false }

describe('the items of a question', () => {
  test('are those of its list, byte for byte', () => {
    expect(texts('[ {"role":"user", "n":1e400} ,{"a":"\\u00e9"},7 ,"x"]')).toEqual(['{"role":"user", "n":1e400}', '{"a":"\\u00e9"}', '7', '"x"'])
  })

  test('are one message where it is text', () => {
    expect(texts('"say \\u0068i"')).toEqual(['{"type":"message","role":"user","content":"say \\u0068i"}'])
    expect(of('"x"')).toMatchObject([plain])
  })

  test('are none where there is no input', () => {
    expect(itemsOf(bodyOf('{"model":"m"}'))?.apart()).toEqual([])
    expect([of('null'), of('[]')]).toEqual([[], []])
  })

  test.each([
    ['a number', '7'],
    ['an object', '{}'],
    ['more than anyone means', `[${'0,'.repeat(65_536)}0]`],
    ['an object that cannot be read', '[{"a\\x":1}]'],
    ['an object of too many members', `[{${'"a":1,'.repeat(65_536)}"b":1}]`],
  ])('cannot be told where input is, or holds, %s', (_title, input) => {
    expect(of(input)).toBeNull()
  })

  // E9
  test.each<[title: string, json: string, facts: object]>([
    ['a message', '{"role":"user","content":"x"}', plain],
    ['an item with an id', '{"type":"message","role":"user","id":"msg_1"}', { ...plain, hasId: true }],
    ['an item whose id is escaped', '{"type":"function_call","\\u0069d":"fc_1"}', { ...plain, hasId: true }],
    ['sealed reasoning', '{"type":"reasoning","id":"rs_1","encrypted_content":"x"}', { is: 'reasoning', sealed: sealHash('x'), hasId: true }],
    ['reasoning in which nothing is sealed', '{"type":"reasoning","encrypted_content":null}', { is: 'reasoning', sealed: null, hasId: false }],
    ['a compaction', '{"type":"compaction","encrypted_content":"y"}', { is: 'compaction', sealed: sealHash('y'), hasId: false }],
    ['what looks sealed and is no reasoning', '{"type":"message","role":"user","encrypted_content":"x"}', plain],
    ['a reference', '{"type":"item_reference","id":"msg_1"}', { is: 'reference', sealed: null, hasId: true }],
    ['a reference that does not say so', '{"id":"msg_1"}', { is: 'reference', sealed: null, hasId: true }],
    ['what is no object', '"x"', plain],
  ])('know of %s what saying it elsewhere depends on', (_title, json, facts) => {
    expect(of(`[${json}]`)).toEqual([{ ...facts, json: Buffer.from(json) }])
  })

  test('are not copied where they are most of what they stand in, and count as all of it', () => {
    const list = `[{"a":"${'x'.repeat(3000)}"}]`
    const mostly = (more: number) => {
      const bytes = Buffer.from(new ArrayBuffer(list.length + more))
      const body = Body.of(bytes, 0, bytes.write(`{"input":${list}}`.padEnd(bytes.length)))
      return { body, items: body === null ? null : itemsOf(body) }
    }
    const most = mostly(list.length)
    expect([most.items?.apart()?.[0]?.json.buffer, most.items?.bytes]).toEqual([most.body?.bytes.buffer, 2 * list.length])
    const less = mostly(list.length + 1)
    expect(less.items?.apart()?.[0]?.json.buffer).not.toBe(less.body?.bytes.buffer)
    expect(less.items?.bytes).toBe(list.length)
  })

  test('keep no byte alive but their own', () => {
    const body = bodyOf(`{"input":[{"a":1},${' '.repeat(10_000)}{"b":22}],"more":"${'x'.repeat(10_000)}"}`)
    const items = itemsOf(body)
    body.bytes.fill(0x20)
    const apart = items?.apart() ?? []
    expect(apart.map(({ json }) => json.toString())).toEqual(['{"a":1}', '{"b":22}'])
    expect(new Set(apart.map(({ json }) => json.buffer)).size).toBe(1)
    expect(apart[0]?.json.buffer.byteLength).toBe(items?.bytes)
    expect(items?.bytes).toBe('[{"a":1},{"b":22}]'.length + 10_000)
  })
})
