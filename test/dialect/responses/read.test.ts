import { describe, expect, test } from 'vitest'
import type { Reference } from '../../../src/core/turn.ts'
import { sealHash } from '../../../src/dialect/question.ts'
import type { Headers } from '../../../src/lib/headers.ts'
import { readOf, turnOf } from '../../support/bodies.ts'

const model = 'gpt-5.5'
const ask = (more: object = {}) => ({ model, input: 'hi', ...more })

describe('a question', () => {
  test('is read', () => {
    expect(turnOf(ask({ stream: true, service_tier: 'fast', prompt_cache_key: 'session' }))).toEqual({
      endpoint: 'responses',
      model,
      tier: { kind: 'known', tier: 'priority', raw: 'fast' },
      stream: true,
      references: [],
      stored: true,
      leavesTrace: false,
      affinity: 'session',
      sealed: [],
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: true,
    })
  })

  test('without an input, or with null, is the upstream’s to judge', () => {
    expect(turnOf({ model })).toMatchObject({ model })
    expect(turnOf({ model, input: null })).toMatchObject({ model })
  })

  // A9
  test('is not read from members of its members', () => {
    const turn = turnOf({ input: [{ model: 'x', service_tier: 'fast' }], metadata: { model: 'y', stream: true, service_tier: 'fast' }, model })
    expect(turn).toMatchObject({ model, stream: false, tier: { kind: 'nothing' } })
  })

  test('is read where names and words are escaped', () => {
    expect(turnOf('{"mod\\u0065l":"gpt-\\u0035.5","service\\u005ftier":"f\\u0061st"}')).toMatchObject({
      model,
      tier: { kind: 'known', tier: 'priority', raw: 'fast' },
    })
  })

  test('streams only where answers do', () => {
    expect(turnOf(ask({ stream: true }), {}, 'compact').stream).toBe(false)
    expect(turnOf(ask({ stream: true }), {}, 'input_tokens').stream).toBe(false)
    expect(turnOf(ask({ stream: false })).stream).toBe(false)
  })

  test.each<[title: string, more: object, stored: boolean, leavesTrace: boolean]>([
    ['that says nothing of it is stored, and may be said twice', {}, true, false],
    ['that says null too', { store: null }, true, false],
    ['that asks not to be stored is not', { store: false }, false, false],
    ['that asks to be stored leaves a trace', { store: true }, true, true],
    ['in a conversation leaves a trace', { conversation: 'conv_1' }, true, true],
  ])('%s', (_title, more, stored, leavesTrace) => {
    expect(turnOf(ask(more))).toMatchObject({ stored, leavesTrace })
  })

  test('for a compaction or a count gives no answer that could be named later', () => {
    expect(turnOf(ask(), {}, 'compact').stored).toBe(false)
    expect(turnOf(ask(), {}, 'input_tokens').stored).toBe(false)
  })

  // C7
  test.each([1, null, {}, [], true])('with a tier of %j is no wrong question', (tier) => {
    expect(turnOf(ask({ service_tier: tier })).tier).toEqual({ kind: 'not-a-word' })
  })
})

