import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { FramePlan, Plan } from '../../../src/core/shape.ts'
import { apply } from '../../../src/dialect/responses/apply.ts'
import { itemsOf } from '../../../src/dialect/responses/items.ts'
import { bodyOf } from '../../support/bodies.ts'
import { item } from '../../support/dialogue.ts'

const plan = (differing: Partial<Plan> = {}): Plan => ({
  upstream: 'codex',
  endpoint: 'responses',
  model: 'm' as UpstreamModel,
  renamed: null,
  tier: { kind: 'pass', rule: null, canonical: null },
  filterTo: null,
  dropItems: [],
  frame: null,
  ...differing,
})
const frame = (differing: Partial<FramePlan> = {}): FramePlan => ({
  to: 'websocket',
  model: 'as-it-stands',
  turnState: 'pass',
  replay: null,
  continues: 'as-it-stands',
  ...differing,
})
const sent = (said: string, differing: Partial<Plan> = {}): string => {
  const body = bodyOf(said)
  return Buffer.concat(body.edited(apply(plan(differing), body)).pieces).toString()
}

describe('what the Codex backend is sent', () => {
  const cases: readonly (readonly [title: string, said: string, sent: string])[] = [
    [
      'what needs nothing, byte for byte',
      '{ "model":"m","instructions":"i","store":false,"stream":true,"input":[] }',
      '{ "model":"m","instructions":"i","store":false,"stream":true,"input":[] }',
    ],
    [
      'a text as a list of one message',
      '{"model":"m","instructions":"i","store":false,"stream":true,"input":"say \\"hi\\""}',
      '{"model":"m","instructions":"i","store":false,"stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"say \\"hi\\""}]}]}',
    ],
    ['what is missing, added', '{"model":"m"}', '{"model":"m","store":false,"stream":true,"instructions":"","input":[]}'],
    [
      'what asks for another thing, set',
      '{"model":"m","store":true,"stream":false,"instructions":null,"input":null}',
      '{"model":"m","store":false,"stream":true,"instructions":"","input":[]}',
    ],
    [
      'nothing that the backend refuses',
      '{"instructions":"i","store":false,"stream":true,"input":[],"temperature":1,"top_p":1,"max_output_tokens":1,"stream_options":{},"safety_identifier":"s","prompt_cache_retention":"24h","model":"m"}',
      '{"instructions":"i","store":false,"stream":true,"input":[],"model":"m"}',
    ],
    [
      'no id that the backend did not give, and no system',
      '{"instructions":"i","store":false,"stream":true,"input":[{"role":"system","content":"s"},{"id":"mine","role":"user"},{"id":"rs_1","type":"reasoning"},{"type":"item_reference","id":"x"}],"model":"m"}',
      '{"instructions":"i","store":false,"stream":true,"input":[{"role":"developer","content":"s"},{"role":"user"},{"id":"rs_1","type":"reasoning"},{"type":"item_reference","id":"x"}],"model":"m"}',
    ],
    [
      'an escaped system, too',
      '{"instructions":"i","store":false,"stream":true,"input":[{"role":"\\u0073ystem","content":"s"}],"model":"m"}',
      '{"instructions":"i","store":false,"stream":true,"input":[{"role":"developer","content":"s"}],"model":"m"}',
    ],
  ]
  test.each(cases)('%s', (_title, said, expected) => expect(sent(said)).toBe(expected))

  test('what stays behind for another reason stays behind, and the ids of the rest with it', () => {
    const said =
      '{"instructions":"i","store":false,"stream":true,"input":[{"id":"rs_1","type":"reasoning"},{"id":"msg_1","role":"system"},{"id":"x","type":"item_reference"}]}'
    expect(sent(said, { dropItems: [0] })).toBe(
      '{"instructions":"i","store":false,"stream":true,"input":[{"role":"developer"},{"id":"x","type":"item_reference"}]}',
    )
  })

  test('what stays behind is looked at a few times, however much there is of it', () => {
    const count = 500
    let looks = 0
    const indexes = Array.from({ length: count }, (_, index) => index)
    const dropItems = new Proxy(indexes, {
      get(of, name) {
        looks++
        return Reflect.get(of, name) as unknown
      },
    })
    const items = indexes.map((index) => `{"id":"rs_${index}","type":"reasoning"}`)
    expect(sent(`{"instructions":"i","store":false,"stream":true,"input":[${items.join(',')}]}`, { dropItems })).toContain('"input":[]')
    expect(looks).toBeLessThan(10 * count)
  })

  test('the same, and nothing of streams, where the answer is none', () => {
    const said = '{"instructions":"i","store":true,"stream":true,"input":[],"model":"m"}'
    expect(sent(said, { endpoint: 'compact' })).toBe('{"instructions":"i","input":[],"model":"m"}')
  })
})

describe('a frame to the Codex backend', () => {
  const said =
    '{"type":"response.create","model":"m","instructions":"i","store":true,"generate":false,"previous_response_id":"resp_1","input":[],"temperature":1}'

  test('keeps what only frames have, and the answer that it continues', () => {
    expect(sent(said, { frame: frame() })).toBe(
      '{"type":"response.create","model":"m","instructions":"i","store":false,"generate":false,"previous_response_id":"resp_1","input":[]}',
    )
  })

  test('that goes over HTTP keeps neither', () => {
    const bridged = JSON.parse(sent(said, { frame: frame({ to: 'http' }) })) as object
    expect(bridged).toEqual({ model: 'm', instructions: 'i', store: false, input: [], stream: true })
  })

  test('in which a dialogue is said again says it as the backend takes it', () => {
    const items = itemsOf(bodyOf({ input: [{ type: 'message', id: 'mine', role: 'system', content: 's' }] }))?.apart() ?? []
    const replay = [
      ...items.map((one) => ({ item: one, without: 'nothing' as const })),
      { item: item({ type: 'message', id: 'msg_2', role: 'user' }), without: 'id' as const },
    ]
    const again = JSON.parse(sent(said, { frame: frame({ replay, continues: 'dropped' }) })) as { readonly input: unknown }
    expect(again.input).toEqual([
      { type: 'message', role: 'developer', content: 's' },
      { type: 'message', role: 'user' },
    ])
  })
})

test('other kinds of upstream are sent what the client said', () => {
  const said = '{"model":"m","temperature":1,"input":"hi"}'
  expect(sent(said, { upstream: 'openai' })).toBe(said)
})
