import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ResponseId } from '../../src/core/ids.ts'
import { account, answerOf, aWhile, eventually, signalOf } from './rig.ts'
import { accountAt, events, frameCall, idOf, isOpen, readingOf, reading, SocketRig, text } from './socket-rig.ts'

let rig: SocketRig
beforeEach(() => (rig = new SocketRig()))
afterEach(() => rig.close())

const minute = 60_000
const response = (id: string) => id as ResponseId

describe('the turns of a session over one upstream socket', () => {
  it('go out as they stand, one frame each, on one connection, and their answers come back frame by frame', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    for (let n = 1; n <= 3; n++) {
      const read = readingOf(await session.send(frameCall(main, { frame: text('{"type":"response.create",', `"n":${n}}`) })))
      const end = await server.end(0)
      expect((await end.heard(n))[n - 1]).toBe(`{"type":"response.create","n":${n}}`)
      const { created, delta, completed } = events(`r${n}`)
      end.say(created, delta, delta, completed)
      expect(await read.over()).toBe('end')
      expect(read.frames).toEqual([created, delta, delta, completed].map((event) => JSON.stringify(event)))
      await eventually(() => read.closed === 'closed')
    }
    expect(server.asked).toHaveLength(1)
    expect(rig.sockets?.connections()).toBe(1)
  })

  it('say the preamble first on a new socket, and only there', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const call = frameCall(accountAt(server.port), { preamble: text('{"type":', '"session.update"}') })
    const read = readingOf(await session.send(call))
    const end = await server.end(0)
    end.say(events('r1').completed)
    await read.over()
    await session.send(call)
    expect(await end.heard(3)).toEqual(['{"type":"session.update"}', '{"type":"response.create"}', '{"type":"response.create"}'])
  })

  // E21
  it('show the headers of the upgrade to the turn that opened it only', async () => {
    const server = await rig.upstream({ headers: ['x-codex-turn-state: ts_1', 'x-request-id: req_1', 'x-codex-primary-used-percent: 9'] })
    const session = rig.session()
    const first = answerOf(await session.send(frameCall(accountAt(server.port))))
    const second = answerOf(await session.send(frameCall(accountAt(server.port), { lane: 'b' })))
    expect(first.pass).toEqual([
      ['x-codex-turn-state', 'ts_1'],
      ['x-upstream-request-id', 'req_1'],
    ])
    expect(second.pass).toEqual([])
    expect(first.headers['x-codex-primary-used-percent']).toBe('9')
    expect(second).toMatchObject({ status: 200, headers: {} })
    expect(second.headers['x-codex-primary-used-percent']).toBeUndefined()
  })

  it('run side by side on several lanes', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const reads = (await Promise.all(['', 'a', 'b'].map((lane) => session.send(frameCall(main, { lane }))))).map(readingOf)
    const end = await server.end(0)
    await end.heard(3)
    const of = ['', 'a', 'b'].map((lane, n) => events(`r${n}`, lane))
    for (const kind of ['created', 'delta', 'completed'] as const) for (const event of of.toReversed()) end.say(event[kind])
    for (const [n, read] of reads.entries()) {
      expect(await read.over()).toBe('end')
      expect(read.frames).toEqual((['created', 'delta', 'completed'] as const).map((kind) => JSON.stringify(of[n]?.[kind])))
    }
    expect(server.asked).toHaveLength(1)
  })

  it('refuse a second turn on a lane that is taken', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    await session.send(frameCall(accountAt(server.port)))
    expect(signalOf(await session.send(frameCall(accountAt(server.port))))).toMatchObject({ why: 'reset', handedOver: false })
  })

  it('of two accounts go over two sockets', async () => {
    const servers = [await rig.upstream(), await rig.upstream()]
    const session = rig.session()
    for (const [n, { port }] of servers.entries()) await session.send(frameCall(accountAt(port, { id: idOf(`account-${n}`) })))
    expect(servers.map(({ asked }) => asked.length)).toEqual([1, 1])
    expect(rig.sockets?.connections()).toBe(2)
  })

  it('that wait for a socket which is refused are each answered by themselves', async () => {
    const server = await rig.upstream({
      upgrade: (_request, socket, at) => (at < 2 ? void socket.end(`HTTP/1.1 429 Too Many Requests\r\nretry-after: ${at}\r\ncontent-length: 0\r\n\r\n`) : null),
    })
    const session = rig.session()
    const sent = (await Promise.all(['', 'a', 'b', 'c'].map((lane) => session.send(frameCall(accountAt(server.port), { lane }))))).map(answerOf)
    expect(sent.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [429, '0'],
      [429, '1'],
      [200, undefined],
      [200, undefined],
    ])
    for (const { body } of sent) body.cancel()
  })

  it('that wait for a socket get it though the one that opened it was called off', async () => {
    let grant: () => void = () => {}
    const server = await rig.upstream()
    const gate = new Promise<void>((resolve) => (grant = resolve))
    const session = rig.session({
      names: (_name, options, callback) =>
        void gate.then(() => (options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4))),
    })
    const main = account(`http://upstream.test:${server.port}/v1`)
    const stop = new AbortController()
    const first = session.send(frameCall(main, { signal: stop.signal }))
    const second = session.send(frameCall(main, { lane: 'b', frame: text('{"b":1}') }))
    stop.abort(new Error('client'))
    await expect(first).rejects.toThrow('client')
    grant()
    expect(answerOf(await second).status).toBe(200)
    expect(await (await server.end(0)).heard(1)).toEqual(['{"b":1}'])
  })

  it('open no more sockets than the bound; one that is idle gives way', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const call = (n: number) => frameCall(accountAt(server.port, { id: idOf(`account-${n}`) }))
    const reads = []
    for (let n = 0; n < 32; n++) reads.push(readingOf(await session.send(call(n))))
    expect(signalOf(await session.send(call(32)))).toMatchObject({ why: 'refused', handedOver: false })
    const end = await server.end(0)
    end.say(events('r1').completed)
    await reads[0]?.over()
    expect(answerOf(await session.send(call(32))).status).toBe(200)
    expect(await end.gone()).toBe(1000)
    expect(isOpen(session, { id: idOf('account-0') })).toBe(false)
  })
})

