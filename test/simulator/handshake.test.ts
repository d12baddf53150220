import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { dial, refusal, Talk } from './socket-client.ts'
import { create, typesOf } from './stand.ts'
import { hello, say, type Fields } from './support.ts'

const running: Simulator[] = []
const start = async (options: SimulatorOptions = {}) => {
  const simulator = await startSimulator(options)
  running.push(simulator)
  return simulator
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()))
})

const errorOf = (text: string) => (JSON.parse(text) as Fields)['error'] as Fields

describe('a handshake', () => {
  it('is accepted with and without /v1, with the headers of the key', async () => {
    const simulator = await start({ behaviour: { headers: { 'x-codex-turn-state': 'sticky', 'x-ratelimit-remaining-requests': '9' } } })
    const talk = await Talk.open(simulator)
    expect(talk.headers).toMatchObject({
      'x-codex-turn-state': 'sticky',
      'x-ratelimit-remaining-requests': '9',
      'x-request-id': expect.stringMatching(/^req_/) as unknown,
    })
    expect(talk.headers).not.toHaveProperty('sec-websocket-extensions')
    await Talk.open(simulator, { path: '/../responses' })
    expect(simulator.connections('key-a')).toBe(2)
  })

  it('is logged apart from the turns, with its headers', async () => {
    const simulator = await start()
    await (await Talk.open(simulator, { headers: { 'x-other': '1' } })).ask(create())
    expect(simulator.received()).toMatchObject([
      { kind: 'handshake', transport: 'websocket', connection: 1, lane: null, method: 'GET', path: '/v1/responses', key: 'key-a', status: 101, bodyBytes: 0 },
      { kind: 'frame', transport: 'websocket', connection: 1, lane: '', key: 'key-a', status: 200 },
    ])
    expect(simulator.received().map((entry) => [entry.headers['authorization'], entry.headers['x-other']])).toEqual([
      ['***', '1'],
      ['***', '1'],
    ])
  })

  it('without a key, or with one that is not known, is refused with 401 as over HTTP', async () => {
    const simulator = await start({ unknownKeys: 'refuse', keys: { 'key-a': {} } })
    const absent = await refusal(simulator, { key: null })
    expect([absent.status, absent.headers.connection]).toEqual([401, 'close'])
    const unknown = await refusal(simulator, { key: 'key-x' })
    expect([unknown.status, errorOf(unknown.text)['code']]).toEqual([401, 'invalid_api_key'])
    expect(simulator.received()).toMatchObject([
      { kind: 'handshake', connection: null, key: null, status: 401 },
      { kind: 'handshake', connection: null, key: 'key-x', status: 401 },
    ])
  })

  it('is refused with 426 by an upstream that speaks HTTP only, which it does', async () => {
    const simulator = await start({ behaviour: { websocket: 'refuse' } })
    expect((await refusal(simulator)).status).toBe(426)
    expect((await say(`${simulator.url}/responses`, { body: hello })).status).toBe(200)
  })

  it('is none at another address, or for another protocol: these are answered as over HTTP', async () => {
    const simulator = await start()
    expect((await refusal(simulator, { path: '/nothing' })).status).toBe(404)
    const upgraded = await say(`${simulator.url}/responses`, { body: hello, headers: { connection: 'upgrade', upgrade: 'h2c' } })
    expect(upgraded.status).toBe(200)
    expect((await say(`${simulator.url}/responses`, { method: 'GET' })).status).toBe(426)
  })
})

describe('a fault at the handshake', () => {
  it.each([401, 403, 404, 426, 503])('answers %i with any headers and body', async (status) => {
    const simulator = await start({
      behaviour: { faults: [{ fault: 'status', at: 'handshake', status, body: { error: { message: 'no' } }, headers: { 'retry-after': '7' } }] },
    })
    const answer = await refusal(simulator)
    expect([answer.status, answer.headers['retry-after'], errorOf(answer.text)]).toEqual([status, '7', { message: 'no' }])
    expect(simulator.received()).toMatchObject([{ kind: 'handshake', status, faults: ['status'] }])
  })

  it('quota answers 429 with its reset', async () => {
    const answer = await refusal(await start({ behaviour: { faults: [{ fault: 'quota', at: 'handshake', resetsInSeconds: 9 }] } }))
    expect([answer.status, errorOf(answer.text)]).toMatchObject([429, { type: 'usage_limit_reached', resets_in_seconds: 9 }])
  })

  it('strikes handshakes and neither turns nor requests over HTTP, and the other way about', async () => {
    const simulator = await start({ behaviour: { faults: [{ fault: 'server', at: 'handshake', after: 1 }, { fault: 'overload' }] } })
    const talk = await Talk.open(simulator)
    expect((await talk.ask(create()))[0]).toMatchObject({ type: 'error', status: 503 })
    expect((await say(`${simulator.url}/responses`, { body: hello })).status).toBe(503)
    expect((await refusal(simulator)).status).toBe(500)
  })

  it('slow lets it wait', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { faults: [{ fault: 'slow', at: 'handshake', ms: 5_000 }], connectionMs: 60_000 } })
    const opening = Talk.open(simulator)
    while (clock.pending === 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    expect(simulator.connections('key-a')).toBe(0)
    await clock.advance(5_000)
    expect(typesOf(await (await opening).ask(create())).at(-1)).toBe('response.completed')
  })

  it('slow leaves no timer behind when the client goes', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { faults: [{ fault: 'slow', at: 'handshake', ms: 5_000 }] } })
    const socket = dial(simulator)
    socket.on('error', () => undefined)
    while (clock.pending === 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    socket.terminate()
    while (clock.pending > 0) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    expect(simulator.connections('key-a')).toBe(0)
  })

  it('headers go with the 101', async () => {
    const talk = await Talk.open(await start({ behaviour: { faults: [{ fault: 'headers', at: 'handshake' }] } }))
    expect(talk.headers).toMatchObject({ 'x-codex-primary-used-percent': '42.5', 'set-cookie': [expect.any(String), expect.any(String)] as unknown })
  })

  it.each(['reset', 'cut', 'close'])('%s breaks it without an answer', async (fault) => {
    const socket = dial(await start({ behaviour: { faults: [{ fault, at: 'handshake' }] } }))
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code === 'ECONNRESET' || error.message.includes('hang up')).toBe(true)
  })

  it('hang answers nothing, until the client gives up', async () => {
    const simulator = await start({ behaviour: { faults: [{ fault: 'hang', at: 'handshake' }] } })
    const socket = connect(simulator.port, '127.0.0.1')
    socket.write('GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key-a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n')
    socket.write('sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    while (simulator.received().length === 0) await say(`${simulator.url}/models`, { method: 'GET', key: null })
    expect(simulator.received()[0]).toMatchObject({ kind: 'handshake', status: null, faults: ['hang'] })
    socket.end()
    socket.resume()
    await once(socket, 'close')
    expect(socket.bytesRead).toBe(0)
  })
})
