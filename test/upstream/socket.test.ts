import { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ResponseId } from '../../src/core/ids.ts'
import type { FrameCall } from '../../src/ports/sockets.ts'
import { answerOf, aWhile, eventually } from './rig.ts'
import { accountAt, events, frameCall, isOpen, reading, readingOf, SocketRig, text, type UpstreamEnd } from './socket-rig.ts'

let rig: SocketRig
beforeEach(() => (rig = new SocketRig()))
afterEach(() => rig.close())

const mib = 1024 * 1024

/** A session with an upstream and turns on some lanes. */
async function scene(lanes: readonly string[] = [''], more: Partial<FrameCall> & { readonly autoPong?: boolean } = {}) {
  const { autoPong, ...rest } = more
  const server = await rig.upstream({ ...(autoPong !== undefined && { autoPong }) })
  const session = rig.session()
  const main = accountAt(server.port)
  const turn = async (lane: string) => {
    const { body } = answerOf(await session.send(frameCall(main, { lane, ...rest })))
    return { body, read: reading(body) }
  }
  const turns = []
  for (const lane of lanes) turns.push(await turn(lane))
  const end = await server.end(server.ends.length - 1)
  await end.heard(lanes.length)
  return { server, session, main, turn, turns, end }
}

describe('an upstream socket that ends', () => {
  for (const [what, cut, how] of [
    ['closed with a code and a reason', (end: UpstreamEnd) => end.ws.close(1011, 'try\nagain é'), 'the upstream closed the WebSocket with 1011: try?again ?'],
    ['closed with a code', (end: UpstreamEnd) => end.ws.close(1001), 'the upstream closed the WebSocket with 1001'],
    ['closed without a code', (end: UpstreamEnd) => end.ws.close(), 'the upstream closed the WebSocket with no code'],
    ['cut', (end: UpstreamEnd) => end.ws.terminate(), 'the upstream cut the WebSocket'],
    ['reset', (end: UpstreamEnd) => void end.wire.resetAndDestroy(), 'the upstream cut the WebSocket (ECONNRESET)'],
  ] as const) {
    it(`breaks every turn on it: ${what}`, async () => {
      const { turns, end, session, main } = await scene(['', 'b'])
      end.say(events('r1').created)
      await eventually(() => turns[0]?.read.frames.length === 1)
      cut(end)
      for (const { read } of turns) expect(await read.over()).toBe(`broken: ${how}`)
      await eventually(() => turns.every(({ read }) => read.closed === 'closed'))
      await eventually(() => rig.sockets?.connections() === 0)
      expect(isOpen(session, main)).toBe(false)
      expect(session.forward(main.id, text('{}'))).toBe(false)
      expect(rig.clock.pending).toBe(0)
    })
  }

  it('before the first event breaks the turn, whose frame was handed over', async () => {
    const { turns, end } = await scene()
    end.ws.terminate()
    expect(await turns[0]?.read.over()).toBe('broken: the upstream cut the WebSocket')
  })

  it('in the middle of a frame gives what came before it', async () => {
    const { turns, end } = await scene()
    end.say(events('r1').created)
    end.wire.write(Buffer.from([0x81, 0x7e, 0x10, 0x00, 0x7b]))
    end.wire.end()
    expect(await turns[0]?.read.over()).toContain('broken: ')
    expect(turns[0]?.read.types).toEqual(['response.created'])
  })

  it('leaves whole what ended before', async () => {
    const { turns, end } = await scene()
    end.say(events('r1').completed)
    end.ws.close(1011)
    expect(await turns[0]?.read.over()).toBe('end')
    await eventually(() => rig.sockets?.connections() === 0)
    expect(turns[0]?.read.how).toBe('end')
  })

  it('opens anew for the next turn', async () => {
    const { end, turn, server } = await scene()
    end.ws.terminate()
    await eventually(() => rig.sockets?.connections() === 0)
    await turn('')
    expect(server.asked).toHaveLength(2)
  })

  it('does not tell the credential that its close repeats', async () => {
    const { turns, end } = await scene([''], { credential: { kind: 'api_key', apiKey: 'sk-upstream-secret' } })
    end.ws.close(1008, 'no such key: sk-upstream-secret')
    expect(await turns[0]?.read.over()).toBe('broken: the upstream closed the WebSocket with 1008: no such key: ****')
  })
})

