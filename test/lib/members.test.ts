import { describe, expect, test } from 'vitest'
import { membersOf } from '../../src/lib/members.ts'

/** The members' texts in an object that has others before and behind it. */
function texts(object: string, ...names: readonly string[]): readonly (string | null)[] | null {
  const bytes = Buffer.from(`{"a":"before"}${object}{"a":"behind"}`)
  const start = '{"a":"before"}'.length
  const spans = membersOf(bytes, { start, end: start + object.length }, ...names)
  return spans?.map((span) => (span === null ? null : bytes.toString('utf8', span.start, span.end))) ?? null
}

describe('members that are looked up once', () => {
  test.each<[title: string, object: string, found: readonly (string | null)[] | null]>([
    ['are found wherever they stand', '{"b":[1,{"a":2}],"a":"x"}', ['"x"', '[1,{"a":2}]']],
    ['are found with white space around them', ' { "a" : 1 , "b" : { } } ', ['1', '{ }']],
    ['are found however they are escaped', '{"\\u0061":1}', ['1', null]],
    ['are the last of their name', '{"a":1,"b":2,"a":3}', ['3', '2']],
    ['are absent where nothing bears their name', '{"aa":1,"":2}', [null, null]],
    ['are absent from an empty object', '{}', [null, null]],
    ['are none of a list', '["a","b"]', null],
    ['are none of nothing', '', null],
    ['are none where the object is cut', '{"a":1,"b":', null],
    ['are none where something else stands behind the object', '{"a":1} 2', null],
  ])('%s', (_title, object, found) => expect(texts(object, 'a', 'b')).toEqual(found))
})
