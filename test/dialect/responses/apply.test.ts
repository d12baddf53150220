import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { Plan } from '../../../src/core/shape.ts'
import { apply } from '../../../src/dialect/responses/apply.ts'
import { bodyOf } from '../../support/bodies.ts'

const plan = (differing: Partial<Plan> = {}): Plan => ({
  upstream: 'openai',
  endpoint: 'responses',
  model: 'gpt-5.5' as UpstreamModel,
  renamed: null,
  tier: { kind: 'pass', rule: null, canonical: null },
  filterTo: null,
  dropItems: [],
  frame: null,
  ...differing,
})
const filtered: Partial<Plan> = { tier: { kind: 'filter', rule: 0 } }
/** The bytes that go upstream, as text. */
const sent = (said: string, differing: Partial<Plan> = {}) => {
  const body = bodyOf(said)
  return Buffer.concat(body.edited(apply(plan(differing), body)).pieces).toString()
}

// A6 C4
test('with nothing to say differently the very bytes go out', () => {
  const odd = ' { "model" : "gpt-5.5",  "temperature":1e400, "seed":12345678901234567890, "x":"\\u00e9\\/", "b" : [ ] }\n'
  expect(sent(odd)).toBe(odd)
})

describe('the model', () => {
  const renamed: Partial<Plan> = { renamed: 'vendor/"odd"' as UpstreamModel }
  // A1 A6 A9
  test('is replaced, and nothing else', () => {
    expect(sent('{ "n":1e400, "model" : "alias" , "metadata":{"model":"alias"} }', renamed)).toBe(
      '{ "n":1e400, "model" : "vendor/\\"odd\\"" , "metadata":{"model":"alias"} }',
    )
  })

  // A5 A7
  test('is replaced in the client’s own bytes at each attempt', () => {
    const body = bodyOf('{"model":"alias"}')
    const attempts = ['x', 'y', 'x'].map((name) => Buffer.concat(body.edited(apply(plan({ renamed: name as UpstreamModel }), body)).pieces).toString())
    expect(attempts).toEqual(['{"model":"x"}', '{"model":"y"}', '{"model":"x"}'])
  })
})

describe('the tier', () => {
  // C1 C2 C3 C6 C8 C17
  test.each<[title: string, said: string, differing: Partial<Plan>, sends: string]>([
    ['that is filtered is dropped, the rest untouched', '{"a":1e400,"service_tier":"priority","model":"m"}', filtered, '{"a":1e400,"model":"m"}'],
    ['that stands last is dropped too', '{"model":"m", "service_tier" : " Fast " }', filtered, '{"model":"m" }'],
    ['that is spelt with escapes is dropped too', '{"model":"m","service\\u005ftier":"fast"}', filtered, '{"model":"m"}'],
    ['that was dropped before is not missed', '{"model":"m"}', filtered, '{"model":"m"}'],
    [
      'that is filtered may become default',
      '{"model":"m","service_tier":"fast"}',
      { ...filtered, filterTo: 'default' },
      '{"model":"m","service_tier":"default"}',
    ],
    [
      'that passes in another spelling becomes canonical',
      '{"model":"m","service_tier":" Fast "}',
      { tier: { kind: 'pass', rule: 0, canonical: 'priority' } },
      '{"model":"m","service_tier":"priority"}',
    ],
    ['that passes keeps its bytes', '{"model":"m","service_tier":"fl\\u0065x"}', {}, '{"model":"m","service_tier":"fl\\u0065x"}'],
    ['inside another member is nobody’s', '{"model":"m","tools":[{"service_tier":"fast"}]}', filtered, '{"model":"m","tools":[{"service_tier":"fast"}]}'],
  ])('%s', (_title, said, differing, sends) => {
    expect(sent(said, differing)).toBe(sends)
  })
})

describe('sealed items that stay behind', () => {
  const call = '{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\\"id\\":1}"}'
  const result = '{"type":"function_call_output","call_id":"call_1","output":"42","id":"fco_1"}'
  const said = `{"model":"m","input":[{"role":"user","content":[{"id":"deep","text":"hi"}]},{"type":"reasoning","id":"rs_1","encrypted_content":"x"},${call},${result}]}`

  // E9
  test('go together with the ids of all items; call ids, and ids further inside, stay', () => {
    expect(sent(said, { dropItems: [1] })).toBe(
      '{"model":"m","input":[{"role":"user","content":[{"id":"deep","text":"hi"}]},' +
        '{"type":"function_call","call_id":"call_1","name":"f","arguments":"{\\"id\\":1}"},' +
        '{"type":"function_call_output","call_id":"call_1","output":"42"}]}',
    )
  })

  test('may be all that there is', () => {
    expect(sent('{"model":"m","input":[{"type":"reasoning","encrypted_content":"x"}]}', { dropItems: [0] })).toBe('{"model":"m","input":[]}')
  })

  test('take no reference’s id along, which is all that it is', () => {
    const referring = '{"model":"m","input":[{"type":"item_reference","id":"a"},{"id":"b"},{"type":"reasoning","id":"c","encrypted_content":"x"}]}'
    expect(sent(referring, { dropItems: [2] })).toBe('{"model":"m","input":[{"type":"item_reference","id":"a"},{"id":"b"}]}')
  })

  test('leave everything as received where there are none', () => expect(sent(said)).toBe(said))

  test('go beside a change of model and tier', () => {
    const all: Partial<Plan> = { ...filtered, renamed: 'x' as UpstreamModel, dropItems: [0] }
    expect(sent('{"service_tier":"fast","input":[{"type":"reasoning"},{"id":"i","role":"user"}],"model":"m"}', all)).toBe(
      '{"input":[{"role":"user"}],"model":"x"}',
    )
  })
})