describe('what no upstream should send', () => {
  it('a binary frame breaks the stream', async () => {
    const { turns, end } = await scene()
    end.ws.send(Buffer.from('{}'), { binary: true })
    expect(await turns[0]?.read.over()).toBe('broken: the upstream sent a binary frame')
    expect(await end.gone()).toBe(1003)
    await eventually(() => rig.sockets?.connections() === 0)
  })

  it('a frame beyond the bound breaks the stream; one at the bound does not', async () => {
    const { turns, end } = await scene([''], { frameBytesMax: 100_000 })
    end.ws.send('x'.repeat(100_000))
    await eventually(() => turns[0]?.read.bytes === 100_000)
    end.ws.send('x'.repeat(100_001))
    expect(await turns[0]?.read.over()).toBe('broken: the upstream sent a frame of more than 100000 bytes')
    expect(await end.gone()).toBe(1009)
    await eventually(() => rig.sockets?.connections() === 0)
    expect(rig.clock.pending).toBe(0)
  })

  it('a frame that breaks the protocol breaks the stream', async () => {
    const { turns, end } = await scene()
    end.wire.write(Buffer.from([0xf1, 0x00]))
    expect(await turns[0]?.read.over()).toContain('broken: the upstream broke the WebSocket protocol: ')
    expect(await end.gone()).toBe(1002)
  })

  it('text that is no UTF-8 breaks the stream', async () => {
    const { turns, end } = await scene()
    end.wire.write(Buffer.from([0x81, 0x02, 0xc3, 0x28]))
    expect(await turns[0]?.read.over()).toContain('broken: the upstream broke the WebSocket protocol: ')
    expect(await end.gone()).toBe(1007)
  })

  it('what follows it begins nothing', async () => {
    const { turns, end } = await scene()
    end.ws.send(Buffer.from('{}'), { binary: true })
    end.say(events('r1').created, events('r1').delta)
    expect(await turns[0]?.read.over()).toBe('broken: the upstream sent a binary frame')
    expect(await end.gone()).toBe(1003)
    expect(rig.strays).toEqual([])
  })

  it('a socket that it breaks is cut where upstream does not answer the close', async () => {
    const { end } = await scene()
    end.ws.send(Buffer.from('{}'), { binary: true })
    end.ws.pause()
    await eventually(() => rig.sockets?.connections() === 1 && rig.clock.pending === 1)
    await rig.clock.advance(5_000)
    await eventually(() => rig.sockets?.connections() === 0)
  })
})

describe('a turn that is given up', () => {
  it('takes its socket with it at once where no other runs', async () => {
    const { turns, end } = await scene()
    end.say(events('r1').created)
    await eventually(() => turns[0]?.read.frames.length === 1)
    turns[0]?.body.cancel()
    expect(await end.gone()).toBe(1006)
    await eventually(() => turns[0]?.read.closed === 'closed')
    expect(turns[0]?.read.how).toBeNull()
    expect(rig.clock.pending).toBe(0)
  })

  it('by its signal is broken for its reader', async () => {
    const stop = new AbortController()
    const { turns, end } = await scene([''], { signal: stop.signal })
    stop.abort(new Error('client'))
    expect(await turns[0]?.read.over()).toBe('broken: the call was called off')
    expect(await end.gone()).toBe(1006)
  })

  it('lets the other turns of its socket end, while new ones go over another', async () => {
    const { turns, end, turn, server, session, main } = await scene(['a', 'b'])
    turns[0]?.body.cancel()
    expect(isOpen(session, main)).toBe(false)
    await turn('c')
    expect(server.asked).toHaveLength(2)
    end.say(events('r1', 'a').delta, events('r2', 'b').delta, events('r2', 'b').completed)
    expect(await turns[1]?.read.over()).toBe('end')
    expect(turns[0]?.read.frames).toEqual([])
    expect(await end.gone()).toBe(1006)
    expect(rig.sockets?.connections()).toBe(1)
  })

  it('closes politely where upstream had ended it meanwhile', async () => {
    const { turns, end } = await scene(['a', 'b'])
    turns[0]?.body.cancel()
    end.say(events('r1', 'a').completed, events('r2', 'b').completed)
    expect(await turns[1]?.read.over()).toBe('end')
    expect(await end.gone()).toBe(1000)
  })

  it('after its terminal event changes nothing', async () => {
    const { turns, end, session, main } = await scene()
    end.say(events('r1').completed)
    await turns[0]?.read.over()
    turns[0]?.body.cancel()
    await aWhile()
    expect(isOpen(session, main)).toBe(true)
  })
})