/** A session whose account has served one turn, `r1`. */
async function served(lane = '') {
  const server = await rig.upstream()
  const session = rig.session()
  const main = accountAt(server.port)
  const turn = async (id: string, at = 0, on = lane) => {
    const sending = session.send(frameCall(main, { lane: on }))
    const end = await server.end(at)
    const read = readingOf(await sending)
    end.say(events(id, on).completed)
    await read.over()
    session.learn(main.id, on, response(id))
    return end
  }
  await turn('r1')
  return { server, session, main, turn }
}

describe('what a session’s sockets know', () => {
  it('is the latest answer of each lane', async () => {
    const { session, turn } = await served()
    await turn('r2', 0, 'b')
    expect([session.holder(response('r1')), session.holder(response('r2'))]).toEqual(['main', 'main'])
    await turn('r3')
    expect([session.holder(response('r1')), session.holder(response('r2')), session.holder(response('r3'))]).toEqual([null, 'main', 'main'])
  })

  it('is lost with what the service has dropped', async () => {
    const { session, main } = await served()
    session.forget(main.id, response('r1'))
    expect(session.holder(response('r1'))).toBeNull()
  })

  it('is lost with the socket', async () => {
    const { session, main, server } = await served()
    ;(await server.end(0)).ws.close(1001)
    await eventually(() => rig.sockets?.connections() === 0)
    expect([isOpen(session, main), session.holder(response('r1'))]).toEqual([false, null])
  })

  it('is nothing of a turn that ran on the socket before', async () => {
    const { session, main, server } = await served()
    const read = readingOf(await session.send(frameCall(main)))
    session.release(main.id)
    await session.send(frameCall(main, { lane: 'b' }))
    await server.end(1)
    ;(await server.end(0)).say(events('r2').completed)
    await read.over()
    session.learn(main.id, '', response('r2'))
    expect(session.holder(response('r2'))).toBeNull()
  })

  it('binds the turn that continues it: gone by then, nothing is sent', async () => {
    const { session, main, server } = await served()
    expect(session.holder(response('r1'))).toBe('main')
    ;(await server.end(0)).ws.terminate()
    await eventually(() => rig.sockets?.connections() === 0)
    const continuing = frameCall(main, { continues: response('r1') })
    expect(signalOf(await session.send(continuing))).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
    expect(server.asked).toHaveLength(1)
    await session.send(frameCall(main, { lane: 'b' }))
    expect(signalOf(await session.send(continuing))).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
    expect(await (await server.end(1)).heard(1)).toHaveLength(1)
  })

  it('binds no turn that continues nothing there, whoever has asked for the holder just before', async () => {
    const { session, main, server } = await served()
    expect(session.holder(response('r1'))).toBe('main')
    ;(await server.end(0)).ws.terminate()
    await eventually(() => rig.sockets?.connections() === 0)
    expect(session.holder(response('r1'))).toBeNull()
    expect(answerOf(await session.send(frameCall(main))).status).toBe(200)
    expect(server.asked).toHaveLength(2)
  })
})

