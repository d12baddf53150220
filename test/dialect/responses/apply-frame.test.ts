import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { FramePlan, Plan } from '../../../src/core/shape.ts'
import { apply } from '../../../src/dialect/responses/apply.ts'
import { itemsOf } from '../../../src/dialect/responses/items.ts'
import { bodyOf } from '../../support/bodies.ts'
import { item } from '../../support/dialogue.ts'

const asItIs: FramePlan = { to: 'websocket', model: 'as-it-stands', turnState: 'pass', replay: null, continues: 'as-it-stands' }
const bridged: FramePlan = { ...asItIs, to: 'http' }
const plan = (frame: Partial<FramePlan>, differing: Partial<Plan> = {}): Plan => ({
  upstream: 'openai',
  endpoint: 'responses',
  model: 'gpt-5.5' as UpstreamModel,
  renamed: null,
  tier: { kind: 'pass', rule: null, canonical: null },
  filterTo: null,
  dropItems: [],
  frame: { ...asItIs, ...frame },
  ...differing,
})
/** What goes upstream, as text. */
const sent = (said: string, frame: Partial<FramePlan> = {}, differing: Partial<Plan> = {}) => {
  const body = bodyOf(said)
  return Buffer.concat(body.edited(apply(plan(frame, differing), body)).pieces).toString()
}
const renamed: Partial<Plan> = { model: 'base' as UpstreamModel, renamed: 'base' as UpstreamModel }

describe('a frame on its way to a socket', () => {
  // A6
  test('goes out as its very bytes where nothing is to be said differently', () => {
    const odd = ' { "type" : "response.create", "n":1e400,"input":[ {"\\u0069d":"x"} ], "generate":false, "stream_id":"a" }'
    const body = bodyOf(odd)
    expect(apply(plan({}), body)).toEqual([])
    expect(sent(odd)).toBe(odd)
  })

  test('loses stream, which has no meaning there', () => {
    expect(sent('{"type":"response.create", "stream" : true ,"model":"gpt-5.5"}')).toBe('{"type":"response.create", "model":"gpt-5.5"}')
  })

  // D1
  test('loses a tier that is filtered', () => {
    expect(sent('{"type":"response.create","service_tier":"priority","input":[]}', {}, { tier: { kind: 'filter', rule: 0 } })).toBe(
      '{"type":"response.create","input":[]}',
    )
  })

  // D5
  test.each<[title: string, said: string, frame: Partial<FramePlan>, differing: Partial<Plan>, sends: string]>([
    ['has the account’s name of its model', '{"model":"alias"}', {}, renamed, '{"model":"base"}'],
    ['gets it where it named none', '{"input":[]}', {}, renamed, '{"input":[],"model":"base"}'],
    ['names none where the upstream knows the session’s', '{"input":[]}', {}, {}, '{"input":[]}'],
    ['gets one where the upstream would not know it', '{"input":[]}', { model: 'written' }, {}, '{"input":[],"model":"gpt-5.5"}'],
    ['keeps one that is right already', '{"model":"gpt-5\\u002e5"}', { model: 'written' }, {}, '{"model":"gpt-5\\u002e5"}'],
  ])('%s', (_title, said, frame, differing, sends) => {
    expect(sent(said, frame, differing)).toBe(sends)
  })

  // E9
  test('leaves sealed items behind as any turn does', () => {
    expect(sent('{"input":[{"type":"reasoning"},{"role":"user","id":"i"}]}', {}, { dropItems: [0] })).toBe('{"input":[{"role":"user"}]}')
  })

  test('may stop naming what it continued', () => {
    expect(sent('{"previous_response_id":"r","input":[]}', { continues: 'dropped' })).toBe('{"input":[]}')
  })
})

