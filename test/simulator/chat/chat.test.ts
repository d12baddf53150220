import { describe, expect, it } from 'vitest'
import { put } from '../dialects.ts'
import { makeOf, sentIn } from '../made.ts'
import { jsonOf, remembering, within, type Fields } from '../support.ts'

const hello = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello there' }] }
const lookup = { type: 'function', function: { name: 'lookup', parameters: {} } }
const note = { type: 'custom', custom: { name: 'note' } }
const user = (content: unknown) => ({ role: 'user', content })
const ask = (body: object) => put(remembering(), 'chat', body)
const chunksOf = (body: object, behaviour = {}) => sentIn(put(remembering({ behaviour: { deltas: 2, ...behaviour } }), 'chat', { ...body, stream: true }))
const choiceOf = (chunk: Fields | null) => within(chunk, 'choices', 0) as Fields | undefined

describe('a stream of Chat Completions', () => {
  it('is the role, the text, the end and the mark of the end', () => {
    const all = chunksOf(hello)
    expect(all.map(({ event }) => event)).toEqual(all.map(() => null))
    expect(all.slice(0, -1).map(({ data }) => choiceOf(data))).toMatchObject([
      { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
      { delta: { content: 'Hello from key-a. Yo' }, finish_reason: null },
      { delta: { content: 'u asked: hello there' }, finish_reason: null },
      { delta: {}, finish_reason: 'stop' },
    ])
    expect(all.at(-1)?.text).toBe('[DONE]')
    expect(new Set(all.slice(0, -1).map(({ data }) => `${String(data?.['id'])} ${String(data?.['created'])} ${String(data?.['object'])}`)).size).toBe(1)
  })

  it('tells its usage where it is asked to, and nowhere else', () => {
    expect(chunksOf(hello).some(({ data }) => data !== null && 'usage' in data)).toBe(false)
    const told = chunksOf({ ...hello, stream_options: { include_usage: true } }).slice(0, -1)
    expect(told.slice(0, -1).map(({ data }) => data?.['usage'])).toEqual([null, null, null, null])
    expect(told.at(-1)?.data).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 10,
        total_tokens: 13,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    })
  })

  it('is a call in pieces: its name first, then its arguments', () => {
    const all = chunksOf({ ...hello, messages: [user('call:lookup({"q":1}) call:note')], tools: [lookup, note] })
    const calls = all.slice(1, -2).map(({ data }) => within(data, 'choices', 0, 'delta', 'tool_calls', 0))
    expect(calls.slice(0, 4)).toMatchObject([
      { index: 0, id: expect.stringMatching(/^call_/) as unknown, type: 'function', function: { name: 'lookup', arguments: '' } },
      { index: 0, function: { arguments: '{"q"' } },
      { index: 0, function: { arguments: ':1}' } },
      { index: 1, type: 'custom', custom: { name: 'note', input: '' } },
    ])
    const says = calls.slice(4).map((call) => within(call, 'custom', 'input'))
    expect([says.length, says.join('')]).toEqual([2, 'asked: call:lookup({"q":1}) call:note'])
  })

  it('pads its deltas unless the request says not to', () => {
    const padded = (body: object) => chunksOf(body).filter(({ data }) => data !== null && 'obfuscation' in data).length
    expect([padded(hello), padded({ ...hello, stream_options: { include_obfuscation: false } })]).toEqual([2, 0])
  })

  it('names the tier that was asked for until the one that was served is known', () => {
    const tiers = chunksOf({ ...hello, service_tier: 'priority' }, { tier: 'flex' }).map(({ data }) => data?.['service_tier'])
    expect(tiers).toEqual(['priority', 'priority', 'priority', 'flex', undefined])
    expect(jsonOf(put(remembering({ behaviour: { tier: 'echo' } }), 'chat', { ...hello, model: 'gpt-6-sol', service_tier: 'priority' }))['service_tier']).toBe(
      'fast',
    )
  })
})

describe('a whole answer of Chat Completions', () => {
  it('is one object', () => {
    expect(jsonOf(ask(hello))).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-5.5',
      service_tier: 'default',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello from key-a. You asked: hello there', refusal: null } }],
      usage: { prompt_tokens: 3, completion_tokens: 10, total_tokens: 13 },
    })
  })

  it('counts what the model thinks, and does not tell it', () => {
    expect(makeOf('chat', ask({ ...hello, reasoning_effort: 'low' })).usage).toMatchObject({ output: 26, reasoned: 16 })
    expect(makeOf('chat', ask({ ...hello, reasoning_effort: 'none' })).usage).toMatchObject({ output: 10, reasoned: 0 })
  })

  it('has no text where it calls, and a call of a custom tool in its own form', () => {
    const answer = jsonOf(ask({ ...hello, messages: [user('call:note')], tools: [note], tool_choice: { type: 'custom', custom: { name: 'note' } } }))
    expect(answer).toMatchObject({
      choices: [
        { finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ type: 'custom', custom: { name: 'note', input: 'asked: call:note' } }] } },
      ],
    })
  })

  it('goes by the newer of the limits', () => {
    expect(makeOf('chat', ask({ ...hello, model: 'other', max_tokens: 1 })).text).toBe('Hell')
    expect(makeOf('chat', ask({ ...hello, max_completion_tokens: 1 }))).toMatchObject({ text: 'Hell', ending: 'limit' })
  })
})
