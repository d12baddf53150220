import { describe, expect, test } from 'vitest'
import type { Json } from '../support/client.ts'
import { Case, Pattern, sceneOf } from '../support/dialect-case.ts'
import { ways, type Way } from '../support/dialect-clients.ts'
import { gatewayOfThisFile } from '../support/gateway.ts'

/**
 * One suite for every dialect in which a client may ask, and every dialect in which its answer may have been got. What the client hears is the same for
 * all of them once it is brought to common words, and is written down where a case was first run.
 */
const stage = gatewayOfThisFile()

interface Spec {
  readonly title: string
  readonly play: (one: Case) => Promise<void>
  readonly scene?: Json
  /** Left out: all of them. */
  readonly among?: (way: Way) => boolean
}

const png = 'data:image/png;base64,iVBORw0KGgo='
const lookup = { tools: ['lookup'] }
const both = ['whole', 'streamed'] as const
const inForm = (form: (typeof both)[number]) => ({ stream: form === 'streamed' })
const usage = { input: 1200, cached: 1000, written: 64, output: 88, reasoning: 20 }

const cases: readonly Spec[] = [
  {
    title: 'a whole answer',
    async play(one) {
      const heard = await one.say('hello')
      expect(heard).toMatchObject({ text: 'Hello from it. You asked: hello', finish: 'stop', usage, models: ['gpt-5.5'] })
    },
  },
  {
    title: 'a stream in many deltas, each as it came',
    async play(one) {
      one.play('a', { deltas: 40, text: 'Ein Wörtchen "in" \\ vielen\n\nTeilen 🚂 — und mehr, und mehr, und mehr, bis zum Ende.' })
      const heard = await one.say('hello', { stream: true })
      expect(heard.pieces.length).toBeGreaterThan(20)
      expect(heard).toMatchObject({ finish: 'stop', usage })
    },
  },
  {
    title: 'a stream whose deltas come one by one',
    async play(one) {
      one.play('a', { deltas: 8, paceMs: 2 })
      expect((await one.say('hello', { stream: true })).pieces).toHaveLength(8)
    },
  },
  {
    title: 'an answer without a word',
    async play(one) {
      one.play('a', { text: '' })
      for (const form of both) {
        expect(await one.say('hello', inForm(form))).toMatchObject({ text: '', finish: 'stop', usage })
        // A message without blocks cannot be said again natively.
        one.dialogue = []
      }
    },
  },
  ...both.map((form): Spec => ({
    title: `a tool call ${form}, then its result and the answer to it, and one more turn`,
    async play(one) {
      const asked = await one.say('call:lookup({"q":1,"deep":{"π":[true,null]}})', { ...lookup, ...inForm(form), system: 'be brief' })
      expect(asked).toMatchObject({ finish: 'tool', text: '', usage, calls: [{ name: 'lookup', kind: 'function', says: { q: 1, deep: { π: [true, null] } } }] })
      const told = await one.give(['forty-two'], { ...lookup, ...inForm(form), system: 'be brief' })
      expect(told).toMatchObject({ text: 'Hello from it. The tool said: forty-two', finish: 'stop' })
      await one.say('and then?', { ...lookup, ...inForm(form), system: 'be brief' })
      expect(one.modelHad).toEqual([
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'call:lookup({"q":1,"deep":{"π":[true,null]}})' },
        { type: 'call', name: 'lookup', says: '{"q":1,"deep":{"π":[true,null]}}' },
        { type: 'output', output: 'forty-two' },
        { role: 'assistant', content: 'Hello from it. The tool said: forty-two' },
        { role: 'user', content: 'and then?' },
      ])
    },
  })),
  ...both.map((form): Spec => ({
    title: `two calls at once, ${form}, and both results`,
    async play(one) {
      const tools = { tools: ['lookup', 'weigh'], ...inForm(form) }
      const asked = await one.say('call:lookup({"q":1}) and call:weigh({"kg":2})', tools)
      expect(asked.calls.map(({ name, says }) => [name, says])).toEqual([
        ['lookup', { q: 1 }],
        ['weigh', { kg: 2 }],
      ])
      expect(new Set(asked.calls.map(({ id }) => id)).size).toBe(2)
      await one.give(['one', 'two'], tools)
      expect(one.modelHad.slice(1, 5)).toEqual([
        { type: 'call', name: 'lookup', says: '{"q":1}' },
        { type: 'call', name: 'weigh', says: '{"kg":2}' },
        { type: 'output', output: 'one' },
        { type: 'output', output: 'two' },
      ])
    },
  })),
  {
    title: 'a tool that must be called, one of them, and none',
    async play(one) {
      const tools = { tools: ['lookup', 'weigh'] }
      expect((await one.say('please', { ...tools, choice: 'required' })).calls).toHaveLength(1)
      one.dialogue = []
      expect((await one.say('please', { ...tools, choice: { name: 'weigh' } })).calls).toMatchObject([{ name: 'weigh' }])
      one.dialogue = []
      expect((await one.say('call:lookup', { ...tools, choice: 'none' })).calls).toEqual([])
    },
  },
  ...both.map((form): Spec => ({
    title: `a tool whose input is text, ${form}, and its result`,
    async play(one) {
      const tools = { customTools: ['apply'], ...inForm(form) }
      const asked = await one.say('call:apply({"input":"a patch"})', tools)
      expect(asked.calls).toMatchObject([{ name: 'apply', kind: 'custom' }])
      expect(await one.give(['done'], tools)).toMatchObject({ text: 'Hello from it. The tool said: done' })
    },
    among: ({ client, upstream }) => client !== 'messages' && upstream !== 'messages',
  })),
  ...both.map((form): Spec => ({
    title: `a tool whose input is text, ${form}, of an upstream that knows none such`,
    async play(one) {
      const tools = { customTools: ['apply'], ...inForm(form) }
      const asked = await one.say('call:apply({"input":"a patch"})', tools)
      expect(asked.calls).toMatchObject([{ name: 'apply', kind: 'custom', says: 'a patch' }])
      expect(await one.give(['done'], tools)).toMatchObject({ text: 'Hello from it. The tool said: done' })
      expect(one.modelHad.slice(1, 3)).toEqual([
        { type: 'call', name: 'apply', says: '{"input":"a patch"}' },
        { type: 'output', output: 'done' },
      ])
    },
    among: ({ client, upstream }) => client !== 'messages' && upstream === 'messages',
  })),
  {
    title: 'pictures, and a system prompt',
    async play(one) {
      await one.say('what is this?', { system: 'look closely' }, [png, 'https://example.com/a.png'])
      const [system, user] = one.modelHad
      expect(system).toEqual({ role: 'system', content: 'look closely' })
      expect(String(user?.['content']).replace(/(?:input_image|image_url|image)/g, 'image')).toBe('what is this?|image|image')
      const sent = JSON.stringify(one.got('a'))
      expect(sent).toContain('iVBORw0KGgo=')
      expect(sent).toContain('https://example.com/a.png')
    },
  },
  ...both.map((form): Spec => ({
    title: `a limit that is reached, ${form}, and what follows`,
    async play(one) {
      expect(await one.say('hello', { limit: 4, ...inForm(form) })).toMatchObject({ finish: 'length', text: 'Hello from it. Y' })
      const [record] = await one.records(1)
      expect(record).toMatchObject({ outcome: 'incomplete', usage: { inputTokens: 1200, outputTokens: 88 } })
      expect(await one.say('go on', inForm(form))).toMatchObject({ finish: 'stop' })
    },
  })),
  ...both.map((form): Spec => ({
    title: `reasoning, ${form}, which goes back with the dialogue`,
    async play(one) {
      const asked = await one.say('hello', { effort: 'high', ...inForm(form) })
      if (one.way.client !== 'chat' && one.way.upstream !== 'chat') expect(asked.thought).toContain('weighs the question')
      const { reasoning, reasoning_effort: effort, output_config: output } = one.got('a')
      expect(effort ?? (reasoning as Json | undefined)?.['effort'] ?? (output as Json | undefined)?.['effort']).toBe('high')
      await one.say('and then?', { effort: 'high', ...inForm(form) })
      await one.say('and now?', inForm(form))
    },
  })),
  {
    title: 'reasoning that is not wanted',
    async play(one) {
      expect((await one.say('hello', { effort: 'none' })).thought).toBe('')
    },
  },
  {
    title: 'an answer of a given structure',
    async play(one) {
      const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
      one.play('a', { text: '{"city":"Ulm"}' })
      expect((await one.say('where?', { schema })).text).toBe('{"city":"Ulm"}')
      const { text, response_format: format, output_config: output } = one.got('a') as Record<string, Json | undefined>
      const said = (text?.['format'] ?? (format?.['json_schema'] as Json | undefined) ?? output?.['format']) as Json
      expect(said['schema']).toEqual(schema)
    },
  },
  ...both.map((form): Spec => ({
    title: `a model under another name, ${form}, which is restored in every place`,
    async play(one) {
      one.play('a', { snapshot: '-2026-11-01' })
      expect((await one.say('hello', { model: 'mine', ...inForm(form) })).models).toEqual(['mine'])
      expect(one.got('a')['model']).toBe('gpt-5.5-mini')
      one.dialogue = []
      expect((await one.say('hello', { model: 'gpt-5.5', ...inForm(form) })).models).toEqual(['gpt-5.5-2026-11-01'])
      const [record] = await one.records(2)
      expect(record).toMatchObject({ model: 'mine', attempts: [{ upstreamModel: 'gpt-5.5-mini' }] })
    },
  })),
  {
    title: 'events that nobody knows, and comments',
    async play(one) {
      one.fail('a', { fault: 'unknown-event', types: ['keepalive', 'codex.rate_limits'] })
      // Where nothing is translated they pass; they are not numbered.
      const answer = await one.send([one.client.user('hello')], { stream: true })
      const { text, finish, isOver } = one.client.hear(answer)
      one.seen.push({ text, finish, isOver })
      expect({ text, isOver, end: answer.end }).toEqual({ text: 'Hello from it. You asked: hello', isOver: true, end: 'clean' })
    },
  },
  ...both.map((form): Spec => ({
    title: `an answer that comes in crumbs, ${form}`,
    async play(one) {
      one.play('a', { text: 'Grüße aus Ülm 🚂', faults: [{ fault: 'drip', chunkBytes: 7, ms: 0 }] })
      expect((await one.say('hello', inForm(form))).text).toBe('Grüße aus Ülm 🚂')
    },
  })),
  {
    title: 'an answer of which nobody told the usage',
    async play(one) {
      for (const form of both) {
        one.fail('a', { fault: 'no-usage' })
        await one.any('hello', inForm(form), (breach) => breach.startsWith('a response without'))
      }
      const records = await one.records(2)
      expect(records.map(({ outcome, usage: told }) => [outcome, told])).toEqual([
        ['completed', null],
        ['completed', null],
      ])
      // What a client is told instead is its dialect's affair: some have no word for nothing.
      one.seen.splice(0, 2, ...one.seen.map((heard) => ({ ...heard, usage: null })))
    },
  },
]

const pattern = new Pattern()

describe.each(ways)('a client of $client before accounts that speak $upstream hears', (way) => {
  // A title in a table would be cut short.
  for (const { title, play, scene } of cases.filter(({ among }) => among === undefined || among(way))) {
    test(title, async () => {
      const on = await stage(sceneOf(way, scene))
      const one = new Case(on, way)
      await play(one)
      pattern.compare(title, one)
      const reached = on.simulator.received().filter(({ method }) => method === 'POST')
      expect(new Set(reached.map(({ dialect }) => dialect))).toEqual(new Set([way.upstream]))
    })
  }
})