describe('a routing token inside a frame', () => {
  const dropped = { turnState: 'drop' } as const
  // E21
  test.each<[title: string, said: string, sends: string]>([
    [
      'goes alone, and every other byte stays',
      '{"client_metadata":{ "n":1e400, "x-codex-turn-state" : "s" , "\\u0061":"b" },"input":[]}',
      '{"client_metadata":{ "n":1e400,  "\\u0061":"b" },"input":[]}',
    ],
    ['goes as often as it stands there', '{"client_metadata":{"x-codex-turn-state":"a","t":1,"x-codex-turn\\u002dstate":"b"}}', '{"client_metadata":{"t":1}}'],
    ['is not missed where there is none', '{"client_metadata":{ "t":1 }}', '{"client_metadata":{ "t":1 }}'],
    ['is not sought in what is no object', '{"client_metadata":"x-codex-turn-state"}', '{"client_metadata":"x-codex-turn-state"}'],
    ['is nobody’s further inside', '{"client_metadata":{"t":{"x-codex-turn-state":"s"}}}', '{"client_metadata":{"t":{"x-codex-turn-state":"s"}}}'],
    ['takes all along where that cannot be read', '{"client_metadata":{"a\\x":1,"x-codex-turn-state":"s"},"input":[]}', '{"input":[]}'],
  ])('%s', (_title, said, sends) => {
    expect(sent(said, dropped)).toBe(sends)
  })

  test('stays where it is this account’s own', () => {
    const said = '{"client_metadata":{"x-codex-turn-state":"s"}}'
    expect(sent(said)).toBe(said)
  })
})

describe('a dialogue that is said again', () => {
  const said = '{"type":"response.create","previous_response_id":"resp_1","input":[{"role":"user","id":"msg_2"}],"store":false}'
  const earlier = [item('{ "role":"user" }'), item('{"id":"msg_1", "role":"assistant","n":1e400}'), item('{"id":"fc_1","\\u0069d":"x"}')]

  // E1
  test('stands in the place of the input, as it was received, and names no answer', () => {
    const own = itemsOf(bodyOf(said))?.apart() ?? []
    const replay = [...earlier, ...own].map((item) => ({ item, without: 'nothing' }) as const)
    expect(sent(said, { replay })).toBe(
      '{"type":"response.create","input":[{ "role":"user" },{"id":"msg_1", "role":"assistant","n":1e400},{"id":"fc_1","\\u0069d":"x"},{"role":"user","id":"msg_2"}],"store":false}',
    )
  })

  // E9
  test('is said without the ids that stay behind', () => {
    const replay = earlier.map((item, at) => ({ item, without: at === 1 ? ('nothing' as const) : ('id' as const) }))
    expect(sent(said, { replay })).toContain('"input":[{ "role":"user" },{"id":"msg_1", "role":"assistant","n":1e400},{}]')
  })

  test('needs no input to take the place of', () => {
    expect(sent('{"type":"response.create"}', { replay: [] })).toBe('{"type":"response.create","input":[]}')
    expect(sent('{"input":"text"}', { replay: [{ item: item('{}'), without: 'nothing' }] })).toBe('{"input":[{}]}')
  })

  test('is not cut by what of the input stays behind', () => {
    expect(sent(said, { replay: [{ item: item('{"id":"a"}'), without: 'nothing' }] }, { dropItems: [0] })).toContain('"input":[{"id":"a"}]')
  })

  test('copies none of its items', () => {
    const body = bodyOf(said)
    const { pieces } = body.edited(apply(plan({ replay: [{ item: item('{"a":1}'), without: 'nothing' }] }), body))
    expect(pieces.map(String)).toContain('{"a":1}')
  })
})

describe('a frame on its way over the bridge', () => {
  // E13
  test('becomes the body of a request: what frames alone have goes, it names its model, and it streams', () => {
    const said = '{"type":"response.create","stream_id":"a","event_id":"e","generate":true,"input":[{"type":"x"}],"n":1e400}'
    expect(sent(said, bridged)).toBe('{"input":[{"type":"x"}],"n":1e400,"model":"gpt-5.5","stream":true}')
  })

  test('streams whatever it said of it', () => {
    expect(sent('{"model":"gpt-5.5","stream":false}', bridged)).toBe('{"model":"gpt-5.5","stream":true}')
    expect(sent('{"model":"gpt-5.5", "stream":true }', bridged)).toBe('{"model":"gpt-5.5", "stream":true }')
  })

  test('has the account’s name of its model', () => {
    expect(sent('{"model":"alias","stream":true}', bridged, renamed)).toBe('{"model":"base","stream":true}')
  })

  test('may be the whole dialogue', () => {
    expect(
      sent('{"type":"response.create","previous_response_id":"r","model":"gpt-5.5","input":[]}', {
        ...bridged,
        replay: [{ item: item('{}'), without: 'nothing' }],
      }),
    ).toBe('{"model":"gpt-5.5","input":[{}],"stream":true}')
  })
})