describe('a socket that is due', () => {
  // E22
  it('is closed between turns, and the next turn opens another', async () => {
    const { server, session, main } = await served()
    const end = await server.end(0)
    for (let at = 0; at < 54; at++) await beat(minute)
    await beat(minute - 1)
    expect(session.holder(response('r1'))).toBe('main')
    await beat(1)
    expect(session.holder(response('r1'))).toBeNull()
    expect(isOpen(session, main)).toBe(false)
    expect(await end.gone()).toBe(1000)
    expect(answerOf(await session.send(frameCall(main))).status).toBe(200)
    expect(server.asked).toHaveLength(2)
  })

  it('takes the turn that continues what only it knows', async () => {
    const { server, session, main } = await served()
    const end = await server.end(0)
    for (let at = 0; at < 55; at++) await beat(minute)
    expect(answerOf(await session.send(frameCall(main, { continues: response('r1') }))).status).toBe(200)
    expect(await end.heard(2)).toHaveLength(2)
    expect(session.holder(response('r1'))).toBeNull()
    expect(server.asked).toHaveLength(1)
  })

  it('ends the turns that run on it, while new ones go over another', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const old = readingOf(await session.send(frameCall(main, { lane: 'a' })))
    for (let at = 0; at < 55; at++) await beat(minute)
    const young = readingOf(await session.send(frameCall(main, { lane: 'b' })))
    const [first, second] = [await server.end(0), await server.end(1)]
    first.say(events('r1', 'a').created, events('r1', 'a').completed)
    expect(await old.over()).toBe('end')
    expect(await first.gone()).toBe(1000)
    second.say(events('r2', 'b').completed)
    expect(await young.over()).toBe('end')
    expect(isOpen(session, main)).toBe(true)
    expect(rig.sockets?.connections()).toBe(1)
  })

  /** Lets the pings of that time be answered. */
  async function beat(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5_000) {
      await rig.clock.advance(Math.min(left, 5_000))
      for (let n = 0; n < 5; n++) await rig.clock.advance(0)
    }
  }
})

describe('a socket that is released', () => {
  it('closes at once where no turn runs, and after the last one otherwise', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const read = readingOf(await session.send(frameCall(main)))
    const end = await server.end(0)
    session.release(main.id)
    expect(isOpen(session, main)).toBe(false)
    await aWhile()
    expect(end.closed).toBeNull()
    end.say(events('r1').completed)
    expect(await read.over()).toBe('end')
    expect(await end.gone()).toBe(1000)
    await session.send(frameCall(main))
    rig.sockets?.forget(main.id)
    ;(await server.end(1)).say(events('r2').completed)
    expect(await (await server.end(1)).gone()).toBe(1000)
    expect(rig.clock.pending).toBe(0)
  })

  it('is cut off where upstream does not answer the close', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const read = readingOf(await session.send(frameCall(main)))
    const end = await server.end(0)
    end.say(events('r1').completed)
    await read.over()
    end.ws.pause()
    session.release(main.id)
    await aWhile()
    expect(rig.sockets?.connections()).toBe(1)
    await rig.clock.advance(5_000)
    await eventually(() => rig.sockets?.connections() === 0)
  })

  it('is held open by no response that nobody asked for', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const read = readingOf(await session.send(frameCall(main, { lane: 'a' })))
    const end = await server.end(0)
    session.release(main.id)
    end.say(events('r9').created, events('r1', 'a').completed)
    expect(await read.over()).toBe('end')
    expect(await end.gone()).toBe(1000)
    expect(rig.strays).toEqual([])
  })

  it('is left to the successors of its steered answers too', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const read = readingOf(await session.send(frameCall(main)))
    const end = await server.end(0)
    end.say(events('r1').created, { type: 'response.steer.accepted', steer: { id: 'st' } })
    session.release(main.id)
    end.say(events('r1').incomplete)
    await read.over()
    const free: string[] = []
    session.whenFree(main.id, '', () => free.push('free'))
    expect(free).toEqual([])
    end.say(events('r2').created, events('r2').completed)
    expect(await end.gone()).toBe(1000)
    expect(rig.strays.map(({ reading }) => reading.types)).toEqual([['response.created', 'response.completed']])
    expect(free).toEqual(['free'])
    expect(rig.loose).toHaveLength(1)
  })

  it('is replaced for an account whose credential was', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const turn = async (of: typeof main, at: number, continues: ResponseId | null = null) => {
      const sending = session.send(frameCall(of, { continues }))
      const end = await server.end(at)
      end.say(events('r').completed)
      await readingOf(await sending).over()
      return end
    }
    const first = await turn(main, 0)
    const changed = { ...main, generation: 'g2' }
    session.learn(main.id, '', response('r'))
    expect(session.holder(response('r'))).toBe('main')
    await turn(changed, 0, response('r'))
    expect(await first.gone()).toBe(1000)
    await turn(changed, 1)
    await turn({ ...changed, priority: 3 }, 1)
    await turn({ ...changed, generation: 'g3' }, 2)
    expect(server.asked).toHaveLength(3)
  })
})

