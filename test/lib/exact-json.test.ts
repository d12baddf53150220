import { describe, expect, test } from 'vitest'
import { assert, json, property } from 'fast-check'
import { parseExact } from '../../src/lib/exact-json.ts'

describe('JSON that is parsed and written again', () => {
  test.each([
    '{"id":12345678901234567890}',
    '{"a":[-9007199254740993,0.1234567890123456789]}',
    '{"b":[1e400,1e-400,9007199254740991.4]}',
    '{"c":0.1,"d":100,"e":"1.0e5","f":{"g":[true,null]}}',
    '{"__proto__":{"h":9007199254740993}}',
  ])('is the same: %s', (text) => expect(JSON.stringify(parseExact(text))).toBe(text))

  test.each([
    ['{"a":1.10}', '{"a":1.1}'],
    ['{"a":1.0}', '{"a":1}'],
    ['{"a":1E3}', '{"a":1000}'],
    ['{"a":-0.0}', '{"a":0}'],
  ])('may be written more plainly: %s', (text, plain) => expect(JSON.stringify(parseExact(text))).toBe(plain))

  test('is what JSON.parse makes of it, where doubles hold every number', () => {
    assert(
      property(json({ maxDepth: 4 }), (text) => {
        expect(JSON.parse(JSON.stringify(parseExact(text)))).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))))
      }),
    )
  })

  test('that is none throws', () => expect(() => parseExact('{"a":12345678901234567890,}')).toThrow(SyntaxError))
})
