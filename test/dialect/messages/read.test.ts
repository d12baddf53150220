import { describe, expect, test } from 'vitest'
import type { TierAsked } from '../../../src/core/tier.ts'
import { governed } from '../../../src/dialect/messages/read.ts'
import { Body } from '../../../src/lib/body.ts'
import type { Headers } from '../../../src/lib/headers.ts'
import { ask, model, readOf, turnOf } from './said.ts'

describe('a question', () => {
  test('is read', () => {
    expect(turnOf(ask({ stream: true }), { 'x-claude-code-session-id': 's1' })).toEqual({
      endpoint: 'messages',
      model,
      tier: { kind: 'nothing' },
      stream: true,
      references: [],
      stored: false,
      leavesTrace: false,
      affinity: 's1',
      sealed: [],
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: true,
    })
  })

  test.each([{ stream: false }, { stream: null }, {}])('that says %j of it is no stream', (more) => expect(turnOf(ask(more)).stream).toBe(false))

  test('for a count of tokens never streams', () => expect(turnOf(ask({ stream: true }), {}, 'count_tokens').stream).toBe(false))

  test.each([
    ['without messages', { model }],
    ['with messages of null', { model, messages: null }],
    ['without a bound', { model, messages: [] }],
    ['with a bound of null', ask({ max_tokens: null })],
    ['with a bound of nothing, which warms the cache', ask({ max_tokens: 0 })],
    ['with instructions among its messages', ask({ messages: [{ role: 'system', content: 'Be kind.' }] })],
    ['with members that nobody knows', ask({ fallbacks: [{ model: 'x' }], temperature: 7 })],
  ])('%s is the upstream’s to judge', (_title, said) => expect(turnOf(said)).toMatchObject({ model }))

  test.each<[title: string, headers: Headers]>([
    ['a version', { 'anthropic-version': '2099-01-01' }],
    ['betas', { 'anthropic-beta': 'never-heard-of-2030-01-01' }],
    ['neither', {}],
  ])('with %s that nobody knows passes', (_title, headers) => expect(turnOf(ask(), headers)).toMatchObject({ model, tier: { kind: 'nothing' } }))

  // A9
  test('is not read from members of its members', () => {
    const turn = turnOf(ask({ metadata: { model: 'y', stream: true, speed: 'fast' }, messages: [{ role: 'user', content: 'hi', service_tier: 'fast' }] }))
    expect(turn).toMatchObject({ model, stream: false, tier: { kind: 'nothing' } })
  })
})

describe('a question that cannot be read', () => {
  test.each<[title: string, said: object, param: string]>([
    ['has no model', { messages: [] }, 'model'],
    ['has an empty model', { model: '' }, 'model'],
    ['has a model that is no text', ask({ model: 5 }), 'model'],
    ['has a model of more than 256 bytes', ask({ model: 'é'.repeat(129) }), 'model'],
    ['streams in words', ask({ stream: 'yes' }), 'stream'],
    ['is bounded in words', ask({ max_tokens: '64' }), 'max_tokens'],
    ['is bounded by a list', ask({ max_tokens: [64] }), 'max_tokens'],
    ['has text for messages', ask({ messages: 'hi' }), 'messages'],
    ['has an object for messages', ask({ messages: {} }), 'messages'],
    ['has a number for messages', ask({ messages: 3 }), 'messages'],
    ['has true for messages', ask({ messages: true }), 'messages'],
  ])('%s, and is told which member is wrong', (_title, said, param) => {
    const read = readOf(said)
    expect(read).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param } })
    expect(read.kind === 'refused' && read.refusal.message).toContain(`\`${param}\` must be`)
  })

  // A8
  test.each(['model', 'stream', 'speed', 'service_tier', 'messages'])('says `%s` twice', (member) => {
    const twice = `{"${member}":null,"m\\u006fdel":"x","\\u00${member.charCodeAt(0).toString(16)}${member.slice(1)}":null}`
    expect(Body.parse(Buffer.from(twice), governed).kind).toBe('duplicate')
  })

  test('may say twice what decides nothing', () => {
    expect(Body.parse(Buffer.from('{"model":"m","system":"a","system":"b","metadata":{},"metadata":{}}'), governed).kind).toBe('body')
  })
})

