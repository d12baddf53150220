import { describe, expect, test } from 'vitest'
import { chat } from '../../../src/dialect/chat/chat.ts'
import { Body } from '../../../src/lib/body.ts'
import type { Headers } from '../../../src/lib/headers.ts'
import { model, readOf, turnOf } from './support.ts'

const hi = { role: 'user', content: 'hi' }
const ask = (more: object = {}) => ({ model, messages: [hi], ...more })
const embed = (more: object = {}) => ({ model, input: 'hi', ...more })
const lookup = { type: 'function', function: { name: 'lookup', parameters: {} } }

describe('a question', () => {
  test('is read', () => {
    expect(turnOf(ask({ stream: true, service_tier: 'fast', prompt_cache_key: 'session' }))).toEqual({
      endpoint: 'chat',
      model,
      tier: { kind: 'known', tier: 'priority', raw: 'fast' },
      stream: true,
      references: [],
      stored: false,
      leavesTrace: false,
      affinity: 'session',
      sealed: [],
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: false,
    })
  })

  test('for embeddings is read', () => {
    const headers = { 'session-id': 's' }
    expect(turnOf(embed({ stream: true, store: true, tools: [lookup], service_tier: 'flex' }), headers, 'embeddings')).toEqual({
      endpoint: 'embeddings',
      model,
      tier: { kind: 'known', tier: 'flex', raw: 'flex' },
      stream: false,
      references: [],
      stored: false,
      leavesTrace: false,
      affinity: null,
      sealed: [],
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: false,
    })
  })

  // A9
  test('is not read from members of its members', () => {
    const turn = turnOf({ messages: [{ ...hi, model: 'x', stream: true }], metadata: { model: 'y', stream: true, service_tier: 'fast' }, model })
    expect(turn).toMatchObject({ model, stream: false, tier: { kind: 'nothing' } })
  })

  test('is read where names and words are escaped', () => {
    expect(turnOf('{"mod\\u0065l":"gpt-\\u0035.5","messages":[],"service\\u005ftier":"f\\u0061st"}')).toMatchObject({
      model,
      tier: { kind: 'known', tier: 'priority', raw: 'fast' },
    })
  })

  test.each<[title: string, more: object, leavesTrace: boolean]>([
    ['that says nothing of it leaves no trace', {}, false],
    ['that says null of it leaves none', { store: null }, false],
    ['that asks not to be stored leaves none', { store: false }, false],
    ['that asks to be stored leaves one', { store: true }, true],
  ])('%s, and can never be continued', (_title, more, leavesTrace) => {
    expect(turnOf(ask(more))).toMatchObject({ stored: false, leavesTrace })
  })

  // C7
  test.each([1, null, {}, [], true])('with a tier of %j is no wrong question', (tier) => {
    expect(turnOf(ask({ service_tier: tier })).tier).toEqual({ kind: 'not-a-word' })
  })

  test.each<[title: string, more: object, wantsUsage: boolean]>([
    ['where it says so', { stream: true, stream_options: { include_usage: true } }, true],
    ['not where it says that it does not', { stream_options: { include_usage: false } }, false],
    ['not where it leaves that open', { stream_options: { include_usage: null } }, false],
    ['not where it wants something else', { stream_options: { include_obfuscation: false } }, false],
    ['not where there are no options', { stream_options: null }, false],
  ])('wants to hear of its usage %s', (_title, more, wantsUsage) => {
    expect(turnOf(ask(more)).wantsUsage).toBe(wantsUsage)
  })
})

describe('a question that lets the model reason over tools', () => {
  test.each<[title: string, more: object, reasons: boolean]>([
    ['hands it functions', { tools: [lookup] }, true],
    ['hands it tools with free text', { tools: [{ type: 'custom', custom: { name: 'patch' } }] }, true],
    ['hands it functions among others', { tools: [{ type: 'web_search' }, 7, lookup] }, true],
    ['hands it functions in the old way', { functions: [{ name: 'lookup' }] }, true],
    ['says how much it may reason', { tools: [lookup], reasoning_effort: 'low' }, true],
    ['says null of it', { tools: [lookup], reasoning_effort: null }, true],
    ['does not when it is not to reason', { tools: [lookup], reasoning_effort: 'none' }, false],
    ['does not when the list is empty', { tools: [], functions: [] }, false],
    ['does not when there is none', { tools: null, functions: null }, false],
    ['does not when the tools are no functions', { tools: [{ type: 'web_search' }, {}] }, false],
    ['does not without any', {}, false],
  ])('%s', (_title, more, reasons) => {
    expect(turnOf(ask(more)).reasonsOverTools).toBe(reasons)
  })
})

