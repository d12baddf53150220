import { describe, expect, it } from 'vitest'
import { Body, type Edit, type Parsed } from '../../src/lib/body.ts'

const governed: ReadonlySet<string> = new Set(['model', 'stream', 'service_tier', 'previous_response_id', 'input'])

function parse(text: string): Parsed {
  return Body.parse(Buffer.from(text), governed)
}

function bodyOf(text: string): Body {
  const parsed = parse(text)
  if (parsed.kind !== 'body') throw new Error(`${parsed.kind}: ${text}`)
  return parsed.body
}

function edited(text: string, ...edits: readonly Edit[]): string {
  const { pieces, bytes } = bodyOf(text).edited(edits)
  const whole = Buffer.concat(pieces)
  expect(whole.length).toBe(bytes)
  return whole.toString()
}

describe('what is taken for a body', () => {
  const deep = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const cases: readonly (readonly [title: string, text: string, kind: Parsed['kind']])[] = [
    ['an empty object is a body', '{}', 'body'],
    ['white space around and within is allowed', ' \t\r\n{ "a" : [ 1 , { } ] , "b" : { "c" : [ ] } } \n', 'body'],
    ['numbers beyond any machine are numbers', '{"a":1e400,"b":18446744073709551616,"c":-0,"d":-0.0E-0}', 'body'],
    ['names may be repeated where no policy depends on them', '{"user":1,"user":2}', 'body'],
    ['what a nested string contains is not judged here', '{"metadata":{"a":"\\x"}}', 'body'],
    ['512 levels below a member are allowed', deep(512), 'body'],
    ['513 levels below a member are too many', deep(513), 'not-json'],
    ['65,536 members are allowed', `{${Array.from({ length: 65_536 }, () => '"a":1').join(',')}}`, 'body'],
    ['one member more is too many', `{${Array.from({ length: 65_537 }, () => '"a":1').join(',')}}`, 'not-json'],
    ['nothing is not JSON', '', 'not-json'],
    ['white space is not JSON', ' \n', 'not-json'],
    ['a byte order mark is not JSON', '\ufeff{}', 'not-json'],
    ['other bytes behind the object are not JSON', '{} x', 'not-json'],
    ['a second object behind the first is not JSON', '{}{}', 'not-json'],
    ['an array is no object', '[{"model":"a"}]', 'not-an-object'],
    ['a string is no object', '"model"', 'not-an-object'],
    ['null is no object', ' null ', 'not-an-object'],
    ['a broken array is not JSON', '[1,]', 'not-json'],
    ['a comma before the end is not JSON', '{"a":1,}', 'not-json'],
    ['a comma at the start is not JSON', '{,"a":1}', 'not-json'],
    ['a missing colon is not JSON', '{"a" 1}', 'not-json'],
    ['a missing value is not JSON', '{"a":}', 'not-json'],
    ['a missing brace is not JSON', '{"a":1', 'not-json'],
    ['the wrong bracket is not JSON', '{"a":[1}', 'not-json'],
    ['a nested comma before the end is not JSON', '{"a":{"b":1,}}', 'not-json'],
    ['a name without quotes is not JSON', '{a:1}', 'not-json'],
    ['single quotes are not JSON', "{'a':1}", 'not-json'],
    ['a comment is not JSON', '{"a":1 /* one */}', 'not-json'],
    ['a leading zero is not JSON', '{"a":01}', 'not-json'],
    ['a bare minus is not JSON', '{"a":-}', 'not-json'],
    ['a point without digits is not JSON', '{"a":1.}', 'not-json'],
    ['an exponent without digits is not JSON', '{"a":1e+}', 'not-json'],
    ['a plus before a number is not JSON', '{"a":+1}', 'not-json'],
    ['NaN is not JSON', '{"a":NaN}', 'not-json'],
    ['a literal in capitals is not JSON', '{"a":True}', 'not-json'],
    ['a cut-off literal is not JSON', '{"a":tru', 'not-json'],
    ['a string without an end is not JSON', '{"a":"b}', 'not-json'],
    ['a string whose last quote is escaped is not JSON', '{"a":"b\\"}', 'not-json'],
    ['a malformed escape in a name is not JSON', '{"mod\\el":1}', 'not-json'],
    ['a raw line break in a name is not JSON', '{"mod\nel":1}', 'not-json'],
    ['a malformed escape in a governed word is not JSON', '{"model":"a\\qb"}', 'not-json'],
    ['a raw control character in a governed word is not JSON', '{"service_tier":"priority\t"}', 'not-json'],
  ]
  it.for(cases)('%s', ([, text, kind]) => expect(parse(text).kind).toBe(kind))

  it('reads a range of a larger buffer, and looks no further', () => {
    const bytes = Buffer.from('data: {"model":"a"}\n\ndata: {"model":"b"}')
    const parsed = Body.parse(bytes, governed, 6, 19)
    if (parsed.kind !== 'body') throw new Error(parsed.kind)
    expect(parsed.body.value('model')).toBe('a')
    expect(parsed.body.bytes).toBe(bytes)
    expect(Buffer.concat(parsed.body.edited([]).pieces).toString()).toBe('{"model":"a"}')
    expect(Body.parse(bytes, governed, 6, 18).kind).toBe('not-json')
  })

  it('finds the end of a string wherever it lies and however many backslashes stand before it', () => {
    for (let length = 0; length < 200; length++) {
      for (const ending of ['', '\\\\', '\\"', '\\\\\\"', '\\\\\\\\']) {
        const text = `{"a":"${'x'.repeat(length)}${ending}","model":"m"}`
        expect(bodyOf(text).value('model'), text).toBe('m')
      }
    }
  })
})

