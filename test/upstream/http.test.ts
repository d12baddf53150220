import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountId } from '../../src/core/ids.ts'
import type { Call } from '../../src/ports/transport.ts'
import { account, answerOf, aWhile, body, bytesOf, callOf, drained, eventually, Rig, signalOf } from './rig.ts'

let rig: Rig
beforeEach(() => (rig = new Rig()))
afterEach(() => rig.close())

describe('a call to an upstream over HTTP', () => {
  it('uses one connection for call after call', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}/v1`)
    for (let n = 0; n < 5; n++) expect(await drained(answerOf(await transport.send(callOf(main))).body)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(1)
    await eventually(() => transport.connections().idle === 1)
  })

  it('keeps the connections of two accounts apart, though they go to one address', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const transport = rig.transport()
    for (const id of ['one', 'two']) {
      const one = account(`http://127.0.0.1:${server.port}/v1`, { id: id as AccountId })
      await drained(answerOf(await transport.send(callOf(one))).body)
    }
    expect(server.connections()).toBe(2)
  })

  it('keeps its connections over a reload that changes nothing about them', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const transport = rig.transport()
    for (const priority of [1, 2]) await drained(answerOf(await transport.send(callOf(account(`http://127.0.0.1:${server.port}/v1`, { priority })))).body)
    expect(server.connections()).toBe(1)
  })

  it('closes the connections of an account that is gone, a busy one when its answer is over', async () => {
    let finish: () => void = () => {}
    const server = await rig.http((_request, response) => {
      response.write('first')
      finish = () => response.end()
    })
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}/v1`)
    const answer = answerOf(await transport.send(callOf(main)))
    transport.forget(main.id)
    finish()
    expect(await drained(answer.body)).toEqual({ text: 'first', how: 'end' })
    await eventually(() => server.open() === 0)
  })

  // A10
  it('sends all pieces whole, with a fresh length and no encoding', async () => {
    const seen: { headers: IncomingMessage['headers']; bytes: Buffer }[] = []
    const server = await rig.http((request, response) => {
      void bytesOf(request).then((bytes) => {
        seen.push({ headers: request.headers, bytes })
        response.end()
      })
    })
    const large = Buffer.alloc(300_000, 'x')
    const clientHeaders = {
      'content-encoding': 'zstd',
      'content-length': '3',
      'transfer-encoding': 'chunked',
      'content-type': 'text/plain',
      'accept-encoding': 'gzip',
    }
    const call = callOf(account(`http://127.0.0.1:${server.port}/v1`), { clientHeaders, body: body('{"a":', large, '}') })
    await rig.transport().send(call)
    const { headers, bytes } = seen[0] ?? { headers: {}, bytes: Buffer.alloc(0) }
    expect(bytes.equals(Buffer.concat([Buffer.from('{"a":'), large, Buffer.from('}')]))).toBe(true)
    expect(headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      authorization: 'Bearer sk-upstream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': '300006',
      'user-agent': 'turnout',
      connection: 'keep-alive',
    })
  })

  it('says that its body was taken when the last byte has gone, and not before', async () => {
    const asked = Promise.withResolvers<() => void>()
    const server = await rig.http((request, response) => asked.resolve(() => void bytesOf(request).then(() => response.end('ok'))))
    const taken: string[] = []
    const large = Buffer.alloc(8_000_000, 'x')
    const sending = rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}/v1`), { body: { ...body(large), taken: () => taken.push('taken') } }))
    const read = await asked.promise
    await aWhile()
    expect(taken).toEqual([])
    read()
    expect(await drained(answerOf(await sending).body)).toEqual({ text: 'ok', how: 'end' })
    expect(taken).toEqual(['taken'])
  })

  it('never says so of a body that was answered before its end', async () => {
    const server = await rig.http((_request, response) => response.end('early'))
    const taken: string[] = []
    const large = Buffer.alloc(8_000_000, 'x')
    const call = callOf(account(`http://127.0.0.1:${server.port}/v1`), { body: { ...body(large), taken: () => taken.push('taken') } })
    expect(await drained(answerOf(await rig.transport().send(call)).body)).toEqual({ text: 'early', how: 'end' })
    await eventually(() => server.open() === 0)
    expect(taken).toEqual([])
  })

  it('says method, base path and path, and no body where there is none', async () => {
    const lines: string[] = []
    const server = await rig.http((request, response) => {
      lines.push(`${request.method} ${request.url} ${request.headers['content-length'] ?? '-'} ${request.headers['content-type'] ?? '-'}`)
      response.end()
    })
    const main = account(`http://127.0.0.1:${server.port}/some/v1`)
    const transport = rig.transport()
    for (const method of ['GET', 'DELETE', 'POST'] as const) await transport.send(callOf(main, { method, path: '/responses/resp_1?include=a', body: null }))
    expect(lines).toEqual(
      ['GET', 'DELETE'].map((method) => `${method} /some/v1/responses/resp_1?include=a - -`).concat('POST /some/v1/responses/resp_1?include=a 0 -'),
    )
  })

  it('proves itself with the access token of an OAuth credential', async () => {
    let said: string | undefined
    const server = await rig.http((request, response) => {
      said = request.headers.authorization
      response.end()
    })
    await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { credential: { kind: 'oauth', accessToken: 'at-1', accountId: 'acc' } }))
    expect(said).toBe('Bearer at-1')
  })

  describe('to Anthropic', () => {
    const asked = async (credential: Call['credential'], clientHeaders: Call['clientHeaders'] = {}) => {
      let seen: { readonly path: string | undefined; readonly headers: IncomingMessage['headers'] } | null = null
      const server = await rig.http((request, response) => {
        seen = { path: request.url, headers: request.headers }
        response.end()
      })
      const claude = account(`http://127.0.0.1:${server.port}`, { upstream: 'anthropic', dialects: ['messages'], allowPrivate: true })
      await rig.transport().send(callOf(claude, { credential, clientHeaders, path: '/messages?beta=true' }))
      return seen ?? { path: undefined, headers: {} }
    }
    const client = {
      'x-api-key': 'sk-client',
      authorization: 'Bearer sk-client',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'effort-2025-11-24',
      'x-app': 'cli',
    }

    it('presents an API key in a header of its own, and nothing of the client’s', async () => {
      const { path, headers } = await asked({ kind: 'api_key', apiKey: 'sk-upstream' }, client)
      expect(path).toBe('/v1/messages?beta=true')
      expect(headers).toMatchObject({ 'x-api-key': 'sk-upstream', 'anthropic-version': '2026-10-21', 'anthropic-beta': 'effort-2025-11-24', 'x-app': 'cli' })
      expect(headers).not.toHaveProperty('authorization')
    })

    it('presents an access token with the beta that it needs, and no id of an account', async () => {
      const { headers } = await asked({ kind: 'oauth', accessToken: 'at-1', accountId: 'acc' }, client)
      expect(headers).toMatchObject({ authorization: 'Bearer at-1', 'anthropic-beta': 'effort-2025-11-24,oauth-2025-04-20' })
      expect(Object.keys(headers)).not.toContain('x-api-key')
      expect(JSON.stringify(headers)).not.toMatch(/sk-client|acc"/)
    })

    it('presents nothing where there is nothing to present', async () => {
      const { headers } = await asked(null, client)
      expect(JSON.stringify(headers)).not.toMatch(/sk-client|oauth-/)
    })
  })

  // H5, H6
  it('passes headers by allowlist each way', async () => {
    let seen: IncomingMessage['headers'] = {}
    const server = await rig.http((request, response) => {
      seen = request.headers
      response.writeHead(200, {
        'content-type': 'application/json',
        'set-cookie': ['a=b', 'c=d'],
        'x-request-id': 'req_9',
        'openai-model': 'm',
        server: 'edge',
      })
      response.end('{}')
    })
    const clientHeaders = {
      cookie: 'session=1',
      'x-forwarded-for': '203.0.113.9',
      authorization: 'Bearer sk-client',
      'x-api-key': 'sk-client',
      originator: 'codex_exec',
    }
    const answer = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { clientHeaders })))
    expect(JSON.stringify(seen)).not.toMatch(/session=1|203\.0\.113\.9|sk-client/)
    expect(seen['originator']).toBe('codex_exec')
    expect(Object.fromEntries(answer.pass)).toEqual({ 'content-type': 'application/json', 'x-upstream-request-id': 'req_9', 'openai-model': 'm' })
    expect(answer.headers['server']).toBe('edge')
  })

  // H4
  it('takes a redirect for an answer and does not follow it', async () => {
    const asked: (string | undefined)[] = []
    const server = await rig.http((request, response) => {
      asked.push(request.url)
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    const answer = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    expect(answer.status).toBe(307)
    expect(answer.pass).toEqual([])
    expect(asked).toEqual(['/responses'])
  })

  it('is no answer to be told to change the protocol', async () => {
    const server = await rig.tcp((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')),
    )
    expect(signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))).toMatchObject({ kind: 'unreachable', why: 'reset' })
  })

  it('hears past early hints to the answer itself', async () => {
    const server = await rig.tcp((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
    )
    expect(await drained(answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`)))).body)).toEqual({ text: 'ok', how: 'end' })
  })

  // H7
  it('sends nothing where the credential would be two headers, and does not tell it', async () => {
    const server = await rig.http((_request, response) => response.end())
    const signal = signalOf(
      await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { credential: { kind: 'api_key', apiKey: 'sk-secret\r\nx-evil: 1' } })),
    )
    expect(signal).toMatchObject({ kind: 'unreachable', handedOver: false })
    expect(JSON.stringify(signal)).not.toContain('sk-secret')
    expect(server.connections()).toBe(0)
  })

  it('sends nothing where the path would be two lines', async () => {
    const server = await rig.http((_request, response) => response.end())
    expect(signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`), { path: '/a b\r\nx: 1' })))).toMatchObject({
      kind: 'unreachable',
      handedOver: false,
    })
    expect(server.connections()).toBe(0)
  })

  it('opens no more connections than the account has leases, and a few', async () => {
    const responses: (() => void)[] = []
    const server = await rig.http((_request, response) => responses.push(() => response.end('ok')))
    const transport = rig.transport()
    const main = account(`http://127.0.0.1:${server.port}`, { concurrency: 1 })
    const busy = Array.from({ length: 9 }, () => transport.send(callOf(main)))
    await eventually(() => responses.length === 9)
    const late = transport.send(callOf(main))
    await eventually(() => responses.length === 9)
    expect(server.connections()).toBe(9)
    responses.shift()?.()
    await drained(answerOf(await Promise.race(busy)).body)
    await eventually(() => responses.length === 9)
    responses.at(-1)?.()
    expect(await drained(answerOf(await late).body)).toEqual({ text: 'ok', how: 'end' })
    expect(server.connections()).toBe(9)
  })
})