describe('a question that cannot be read', () => {
  test.each<[title: string, said: object, param: string]>([
    ['has no model', { messages: [] }, 'model'],
    ['has an empty model', ask({ model: '' }), 'model'],
    ['has a model that is no text', ask({ model: 5 }), 'model'],
    ['has a model of more than 256 bytes', ask({ model: 'é'.repeat(129) }), 'model'],
    ['streams in words', ask({ stream: 'yes' }), 'stream'],
    ['stores in numbers', ask({ store: 1 }), 'store'],
    ['caches under an object', ask({ prompt_cache_key: {} }), 'prompt_cache_key'],
    ['has no messages', { model }, 'messages'],
    ['has null for messages', { model, messages: null }, 'messages'],
    ['has text for messages', { model, messages: 'hi' }, 'messages'],
    ['has one object for messages', { model, messages: hi }, 'messages'],
    ['has an object for tools', ask({ tools: {} }), 'tools'],
    ['has text for functions', ask({ functions: 'lookup' }), 'functions'],
    ['has text for options', ask({ stream_options: 'usage' }), 'stream_options'],
    ['has a list of options', ask({ stream_options: [] }), 'stream_options'],
    ['asks for usage in words', ask({ stream_options: { include_usage: 'yes' } }), 'stream_options.include_usage'],
  ])('%s, and is told which member is wrong', (_title, said, param) => {
    const read = readOf(said)
    expect(read).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param } })
    expect(read.kind === 'refused' && read.refusal.message).toContain(`\`${param}\` must be`)
  })

  test.each<[title: string, said: object, param: string]>([
    ['has no model', { input: 'hi' }, 'model'],
    ['has nothing to embed', { model }, 'input'],
    ['has null to embed', { model, input: null }, 'input'],
  ])('for embeddings %s', (_title, said, param) => {
    expect(readOf(said, {}, 'embeddings')).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param } })
  })

  test('may have a model of 256 bytes', () => expect(turnOf(ask({ model: 'é'.repeat(128) })).model).toHaveLength(128))
  test('for embeddings needs no messages, and embeds whatever it likes', () => {
    for (const input of ['hi', '', ['a', 'b'], [1, 2], [[1], [2]]]) expect(readOf(embed({ input }), {}, 'embeddings').kind).toBe('turn')
  })

  // A8
  test.each('model stream stream_options service_tier store prompt_cache_key messages tools functions reasoning_effort input prompt'.split(' '))(
    'says %s twice',
    (member) => {
      expect(Body.parse(Buffer.from(`{"${member}":null,"${member}":null}`), chat.governed)).toEqual({ kind: 'duplicate', member })
    },
  )

  test('says twice whether it wants to hear of its usage', () => {
    const said = `{"model":"m","messages":[],"stream_options":{"include_usage":true,"include\\u005fusage":false}}`
    expect(readOf(said)).toMatchObject({ kind: 'refused', refusal: { code: 'duplicate_member', param: 'stream_options.include_usage' } })
  })
})

describe('what makes two questions share a prompt cache', () => {
  const affinity = (more: object, headers: Headers = {}) => turnOf(ask(more), headers).affinity
  const system = { role: 'system', content: 'Be kind.' }

  test('is the client’s own key before all', () => expect(affinity({ prompt_cache_key: 'k' }, { 'session-id': 's' })).toBe('k'))

  test.each(['session-id', 'session_id', 'thread-id', 'conversation_id', 'x-session-affinity', 'x-session-id'])('is else the header %s', (name) => {
    expect(affinity({}, { [name]: 's1' })).toBe('s1')
    expect(affinity({ prompt_cache_key: '' }, { [name]: 's1' })).toBe('s1')
  })

  test('is not who asks, for one user has many dialogues', () => expect(affinity({ user: 'ada' })).toBe(affinity({ user: 'bob' })))

  test('is else how the messages begin, up to the user’s first', () => {
    const begun = [system, hi]
    const grown = [...begun, { role: 'assistant', content: 'hello' }, { role: 'user', content: 'and?' }]
    expect(affinity({ messages: begun })).toBe(affinity({ messages: grown }))
    expect(affinity({ messages: begun })).not.toBe(affinity({ messages: [system, { role: 'user', content: 'ho' }] }))
    expect(affinity({ messages: begun })).not.toBe(affinity({ messages: [{ role: 'system', content: 'Be rude.' }, hi] }))
    expect(affinity({ messages: begun })).not.toBe(affinity({ messages: [hi] }))
  })

  test('is of each message its first 1024 bytes', () => {
    const long = 'x'.repeat(2000)
    const asked = (content: string) => affinity({ messages: [{ role: 'system', content: `${long}${content}` }, hi] })
    expect(asked('one')).toBe(asked('two'))
  })

  test('is found where no message is the user’s', () => {
    const developer = (nth: number) => ({ role: 'developer', content: `rule ${nth}` })
    const rules = Array.from({ length: 20 }, (_, nth) => developer(nth))
    expect(affinity({ messages: rules })).toBe(affinity({ messages: rules.slice(0, 8) }))
    expect(affinity({ messages: rules })).not.toBe(affinity({ messages: rules.slice(0, 7) }))
    expect(affinity({ messages: [7, null, 'x'] })).toEqual(expect.any(String))
  })

  test('shows nothing of what the question says', () => expect(affinity({ messages: [{ role: 'user', content: 'secret' }] })).toMatch(/^[\w-]{27}$/))
  test('is nothing where the question says nothing', () => expect(affinity({ messages: [] })).toBeNull())
})

test('Codex is known here too', () => expect(turnOf(ask(), { originator: 'codex_exec' }).isCodex).toBe(true))