describe('a question that cannot be read', () => {
  test.each<[title: string, said: object, param: string]>([
    ['has no model', { input: 'hi' }, 'model'],
    ['has an empty model', { model: '' }, 'model'],
    ['has a model that is no text', { model: 5 }, 'model'],
    ['has a model of more than 256 bytes', { model: 'é'.repeat(129) }, 'model'],
    ['streams in words', ask({ stream: 'yes' }), 'stream'],
    ['stores in numbers', ask({ store: 1 }), 'store'],
    ['runs in the background in words', ask({ background: 'no' }), 'background'],
    ['continues a number', ask({ previous_response_id: 7 }), 'previous_response_id'],
    ['caches under an object', ask({ prompt_cache_key: {} }), 'prompt_cache_key'],
    ['is in a conversation without an id', ask({ conversation: {} }), 'conversation'],
    ['is in a list of conversations', ask({ conversation: ['conv_1'] }), 'conversation'],
    ['has an object for an input', { model, input: {} }, 'input'],
    ['has a number for an input', { model, input: 3 }, 'input'],
    ['has true for an input', { model, input: true }, 'input'],
  ])('%s, and is told which member is wrong', (_title, said, param) => {
    const read = readOf(said)
    expect(read).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param } })
    expect(read.kind === 'refused' && read.refusal.message).toContain(`\`${param}\` must be`)
  })

  test('may have a model of 256 bytes', () => expect(turnOf({ model: 'é'.repeat(128) }).model).toHaveLength(128))

  // B35
  test('asks for the background, which is not there', () => {
    expect(readOf(ask({ background: true }))).toMatchObject({ kind: 'refused', refusal: { code: 'background_not_supported', param: 'background' } })
    expect(readOf(ask({ background: false })).kind).toBe('turn')
  })

  test('refers to what cannot be told apart', () => {
    const many = Array.from({ length: 65_537 }, () => ({ role: 'user', content: '', id: 'x' }))
    expect(readOf({ model, input: many })).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param: 'input' } })
    const wide = Object.fromEntries(Array.from({ length: 65_537 }, (_, i) => [`m${i}`, 1]))
    expect(readOf({ model, input: [{ id: 'x', ...wide }] })).toMatchObject({ kind: 'refused', refusal: { param: 'input' } })
  })
})

describe('what a question refers to', () => {
  const references = (more: object | string) => turnOf(typeof more === 'string' ? more : ask(more)).references
  const item = (id: string): Reference => ({ kind: 'item', id })

  // E10
  test.each<[title: string, more: object, found: object[]]>([
    ['is nothing, as a rule', { input: [{ role: 'user', content: 'hi', id: 'msg_1' }] }, []],
    ['is an answer', { previous_response_id: 'resp_1' }, [{ kind: 'response', id: 'resp_1' }]],
    ['is no answer where that is null', { previous_response_id: null }, []],
    ['is a conversation by its id', { conversation: 'conv_1' }, [{ kind: 'conversation', id: 'conv_1' }]],
    ['is a conversation in an object', { conversation: { id: 'conv_1' } }, [{ kind: 'conversation', id: 'conv_1' }]],
    ['is an item', { input: [{ type: 'item_reference', id: 'msg_1' }] }, [item('msg_1')]],
    ['is an item whose type is left out', { input: [{ id: 'msg_1' }] }, [item('msg_1')]],
    ['is an item whose type is null', { input: [{ id: 'msg_1', type: null }] }, [item('msg_1')]],
    ['is no item that says who speaks', { input: [{ id: 'msg_1', role: 'user', content: 'hi' }] }, []],
    ['is no item of another type', { input: [{ id: 'rs_1', type: 'reasoning', summary: [] }] }, []],
    ['is not what a text says', { input: '{"type":"item_reference","id":"msg_1"}' }, []],
    ['is not what stands inside an item', { input: [{ role: 'user', content: [{ type: 'item_reference', id: 'msg_1' }] }] }, []],
  ])('%s', (_title, more, found) => {
    expect(references(more)).toEqual(found)
  })

  test('is all of these at once, in order', () => {
    const input = [{ type: 'item_reference', id: 'a' }, { role: 'user', content: 'hi' }, { id: 'b' }]
    expect(references({ input, previous_response_id: 'r' })).toEqual([{ kind: 'response', id: 'r' }, item('a'), item('b')])
  })

  test('is found however it is spelt', () => {
    expect(references(`{"model":"m","input":[{"\\u0069d":"msg_1"}]}`)).toEqual([item('msg_1')])
    expect(references(`{"model":"m","input":[{"i\\u0064":"msg_1","t\\u0079pe":"item\\u005freference"}]}`)).toEqual([item('msg_1')])
    expect(references(`{"model":"m","input":[ {  "id"  : "msg_\\u0031" } ]}`)).toEqual([item('msg_1')])
    expect(references(`{"model":"m","\\u0070revious_response_id":"resp_1"}`)).toEqual([{ kind: 'response', id: 'resp_1' }])
  })
})

