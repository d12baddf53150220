import { describe, expect, test } from 'vitest'
import { invalidModel, itemsIn, openingOf } from '../../src/dialect/question.ts'
import { Body } from '../../src/lib/body.ts'

function bodyOf(text: string): Body {
  const body = Body.of(Buffer.from(`  ${text}  `), 2, text.length + 2)
  if (body === null) throw new Error('no body')
  return body
}
const textsOf = (body: Body, spans: Iterable<{ readonly start: number; readonly end: number }>) =>
  [...spans].map(({ start, end }) => body.bytes.toString('utf8', start, end))

describe('the items of a list', () => {
  test.each<[list: string, items: readonly string[]]>([
    ['[]', []],
    ['[ ]', []],
    ['[1]', ['1']],
    ['[ {"a":[1,2]} , "x,]" ,\n[ ] ]', ['{"a":[1,2]}', '"x,]"', '[ ]']],
    ['"[1]"', []],
    ['{"a":1}', []],
    ['null', []],
  ])('of %s are told one by one', (list, items) => {
    const body = bodyOf(`{"list" : ${list} , "b":[7]}`)
    expect(textsOf(body, itemsIn(body, 'list'))).toEqual(items)
  })

  test('of an absent member are none', () => expect([...itemsIn(bodyOf('{}'), 'list')]).toEqual([]))
})

describe('how messages begin', () => {
  const opening = (list: string) => {
    const body = bodyOf(`{"messages":${list}}`)
    return textsOf(body, openingOf(body, 'messages'))
  }
  const system = '{"role":"system","content":"s"}'
  const user = '{"role":"user","content":"u"}'

  test.each<[title: string, list: string, found: readonly string[]]>([
    ['is all up to the user’s first', `[${system},${system},${user},${user},${system}]`, [system, system, user]],
    ['is the user’s first alone', `[${user},${system}]`, [user]],
    ['is what there is', `[${system}]`, [system]],
    ['is what is no message, too', `[7,{"role":7},${user}]`, ['7', '{"role":7}', user]],
    ['is at most eight messages', `[${Array.from({ length: 9 }, () => system).join(',')}]`, Array.from({ length: 8 }, () => system)],
    ['is nothing in an empty list', '[]', []],
    ['is nothing in what is no list', '"hi"', []],
  ])('%s', (_title, list, found) => {
    expect(opening(list)).toEqual(found)
  })
})

test('a model that is none is told what it must be', () => {
  expect(invalidModel(undefined).refusal.message).toBe('`model` must be the name of a model, as text.')
  expect(invalidModel('x'.repeat(257)).refusal.message).toBe('`model` must be a name of at most 256 bytes.')
})