describe('a governed member that stands twice', () => {
  // A8
  const cases: readonly (readonly [title: string, text: string, member: string | null])[] = [
    ['is refused by its name', '{"model":"a","model":"b"}', 'model'],
    ['is refused where both say the same', '{"model":"a","x":1,"model":"a"}', 'model'],
    ['is recognised however it is escaped', '{"mod\\u0065l":"a","model":"b"}', 'model'],
    ['is recognised where only the second is escaped', '{"model":"a","mod\\u0065l":"b"}', 'model'],
    ['is recognised where all of it is escaped', '{"\\u006d\\u006F\\u0064\\u0065\\u006c":"a","model":"b"}', 'model'],
    ['is refused as a tier', '{"service_tier":"flex","service\\u005ftier":"priority"}', 'service_tier'],
    ['is refused as stream', '{"stream":true,"stream":false}', 'stream'],
    ['is refused as previous_response_id', '{"previous_response_id":"a","previous_response_id":null}', 'previous_response_id'],
    ['is no concern when one of them is nested', '{"model":"a","metadata":{"model":"b","model":"c"}}', null],
    ['is no concern when the names only look alike', '{"model":"a","Model":"b","model ":"c","modèl":"d"}', null],
  ]
  it.for(cases)('%s', ([, text, member]) => {
    expect(parse(text)).toMatchObject(member === null ? { kind: 'body' } : { kind: 'duplicate', member })
  })

  it('may be governed under a name of any alphabet', () => {
    expect(Body.parse(Buffer.from('{"ключ":1,"\\u043alюч":2}'), new Set(['ключ'])).kind).toBe('body')
    expect(Body.parse(Buffer.from('{"ключ":1,"\\u043aлюч":2}'), new Set(['ключ']))).toEqual({ kind: 'duplicate', member: 'ключ' })
    expect(Body.parse(Buffer.from('{"":1,"":2}'), new Set(['']))).toEqual({ kind: 'duplicate', member: '' })
  })
})

describe('a body answers', () => {
  const body = bodyOf(
    '{"mod\\u0065l":"m","metadata":{"model":"inner"},"user":1,"user":{"ключ":[1]},"ключ":"\\u0061","input":[{"id":"a"} , 2,[3] ],"none":null}',
  )

  it('with the value of a member, whatever its spelling', () => {
    expect(body.value('model')).toBe('m')
    expect(body.value('ключ')).toBe('a')
    expect(body.value('none')).toBeNull()
  })

  it('with the last value where an ungoverned member stands twice', () => expect(body.value('user')).toEqual({ ключ: [1] }))

  it('with nothing for what is absent, nested or misspelt', () => {
    for (const name of ['stream', 'inner', 'mod', 'models', '']) expect(body.value(name)).toBeUndefined()
    expect(body.span('stream')).toBeNull()
  })

  it('with nothing where a string inside the value is malformed', () => {
    expect(bodyOf('{"metadata":{"a":"\\x"}}').value('metadata')).toBeUndefined()
  })

  it('with the items of an array, and of nothing else', () => {
    expect(body.items('input')?.map(({ start, end }) => body.bytes.toString('utf8', start, end))).toEqual(['{"id":"a"}', '2', '[3]'])
    expect(body.items('metadata')).toBeNull()
    expect(body.items('stream')).toBeNull()
    expect(bodyOf('{"input":[ ]}').items('input')).toEqual([])
  })

  it('with no items where there are more than 65,536', () => {
    const list = (length: number) => bodyOf(`{"input":[${Array.from({ length }, () => '0').join(',')}]}`).items('input')?.length
    expect(list(65_536)).toBe(65_536)
    expect(list(65_537)).toBeUndefined()
  })

  it('with the index of an object inside it, on the same bytes', () => {
    const [first, second] = body.items('input') ?? []
    expect(first !== undefined && body.within(first)?.value('id')).toBe('a')
    expect(second !== undefined && body.within(second)).toBeNull()
  })
})