describe('a frame that is passed on', () => {
  it('goes over the account’s open socket as it stands, and what answers it is for the client', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    const frame = text('{"type":"session.update",', '"x":1}')
    expect(session.forward(main.id, frame)).toBe(false)
    const read = readingOf(await session.send(frameCall(main)))
    const end = await server.end(0)
    end.say(events('r1').completed, { type: 'session.nobody.asked' })
    await read.over()
    expect(session.forward(main.id, frame)).toBe(true)
    expect((await end.heard(2))[1]).toBe('{"type":"session.update","x":1}')
    end.say({ type: 'session.updated' })
    await eventually(() => rig.loose.length === 1)
    expect(rig.loose).toEqual(['{"type":"session.updated"}'])
  })

  it('is refused while more than the bound of a frame waits to be sent', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const main = accountAt(server.port)
    await session.send(frameCall(main, { frameBytesMax: 64 * 1024 }))
    ;(await server.end(0)).ws.pause()
    const frame = text('x'.repeat(64 * 1024))
    let forwarded = 0
    while (session.forward(main.id, frame)) if (++forwarded > 10_000) throw new Error('no bound')
    await aWhile()
    ;(await server.end(0)).ws.resume()
    await eventually(() => session.forward(main.id, text('{}')))
  })
})

describe('a response that nobody asked for', () => {
  it('is told of once, and read like any answer', async () => {
    const server = await rig.upstream()
    const session = rig.session()
    const read = readingOf(await session.send(frameCall(accountAt(server.port))))
    const end = await server.end(0)
    end.say(events('r1').completed)
    await read.over()
    const { created, delta, completed } = events('r2')
    end.say(created, delta, completed)
    await eventually(() => rig.strays[0]?.reading.how === 'end')
    expect(rig.strays[0]).toMatchObject({ account: 'main', lane: '' })
    expect(rig.strays[0]?.reading.frames).toEqual([created, delta, completed].map((event) => JSON.stringify(event)))
  })

  it('holds its socket up until it is read, and closes it when it is cancelled', async () => {
    const server = await rig.upstream()
    const bodies: Parameters<typeof reading>[0][] = []
    const session = rig.session({ listener: { stray: ({ body }) => void bodies.push(body) } })
    const other = readingOf(await session.send(frameCall(accountAt(server.port), { lane: 'b' })))
    const end = await server.end(0)
    end.say(events('r2').created, events('r2').large)
    await eventually(() => bodies.length === 1)
    await aWhile()
    end.say(events('r1', 'b').delta)
    await aWhile()
    expect(other.frames).toEqual([])
    bodies[0]?.cancel()
    end.say(events('r1', 'b').completed)
    expect(await other.over()).toBe('end')
    expect(await end.gone()).toBe(1006)
  })
})

it('closing a session, or all of them, breaks off its sockets, its turns and what is being opened', async () => {
  const server = await rig.upstream({ upgrade: (_request, _socket, at) => (at === 0 ? null : undefined) })
  const session = rig.session()
  const read = readingOf(await session.send(frameCall(accountAt(server.port))))
  const opening = session.send(frameCall(accountAt(server.port, { id: idOf('other') })))
  await eventually(() => server.asked.length === 2)
  rig.sockets?.close()
  expect(await read.over()).toBe('broken: the session is over')
  expect(signalOf(await opening)).toMatchObject({ why: 'reset', handedOver: false })
  await eventually(() => server.open() === 0)
  expect(rig.sockets?.connections()).toBe(0)
  expect(signalOf(await session.send(frameCall(accountAt(server.port))))).toMatchObject({ why: 'reset', handedOver: false })
  expect(rig.clock.pending).toBe(0)
})