describe('a reader that is slower than its upstream', () => {
  // E24
  it('holds it up, and loses and reorders nothing', async () => {
    const { turns, end } = await scene()
    const [turn] = turns
    turn?.body.pause()
    const count = 4_000
    for (let n = 0; n < count; n++) end.say({ type: 'response.output_text.delta', n, delta: 'x'.repeat(4_000) })
    await aWhile()
    await aWhile()
    const waits = end.ws.bufferedAmount
    expect(waits).toBeGreaterThan(2 * mib)
    expect(turn?.read.frames).toEqual([])
    await aWhile()
    expect(end.ws.bufferedAmount).toBe(waits)
    for (let n = 0; n < 5; n++) {
      turn?.body.resume()
      await aWhile()
      turn?.body.pause()
      await aWhile()
    }
    turn?.body.resume()
    end.say(events('r1').completed)
    expect(await turn?.read.over()).toBe('end')
    expect(turn?.read.frames.slice(0, -1).map((frame) => (JSON.parse(frame) as { n: number }).n)).toEqual(Array.from({ length: count }, (_, n) => n))
  })

  it('holds up the other lanes too, until it reads on or is given up', async () => {
    const { turns, end } = await scene(['a', 'b'])
    const [a, b] = turns
    a?.body.pause()
    end.say(events('r1', 'a').large, events('r2', 'b').large)
    await aWhile()
    end.say(events('r2', 'b').delta)
    await aWhile()
    expect([a?.read.frames.length, b?.read.frames.length]).toEqual([0, 1])
    b?.body.pause()
    a?.body.resume()
    end.say(events('r2', 'b').large)
    await eventually(() => a?.read.frames.length === 1)
    end.say(events('r1', 'a').delta)
    await aWhile()
    expect([a?.read.frames.length, b?.read.frames.length]).toEqual([1, 1])
    b?.body.resume()
    await eventually(() => a?.read.frames.length === 2 && b?.read.frames.length === 3)
    a?.body.pause()
    end.say(events('r1', 'a').large)
    await aWhile()
    end.say(events('r2', 'b').completed)
    await aWhile()
    expect(b?.read.how).toBeNull()
    a?.body.cancel()
    expect(await b?.read.over()).toBe('end')
  })

  it('is still given what had come when its socket died', async () => {
    const { turns, end } = await scene()
    const [turn] = turns
    end.say(events('r1').created)
    await eventually(() => turn?.read.frames.length === 1)
    turn?.body.pause()
    end.say(events('r1').delta, events('r1').delta)
    end.ws.close(1011)
    await aWhile()
    expect(turn?.read.how).toBeNull()
    turn?.body.resume()
    expect(await turn?.read.over()).toContain('broken: the upstream closed the WebSocket with 1011')
    expect(turn?.read.types).toEqual(['response.created', 'response.output_text.delta', 'response.output_text.delta'])
  })

  it('is given an event of 8 MiB as one chunk', async () => {
    const { turns, end } = await scene(['a', ''])
    const [named, plain] = turns
    const large = JSON.stringify({ type: 'response.output_item.done', item: 'x'.repeat(8 * mib), stream_id: 'a' })
    end.ws.send(large)
    end.say(events('r1', 'a').completed)
    expect(await named?.read.over()).toBe('end')
    expect(named?.read.frames[0]).toBe(`${large.length} bytes`)
    expect(plain?.read.frames).toEqual([])
  })
})