describe('an edited body', () => {
  // A6
  it('is the very bytes that came where there is nothing to edit', () => {
    const text = ' { "z":1e400, "a":18446744073709551615,\n"\\u0061":"\\/\\u00e9", "z":-0.0 } '
    const body = bodyOf(text)
    const { pieces, bytes } = body.edited([])
    expect(pieces).toHaveLength(1)
    expect(pieces[0]?.buffer).toBe(body.bytes.buffer)
    expect(pieces[0]?.equals(body.bytes)).toBe(true)
    expect(bytes).toBe(body.bytes.length)
  })

  it('is made of slices of the original, so that a large body is not copied', () => {
    const body = bodyOf(`{"model":"alias","input":"${'x'.repeat(10_000)}"}`)
    const { pieces } = body.edited([{ kind: 'set', member: 'model', json: '"base"' }])
    expect(pieces.filter((piece) => piece.buffer === body.bytes.buffer && piece.length > 9).map((piece) => piece.length)).toEqual([10_012])
  })

  it('is the original still: an edit changes nothing of the body itself', () => {
    const body = bodyOf('{"model":"a"}')
    body.edited([{ kind: 'set', member: 'model', json: '"b"' }])
    expect(body.value('model')).toBe('a')
  })

  const set = (member: string, json: string): Edit => ({ kind: 'set', member, json })
  const drop = (member: string): Edit => ({ kind: 'drop', member })
  const dropItems = (...indexes: number[]): Edit => ({ kind: 'drop-items', member: 'input', indexes })
  const dropIds = (...indexes: number[]): Edit => ({ kind: 'drop-in-items', member: 'input', indexes, name: 'id' })
  const cases: readonly (readonly [title: string, before: string, edits: readonly Edit[], after: string])[] = [
    ['has the new value where the old one was', '{"a":1, "model" : "x" ,"b":2}', [set('model', '"y"')], '{"a":1, "model" : "y" ,"b":2}'],
    ['keeps the spelling of a name that is set', '{"mod\\u0065l":"x"}', [set('model', '"y"')], '{"mod\\u0065l":"y"}'],
    // A9
    ['keeps members of the same name further inside', '{"input":[{"model":"x"}],"model":"x"}', [set('model', '"y"')], '{"input":[{"model":"x"}],"model":"y"}'],
    [
      'drops nothing further inside',
      '{"tools":[{"service_tier":"flex"}],"service_tier":"flex"}',
      [drop('service_tier')],
      '{"tools":[{"service_tier":"flex"}]}',
    ],
    ['has what was absent before its closing brace', '{"a":1 }', [set('service_tier', '"flex"')], '{"a":1 ,"service_tier":"flex"}'],
    ['has two absent members in the order of the edits', '{"a":1}', [set('stream', 'true'), set('model', '"m"')], '{"a":1,"stream":true,"model":"m"}'],
    ['has no comma before the first member of an empty object', '{ }', [set('model', '"m"'), set('stream', 'true')], '{ "model":"m","stream":true}'],
    ['loses the first member with the comma behind it', '{ "a" : 1 , "b" : 2 }', [drop('a')], '{  "b" : 2 }'],
    ['loses a member in the middle with the comma behind it', '{"a":1, "b":2, "c":3}', [drop('b')], '{"a":1,  "c":3}'],
    ['loses the last member with the comma before it', '{"a":1 , "b":2 }', [drop('b')], '{"a":1  }'],
    ['loses all members', '{ "a":1, "b":2 }', [drop('a'), drop('b')], '{   }'],
    ['loses the last two', '{"a":1,"b":2,"c":3}', [drop('c'), drop('b')], '{"a":1}'],
    ['loses first and last', '{"a":1,"b":2,"c":3}', [drop('a'), drop('c')], '{"b":2}'],
    ['loses every one of several that share a name', '{"a":1,"b":2,"\\u0061":3}', [drop('a')], '{"b":2}'],
    ['needs no comma for a member that comes when all others go', '{"a":1,"b":2}', [drop('a'), drop('b'), set('model', '1')], '{"model":1}'],
    ['keeps one comma for a member that comes when the last goes', '{"a":1,"b":2}', [drop('b'), set('model', '1')], '{"a":1,"model":1}'],
    ['is as it was where what should go is absent', '{"a":1}', [drop('b'), dropItems(0), dropIds(0)], '{"a":1}'],
    ['has the last of two values set', '{"model":1}', [set('model', '2'), set('model', '3')], '{"model":3}'],
    ['loses a member that is set first', '{"model":1,"a":2}', [set('model', '2'), drop('model')], '{"a":2}'],
    ['loses items at the start, in the middle and at the end', '{"input":[0, 1,2 ,3,4 ]}', [dropItems(0, 2, 4)], '{"input":[ 1,3 ]}'],
    ['loses all items', '{"input":[0,[1],{}]}', [dropItems(0, 1, 2)], '{"input":[]}'],
    ['loses no item that is not there', '{"input":[0]}', [dropItems(1, -1, 0.5, Number.NaN)], '{"input":[0]}'],
    ['loses no item of what is no array', '{"input":"text"}', [dropItems(0), dropIds(0)], '{"input":"text"}'],
    ['loses a member of the items named', '{"input":[{"id":1,"a":2},{"id":3},{"id":4}]}', [dropIds(0, 1)], '{"input":[{"a":2},{},{"id":4}]}'],
    ['loses it as often as the item has it', '{"input":[{"id":1,"a":2,"\\u0069d":3}]}', [dropIds(0)], '{"input":[{"a":2}]}'],
    ['loses it not where it is further inside', '{"input":[{"a":{"id":1}},"id",["id"]]}', [dropIds(0, 1, 2)], '{"input":[{"a":{"id":1}},"id",["id"]]}'],
    ['loses items, and members of those that stay', '{"input":[{"id":1},{"id":2,"b":1},{"id":3}]}', [dropItems(0), dropIds(0, 1, 2)], '{"input":[{"b":1},{}]}'],
    ['keeps what items are when the member is set', '{"input":[1,2]}', [dropItems(0), set('input', '[3]'), dropItems(0)], '{"input":[3]}'],
    ['keeps white space around the object', ' \n{"a":1,"b":2}\n ', [drop('a')], ' \n{"b":2}\n '],
  ]
  it.for(cases)('%s', ([, before, edits, after]) => expect(edited(before, ...edits)).toBe(after))

  it('has a value that comes in pieces, in the place of one or new, and copies none of them', () => {
    const pieces = ['["a",', '', '"b"', ']'].map((text) => Buffer.from(text))
    const edit: Edit = { kind: 'set', member: 'input', json: pieces }
    expect(edited('{"input":"x","a":1}', edit)).toBe('{"input":["a","b"],"a":1}')
    expect(edited('{}', edit)).toBe('{"input":["a","b"]}')
    expect(bodyOf('{"input":"x"}').edited([edit]).pieces).toContain(pieces[0])
    expect(bodyOf('{}').edited([{ ...edit, json: Array.from({ length: 200_000 }, () => Buffer.from(' ')) }]).bytes).toBe(200_010)
  })

  it('stops cutting inside items at a bound', () => {
    const item = `{${Array.from({ length: 40_000 }, () => '"id":1').join(',')}}`
    const text = `{"input":[${Array.from({ length: 4 }, () => item).join(',')}]}`
    expect(bodyOf(text).edited([dropIds(0, 1, 2, 3)]).pieces.length).toBeLessThan(200_000)
    expect(edited(text, dropIds(0, 1, 2, 3)).match(/"id"/g)).toHaveLength(80_000)
  })
})
