import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { account, answerOf, aWhile, callOf, drained, eventually, Rig, signalOf, type TinyServer } from './rig.ts'
import type { HttpTransport } from '../../src/upstream/http.ts'
import type { AnswerBody } from '../../src/ports/transport.ts'

let rig: Rig
beforeEach(() => (rig = new Rig()))
afterEach(() => rig.close())

interface Asked {
  readonly server: TinyServer
  readonly transport: HttpTransport
  readonly body: AnswerBody
  readonly again: () => Promise<AnswerBody>
}

/** An answer whose body `write` writes. */
async function asked(write: (response: ServerResponse) => void): Promise<Asked> {
  const server = await rig.http((_request, response) => write(response))
  const transport = rig.transport()
  const again = async () => answerOf(await transport.send(callOf(account(`http://127.0.0.1:${server.port}`)))).body
  return { server, transport, again, body: await again() }
}

/** Notes what a reader is told. */
function noting(body: AnswerBody) {
  const notes = { bytes: 0, told: [] as string[] }
  body.read({
    chunk: (bytes) => void (notes.bytes += bytes.length),
    end: () => notes.told.push('end'),
    broken: (detail) => notes.told.push(`broken: ${detail}`),
  })
  return notes
}

const mebibyte = Buffer.alloc(1024 * 1024, 'x')

/** Writes 32 MiB as fast as the connection takes them; tells when all have gone. */
function pour(response: ServerResponse, done: () => void): void {
  let left = 32
  const more = () => {
    while (left > 0) {
      left--
      if (!response.write(mebibyte)) return void response.once('drain', more)
    }
    response.end(done)
  }
  more()
}

