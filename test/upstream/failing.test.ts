import type { Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testCertificate } from './certificate.ts'
import { account, answerOf, body, bytesOf, callOf, drained, eventually, namesTo, Rig, signalOf } from './rig.ts'

let rig: Rig
beforeEach(() => (rig = new Rig()))
afterEach(() => rig.close())

const large = () => body(Buffer.alloc(32 * 1024 * 1024, 'x'))
const okay = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('a call that cannot reach its upstream', () => {
  it('says that the connection was refused', async () => {
    const server = await rig.tcp(() => {})
    const { port } = server
    await rig.close()
    rig = new Rig()
    expect(signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${port}`))))).toMatchObject({
      kind: 'unreachable',
      why: 'refused',
      handedOver: false,
    })
  })

  it('says that the name does not exist', async () => {
    const transport = rig.transport((_name, _options, callback) => callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), ''))
    expect(signalOf(await transport.send(callOf(account('http://nowhere.test'))))).toMatchObject({ kind: 'unreachable', why: 'dns', handedOver: false })
  })

  it('says that the connection took too long', async () => {
    const transport = rig.transport(() => {})
    const sending = transport.send(callOf(account('http://blackhole.test'), { connectMs: 10_000 }))
    await rig.clock.advance(9_999)
    await rig.clock.advance(1)
    expect(signalOf(await sending)).toMatchObject({ kind: 'unreachable', why: 'connect-timeout', handedOver: false })
    expect(rig.clock.pending).toBe(0)
  })

  it('counts the TLS handshake as part of connecting, and closes the connection', async () => {
    const server = await rig.tcp((socket) => socket.resume())
    const sending = rig.transport().send(callOf(account(`https://127.0.0.1:${server.port}`)))
    await server.connected(1)
    await rig.clock.advance(10_000)
    expect(signalOf(await sending)).toMatchObject({ kind: 'unreachable', why: 'connect-timeout', handedOver: false })
    await eventually(() => server.open() === 0)
  })

  it('trusts no certificate that nobody vouches for', async () => {
    const server = await rig.https((_request, response) => response.end('ok'))
    expect(signalOf(await rig.transport().send(callOf(account(`https://127.0.0.1:${server.port}`))))).toMatchObject({
      kind: 'unreachable',
      why: 'tls',
      handedOver: false,
    })
  })

  it('trusts no certificate made out to another name', async () => {
    await trusting(async () => {
      const server = await rig.https((_request, response) => response.end('ok'))
      const sent = await rig.transport(namesTo('127.0.0.1')).send(callOf(account(`https://someone-else.test:${server.port}`)))
      expect(signalOf(sent)).toMatchObject({ kind: 'unreachable', why: 'tls', handedOver: false })
    })
  })

  it('speaks TLS to an upstream whose certificate is in order, and keeps that connection', async () => {
    await trusting(async () => {
      const server = await rig.https((_request, response) => response.end('ok'))
      const transport = rig.transport(namesTo('127.0.0.1'))
      const main = account(`https://upstream.test:${server.port}/v1`)
      for (let n = 0; n < 3; n++) expect(await drained(answerOf(await transport.send(callOf(main))).body)).toEqual({ text: 'ok', how: 'end' })
      expect(server.connections()).toBe(1)
    })
  })

  it('gives a large question whole and takes a large answer whole over TLS', async () => {
    await trusting(async () => {
      const server = await rig.https((request, response) => void bytesOf(request).then((bytes) => response.end(bytes)))
      const transport = rig.transport(namesTo('127.0.0.1'))
      const pieces = ['{"a":"', Buffer.alloc(3_000_000, 'x'), '"}']
      for (let n = 0; n < 2; n++) {
        const sent = await transport.send(callOf(account(`https://upstream.test:${server.port}`), { body: body(...pieces) }))
        expect(await drained(answerOf(sent).body)).toEqual({ text: pieces.join(''), how: 'end' })
      }
      expect(server.connections()).toBe(1)
    })
  })

  // H4
  it('is refused for a name that leads to a private address, before anything is connected', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const main = account(`http://upstream.test:${server.port}`, { upstream: 'openai-compatible' })
    expect(signalOf(await rig.transport(namesTo('127.0.0.1')).send(callOf(main)))).toMatchObject({
      kind: 'unreachable',
      why: 'private-address',
      handedOver: false,
    })
    expect(server.connections()).toBe(0)
  })

  for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '[::ffff:127.0.0.1]']) {
    it(`is refused for ${host}, before anything is connected`, async () => {
      const server = await rig.http((_request, response) => response.end('ok'))
      const main = account(`http://${host}:${server.port}`, { upstream: 'openai-compatible' })
      expect(signalOf(await rig.transport().send(callOf(main)))).toMatchObject({ why: 'private-address', handedOver: false })
      expect(server.connections()).toBe(0)
    })
  }

  it('is let through to a private address where the account allows it', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const main = account(`http://upstream.test:${server.port}`, { upstream: 'openai-compatible', allowPrivate: true })
    expect(answerOf(await rig.transport(namesTo('127.0.0.1')).send(callOf(main))).status).toBe(200)
  })

  it('is refused when a name that was good has come to lead to a private address', async () => {
    const server = await rig.http((_request, response) => response.setHeader('connection', 'close').end('ok'))
    let address = '127.0.0.1'
    const transport = rig.transport((name, options, callback) => namesTo(address)(name, options, callback))
    const main = account(`http://upstream.test:${server.port}`)
    await drained(answerOf(await transport.send(callOf(main))).body)
    address = '10.0.0.1'
    expect(signalOf(await transport.send(callOf(main)))).toMatchObject({ why: 'private-address', handedOver: false })
  })
})

