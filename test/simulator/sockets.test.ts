import { once } from 'node:events'
import { connect } from 'node:net'
import OpenAI from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { afterEach, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { Talk } from './socket-client.ts'
import { create, errorIn, responseOf, typesOf, wordsOf } from './stand.ts'
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

/** Lets the simulator's own events happen until it is so. */
const until = async (simulator: Simulator, is: () => boolean) => {
  while (!is()) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
}
const idOf = (events: readonly Fields[]) => responseOf(events.at(-1))['id']

describe('a connection', () => {
  it('serves one turn after the other, and remembers', async () => {
    const simulator = await start({ behaviour: { text: 'fine' } })
    const talk = await Talk.open(simulator)
    const first = await talk.ask(create({ input: 'one' }))
    await talk.ask(create({ input: 'two', previous_response_id: idOf(first) }))
    expect(wordsOf(simulator.received().at(-1))).toEqual(['one', 'fine', 'two'])
    expect([simulator.inFlight('key-a'), simulator.inFlightMax('key-a'), simulator.connections('key-a')]).toEqual([0, 1, 1])
  })

  it('is counted apart from others, and has a number of its own in the log', async () => {
    const simulator = await start()
    const [one, two] = [await Talk.open(simulator), await Talk.open(simulator)]
    await two.ask(create())
    await one.ask(create())
    expect(simulator.received().flatMap((entry) => (entry.kind === 'frame' ? [entry.connection] : []))).toEqual([2, 1])
    one.socket.terminate()
    await until(simulator, () => simulator.connections('key-a') === 1)
  })

  it('obeys a behaviour that is set while it is open', async () => {
    const simulator = await start()
    const talk = await Talk.open(simulator)
    simulator.set('key-a', { faults: [{ fault: 'quota', times: 1 }] })
    expect(errorIn((await talk.ask(create()))[0])).toMatchObject({ status: 429, type: 'usage_limit_reached' })
    expect(typesOf(await talk.ask(create())).at(-1)).toBe('response.completed')
  })

  it('answers pings', async () => {
    const { socket } = await Talk.open(await start())
    socket.ping('are you there')
    expect(String((await once(socket, 'pong'))[0])).toBe('are you there')
  })

  it('ends at its longest age, with an error event first', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { connectionMs: 3_000 } })
    const talk = await Talk.open(simulator)
    await clock.advance(2_999)
    await talk.ask(create())
    await clock.advance(1)
    expect(await talk.closed).toEqual({ code: 1001, reason: 'connection limit reached' })
    expect(errorIn(talk.heard.at(-1))).toMatchObject({ status: 400, type: 'invalid_request_error', code: 'websocket_connection_limit_reached' })
  })

  it('lives for an hour unless told otherwise, and leaves no timer behind', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock })
    const talk = await Talk.open(simulator)
    expect((clock.nextAtMs ?? 0) - clock.now()).toBe(60 * 60_000)
    talk.socket.close(1000)
    await until(simulator, () => simulator.connections('key-a') === 0)
    expect(clock.pending).toBe(0)
  })

  it('closes with 1009 on a frame over its bound', async () => {
    const talk = await Talk.open(await start({ bodyBytesMax: 1_000 }))
    const frame = (bytes: number) => JSON.stringify(create()).padEnd(bytes)
    expect(typesOf(await talk.ask(frame(1_000))).at(-1)).toBe('response.completed')
    talk.say(frame(1_001))
    expect((await talk.closed).code).toBe(1009)
  })

  it('closes with 1003 on a binary frame', async () => {
    const talk = await Talk.open(await start())
    talk.say(Buffer.from(JSON.stringify(create())))
    expect((await talk.closed).code).toBe(1003)
  })

  it('runs its lanes side by side', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { paceMs: 10, deltas: 3 } })
    const talk = await Talk.open(simulator)
    for (const lane of ['a', 'b']) talk.say(create({ stream_id: lane }))
    await talk.until(() => talk.heard.length === 8)
    expect(simulator.inFlight('key-a')).toBe(2)
    await clock.advance(30)
    await talk.until(() => talk.heard.filter((event) => event['type'] === 'response.completed').length === 2)
    expect(talk.heard.map((event) => event['stream_id']).slice(8, 10)).toEqual(['a', 'b'])
  })

  it('does not wait for its pace when an answer is steered', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { paceMs: 1_000, deltas: 3, text: 'abc' } })
    const talk = await Talk.open(simulator)
    talk.say(create())
    await talk.until(() => talk.heard.length === 4)
    await clock.advance(1_000)
    await talk.until(() => talk.heard.length === 5)
    talk.say({ type: 'response.steer', previous_response_id: responseOf(talk.heard[0])['id'], input: 'instead' })
    await talk.until(() => talk.heard.some((event) => event['type'] === 'response.incomplete'))
    await clock.advance(3_000)
    await talk.until(() => talk.heard.at(-1)?.['type'] === 'response.completed')
    expect(wordsOf(simulator.received().at(-1))).toEqual(['hello there', 'a', 'instead'])
    expect([simulator.inFlight('key-a'), clock.pending]).toEqual([0, 1])
  })

  it('is over for all its turns when its client goes', async () => {
    const clock = new VirtualClock()
    const simulator = await start({ clock, behaviour: { paceMs: 10 } })
    const talk = await Talk.open(simulator)
    for (const lane of ['a', 'b']) talk.say(create({ stream_id: lane }))
    await talk.until(() => talk.heard.length === 8)
    talk.socket.terminate()
    await until(simulator, () => simulator.connections('key-a') === 0)
    expect([simulator.inFlight('key-a'), clock.pending]).toEqual([0, 0])
  })

  it('says no more than its client reads, and then all of it in order', async () => {
    const simulator = await start({ behaviour: { deltas: 200, deltaBytes: 50_000 } })
    const talk = await Talk.open(simulator)
    talk.socket.pause()
    talk.say(create())
    await until(simulator, () => simulator.inFlight('key-a') === 1)
    for (let at = 0; at < 20; at += 1) await say(`${simulator.url}/models`, { method: 'GET', key: 'key-b' })
    expect(simulator.inFlight('key-a')).toBe(1)
    talk.socket.resume()
    await talk.until(() => talk.heard.at(-1)?.['type'] === 'response.completed')
    expect(talk.heard.map((event) => event['sequence_number'])).toEqual(talk.heard.map((_, at) => at))
  })
})

