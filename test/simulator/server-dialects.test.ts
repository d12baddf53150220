import { afterEach, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'
import { bodyIn, names, type Name } from './dialects.ts'
import { say, type Fields } from './support.ts'

const running: Simulator[] = []
const start = async (options: SimulatorOptions = {}) => {
  const simulator = await startSimulator(options)
  running.push(simulator)
  return simulator
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()))
})

const paths: Readonly<Record<Name, string>> = { responses: '/responses', chat: '/chat/completions', messages: '/messages?beta=true' }
const headers = { 'x-api-key': 'key-a', 'anthropic-version': '2023-06-01' }
const ask = (simulator: Simulator, name: Name, body: unknown = bodyIn(name, { stream: true })) => say(simulator.url + paths[name], { key: null, headers, body })
const lastOf: Readonly<Record<Name, RegExp>> = { responses: /response\.completed/, chat: /^data: \[DONE\]$/, messages: /message_stop/ }
const lastIn = (text: string) => text.trimEnd().split('\n\n').at(-1) ?? ''

describe('the simulator on its port', () => {
  it.each(names)('speaks %s', async (name) => {
    const answer = await ask(await start(), name)
    expect([answer.status, answer.headers['content-type'], answer.end]).toEqual([200, 'text/event-stream; charset=utf-8', 'whole'])
    expect(lastIn(answer.text)).toMatch(lastOf[name])
  })

  it.each(names)('notes what it received in %s, the credential masked', async (name) => {
    const simulator = await start({ keys: { 'key-a': { faults: [{ fault: 'quota' }] } } })
    await ask(simulator, name)
    const [entry] = simulator.received()
    expect(entry).toMatchObject({
      method: 'POST',
      path: `/v1${paths[name]}`,
      dialect: name,
      key: 'key-a',
      status: 429,
      faults: ['quota'],
      fields: bodyIn(name, { stream: true }),
    })
    expect(entry?.headers).toMatchObject({ 'x-api-key': '***', 'anthropic-version': '2023-06-01' })
    const control = await say(simulator.url.replace('/v1', '/_control'), { key: null, method: 'GET' })
    expect((JSON.parse(control.text) as Fields)['received']).toMatchObject([{ dialect: name, path: `/v1${paths[name]}`, status: 429 }])
  })

  it('notes one dialogue of a question in every dialect', async () => {
    const simulator = await start()
    for (const name of names) await ask(simulator, name)
    for (const { dialogue } of simulator.received()) expect(dialogue).toMatchObject([{ role: 'user', content: 'hello there' }])
    expect(simulator.received()).toHaveLength(3)
  })

  it.each(names)('obeys the control endpoint in %s', async (name) => {
    const simulator = await start()
    const set = await say(simulator.url.replace('/v1', '/_control'), {
      key: null,
      body: { key: 'key-a', count: 'words', faults: [{ fault: 'cut', before: 'output' }] },
    })
    expect([set.status, set.text]).toEqual([200, '{}'])
    expect((await ask(simulator, name)).end).toBe('broken')
  })

  it('refuses a body over its bound in the words of its dialect', async () => {
    const simulator = await start({ bodyBytesMax: 100 })
    const answer = await ask(simulator, 'messages', 'x'.repeat(101))
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([413, { type: 'error', error: { type: 'request_too_large' } }])
    expect((await ask(simulator, 'chat', 'x'.repeat(101))).text).toContain('"code":"request_too_large"')
    expect((await ask(simulator, 'chat', 'x'.repeat(100))).status).toBe(400)
  })

  it('takes the tokens of a sign-in in every dialect, until they end', async () => {
    const simulator = await start()
    const { accessToken } = simulator.tokens.grant('key-1', {}, 0)
    const bearing = (name: Name) =>
      say(simulator.url + paths[name], { key: accessToken, headers: { 'anthropic-version': '2023-06-01' }, body: bodyIn(name, {}) })
    for (const name of names) expect((await bearing(name)).text).toContain('Hello from key-1.')
    simulator.tokens.expire('key-1')
    for (const name of names) expect((await bearing(name)).status).toBe(401)
  })
})

describe('the fast answers', () => {
  const idIn = (text: string) => /"id":"((?:resp_|chatcmpl-|msg_)\w+)"/.exec(text)?.[1]

  it.each(names)('are whole streams in %s, each with an id of its own', async (name) => {
    const simulator = await start({ behaviour: { fast: 'stream', deltas: 100, deltaBytes: 100 } })
    const answers = await Promise.all([1, 2].map(() => ask(simulator, name, 'not even JSON')))
    for (const { text } of answers) {
      expect(lastIn(text)).toMatch(lastOf[name])
      expect(text.length).toBeGreaterThan(10_000)
    }
    expect(new Set(answers.map(({ text }) => idIn(text))).size).toBe(2)
    expect(simulator.received()).toEqual([])
  })

  it.each(names)('may be one JSON object in %s', async (name) => {
    const simulator = await start({ behaviour: { fast: 'json', answerBytes: 1_000_000 } })
    const answer = await ask(simulator, name)
    expect(answer.text.length).toBeGreaterThan(1_000_000)
    expect((JSON.parse(answer.text) as Fields)['id']).toBe(idIn(answer.text))
  })

  it('tell their usage on Chat Completions, where nobody looked whether it was asked for', async () => {
    const simulator = await start({ behaviour: { fast: 'stream' } })
    expect((await ask(simulator, 'chat')).text).toContain('"total_tokens"')
  })
})