describe('a call whose upstream falls silent or goes away before the head', () => {
  // B27
  it('was handed over when the whole request had been taken', async () => {
    const server = await rig.http((request, response) => {
      request.resume()
      request.on('end', () => response.destroy())
    })
    const signal = signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { body: body(Buffer.alloc(100_000)) })))
    expect(signal).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: true })
  })

  it('was not handed over when the connection went away inside the request', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const signal = signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { body: large() })))
    expect(signal).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
    expect(server.connections()).toBe(1)
  })

  it('is silent when no head came in time', async () => {
    const server = await rig.http(() => {})
    const sending = rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { headMs: 60_000 }))
    await server.connected(1)
    await eventually(() => rig.clock.nextAtMs === rig.clock.now() + 60_000)
    await rig.clock.advance(60_000)
    expect(signalOf(await sending)).toEqual({ kind: 'silent', waitingFor: 'head' })
    await eventually(() => server.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })

  it('was not handed over when the upstream stopped taking it', async () => {
    const server = await rig.tcp((socket) => socket.pause())
    const sending = rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { headMs: 60_000, body: large() }))
    await server.connected(1)
    await eventually(() => rig.clock.nextAtMs === rig.clock.now() + 60_000)
    await rig.clock.advance(60_000)
    expect(signalOf(await sending)).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
  })

  it('tells what is no HTTP from a cut connection', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH\r\n\r\n')))
    const signal = signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    expect(signal).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: true })
    expect(JSON.stringify(signal)).toContain('not HTTP')
  })
})

describe('a kept connection that the upstream closed meanwhile', () => {
  /** Answers the first request of each connection; what it does with the second, on its first two connections, is `then`. */
  const stale = (then: (socket: Socket) => void) => {
    let connections = 0
    return rig.tcp((socket) => {
      const isStale = ++connections <= 2
      let requests = 0
      socket.on('data', (bytes) => {
        if (bytes.toString('latin1', 0, 4) === 'POST') requests++
        if (isStale && requests === 2) then(socket)
        else if (bytes.at(-1) === 0x7d) socket.write(okay)
      })
    })
  }

  it('is replaced by a fresh one, not by another kept one, while the request had not been taken whole', async () => {
    const server = await stale((socket) => socket.resetAndDestroy())
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}`)
    await Promise.all([1, 2].map(async () => drained(answerOf(await transport.send(callOf(main))).body)))
    await eventually(() => transport.connections().idle === 2)
    const answer = answerOf(await transport.send(callOf(main, { body: body(Buffer.alloc(32 * 1024 * 1024, 'x'), '}') })))
    expect(await drained(answer.body)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(3)
  })

  it('leaves it open whether the request was served, once it had been taken whole', async () => {
    const server = await stale((socket) => socket.resetAndDestroy())
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}`)
    await drained(answerOf(await transport.send(callOf(main))).body)
    expect(signalOf(await transport.send(callOf(main)))).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: true })
    expect(server.connections()).toBe(1)
  })

  it('is not kept where the upstream announces that it will not last', async () => {
    const server = await rig.tcp((socket) => socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok')))
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}`)
    for (let n = 0; n < 2; n++) {
      await drained(answerOf(await transport.send(callOf(main))).body)
      await eventually(() => transport.connections().open === 0)
    }
    expect(server.connections()).toBe(2)
  })

  it('is not used when it has been closed in time for us to see', async () => {
    const server = await rig.http((_request, response) => response.end('ok', () => response.socket?.end()))
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}`)
    await drained(answerOf(await transport.send(callOf(main))).body)
    await eventually(() => server.open() === 0)
    expect(answerOf(await transport.send(callOf(main))).status).toBe(200)
    expect(server.connections()).toBe(2)
  })
})

describe('a call that is called off', () => {
  const why = new Error('called off by the test')

  it('rejects with the reason when that happened before', async () => {
    await expect(rig.transport().send(callOf(account('http://127.0.0.1:1'), { signal: AbortSignal.abort(why) }))).rejects.toBe(why)
  })

  it('rejects with the reason while it connects', async () => {
    const off = new AbortController()
    const sending = rig.transport(() => {}).send(callOf(account('http://blackhole.test'), { signal: off.signal }))
    off.abort(why)
    await expect(sending).rejects.toBe(why)
  })

  it('rejects with the reason before the head, and the connection is gone', async () => {
    let asked = false
    const server = await rig.http(() => (asked = true))
    const off = new AbortController()
    const sending = rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { signal: off.signal }))
    await eventually(() => asked)
    off.abort(why)
    await expect(sending).rejects.toBe(why)
    await eventually(() => server.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })

  it('breaks its answer after the head, and the connection is gone', async () => {
    const server = await rig.http((_request, response) => response.write('first'))
    const off = new AbortController()
    const answer = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { signal: off.signal })))
    const reading = drained(answer.body)
    off.abort(why)
    expect((await reading).how).toBe('broken: the call was called off')
    await answer.body.closed
    await eventually(() => server.open() === 0)
  })
})

/** Has the test's certificate trusted meanwhile. */
async function trusting(during: () => Promise<void>): Promise<void> {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, testCertificate])
  try {
    await during()
  } finally {
    setDefaultCACertificates(before)
  }
}