describe('a fault on a connection', () => {
  const under = async (faults: SimulatorOptions['behaviour'] & object) => {
    const simulator = await start({ behaviour: faults })
    const talk = await Talk.open(simulator)
    talk.say(create())
    return { simulator, talk }
  }

  it('cut breaks it behind the events before', async () => {
    const { talk } = await under({ faults: [{ fault: 'cut' }] })
    expect([(await talk.closed).code, talk.heard.length]).toEqual([1006, 5])
  })

  it('reset breaks it at once', async () => {
    const { talk } = await under({ faults: [{ fault: 'reset' }] })
    expect([(await talk.closed).code, talk.heard.length]).toEqual([1006, 0])
  })

  it.each([1000, 1001, 1005, 1008, 1009, 1011, 1012, 1013])('close with %i arrives as that, behind the events before', async (closeCode) => {
    const { simulator, talk } = await under({ faults: [{ fault: 'close', closeCode, events: 2 }] })
    expect([(await talk.closed).code, typesOf(talk.heard)]).toEqual([closeCode, ['response.created', 'response.in_progress']])
    await until(simulator, () => simulator.inFlight('key-a') === 0)
  })

  it('an error event arrives before the close behind it', async () => {
    const { talk } = await under({ faults: [{ fault: 'overload', closeCode: 1013, reason: 'busy' }] })
    expect([await talk.closed, errorIn(talk.heard[0])['status']]).toEqual([{ code: 1013, reason: 'busy' }, 503])
  })

  it('giant and drip pass whole', async () => {
    const { talk } = await under({
      faults: [
        { fault: 'giant', megabytes: 4 },
        { fault: 'drip', chunkBytes: 1_000, ms: 0 },
      ],
    })
    await talk.until(() => talk.heard.at(-1)?.['type'] === 'response.completed')
    expect(talk.heard.some((event) => JSON.stringify(event).length > 4_000_000)).toBe(true)
  })

  it('hang leaves the other lanes alone', async () => {
    const { simulator, talk } = await under({ faults: [{ fault: 'hang', times: 1 }] })
    await talk.ask(create({ stream_id: 'b' }))
    expect([talk.heard.at(-1)?.['type'], simulator.inFlight('key-a')]).toEqual(['response.completed', 1])
  })
})

