import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountId } from '../../src/core/ids.ts'
import type { HttpTransport } from '../../src/upstream/http.ts'
import { connectProxy } from '../support/proxies.ts'
import { account, answerOf, aWhile, callOf, drained, eventually, Rig, signalOf, type TinyServer } from './rig.ts'

let rig: Rig
beforeEach(() => (rig = new Rig()))
afterEach(() => rig.close())

const okay = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const to = (server: TinyServer, concurrency = 4) => account(`http://127.0.0.1:${server.port}`, { concurrency })

/** A server that answers each request with the same bytes, and the sockets that it has. */
async function answering(bytes: string): Promise<{ readonly server: TinyServer; readonly sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = await rig.tcp((socket) => {
    sockets.push(socket)
    socket.on('data', () => socket.write(bytes))
  })
  return { server, sockets }
}

const ask = async (transport: HttpTransport, server: TinyServer) => drained(answerOf(await transport.send(callOf(to(server)))).body)

describe('a connection that nobody uses', () => {
  it('is closed when it has idled for as long as its kind of upstream allows, and not before', async () => {
    const { server } = await answering(okay)
    const transport = rig.transport()
    await ask(transport, server)
    await rig.clock.advance(3_999)
    expect(transport.connections()).toEqual({ open: 1, idle: 1 })
    await rig.clock.advance(1)
    expect(transport.connections()).toEqual({ open: 0, idle: 0 })
    await eventually(() => server.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })

  it('idles anew after each use', async () => {
    const { server } = await answering(okay)
    const transport = rig.transport()
    for (let n = 0; n < 5; n++) {
      await ask(transport, server)
      await rig.clock.advance(3_000)
    }
    expect(server.connections()).toBe(1)
    await rig.clock.advance(1_000)
    expect(transport.connections().open).toBe(0)
  })

  it('is closed a second before the upstream says that it will', async () => {
    const { server } = await answering(okay.replace('\r\n\r\n', '\r\nkeep-alive: timeout=3\r\n\r\n'))
    const transport = rig.transport()
    await ask(transport, server)
    await rig.clock.advance(1_999)
    await ask(transport, server)
    expect(server.connections()).toBe(1)
    await rig.clock.advance(2_000)
    await ask(transport, server)
    expect(server.connections()).toBe(2)
  })

  it('is taken last used first, so that the others may idle out', async () => {
    const { server } = await answering(okay)
    const transport = rig.transport()
    await Promise.all([ask(transport, server), ask(transport, server)])
    expect(transport.connections()).toEqual({ open: 2, idle: 2 })
    for (let n = 0; n < 4; n++) {
      await rig.clock.advance(1_000)
      await ask(transport, server)
    }
    expect(transport.connections()).toEqual({ open: 1, idle: 1 })
    expect(server.connections()).toBe(2)
  })

  it('is closed when bytes come that nobody asked for', async () => {
    const { server, sockets } = await answering(okay)
    const transport = rig.transport()
    await ask(transport, server)
    sockets[0]?.write(okay)
    await eventually(() => transport.connections().open === 0)
    expect(await ask(transport, server)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(2)
  })

  it('is found out to be broken before anything is said over it, where it broke in time', async () => {
    const { server, sockets } = await answering(okay)
    const transport = rig.transport()
    await ask(transport, server)
    // Nothing of it has been heard when the call is made: the kernel alone knows.
    sockets[0]?.resetAndDestroy()
    expect(await ask(transport, server)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(2)
  })
})

describe('a connection after its answer', () => {
  const last: readonly (readonly [what: string, answer: string])[] = [
    ['whose upstream says close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['with more bytes than the answer has', `${okay}${okay}`],
    ['with a body where none may be', 'HTTP/1.1 204 No Content\r\n\r\nok'],
  ]
  for (const [what, bytes] of last) {
    it(`is not kept: one ${what}`, async () => {
      const { server } = await answering(bytes)
      const transport = rig.transport()
      expect((await ask(transport, server)).how).toBe('end')
      expect(transport.connections()).toEqual({ open: 0, idle: 0 })
      await ask(transport, server)
      expect(server.connections()).toBe(2)
    })
  }

  it('that ends with the connection is whole', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')))
    const transport = rig.transport()
    expect(await ask(transport, server)).toEqual({ text: 'all of it', how: 'end' })
    expect(transport.connections()).toEqual({ open: 0, idle: 0 })
  })

  it('that ends with the connection is broken where it is cut', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => socket.resetAndDestroy())))
    expect((await ask(rig.transport(), server)).how).toBe('broken: the upstream cut the connection inside the answer')
  })

  it('that is whole, though upstream closed at once, is an answer in order', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.end(okay)))
    const transport = rig.transport()
    const answer = answerOf(await transport.send(callOf(to(server))))
    answer.body.pause()
    const reading = drained(answer.body)
    await eventually(() => transport.connections().open === 0)
    answer.body.resume()
    expect(await reading).toEqual({ text: 'ok', how: 'end' })
  })
})