describe('the tier that a question asks for', () => {
  const fast = (raw = 'fast'): TierAsked => ({ kind: 'known', tier: 'priority', raw })
  const nothing: TierAsked = { kind: 'nothing' }
  const beta = (value: string | readonly string[]): Headers => ({ 'anthropic-beta': value })

  // C1 C2 C7 C12 C16
  test.each<[title: string, more: object, headers: Headers, tier: TierAsked]>([
    ['speed fast is priority', { speed: 'fast' }, {}, fast()],
    ['so it is in another spelling', { speed: ' Fast ' }, {}, fast(' Fast ')],
    ['so is the word itself', { speed: 'priority' }, {}, fast('priority')],
    ['speed standard is nothing', { speed: 'standard' }, {}, nothing],
    ['a speed of another tier is that', { speed: 'ultrafast' }, {}, { kind: 'known', tier: 'ultrafast', raw: 'ultrafast' }],
    ['a speed that nobody knows is unknown', { speed: 'warp' }, {}, { kind: 'unknown', raw: 'warp' }],
    ['a speed that is no word is not ours to judge', { speed: 2 }, {}, { kind: 'not-a-word' }],
    ['the beta of the fast mode is priority', {}, beta('fast-mode-2026-02-01'), fast()],
    ['so it is among others', {}, beta('claude-code-20250219, Fast-Mode-2027-01-01,context-1m-2025-08-07'), fast()],
    ['so it is in a repeated header', {}, beta(['a', 'fast-mode-2026-02-01']), fast()],
    ['so it is beside speed standard', { speed: 'standard' }, beta('fast-mode-2026-02-01'), fast()],
    ['a beta that only sounds so is nothing', {}, beta('not-fast-mode-2026,fast-models-2026'), nothing],
    ['no beta at all is nothing', {}, beta(' , '), nothing],
    ['service_tier auto is nothing', { service_tier: 'auto' }, {}, nothing],
    ['service_tier standard_only is nothing', { service_tier: 'standard_only' }, {}, nothing],
    ['a service_tier of ours is asked for', { service_tier: 'priority' }, {}, fast('priority')],
    ['so it is as fast', { service_tier: 'fast' }, {}, fast()],
    ['so is flex', { service_tier: 'flex' }, {}, { kind: 'known', tier: 'flex', raw: 'flex' }],
    ['a service_tier that nobody knows is unknown', { service_tier: 'turbo' }, {}, { kind: 'unknown', raw: 'turbo' }],
    ['a service_tier that is no word is not ours to judge', { service_tier: null }, {}, { kind: 'not-a-word' }],
    ['of two the dearer', { speed: 'fast', service_tier: 'ultrafast' }, {}, { kind: 'known', tier: 'ultrafast', raw: 'ultrafast' }],
    ['whichever way round', { speed: 'flex', service_tier: 'auto' }, beta('fast-mode-1'), fast()],
    ['what is known before what is not', { speed: 'warp', service_tier: 'flex' }, {}, { kind: 'known', tier: 'flex', raw: 'flex' }],
    ['what is unknown before what is no word', { speed: 1, service_tier: 'turbo' }, {}, { kind: 'unknown', raw: 'turbo' }],
    ['nothing', {}, {}, nothing],
  ])('%s', (_title, more, headers, tier) => {
    expect(turnOf(ask(more), headers).tier).toEqual(tier)
    expect(turnOf(ask(more), headers, 'count_tokens').tier).toEqual(tier)
  })

  test('is read where names and words are escaped', () => {
    expect(turnOf(`{"mod\\u0065l":"${model}","sp\\u0065ed":"f\\u0061st"}`)).toMatchObject({ model, tier: fast() })
  })
})

describe('what makes two questions share a prompt cache', () => {
  const affinity = (more: object = {}, headers: Headers = {}) => turnOf(ask(more), headers).affinity
  const user = (id: unknown) => ({ metadata: { user_id: id } })
  const claude = JSON.stringify({ device_id: 'd', account_uuid: 'a', session_id: 's2' })

  test.each<[title: string, more: object, headers: Headers, affinity: string]>([
    ['Claude Code’s session before all', user(claude), { 'x-claude-code-session-id': 's1', 'x-session-id': 's3' }, 's1'],
    ['the session in its metadata', user(claude), { 'x-session-id': 's3' }, 's2'],
    ['the user in its metadata, who may be a text with the session', user('user_1_session_2'), { 'x-session-id': 's3' }, 'user_1_session_2'],
    ['the user, where the JSON names no session', user('{"device_id":"d"}'), {}, '{"device_id":"d"}'],
    ['the user, where the session is empty', user('{"session_id":""}'), {}, '{"session_id":""}'],
    ['the user, where the session is no text', user('{"session_id":7}'), {}, '{"session_id":7}'],
    ['the user, where it is no JSON', user('{"session_id":'), {}, '{"session_id":'],
    ['else the header x-session-affinity', user(''), { 'x-session-affinity': 's3' }, 's3'],
    ['else the header x-session-id', user(5), { 'x-session-id': 's3' }, 's3'],
    ['else the header session_id', {}, { session_id: 's3', 'x-claude-code-session-id': '' }, 's3'],
    ['else a header, where the metadata are none', { metadata: 'x' }, { 'x-session-id': 's3' }, 's3'],
  ])('%s', (_title, more, headers, expected) => expect(affinity(more, headers)).toBe(expected))

  test('is not sought in metadata of any length', () => {
    const id = 'x'.repeat(8000)
    expect(affinity(user(id))).toBe(id)
    expect(affinity(user(`${id}${'x'.repeat(500)}`), { 'x-session-id': 's3' })).toBe('s3')
  })

  test('is else how the question begins: its system prompt and its first message', () => {
    const begun = [{ role: 'user', content: 'hi' }]
    const grown = [...begun, { role: 'assistant', content: 'hello' }, { role: 'user', content: 'and?' }]
    expect(affinity({ system: 'Be kind.', messages: begun })).toBe(affinity({ system: 'Be kind.', messages: grown }))
    expect(affinity({ system: 'Be kind.', messages: begun })).not.toBe(affinity({ system: 'Be rude.', messages: begun }))
    expect(affinity({ messages: begun })).not.toBe(affinity({ messages: [{ role: 'user', content: 'ho' }] }))
  })

  test('tells blocks of a system prompt apart', () => {
    const system = (last: string) => [
      { type: 'text', text: 'a' },
      { type: 'text', text: last },
    ]
    expect(affinity({ system: system('b') })).not.toBe(affinity({ system: system('c') }))
  })

  test('shows nothing of what the question says', () => expect(affinity({ system: 'secret words' })).toMatch(/^[\w-]{27}$/))
  test('is nothing where the question says nothing', () => expect(turnOf({ model }).affinity).toBeNull())
})
