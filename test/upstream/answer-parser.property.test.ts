import { request, type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { heard } from './heard.ts'

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
const value = fc.stringMatching(/^[!-~\x80-\xff]([ \t!-~\x80-\xff]{0,20}[!-~\x80-\xff])?$/)
const framingNames = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'content-encoding', 'upgrade', '__proto__', 'cookie'])
const header = fc.tuple(token, value).filter(([name]) => !framingNames.has(name.toLowerCase()))
const familiar = fc.tuple(fc.constantFrom('Content-Type', 'x-request-id', 'Set-Cookie', 'retry-after', 'SERVER', 'etag', 'location'), value)
const body = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const chunk = fc.tuple(
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom('', ';a', ';a=b', ';a="b"'),
)
const framed = fc.oneof(
  body.map((text) => ({ said: `content-length: ${text.length}\r\n`, text: text, body: text, closes: false })),
  fc.tuple(fc.array(chunk, { maxLength: 12 }), fc.array(header, { maxLength: 2 })).map(([chunks, trailers]) => ({
    said: 'transfer-encoding: chunked\r\n',
    text: `${chunks.map(([text, extension]) => `${text.length.toString(16)}${extension}\r\n${text}\r\n`).join('')}0\r\n${lines(trailers)}\r\n`,
    body: chunks.map(([text]) => text).join(''),
    closes: false,
  })),
  body.map((text) => ({ said: '', text, body: text, closes: true })),
)
const interim = fc.constantFrom('', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
const answer = fc
  .record({
    interim,
    status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
    reason: fc.constantFrom('', ' ', ' OK', ' Not At All'),
    headers: fc.array(fc.oneof(header, familiar), { maxLength: 8 }),
    framed,
  })
  .map(({ interim, status, reason, headers, framed }) => ({
    ...framed,
    status,
    bytes: Buffer.from(`${interim}HTTP/1.1 ${status}${reason}\r\n${lines(headers)}${framed.said}\r\n${framed.text}`, 'latin1'),
  }))
const cuts = fc.array(fc.nat({ max: 1200 }), { maxLength: 12 })

function lines(headers: readonly (readonly [string, string])[]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

describe('an answer', () => {
  it('is the same however it is cut into reads', () => {
    fc.assert(
      fc.property(answer, cuts, ({ bytes, body, status, closes }, at) => {
        const cut = at.map((place) => Math.min(place, bytes.length))
        const { head, ...told } = heard(bytes, cut, 'ends')
        expect(told).toMatchObject({ body, how: 'clean' })
        expect(head?.status).toBe(status)
        expect(head?.lasts).toBe(closes ? 'closed' : 'kept')
        expect(head?.headers).toEqual(heard(bytes, [], 'ends').head?.headers)
      }),
      { numRuns: 2000 },
    )
  })

  it('that is cut off is never taken for a whole one', () => {
    fc.assert(
      fc.property(
        answer.filter(({ closes }) => !closes),
        fc.nat({ max: 1200 }),
        ({ bytes }, place) => {
          if (place >= bytes.length) return
          expect(heard(bytes.subarray(0, place), [], 'ends').how).toBe('cut')
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('of any bytes at all throws nothing, ends at most once, and is the same however it is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom('HTTP/1.1 200 OK', '\r\n', '\r', '\n', ' ', ':', 'content-length', 'transfer-encoding: chunked', '\r\n\r\n', '0', '5', ';', '\0', 'x'),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    )
    const beginning = fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    fc.assert(
      fc.property(beginning, fc.array(piece, { maxLength: 20 }), cuts, (start, pieces, at) => {
        const bytes = Buffer.from(start + pieces.join(''), 'latin1')
        const whole = heard(bytes, [], 'ends')
        const inParts = heard(
          bytes,
          at.map((place) => Math.min(place, bytes.length)),
          'ends',
        )
        // Where bytes follow an answer, the cut decides whether they come with its end or after it.
        const how = (told: typeof whole) => (told.how === 'spilled' ? 'clean' : told.how)
        expect([how(inParts), inParts.head?.headers]).toEqual([how(whole), whole.head?.headers])
        if (whole.how !== 'malformed') expect(inParts.body).toBe(whole.body)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('an answer, beside the client of node', () => {
  let server: Server
  let answered: Buffer = Buffer.alloc(0)
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answered))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => server.close())

  interface Seen {
    readonly status: number
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }

  const byNode = (bytes: Buffer): Promise<Seen> =>
    new Promise((resolve, reject) => {
      answered = bytes
      const { port } = server.address() as AddressInfo
      const outgoing = request({ host: '127.0.0.1', port, agent: false }, (message) => {
        const chunks: Buffer[] = []
        message.on('data', (chunk: Buffer) => chunks.push(chunk))
        message.on('error', reject)
        message.on('end', () => resolve({ status: message.statusCode ?? 0, headers: message.headers, body: Buffer.concat(chunks).toString('latin1') }))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })

  it('in order has the same status, headers and body', async () => {
    await fc.assert(
      fc.asyncProperty(answer, async ({ bytes }) => {
        const { head, body } = heard(bytes, [], 'ends')
        expect({ status: head?.status, headers: { ...head?.headers }, body }).toEqual(await byNode(bytes))
      }),
      { numRuns: 300 },
    )
  })

  it('that is damaged is read as node reads it, if both take it for an answer', async () => {
    const bit = fc.constantFrom('\r', '\n', '\r\n', ' ', ':', ';', ',', '0', 'a', '\0', '\x7f', '-', 'content-length: 5\r\n', 'transfer-encoding: chunked\r\n')
    await fc.assert(
      fc.asyncProperty(answer, fc.nat({ max: 400 }), fc.nat({ max: 2 }), bit, async ({ bytes }, place, gone, put) => {
        const at = place % bytes.length
        const damaged = Buffer.concat([bytes.subarray(0, at), Buffer.from(put, 'latin1'), bytes.subarray(at + gone)])
        const { head, body, how } = heard(damaged, [], 'ends')
        const theirs = await byNode(damaged).catch(() => null)
        if (how === 'clean' && theirs !== null) expect({ status: head?.status, headers: { ...head?.headers }, body }).toEqual(theirs)
      }),
      { numRuns: 1000 },
    )
  })
})