describe('an upstream that is pinged', () => {
  it('every 25 s, and that answers, keeps its socket', async () => {
    const { end, session, main } = await scene()
    for (let n = 1; n <= 4; n++) {
      await rig.clock.advance(25_000)
      await eventually(() => end.pings === n)
      await aWhile()
    }
    expect(isOpen(session, main)).toBe(true)
  })

  it('and gives no sign of life is cut off, and its turns are broken', async () => {
    const { turns, end } = await scene([''], { autoPong: false })
    await rig.clock.advance(25_000)
    await eventually(() => end.pings === 1)
    await rig.clock.advance(24_999)
    expect(turns[0]?.read.how).toBeNull()
    await rig.clock.advance(1)
    expect(await turns[0]?.read.over()).toBe('broken: the upstream did not answer a ping within 25000 ms')
    expect(await end.gone()).toBe(1006)
    expect(rig.clock.pending).toBe(0)
  })

  it('and sends anything else instead is alive', async () => {
    const { turns, end } = await scene([''], { autoPong: false })
    for (let n = 1; n <= 3; n++) {
      await rig.clock.advance(25_000)
      end.say(events('r1').delta)
      await eventually(() => turns[0]?.read.frames.length === n)
    }
    expect(turns[0]?.read.how).toBeNull()
  })

  it('is not blamed for what we did not read', async () => {
    const { turns, end } = await scene([''], { autoPong: false })
    const [turn] = turns
    const heldUp = async (frames: number) => {
      turn?.body.pause()
      end.say(events('r1').large)
      await aWhile()
      expect(turn?.read.frames.length).toBe(frames)
    }
    await heldUp(0)
    for (let n = 1; n <= 3; n++) {
      await rig.clock.advance(25_000)
      await eventually(() => end.pings === n)
    }
    turn?.body.resume()
    await eventually(() => turn?.read.frames.length === 1)
    for (let n = 4; n <= 6; n++) {
      await rig.clock.advance(25_000)
      await eventually(() => end.pings === n)
      await heldUp(n - 3)
      turn?.body.resume()
      await eventually(() => turn?.read.frames.length === n - 2)
    }
    expect(turns[0]?.read.how).toBeNull()
    await rig.clock.advance(50_000)
    expect(await turns[0]?.read.over()).toContain('did not answer a ping')
  })

  it('is not blamed while a long question is still on its way', async () => {
    const { end, session, main } = await scene(['a'])
    end.ws.pause()
    const long = reading(answerOf(await session.send(frameCall(main, { lane: 'b', frame: text('x'.repeat(24 * mib)) }))).body)
    for (let n = 0; n < 4; n++) {
      await rig.clock.advance(25_000)
      await aWhile()
    }
    expect(long.how).toBeNull()
    end.ws.resume()
    await end.heard(2)
    await eventually(() => end.pings === 1)
    end.say(events('r1', 'b').completed)
    expect(await long.over()).toBe('end')
  })
})

it('the preamble and the first question go out in one write', async () => {
  const server = await rig.upstream()
  const session = rig.session()
  const writes = [vi.spyOn(Socket.prototype, '_write'), vi.spyOn(Socket.prototype as unknown as { _writev(): void }, '_writev')]
  onTestFinished(() => void vi.restoreAllMocks())
  await session.send(frameCall(accountAt(server.port), { preamble: text('{"type":"session.update"}'), frame: text('{"a":', '1}') }))
  const end = await server.end(0)
  expect(await end.heard(2)).toEqual(['{"type":"session.update"}', '{"a":1}'])
  const ours = writes.map((spy) => spy.mock.contexts.filter((socket) => (socket as Socket).remotePort === server.port).length)
  // The handshake, and then two frames at once.
  expect(ours).toEqual([1, 1])
})

it('nothing of a question is kept when it has been said', async () => {
  const server = await rig.upstream()
  const session = rig.session()
  const main = accountAt(server.port)
  const say = async (lane: string) => {
    const frame = text(JSON.stringify({ type: 'response.create', lane }))
    readingOf(await session.send(frameCall(main, { lane, frame })))
    return new WeakRef(frame.pieces[0] ?? frame)
  }
  const said = [await say('a'), await say('b')]
  await (await server.end(0)).heard(2)
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  await eventually(() => {
    collectGarbage()
    return said.every((frame) => frame.deref() === undefined)
  })
})

it('what a turn knew is forgotten with the socket that it was learnt on', async () => {
  const { turns, end, session, main } = await scene()
  end.say(events('r1').completed)
  await turns[0]?.read.over()
  session.learn(main.id, '', 'r1' as ResponseId)
  expect(session.holder('r1' as ResponseId)).toBe(main.id)
  end.say({ type: 'error', error: { code: 'something' } })
  await eventually(() => rig.sockets?.connections() === 0)
  expect(session.holder('r1' as ResponseId)).toBeNull()
  expect(rig.loose).toEqual([])
})