describe('the connections of a key', () => {
  it.each([
    [1012, 'restart', { code: 1012, reason: 'restart' }],
    [1005, undefined, { code: 1005, reason: '' }],
    [1006, undefined, { code: 1006, reason: '' }],
  ])('can be closed now, with %i', async (code, reason, seen) => {
    const simulator = await start()
    const [one, other] = [await Talk.open(simulator), await Talk.open(simulator, { key: 'key-b' })]
    simulator.closeConnections('key-a', code, reason)
    expect(await one.closed).toEqual(seen)
    await until(simulator, () => simulator.connections('key-a') === 0)
    expect(typesOf(await other.ask(create())).at(-1)).toBe('response.completed')
  })

  it('cannot be closed with a code that there is not', async () => {
    const simulator = await start()
    expect(() => simulator.closeConnections('key-a', 99)).toThrow('no WebSocket closes with 99')
  })

  it('are counted, closed and told by the control endpoint', async () => {
    const simulator = await start()
    const control = simulator.url.replace('/v1', '/_control')
    const talk = await Talk.open(simulator)
    await talk.ask(create({ stream_id: 'l' }))
    const state = JSON.parse((await say(control, { key: null, method: 'GET' })).text) as Fields
    expect(state).toMatchObject({
      keys: [{ key: 'key-a', connections: 1 }],
      received: [
        { kind: 'handshake', transport: 'websocket', connection: 1, status: 101 },
        { kind: 'frame', transport: 'websocket', connection: 1, lane: 'l', dialogue: [{ content: 'hello there' }] },
      ],
    })
    expect((await say(control, { key: null, body: { close: 1012 } })).status).toBe(400)
    expect((await say(control, { key: null, body: { key: 'key-a', close: 1012 } })).status).toBe(200)
    expect((await talk.closed).code).toBe(1012)
  })

  it('break when the simulator is closed', async () => {
    const simulator = await startSimulator()
    const talk = await Talk.open(simulator)
    const silent = connect(simulator.port, '127.0.0.1')
    await once(silent, 'connect')
    await simulator.close()
    expect((await talk.closed).code).toBe(1006)
  })
})

describe('the fast answers over WebSocket', () => {
  const fast = { fast: 'stream', deltas: 100, deltaBytes: 100 } as const
  const turns = (talk: Talk) => talk.heard.filter((event) => event['type'] === 'response.completed')

  it('are whole streams, one after the other, each with an id of its own', async () => {
    const simulator = await start({ behaviour: fast })
    const talk = await Talk.open(simulator)
    for (let at = 0; at < 3; at += 1) talk.say('not even JSON')
    await talk.until(() => turns(talk).length === 3)
    expect(talk.heard).toHaveLength(3 * 108)
    expect(talk.heard.map((event) => event['sequence_number'])).toEqual(talk.heard.map((_, at) => at % 108))
    const ids = talk.heard.flatMap((event) => ('response' in event ? [responseOf(event)['id']] : []))
    expect([ids.length, new Set(ids).size]).toEqual([9, 3])
    expect(simulator.received().map((entry) => entry.kind)).toEqual(['handshake'])
    expect([simulator.inFlight('key-a'), simulator.inFlightMax('key-a')]).toEqual([0, 1])
  })

  it('keep their pace', async () => {
    const clock = new VirtualClock()
    const talk = await Talk.open(await start({ clock, behaviour: { fast: 'stream', deltas: 3, paceMs: 10 } }))
    talk.say('x')
    await talk.until(() => talk.heard.length === 4)
    await clock.advance(20)
    await talk.until(() => talk.heard.length === 6)
    await clock.advance(10)
    await talk.until(() => turns(talk).length === 1)
  })

  it('wait for each other up to 256, and then the connection is closed', async () => {
    const talk = await Talk.open(await start({ clock: new VirtualClock(), behaviour: { fast: 'stream', paceMs: 10 } }))
    for (let at = 0; at < 256; at += 1) talk.say('x')
    talk.socket.ping()
    await once(talk.socket, 'pong')
    talk.say('x')
    expect((await talk.closed).code).toBe(1013)
  })
})

describe('the official client over WebSocket', () => {
  it('takes several turns with a call, on one connection', async () => {
    const simulator = await start()
    const tool = { type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: null } as const
    const socket = new ResponsesWS(new OpenAI({ apiKey: 'key-a', baseURL: simulator.url }))
    const end = () => new Promise<OpenAI.Responses.Response>((resolve) => socket.once('response.completed', (event) => resolve(event.response)))
    const first = end()
    socket.send({ type: 'response.create', model: 'gpt-5.5', store: false, tools: [tool], input: 'call:lookup' })
    const { id, output } = await first
    const call = output.find((item) => item.type === 'function_call')
    const second = end()
    const result = { type: 'function_call_output' as const, call_id: call?.call_id ?? '', output: '42' }
    socket.send({ type: 'response.create', model: 'gpt-5.5', store: false, tools: [tool], previous_response_id: id, input: [result] })
    expect((await second).output[0]).toMatchObject({ content: [{ text: 'Hello from key-a. The tool said: 42' }] })
    socket.close()
  })

  it('tells an error event with its code', async () => {
    const simulator = await start()
    const socket = new ResponsesWS(new OpenAI({ apiKey: 'key-a', baseURL: simulator.url }))
    const failed = new Promise<Error>((resolve) => socket.once('error', resolve))
    socket.send({ type: 'response.create', model: 'gpt-5.5', previous_response_id: 'resp_none', input: 'x' })
    expect(String(await failed)).toContain("Previous response with id 'resp_none' not found.")
    socket.close()
  })
})
