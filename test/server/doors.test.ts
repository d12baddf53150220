import { afterEach, describe, expect, it } from 'vitest'
import type { Route } from '../../src/ports/routes.ts'
import { ask, laptopKey, start, stopAll, Wire, type Gateway } from './support.ts'

afterEach(stopAll)

const rows: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/responses',
    guard: 'key',
    handle: async ({ request, response }) => {
      let bytes = 0
      for await (const chunk of request) bytes += (chunk as Buffer).length
      response.end(`read ${bytes}`)
    },
  },
  { method: 'GET', path: '/healthz', guard: 'open', handle: async ({ response }) => void response.end('ok') },
]
const serve = (limits = {}): Promise<Gateway> => start(() => rows, { limits })
const post = `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\n`

// H3
describe('others are served while a client', () => {
  const served = async (gateway: Gateway) => expect(await ask(gateway, '/healthz')).toMatchObject({ status: 200, text: 'ok' })

  it('floods with headers, and is told 431', async () => {
    const gateway = await serve()
    const wire = new Wire(gateway).send(`GET /healthz HTTP/1.1\r\nHost: a\r\n${`X-Flood: ${'f'.repeat(1000)}\r\n`.repeat(17)}`)
    await served(gateway)
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 431 [^]*x-request-id: req_[^]*"headers_too_large"/)
    expect(gateway.seen.refusals).toContain('headers_too_large')
  })

  it('sends headers just below the bound, and is served', async () => {
    const gateway = await serve()
    expect(await ask(gateway, '/healthz', { headers: { 'x-large': 'f'.repeat(15_900) } })).toMatchObject({ status: 200 })
    expect(await ask(gateway, '/healthz', { headers: { 'x-large': 'f'.repeat(16_400) } })).toMatchObject({ status: 431 })
  })

  it('sends more headers than anyone counts, and none is lost', async () => {
    const gateway = await serve()
    const wire = new Wire(gateway).send(
      `POST /v1/responses HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(3000)}Authorization: Bearer ${laptopKey}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    )
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 200 [^]*read 2/)
  })

  it('dribbles its headers, and is told 408', async () => {
    const gateway = await serve({ headersMs: 80 })
    const wire = new Wire(gateway).send('POST /v1/responses HTTP/1.1\r\nHo')
    await served(gateway)
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 408 [^]*connection: close[^]*"request_timeout"/)
  })

  it('dribbles its body, and is told 408', async () => {
    const gateway = await serve({ headersMs: 80, requestMs: 100 })
    const wire = new Wire(gateway).send(`${post}Content-Length: 100\r\n\r\n{`)
    await served(gateway)
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 408 [^]*"request_timeout"/)
  })
})

// H7, H8
describe('a request that could be read in two ways, or is none, is refused with 400', () => {
  it.each([
    ['two lengths', `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['the same length twice', `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
    ['a length beside chunks', `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['chunks beside a length', `${post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['chunked not last', `${post}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['an obscured chunked', `${post}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['a length that is no number', `${post}Content-Length: +2\r\n\r\n{}`],
    ['a space before the colon', `${post}Content-Length : 2\r\n\r\n{}`],
    ['a folded header', `${post}X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}`],
    ['a bare carriage return in a value', `${post}X-A: b\rc\r\nContent-Length: 2\r\n\r\n{}`],
    ['a bare line feed between headers', `${post}X-A: b\nContent-Length: 2\r\n\r\n{}`],
    ['a NUL in a value', `${post}X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}`],
    ['no host', `POST /v1/responses HTTP/1.1\r\nAuthorization: Bearer ${laptopKey}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`],
    ['a chunk size that is none', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s', async (_, text) => {
    const gateway = await serve({ lingerMs: 50 })
    const answer = await new Wire(gateway).send(text).rest()
    expect(answer).toMatch(/^HTTP\/1.1 400 [^]*x-request-id: [^]*"error":/)
    expect(answer).not.toContain('read ')
    expect(answer.match(/^HTTP\/1.1 /gm)).toHaveLength(1)
    expect(await ask(gateway, '/healthz')).toMatchObject({ status: 200 })
  })

  it('what follows a whole request gets no word into its answer', async () => {
    const gateway = await serve({ lingerMs: 50 })
    const answer = await new Wire(gateway).send(`${post}Content-Length: 2\r\n\r\n{}NOT HTTP\r\n\r\n`).rest()
    expect(answer).not.toContain('400')
  })
})

describe('a refusal before the body', () => {
  it('is seen by a client that sends all of it first', async () => {
    const gateway = await serve()
    const answer = await ask(gateway, '/v1/responses', { method: 'POST', key: null, body: Buffer.alloc(3_000_000) })
    expect(answer).toMatchObject({ status: 401 })
  })

  it('is followed by the end of the connection where the body does not end', async () => {
    const gateway = await serve({ lingerMs: 50 })
    const wire = new Wire(gateway).send('POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{')
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 401 /)
  })

  it('comes instead of the leave to send it, and a wanted body gets the leave', async () => {
    const gateway = await serve({ lingerMs: 50 })
    const expects = 'Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'
    const refused = new Wire(gateway).send(`POST /v1/responses HTTP/1.1\r\nHost: a\r\n${expects}`)
    expect(await refused.rest()).toMatch(/^HTTP\/1.1 401 /)
    const wanted = new Wire(gateway).send(post + expects)
    await wanted.until('HTTP/1.1 100 Continue\r\n\r\n')
    expect(await wanted.send('{}').rest()).toContain('read 2')
  })
})

describe('an upgrade', () => {
  const upgrade = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`
  const key = `Authorization: Bearer ${laptopKey}\r\n`

  it.each(['/v1/responses', '/responses'])('on %s is the beginning of a session, and refused in our shape where there may be none', async (path) => {
    const answer = await new Wire(await serve()).send(upgrade(path, key)).rest()
    expect(answer).toMatch(/^HTTP\/1.1 429 Too Many Requests\r\n[^]*x-request-id: req_[^]*"rate_limit_exceeded"/)
  })

  it.each([
    ['without a key is 401', upgrade('/v1/responses'), 401],
    ['with an unknown key is 401', upgrade('/v1/responses', 'Authorization: Bearer nobody\r\n'), 401],
    ['elsewhere is 404', upgrade('/v1/models', key), 404],
    ['with its key in the address is 400', upgrade(`/v1/responses?token=${laptopKey}`), 400],
  ])('%s', async (_, text, status) => {
    const gateway = await serve()
    const answer = await new Wire(gateway).send(text).rest()
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).not.toContain(laptopKey)
  })

  // H9
  it('with bytes behind it ends the connection', async () => {
    expect(await new Wire(await serve()).send(`${upgrade('/v1/responses', key)}\x81\x05hello`).rest()).toBe('')
  })

  it('to another protocol is declined by answering as asked', async () => {
    const text = `${post}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 2\r\n\r\n{}`
    expect(await new Wire(await serve()).send(text).rest()).toMatch(/^HTTP\/1.1 200 [^]*read 2/)
  })
})