describe('the body of an answer', () => {
  it('is pushed as it comes and ends once', async () => {
    const { body } = await asked((response) => {
      response.write('a')
      setImmediate(() => response.end('b'))
    })
    expect(await drained(body)).toEqual({ text: 'ab', how: 'end' })
    await body.closed
  })

  it('an empty one ends too', async () => {
    const { body } = await asked((response) => response.end())
    expect(await drained(body)).toEqual({ text: '', how: 'end' })
    await body.closed
  })

  it('pushes nothing before it is read', async () => {
    const { body } = await asked((response) => response.end('all of it'))
    await aWhile()
    expect(await drained(body)).toEqual({ text: 'all of it', how: 'end' })
  })

  it('holds the upstream back while it is paused, and loses nothing', async () => {
    let sent = false
    const { body } = await asked((response) => pour(response, () => (sent = true)))
    const notes = noting(body)
    await eventually(() => notes.bytes > 0)
    body.pause()
    const before = notes.bytes
    await aWhile()
    expect(notes.bytes).toBe(before)
    expect(sent).toBe(false)
    body.resume()
    await eventually(() => notes.told.length > 0)
    expect(notes).toEqual({ bytes: 32 * mebibyte.length, told: ['end'] })
  })

  it('goes on for a reader that pauses it inside each chunk', async () => {
    const { body } = await asked((response) => pour(response, () => {}))
    const notes = { bytes: 0, told: [] as string[] }
    body.read({
      chunk: (bytes) => {
        notes.bytes += bytes.length
        body.pause()
        setImmediate(() => body.resume())
      },
      end: () => notes.told.push('end'),
      broken: (detail) => notes.told.push(`broken: ${detail}`),
    })
    await eventually(() => notes.told.length > 0)
    expect(notes).toEqual({ bytes: 32 * mebibyte.length, told: ['end'] })
  })

  it('stays paused when it was paused before it was read', async () => {
    const { body } = await asked((response) => response.end('x'))
    body.pause()
    const notes = noting(body)
    await aWhile()
    expect(notes).toEqual({ bytes: 0, told: [] })
    body.resume()
    await eventually(() => notes.told.length > 0)
    expect(notes).toEqual({ bytes: 1, told: ['end'] })
  })

  it('is broken, once, when the connection is cut inside it', async () => {
    const { body } = await asked((response) => response.write('half', () => response.destroy()))
    expect(await drained(body)).toEqual({ text: 'half', how: 'broken: the upstream cut the connection inside the answer' })
    await body.closed
  })

  it('is broken when its framing is', async () => {
    const server = await rig.tcp((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n')),
    )
    const { body } = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    const { text, how } = await drained(body)
    expect(text).toBe('half')
    expect(how).toContain('broken')
    await body.closed
  })

  it('tells nothing between pause and resume, not even that it broke', async () => {
    const { body, server } = await asked((response) => response.write('half', () => setImmediate(() => response.destroy())))
    const notes = noting(body)
    await eventually(() => notes.bytes === 4)
    body.pause()
    await eventually(() => server.open() === 0)
    await aWhile()
    expect(notes.told).toEqual([])
    body.resume()
    expect(notes.told).toHaveLength(1)
    await body.closed
  })

  it('that broke before it was read is told to the reader', async () => {
    const { body, server } = await asked((response) => {
      response.writeHead(200).flushHeaders()
      setImmediate(() => response.destroy())
    })
    await eventually(() => server.open() === 0)
    await body.closed
    expect((await drained(body)).how).toContain('broken')
  })

  it('that is cancelled tells nothing more, and its connection is never used again', async () => {
    const { body, server, transport, again } = await asked((response) => response.write('first'))
    const notes = noting(body)
    await eventually(() => notes.bytes === 5)
    body.cancel()
    body.cancel()
    await body.closed
    await eventually(() => server.open() === 0)
    expect(transport.connections()).toEqual({ open: 0, idle: 0 })
    expect(notes.told).toEqual([])
    await again()
    expect(server.connections()).toBe(2)
  })

  it('that came whole and is cancelled unread leaves no connection either', async () => {
    const { body, server, transport } = await asked((response) => response.end('all of it'))
    body.cancel()
    await body.closed
    await eventually(() => server.open() === 0)
    expect(transport.connections().idle).toBe(0)
  })

  it('that ends before the question was taken whole leaves no connection', async () => {
    const server = await rig.tcp((socket) => socket.once('data', () => socket.pause().write('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno')))
    const transport = rig.transport()
    const call = callOf(account(`http://127.0.0.1:${server.port}`), { body: { pieces: [Buffer.alloc(32 * 1024 * 1024)], bytes: 32 * 1024 * 1024 } })
    const answer = answerOf(await transport.send(call))
    expect(answer.status).toBe(413)
    expect(await drained(answer.body)).toEqual({ text: 'no', how: 'end' })
    await answer.body.closed
    await eventually(() => transport.connections().open === 0)
  })

  const encodings = [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ] as const
  for (const [encoding, encode] of encodings) {
    it(`that is encoded with ${encoding}, though nobody asked for that, comes decoded`, async () => {
      const server = await rig.http((_request, response) =>
        response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'text/plain' }).end(encode('plain text')),
      )
      const answer = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
      expect(answer.pass).toEqual([['content-type', 'text/plain']])
      expect(await drained(answer.body)).toEqual({ text: 'plain text', how: 'end' })
      await answer.body.closed
    })
  }

  it('that is encoded and large comes whole', async () => {
    const large = randomBytes(8 * mebibyte.length)
    const server = await rig.http((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(large)))
    const { body } = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    const digest = createHash('sha256')
    const how = await new Promise((resolve) => body.read({ chunk: (bytes) => void digest.update(bytes), end: () => resolve('end'), broken: resolve }))
    expect([how, digest.digest('hex')]).toEqual(['end', createHash('sha256').update(large).digest('hex')])
  })

  it('is broken when it is encoded and the code is damaged or cut', async () => {
    const half = gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 60)
    const server = await rig.http((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(half))
    const { body } = answerOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    expect((await drained(body)).how).toContain('broken')
    await body.closed
  })

  it('in an encoding that we do not know is a signal', async () => {
    const server = await rig.http((_request, response) => response.writeHead(200, { 'content-encoding': 'compress' }).end('x'))
    const signal = signalOf(await rig.transport().send(callOf(account(`http://127.0.0.1:${server.port}`))))
    expect(signal).toMatchObject({ kind: 'unreachable', handedOver: true })
    expect(JSON.stringify(signal)).toContain('compress')
  })
})
