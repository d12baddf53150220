import { getEventListeners } from 'node:events'
import type { Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../../src/lib/collect.ts'
import { connectProxy, socks5Proxy } from '../support/proxies.ts'
import { testCertificate } from './certificate.ts'
import { account, answerOf, aWhile, eventually, namesTo, signalOf } from './rig.ts'
import { accountAt, events, frameCall, readingOf, SocketRig, text } from './socket-rig.ts'

let rig: SocketRig
beforeEach(() => (rig = new SocketRig()))
afterEach(() => rig.close())

const said = (socket: Socket, head: string, body = '') => void socket.end(`HTTP/1.1 ${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)

describe('the handshake of an upstream WebSocket', () => {
  it('asks at the base path, proves itself, and passes of the client’s headers what the allowlist names', async () => {
    const server = await rig.upstream()
    const clientHeaders = {
      authorization: 'Bearer sk-client',
      cookie: 'a=b',
      originator: 'codex_exec',
      'openai-beta': 'responses_websockets=2026-02-06',
      'x-codex-turn-state': 'of another',
      'sec-websocket-protocol': 'openai-insecure-api-key.sk-client',
      'sec-websocket-extensions': 'permessage-deflate',
    }
    await rig.session().send(frameCall(accountAt(server.port), { path: '/responses?x=%7e', clientHeaders, omit: ['x-codex-turn-state'] }))
    const [request] = server.asked
    expect(`${request?.method} ${request?.url}`).toBe('GET /v1/responses?x=%7e')
    const { 'sec-websocket-key': key, ...headers } = request?.headers ?? {}
    expect(key).toHaveLength(24)
    expect(headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      authorization: 'Bearer sk-upstream',
      'accept-encoding': 'identity',
      originator: 'codex_exec',
      'openai-beta': 'responses_websockets=2026-02-06',
      'user-agent': 'turnout',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    })
  })

  it('says nothing of the turn before the upstream has agreed', async () => {
    let grant: () => void = () => {}
    let heard = ''
    const server = await rig.tcp((socket) => {
      socket.on('data', (bytes) => (heard += bytes.toString('latin1')))
      grant = () => void socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    })
    const sending = rig.session().send(frameCall(accountAt(server.port), { frame: text('{"secret":1}'), preamble: text('{"type":"session.update"}') }))
    await eventually(() => heard.endsWith('\r\n\r\n'))
    await aWhile()
    grant()
    expect(answerOf(await sending).status).toBe(403)
    await aWhile()
    expect(heard).not.toMatch(/secret|session\.update|[^\r\n]\r\n\r\n./)
  })

  for (const [status, line, headers, body] of [
    [401, '401 Unauthorized', '', '{"error":{"code":"token_invalidated"}}'],
    [403, '403 Forbidden', '', '{"error":{"message":"usage limit"}}'],
    [404, '404 Not Found', '', '<html>'],
    [426, '426 Upgrade Required', '', ''],
    [429, '429 Too Many Requests', '\r\nretry-after: 17\r\nx-request-id: req_1\r\nx-ratelimit-limit-requests: 9', '{"error":{"code":"rate_limit_exceeded"}}'],
    [503, '503 Service Unavailable', '', 'x'.repeat(100_000)],
    [307, '307 Temporary Redirect', '\r\nlocation: http://127.0.0.1:1/', ''],
    [200, '200 OK', '', '{}'],
  ] as const) {
    it(`that is answered with ${status} is an answer, with its headers and its body`, async () => {
      const server = await rig.upstream({ upgrade: (_request, socket) => said(socket, line + headers, body) })
      const sent = answerOf(await rig.session().send(frameCall(accountAt(server.port))))
      expect(sent.status).toBe(status)
      if (status === 429) {
        expect(sent.headers['retry-after']).toBe('17')
        expect(sent.pass).toEqual([
          ['retry-after', '17'],
          ['x-upstream-request-id', 'req_1'],
        ])
      }
      const collected = await collect(sent.body, 1_000_000, rig.clock, 1000)
      expect(collected).toMatchObject({ kind: 'whole' })
      if (collected.kind === 'whole') expect(collected.bytes.toString()).toBe(body)
      await sent.body.closed
      await eventually(() => server.open() === 0)
      expect(rig.sockets?.connections()).toBe(0)
      expect(rig.clock.pending).toBe(0)
    })
  }

  it('that is refused on a connection which upstream keeps open leaves none behind', async () => {
    const server = await rig.upstream({ upgrade: (_request, socket) => void socket.write('HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno') })
    const sent = answerOf(await rig.session().send(frameCall(accountAt(server.port))))
    expect(await collect(sent.body, 100, rig.clock, 1000)).toMatchObject({ kind: 'whole' })
    await eventually(() => server.open() === 0)
  })

  it('that is refused with a body which nobody wants, or which does not end, is broken off', async () => {
    const server = await rig.upstream({ upgrade: (_request, socket) => void socket.write('HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\nno') })
    const session = rig.session()
    answerOf(await session.send(frameCall(accountAt(server.port)))).body.cancel()
    await eventually(() => server.open() === 0)
    const stop = new AbortController()
    const read = readingOf(await session.send(frameCall(accountAt(server.port), { signal: stop.signal })))
    await eventually(() => read.bytes === 2)
    stop.abort(new Error('shutdown'))
    expect(await read.over()).toBe('broken: the call was called off')
    await eventually(() => server.open() === 0)
    const kept = new AbortController()
    const other = answerOf(await session.send(frameCall(accountAt(server.port), { signal: kept.signal }))).body
    expect(getEventListeners(kept.signal, 'abort')).toHaveLength(1)
    other.cancel()
    await other.closed
    await aWhile()
    expect(getEventListeners(kept.signal, 'abort')).toHaveLength(0)
  })

  it('that hangs is given up, and nothing was handed over', async () => {
    const server = await rig.upstream({ upgrade: () => {} })
    const sending = rig.session().send(frameCall(accountAt(server.port)))
    await eventually(() => server.asked.length === 1)
    await rig.clock.advance(14_999)
    expect(server.open()).toBe(1)
    await rig.clock.advance(1)
    expect(signalOf(await sending)).toEqual({ kind: 'unreachable', why: 'connect-timeout', handedOver: false, detail: 'no WebSocket within 15000 ms' })
    await eventually(() => server.open() === 0)
    expect(rig.clock.pending).toBe(0)
  })

  it('whose connection hangs is given up sooner', async () => {
    const sending = rig.session({ names: () => {} }).send(frameCall(account('http://blackhole.test')))
    await rig.clock.advance(10_000)
    expect(signalOf(await sending)).toEqual({ kind: 'unreachable', why: 'connect-timeout', handedOver: false, detail: 'no connection within 10000 ms' })
  })

  it('that is called off while it connects connects no more', async () => {
    const server = await rig.upstream()
    const looked: (() => void)[] = []
    const names = namesTo('127.0.0.1')
    const slow: typeof names = (...args) => void looked.push(() => names(...args))
    const stop = new AbortController()
    const sending = rig.session({ names: slow }).send(frameCall(account(`http://upstream.test:${server.port}`), { signal: stop.signal }))
    await eventually(() => looked.length === 1)
    stop.abort(new Error('client'))
    await expect(sending).rejects.toThrow('client')
    await aWhile()
    expect(rig.clock.pending).toBe(0)
    looked[0]?.()
    await aWhile()
    expect(server.open()).toBe(0)
  })

  it('rejects with the reason of its signal, and breaks off', async () => {
    const server = await rig.upstream({ upgrade: () => {} })
    const stop = new AbortController()
    const sending = rig.session().send(frameCall(accountAt(server.port), { signal: stop.signal }))
    await eventually(() => server.asked.length === 1)
    stop.abort(new Error('client'))
    await expect(sending).rejects.toThrow('client')
    await eventually(() => server.open() === 0)
    await expect(rig.session().send(frameCall(accountAt(server.port), { signal: stop.signal }))).rejects.toThrow('client')
    expect(server.asked).toHaveLength(1)
    expect(rig.clock.pending).toBe(0)
  })

  const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n'
  for (const [what, answer] of [
    ['with a wrong accept', `${upgraded}sec-websocket-accept: AAAA\r\n\r\n`],
    ['without an accept', `${upgraded}\r\n`],
    ['to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
    ['to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['with what is no HTTP', 'hello\r\n\r\n'],
    ['with nothing at all', ''],
  ] as const) {
    it(`that is answered ${what} has reached nobody`, async () => {
      const server = await rig.upstream({ upgrade: (_request, socket) => void (answer === '' ? socket.destroy() : socket.write(answer)) })
      expect(signalOf(await rig.session().send(frameCall(accountAt(server.port))))).toMatchObject({ kind: 'unreachable', why: 'reset', handedOver: false })
      await eventually(() => server.open() === 0)
      expect(rig.clock.pending).toBe(0)
    })
  }

  it('that upstream answers with an extension nobody asked for has reached nobody', async () => {
    const server = await rig.upstream({ headers: ['Sec-WebSocket-Extensions: permessage-deflate'] })
    expect(signalOf(await rig.session().send(frameCall(accountAt(server.port))))).toMatchObject({ why: 'reset', handedOver: false })
  })

  it('says that the connection was refused', async () => {
    const server = await rig.upstream()
    await rig.close()
    rig = new SocketRig()
    expect(signalOf(await rig.session().send(frameCall(accountAt(server.port))))).toMatchObject({ why: 'refused', handedOver: false })
  })

  // H4
  it('is refused for a name that leads to a private address, before anything is connected', async () => {
    const server = await rig.upstream()
    const main = account(`http://upstream.test:${server.port}`, { upstream: 'openai-compatible' })
    expect(signalOf(await rig.session({ names: namesTo('127.0.0.1') }).send(frameCall(main)))).toMatchObject({ why: 'private-address', handedOver: false })
    expect(server.open()).toBe(0)
  })

  // H7
  for (const [what, more] of [
    ['the credential would be two headers', { credential: { kind: 'api_key', apiKey: 'sk-secret\r\nx-evil: 1' } }],
    ['the path would be two lines', { path: '/a\r\nb: sk-secret' }],
    ['the path holds a fragment', { path: '/a#sk-secret' }],
    ['the base URL is none', { account: account('sk-secret') }],
  ] as const) {
    it(`is not sent where ${what}, and does not tell it`, async () => {
      const server = await rig.upstream()
      const signal = signalOf(await rig.session().send(frameCall(accountAt(server.port), more)))
      expect(signal).toMatchObject({ kind: 'unreachable', why: 'refused', handedOver: false })
      expect(JSON.stringify(signal)).not.toContain('sk-secret')
      expect(server.asked).toEqual([])
    })
  }

  for (const scheme of ['http', 'socks5h'] as const) {
    it(`goes through the account’s proxy (${scheme})`, async () => {
      const server = await rig.upstream()
      const proxy = rig.add(await (scheme === 'http' ? connectProxy() : socks5Proxy()))
      const main = account(`http://upstream.test:${server.port}/v1`, { proxy: `${scheme}://me:secret@127.0.0.1:${proxy.port}` })
      const read = readingOf(await rig.session().send(frameCall(main)))
      const end = await server.end(0)
      end.say(events('r1').completed)
      expect(await read.over()).toBe('end')
      expect(proxy.asked).toEqual([`upstream.test:${server.port}`])
      expect(proxy.credentials).toEqual(['me:secret'])
    })
  }

  it('says that the proxy refused', async () => {
    const proxy = rig.add(await connectProxy({ kind: 'refuse', status: '407 Proxy Authentication Required' }))
    const main = account('http://upstream.test', { proxy: `http://me:secret@127.0.0.1:${proxy.port}` })
    const signal = signalOf(await rig.session().send(frameCall(main)))
    expect(signal).toMatchObject({ why: 'proxy', handedOver: false })
    expect(JSON.stringify(signal)).not.toContain('secret')
  })

  it('speaks TLS where the base URL does, and trusts only whom it should', async () => {
    const server = await rig.upstream({ tls: true })
    const main = account(`https://upstream.test:${server.port}/v1`)
    const session = rig.session({ names: namesTo('127.0.0.1') })
    expect(signalOf(await session.send(frameCall(main)))).toMatchObject({ why: 'tls', handedOver: false })
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, testCertificate])
    try {
      const read = readingOf(await session.send(frameCall(main)))
      const end = await server.end(0)
      expect(await end.heard(1)).toEqual(['{"type":"response.create"}'])
      await rig.clock.advance(25_000)
      await eventually(() => end.pings === 1)
      await aWhile()
      await rig.clock.advance(25_000)
      await eventually(() => end.pings === 2)
      end.say(events('r1').completed)
      expect(await read.over()).toBe('end')
    } finally {
      setDefaultCACertificates(before)
    }
  })
})
