import { once } from 'node:events'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { eventsIn, hello, helloStream, say, typesIn, type Fields } from './support.ts'

const running: Simulator[] = []
const start = async (options: SimulatorOptions = {}) => {
  const simulator = await startSimulator(options)
  running.push(simulator)
  return simulator
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()))
})

const responses = (simulator: Simulator) => `${simulator.url}/responses`
const control = (simulator: Simulator) => simulator.url.replace('/v1', '/_control')

describe('the simulator on its port', () => {
  it('answers with and without /v1, streamed and whole', async () => {
    const simulator = await start({ keys: { 'key-a': { label: 'main' } } })
    const streamed = await say(responses(simulator), { body: helloStream })
    expect([streamed.status, streamed.headers['content-type'], streamed.end]).toEqual([200, 'text/event-stream; charset=utf-8', 'whole'])
    expect(typesIn(streamed.text).at(-1)).toBe('response.completed')
    const whole = await say(responses(simulator).replace('/v1', ''), { body: hello })
    expect([whole.status, whole.headers['content-length']]).toEqual([200, String(whole.body.length)])
    expect(whole.headers['x-request-id']).toMatch(/^req_/)
    expect(whole.text).toContain('Hello from main.')
  })

  it('refuses a request without a key', async () => {
    expect((await say(responses(await start()), { key: null, body: hello })).status).toBe(401)
  })

  it('notes what it received, the credential masked', async () => {
    const simulator = await start()
    simulator.set('key-a', { faults: [{ fault: 'quota' }] })
    await say(responses(simulator), { body: hello, headers: { 'x-other': '1' } })
    const [entry] = simulator.received()
    expect(entry).toMatchObject({ method: 'POST', path: '/v1/responses', key: 'key-a', status: 429, faults: ['quota'], fields: hello, bodyHash: null })
    expect(entry?.headers).toMatchObject({ authorization: '***', 'x-other': '1' })
    expect(JSON.stringify(entry?.headers)).not.toContain('key-a')
  })

  it('keeps so many requests and so much of each body, and the hash of the rest', async () => {
    const simulator = await start({ receivedMax: 2, bodyKeptBytesMax: 10 })
    for (const input of ['one', 'two', 'three']) await say(responses(simulator), { body: { ...hello, input } })
    const received = simulator.received()
    expect(received).toHaveLength(2)
    expect(received.map((entry) => entry.body)).toEqual(['{"model":"', '{"model":"'])
    expect(received.map((entry) => [entry.bodyBytes, entry.fields])).toEqual([
      [33, null],
      [35, null],
    ])
    expect(new Set(received.map((entry) => entry.bodyHash)).size).toBe(2)
    expect(received[0]?.bodyHash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('refuses a body over its bound with 413', async () => {
    const simulator = await start({ bodyBytesMax: 100 })
    const sized = (bytes: number) => say(responses(simulator), { body: JSON.stringify(hello).padEnd(bytes) })
    expect((await sized(100)).status).toBe(200)
    const large = await sized(101)
    expect([large.status, large.headers.connection]).toEqual([413, 'close'])
    expect(simulator.received()).toHaveLength(1)
  })

  it('counts the requests of a key that are in flight', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { faults: [{ fault: 'slow', ms: 1000 }] } })
    const heads: (() => void)[] = []
    const arrived = [1, 2].map(() => new Promise<void>((resolve) => heads.push(resolve)))
    const answers = heads.map((onHead) => say(responses(simulator), { body: helloStream, onHead }))
    await Promise.all(arrived)
    expect(simulator.inFlight('key-a')).toBe(2)
    await clock.advance(1000)
    await Promise.all(answers)
    expect([simulator.inFlight('key-a'), simulator.inFlightMax('key-a'), simulator.inFlightMax('key-b')]).toEqual([0, 2, 0])
  })

  it('goes back to its start when it is reset', async () => {
    const simulator = await start({ keys: { 'key-a': {} } })
    simulator.set('key-a', { faults: [{ fault: 'server' }] })
    simulator.set(null, { faults: [{ fault: 'overload' }] })
    expect((await say(responses(simulator), { body: hello })).status).toBe(500)
    expect((await say(responses(simulator), { body: hello, key: 'key-x' })).status).toBe(503)
    simulator.reset()
    expect(simulator.received()).toEqual([])
    expect((await say(responses(simulator), { body: hello })).status).toBe(200)
    expect((await say(responses(simulator), { body: hello, key: 'key-x' })).status).toBe(200)
  })

  it('cuts what is running when it is closed', async () => {
    const simulator = await startSimulator({ behaviour: { faults: [{ fault: 'silent' }] } })
    let heard = () => {}
    const head = new Promise<void>((resolve) => (heard = resolve))
    const answer = say(responses(simulator), { body: helloStream, onHead: heard })
    await head
    await simulator.close()
    expect((await answer).end).toBe('broken')
  })
})