describe('sealed reasoning in a question', () => {
  const reasoning = (content: string) => ({ type: 'reasoning', summary: [], encrypted_content: content })

  // E9
  test('is known by its index and a hash', () => {
    const input = [{ role: 'user', content: 'hi' }, reasoning('one'), 'odd', reasoning('two')]
    expect(turnOf({ model, input }).sealed).toEqual([
      { index: 1, hash: sealHash('one') },
      { index: 3, hash: sealHash('two') },
    ])
  })

  test('is neither what has no content nor what is no reasoning', () => {
    const input = [
      { type: 'reasoning', summary: [], encrypted_content: null },
      { type: 'compaction', encrypted_content: 'x' },
      { type: 'reasoning', id: 'rs_1' },
    ]
    expect(turnOf({ model, input }).sealed).toEqual([])
  })

  test('has one hash for one content and shows nothing of it', () => {
    expect(sealHash('secret')).toBe(sealHash('secret'))
    expect(sealHash('secret')).not.toBe(sealHash('secret '))
    expect(sealHash('secret')).not.toContain('secret')
  })
})

describe('what makes two questions share a prompt cache', () => {
  const affinity = (more: object, headers: Headers = {}) => turnOf(ask(more), headers).affinity

  test('is the client’s own key before all', () => expect(affinity({ prompt_cache_key: 'k' }, { 'session-id': 's' })).toBe('k'))

  test.each(['session-id', 'session_id', 'thread-id', 'x-session-affinity', 'x-session-id'])('is else the header %s', (name) => {
    expect(affinity({}, { [name]: 's1' })).toBe('s1')
    expect(affinity({ prompt_cache_key: '' }, { [name]: 's1' })).toBe('s1')
  })

  test('is the id of the client’s request only with Codex', () => {
    const headers = { 'x-client-request-id': 'thread' }
    expect(affinity({}, { ...headers, originator: 'codex_exec' })).toBe('thread')
    expect(affinity({}, headers)).not.toBe('thread')
  })

  test('is else how the question begins: its instructions and its first item', () => {
    const begun = [{ role: 'user', content: 'hi' }]
    const grown = [...begun, { role: 'assistant', content: 'hello' }, { role: 'user', content: 'and?' }]
    expect(affinity({ instructions: 'Be kind.', input: begun })).toBe(affinity({ instructions: 'Be kind.', input: grown }))
    expect(affinity({ instructions: 'Be kind.', input: begun })).not.toBe(affinity({ instructions: 'Be rude.', input: begun }))
    expect(affinity({ input: begun })).not.toBe(affinity({ input: [{ role: 'user', content: 'ho' }] }))
  })

  test('shows nothing of what the question says', () => expect(affinity({ input: 'secret words' })).toMatch(/^[\w-]{27}$/))
  test('is nothing where the question says nothing', () => expect(turnOf({ model }).affinity).toBeNull())
  test('is found in an empty list too', () => expect(affinity({ input: [] })).toEqual(expect.any(String)))
})

test.each<[title: string, headers: Headers, isCodex: boolean]>([
  ['Codex is known by its originator', { originator: 'codex_cli_rs' }, true],
  ['Codex is known by its user agent', { 'user-agent': 'codex_exec/0.169.0 (Debian 12.0.0; x86_64)' }, true],
  ['letters large or small do not matter', { 'user-agent': 'Codex-TUI/0.146.0' }, true],
  ['an SDK is not Codex', { 'user-agent': 'OpenAI/JS 7.55.0' }, false],
  ['another program that names it is not', { 'user-agent': 'opencode/1.18 (codex)', originator: 'opencode' }, false],
  ['no one in particular is not', {}, false],
])('%s', (_title, headers, isCodex) => expect(turnOf(ask(), headers).isCodex).toBe(isCodex))