describe('a connection that was given back', () => {
  /** Answers `one two `, its head and each word by itself, as the test says. */
  const inSteps = async () => {
    const steps: (() => void)[] = []
    const server = await rig.http((_request, response) => {
      response.writeHead(200).flushHeaders()
      steps.push(
        () => response.write('one '),
        () => response.end('two '),
      )
    })
    const step = async () => {
      await eventually(() => steps.length > 0)
      steps.shift()?.()
      await aWhile()
    }
    return { server, step, whole: { text: 'one two ', how: 'end' } }
  }

  it('is no business of the call that had it', async () => {
    const { server, step, whole } = await inSteps()
    const transport = rig.transport()
    const bodies = []
    for (let n = 0; n < 2; n++) {
      const { body } = answerOf(await transport.send(callOf(to(server))))
      bodies.push(body)
      const reading = drained(body)
      await step()
      bodies[n - 1]?.cancel()
      await step()
      expect(await reading).toEqual(whole)
    }
    expect(server.connections()).toBe(1)
  })

  it('takes bytes again, though its last reader held it back', async () => {
    const { server, step, whole } = await inSteps()
    const transport = rig.transport()
    for (const flow of ['held back', 'flowing'] as const) {
      const { body } = answerOf(await transport.send(callOf(to(server))))
      if (flow === 'held back') body.pause()
      const reading = drained(body)
      await step()
      await step()
      if (flow === 'held back') body.resume()
      expect(await reading).toEqual(whole)
    }
    expect(server.connections()).toBe(1)
  })
})

describe('a call that waits for a connection', () => {
  /** An upstream that holds nine answers, which is all that an account of one lease may have connections for. */
  const full = async () => {
    const answers: (() => void)[] = []
    const server = await rig.http((_request, response) => answers.push(() => response.end('ok')))
    const transport = rig.transport()
    const busy = Array.from({ length: 9 }, () => transport.send(callOf(to(server, 1))))
    await eventually(() => answers.length === 9)
    return { answers, server, transport, busy }
  }

  it('gets a new one when a busy one was given up', async () => {
    const { answers, server, transport, busy } = await full()
    const late = transport.send(callOf(to(server, 1)))
    answers[0]?.()
    answerOf(await Promise.race(busy)).body.cancel()
    await eventually(() => answers.length === 10)
    answers[9]?.()
    expect(await drained(answerOf(await late).body)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(10)
  })

  it('waits no longer than a connection may take', async () => {
    const { answers, server, transport } = await full()
    const late = transport.send(callOf(to(server, 1), { connectMs: 10_000 }))
    await rig.clock.advance(10_000)
    expect(signalOf(await late)).toMatchObject({ kind: 'unreachable', why: 'connect-timeout', handedOver: false })
    answers[0]?.()
    await aWhile()
    expect(answers.length).toBe(9)
  })

  it('is forgotten when it is called off', async () => {
    const { answers, server, transport } = await full()
    const off = new AbortController()
    const late = transport.send(callOf(to(server, 1), { signal: off.signal }))
    off.abort(new Error('called off'))
    await expect(late).rejects.toThrow('called off')
    answers[0]?.()
    await aWhile()
    expect(answers.length).toBe(9)
  })

  it('that is called off has its connection in the making closed', async () => {
    const proxy = rig.add(await connectProxy({ kind: 'silent' }))
    const off = new AbortController()
    const sending = rig.transport().send(callOf(account('http://upstream.test', { proxy: `http://127.0.0.1:${proxy.port}` }), { signal: off.signal }))
    await eventually(() => proxy.asked.length === 1)
    off.abort(new Error('called off'))
    await expect(sending).rejects.toThrow('called off')
    await eventually(() => proxy.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })
})

describe('a transport that is closed', () => {
  it('fails what waits, what is sent and what is read', async () => {
    const server = await rig.http((request, response) => {
      if (request.url === '/held') return
      response.write('first')
    })
    const transport = rig.transport()
    const main = to(server, 1)
    const answer = answerOf(await transport.send(callOf(main)))
    const reading = drained(answer.body)
    const sent = Array.from({ length: 8 }, () => transport.send(callOf(main, { path: '/held' })))
    await eventually(() => server.connections() === 9)
    await aWhile()
    const waiting = transport.send(callOf(main))
    const making = transport.send(callOf(account(`http://127.0.0.1:${server.port}`, { id: 'other' as AccountId })))
    transport.close()
    expect((await reading).how).toBe('broken: the gateway is closing its connections')
    await answer.body.closed
    for (const one of sent) expect(signalOf(await one)).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: true })
    for (const one of [waiting, making]) expect(signalOf(await one)).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
    await eventually(() => server.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })
})