describe('a fault on the wire', () => {
  const under = async (fault: string, more: object = {}, body: unknown = helloStream) =>
    say(responses(await start({ behaviour: { faults: [{ fault, ...more }] } })), { body })

  it('cut gives the events before it, and then a broken connection', async () => {
    const answer = await under('cut')
    expect([answer.end, typesIn(answer.text).length]).toEqual(['broken', 5])
  })

  it('cut may come behind the head and before any event', async () => {
    const answer = await under('cut', { events: 0 })
    expect([answer.status, answer.end, answer.text]).toEqual([200, 'broken', ''])
  })

  it('cut breaks an answer that is not streamed in its middle', async () => {
    const answer = await under('cut', {}, hello)
    expect([answer.end, answer.body.length < Number(answer.headers['content-length'])]).toEqual(['broken', true])
  })

  it('end-early is a clean end without a terminal event', async () => {
    const answer = await under('end-early')
    expect([answer.end, typesIn(answer.text).at(-1)]).toEqual(['whole', 'response.output_text.delta'])
  })

  it('reset breaks the connection before the head', async () => {
    await expect(under('reset')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('giant passes whole', async () => {
    const answer = await under('giant', { megabytes: 4 })
    expect(answer.body.length).toBeGreaterThan(4 * 1024 * 1024)
    expect(typesIn(answer.text).at(-1)).toBe('response.completed')
  })

  it('gzip decodes to the stream', async () => {
    const answer = await under('gzip')
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(typesIn(gunzipSync(answer.body).toString()).at(-1)).toBe('response.completed')
  })

  it('headers may come in any number, cookies too', async () => {
    const answer = await under('headers')
    expect(answer.headers['set-cookie']).toHaveLength(2)
    expect(answer.headers['x-codex-primary-window-minutes']).toBe('300')
  })

  it('hang sends nothing until the client goes, and is then over', async () => {
    const simulator = await start({ behaviour: { faults: [{ fault: 'hang' }] } })
    const socket = connect(simulator.port, '127.0.0.1')
    const body = JSON.stringify(helloStream)
    socket.write(`POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key-a\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    // An answer to a second request shows that the first was read by then.
    await once(socket, 'connect')
    await say(`${simulator.url}/models`, { method: 'GET' })
    while (simulator.inFlight('key-a') === 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    expect([socket.bytesRead, simulator.inFlight('key-a')]).toEqual([0, 1])
    socket.destroy()
    while (simulator.inFlight('key-a') > 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
  })

  it('slow answers when its time has come', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { faults: [{ fault: 'slow', ms: 5000 }] } })
    let heard = () => {}
    const head = new Promise<void>((resolve) => (heard = resolve))
    const answer = say(responses(simulator), { body: helloStream, onHead: heard })
    await head
    await clock.advance(4999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(typesIn((await answer).text).at(-1)).toBe('response.completed')
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer behind when the client goes', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { paceMs: 100, deltas: 50 } })
    const abort = new AbortController()
    const answer = say(responses(simulator), { body: helloStream, signal: abort.signal, onHead: () => abort.abort() })
    await expect(answer).rejects.toThrow('aborted')
    while (simulator.inFlight('key-a') > 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    expect(clock.pending).toBe(0)
  })
})

describe('the fast answers', () => {
  const fast = { fast: 'stream', deltas: 100, deltaBytes: 100 } as const

  it('are whole streams, each with an id of its own', async () => {
    const simulator = await start({ behaviour: fast })
    const answers = await Promise.all([1, 2].map(() => say(responses(simulator), { body: 'not even JSON' })))
    const ids = answers.map(({ text }) => {
      const events = eventsIn(text)
      expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, at) => at))
      expect(events).toHaveLength(108)
      const named = events.flatMap((event) => ('response' in event ? [(event['response'] as Fields)['id']] : []))
      expect(named).toHaveLength(3)
      expect(new Set(named).size).toBe(1)
      return named[0]
    })
    expect(new Set(ids).size).toBe(2)
  })

  it('may be one JSON object', async () => {
    const simulator = await start({ behaviour: { fast: 'json', answerBytes: 10_000 } })
    const answer = await say(responses(simulator), { body: hello })
    expect(JSON.parse(answer.text)).toMatchObject({ object: 'response', status: 'completed' })
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
  })

  it('keep their pace', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { fast: 'stream', deltas: 3, paceMs: 10 } })
    let heard = () => {}
    const head = new Promise<void>((resolve) => (heard = resolve))
    const answer = say(responses(simulator), { body: hello, onHead: heard })
    await head
    await clock.advance(30)
    expect((await answer).end).toBe('whole')
  })
})

describe('the control endpoint', () => {
  it('sets behaviours, tells what was received, and resets', async () => {
    const simulator = await start()
    const set = await say(control(simulator), { key: null, body: { key: 'key-a', faults: [{ fault: 'quota', resets_in_seconds: 9 }] } })
    expect([set.status, set.text]).toEqual([200, '{}'])
    expect((await say(responses(simulator), { body: hello })).text).toContain('"resets_in_seconds":9')
    const state = JSON.parse((await say(control(simulator), { key: null, method: 'GET' })).text) as Fields
    expect(state).toMatchObject({ keys: [{ key: 'key-a', in_flight: 0, in_flight_max: 1 }], received: [{ key: 'key-a', status: 429, faults: ['quota'] }] })
    await say(control(simulator), { key: null, body: { reset: true } })
    expect((await say(responses(simulator), { body: hello })).status).toBe(200)
  })

  it('says what is wrong', async () => {
    const simulator = await start()
    const wrong = await say(control(simulator), { key: null, body: { faults: ['earthquake'] } })
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('no fault is called')])
    expect((await say(control(simulator), { key: null, body: '{' })).status).toBe(400)
    expect((await say(control(simulator), { key: null, method: 'PUT' })).status).toBe(405)
  })

  it('does not listen to a page in a browser', async () => {
    const simulator = await start()
    expect((await say(control(simulator), { key: null, body: {}, headers: { origin: 'http://evil.example' } })).status).toBe(403)
  })
})
