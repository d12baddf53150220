import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { array, assert, property, uint8Array } from 'fast-check'
import { WebSocket, WebSocketServer } from 'ws'
import { maskedTextFrame, textFrames } from '../../src/lib/text-frames.ts'

/** Lengths around every bound of the format, and of ours. */
const lengths = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 65_524, 65_532, 65_533, 65_535, 65_536, 65_537, 200_003]
const text = (length: number, seed = 0): Buffer => Buffer.from(Array.from({ length }, (_, at) => 0x20 + ((at * 7 + seed) % 90)))

const take = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes)

/** What comes out of the socket of the other side, as `ws` reads it. */
class Reader extends EventEmitter {
  readonly texts: string[] = []
}

const server = createServer()
const sockets: Socket[] = []
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

/** A WebSocket between two ends of `ws`, and the bare socket of each. */
async function pair(): Promise<{ readonly client: Reader; readonly server: Reader; readonly fromServer: Socket; readonly fromClient: Socket }> {
  const protocol = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const upgraded = new Promise<{ readonly ws: WebSocket; readonly socket: Socket }>((resolve) => {
    server.once('upgrade', (request, socket: Socket, head) => protocol.handleUpgrade(request, socket, head, (ws) => resolve({ ws, socket })))
  })
  const wire = connect(port, '127.0.0.1')
  sockets.push(wire)
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, createConnection: () => wire })
  await new Promise((resolve) => ws.once('open', resolve))
  const other = await upgraded
  return { client: readerOf(ws), server: readerOf(other.ws), fromServer: other.socket, fromClient: wire }
}

function readerOf(ws: WebSocket): Reader {
  const reader = new Reader()
  ws.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) reader.texts.push(data.toString('utf8'))
    reader.emit('text')
  })
  ws.on('error', (error) => reader.emit('error', error))
  return reader
}

async function heard(reader: Reader, count: number): Promise<readonly string[]> {
  while (reader.texts.length < count) await new Promise((resolve, reject) => void (reader.once('text', resolve), reader.once('error', reject)))
  return reader.texts
}

describe('frames of texts', () => {
  test('are read by another as what they were, from either side, whatever their lengths', async () => {
    const { client, server: other, fromServer, fromClient } = await pair()
    const texts = lengths.map((length) => text(length, length))
    const said = texts.map(String)
    for (const part of textFrames(texts, take)) fromServer.write(part)
    expect(await heard(client, texts.length)).toEqual(said)
    for (const each of texts) fromClient.write(maskedTextFrame({ pieces: [each], bytes: each.length }, take))
    expect(await heard(other, texts.length)).toEqual(said)
  })

  test('are one buffer while they are small, and a large one is not copied', () => {
    const small = [text(100), text(0), text(3000)]
    const large = text(200_000)
    const parts = textFrames([...small, large, ...small], take)
    expect(parts.map(({ length }) => length)).toEqual([102 + 2 + 3004, 10, 200_000, 102 + 2 + 3004])
    expect(parts[2]).toBe(large)
    expect(textFrames([], take)).toEqual([])
    const many = textFrames(
      Array.from({ length: 100 }, () => text(1000)),
      take,
    )
    expect(many.map(({ length }) => length)).toEqual([65 * 1004, 35 * 1004])
  })

  test('of a client are the same text under another mask each, wherever it was cut, and its own bytes stay', () => {
    assert(
      property(array(uint8Array({ maxLength: 300 }), { maxLength: 6 }), (cut) => {
        const pieces = cut.map((piece) => Buffer.from(piece))
        const whole = Buffer.concat(pieces)
        const frame = maskedTextFrame({ pieces, bytes: whole.length }, take)
        const at = whole.length <= 125 ? 2 : whole.length <= 65_535 ? 4 : 10
        const mask = frame.subarray(at, at + 4)
        expect(Buffer.from(frame.subarray(at + 4).map((byte, nth) => byte ^ (mask[nth % 4] ?? 0))).equals(whole)).toBe(true)
        expect(Buffer.concat(pieces).equals(whole)).toBe(true)
      }),
    )
    const masks = new Set(Array.from({ length: 5000 }, () => maskedTextFrame({ pieces: [], bytes: 0 }, take).toString('hex')))
    expect(masks.size).toBeGreaterThan(4990)
  })
})
