import { PassThrough, Readable, type Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodedStream, readBody, type ReadBody } from '../../src/lib/decode.ts'

const text = Buffer.from(JSON.stringify({ model: 'm', input: Array.from({ length: 3000 }, (_, i) => `item ${(i * 7919) % 3001}`) }))
const bytesMax = 1024 * 1024

/** Each way to write a body down, under the name that says so. */
const encodings: readonly (readonly [name: string, encoding: string | null, encode: (bytes: Buffer) => Buffer])[] = [
  ['plain', null, (bytes) => bytes],
  ['identity', 'identity', (bytes) => bytes],
  ['gzip', 'gzip', gzipSync],
  ['gzip under its old name', 'x-gzip', gzipSync],
  ['gzip in capitals, with spaces', ' GZip ', gzipSync],
  ['gzip on top of identity', 'identity, gzip', gzipSync],
  ['br', 'br', brotliCompressSync],
  ['zstd', 'zstd', zstdCompressSync],
  ['deflate in its zlib form', 'deflate', deflateSync],
  ['deflate in its bare form', 'deflate', deflateRawSync],
]

function chunked(bytes: Buffer, size: number): Readable {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
  return Readable.from(chunks)
}

function read(source: Readable, encoding: string | null, max = bytesMax): Promise<ReadBody> {
  return readBody(source, { encoding, bytesMax: max, expectedBytes: null })
}

// A10
describe.for(encodings)('a body that comes as %s', ([, encoding, encode]) => {
  const encoded = encode(text)

  it('is read in one chunk', async () => expect(await read(chunked(encoded, encoded.length), encoding)).toEqual({ kind: 'read', bytes: text }))

  it('is read in chunks of 1000 bytes', async () => expect(await read(chunked(encoded, 1000), encoding)).toEqual({ kind: 'read', bytes: text }))

  it('is read byte by byte', async () =>
    expect(await read(chunked(encode(text.subarray(0, 500)), 1), encoding)).toEqual({ kind: 'read', bytes: text.subarray(0, 500) }))

  it('is read when it is empty', async () => expect(await read(Readable.from([]), encoding)).toEqual({ kind: 'read', bytes: Buffer.alloc(0) }))

  it('may have exactly the bytes of the bound', async () => {
    const bound = Math.max(text.length, encoded.length)
    expect((await read(chunked(encoded, 1000), encoding, bound)).kind).toBe('read')
    expect((await read(chunked(encoded, 1000), encoding, text.length - 1)).kind).toBe('too-large')
  })

  it('is aborted when its sender goes before the end', async () => {
    const source = new PassThrough()
    const reading = read(source, encoding)
    source.write(encoded.subarray(0, 100))
    setImmediate(() => source.destroy())
    expect(await reading).toEqual({ kind: 'aborted' })
  })

  it('is aborted when its sender fails, and failing later does no harm', async () => {
    const source = new PassThrough()
    const reading = read(source, encoding, 50)
    source.destroy(new Error('reset'))
    expect(await reading).toEqual({ kind: 'aborted' })

    const late = new PassThrough()
    const readingLate = readBody(late, { encoding, bytesMax: 50, expectedBytes: 10 })
    late.write(encoded.subarray(0, 60))
    expect((await readingLate).kind).toBe('too-large')
    late.destroy(new Error('reset'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('is a stream too, decoded', async () => {
    const stream = decodedStream(chunked(encoded, 1000), encoding)
    expect(stream !== null && (await buffer(stream)).equals(text)).toBe(true)
  })

  it('is a stream that fails when its sender does', async () => {
    const source = new PassThrough()
    const stream = decodedStream(source, encoding)
    if (stream === null) throw new Error('no stream')
    const failed = new Promise((resolve) => stream.once('error', resolve))
    source.write(encoded.subarray(0, 100))
    source.destroy(new Error('reset'))
    expect(await failed).toBeInstanceOf(Error)
    expect(stream.destroyed).toBe(true)
  })
})

describe.for(encodings.slice(2))('a body encoded as %s', ([, encoding, encode]) => {
  const encoded = encode(text)

  it('is corrupt when it is cut off', async () => expect((await read(chunked(encoded.subarray(0, -20), 1000), encoding)).kind).toBe('corrupt'))

  it('is corrupt when its beginning is something else', async () => {
    expect((await read(Readable.from([Buffer.alloc(100, 0xff)]), encoding)).kind).toBe('corrupt')
  })

  it('that blows up stops at the bound, long before its end', async () => {
    const bomb = encode(Buffer.alloc(64 * 1024 * 1024))
    const before = process.memoryUsage().arrayBuffers
    expect((await read(Readable.from([bomb]), encoding)).kind).toBe('too-large')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * bytesMax)
  })

  it('leaves its source unharmed when it is refused', async () => {
    const source = chunked(encoded, 500)
    expect((await read(source, encoding, 1000)).kind).toBe('too-large')
    expect(source.destroyed).toBe(false)
    expect(source.isPaused()).toBe(true)
  })
})

describe('a body', () => {
  it.for(['compress', 'gzip, br', 'gzip,gzip', 'aws-chunked', 'utf-8'])('under the encoding "%s" is refused', async (encoding) => {
    expect(await read(Readable.from([text]), encoding)).toEqual({ kind: 'bad-encoding' })
    expect(decodedStream(Readable.from([text]), encoding)).toBeNull()
  })

  it('that comes in one chunk is that chunk', async () => {
    const whole = await readBody(Readable.from([text]), { encoding: null, bytesMax, expectedBytes: text.length })
    expect(whole.kind === 'read' && whole.bytes).toBe(text)
    const unannounced = await read(Readable.from([text]), null)
    expect(unannounced.kind === 'read' && unannounced.bytes).toBe(text)
  })

  it.for([text.length, text.length + 10, text.length - 10, 1, 0, null])('announced with %s bytes is read as it is', async (expectedBytes) => {
    expect(await readBody(chunked(text, 700), { encoding: null, bytesMax, expectedBytes })).toEqual({ kind: 'read', bytes: text })
  })

  it('frees the chunks that it was copied from, and no other', async () => {
    const chunks = [Buffer.alloc(50_000, 'a'), Buffer.alloc(50_000, 'b')]
    const larger = Buffer.alloc(60_000, 'c')
    const source = Readable.from([...chunks, larger.subarray(0, 50_000)])
    const whole = Buffer.concat([...chunks, larger.subarray(0, 50_000)])
    expect(await readBody(source, { encoding: null, bytesMax, expectedBytes: 150_000 })).toEqual({ kind: 'read', bytes: whole })
    expect(chunks.map((chunk) => chunk.length)).toEqual([0, 0])
    expect(larger.length).toBe(60_000)
  })

  it('announced larger than the bound is refused before it is read', async () => {
    const source = new PassThrough()
    expect(await readBody(source, { encoding: null, bytesMax: 10, expectedBytes: 11 })).toEqual({ kind: 'too-large' })
    expect(source.listenerCount('data')).toBe(0)
  })

  it('whose sender is gone already is aborted', async () => {
    const source = new PassThrough()
    source.destroy()
    expect(await read(source, 'gzip')).toEqual({ kind: 'aborted' })
  })

  it('encoded with a window of over 8 MiB is corrupt, and with one of 8 MiB is read', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'a')
    const encode = (windowLog: number) =>
      zstdCompressSync(large, { params: { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_enableLongDistanceMatching]: 1 } })
    expect((await read(Readable.from([encode(24)]), 'zstd', 2 * large.length)).kind).toBe('corrupt')
    expect((await read(Readable.from([encode(23)]), 'zstd', 2 * large.length)).kind).toBe('read')
  })

  it('is bounded as it comes, too: much may decode to nothing', async () => {
    const nothing = Buffer.concat(Array.from({ length: 100 }, () => gzipSync('')))
    expect((await read(chunked(nothing, 100), 'gzip', nothing.length)).kind).toBe('read')
    expect((await read(chunked(nothing, 100), 'gzip', nothing.length - 1)).kind).toBe('too-large')
  })

  it('may be several gzip members in a row', async () => {
    const members = Buffer.concat([gzipSync('{"a"'), gzipSync(':1}')])
    expect(await read(chunked(members, 7), 'gzip')).toEqual({ kind: 'read', bytes: Buffer.from('{"a":1}') })
  })

  it.for([
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
  ] as const)('encoded as %s is read to its end when bytes follow', async ([encoding, encoded]) => {
    const source = chunked(Buffer.concat([encoded, Buffer.alloc(300_000)]), 1000)
    const { kind } = await read(source, encoding)
    expect(['read', 'corrupt']).toContain(kind)
    if (kind === 'read') expect(source.readableEnded).toBe(true)
  })
})

describe('a decoded stream', () => {
  it('is the source itself where nothing is encoded', () => {
    const source = Readable.from([text])
    expect(decodedStream(source, null)).toBe(source)
  })

  it.for(encodings.slice(2))('of %s waits for its reader instead of piling up', async ([, encoding, encode]) => {
    const zeros = Buffer.alloc(16 * 1024 * 1024)
    const stream = decodedStream(Readable.from([encode(zeros)]), encoding)
    await new Promise((resolve) => stream?.once('readable', resolve))
    // As long as another takes to decode it all.
    expect((await read(Readable.from([encode(zeros)]), encoding, zeros.length)).kind).toBe('read')
    expect(stream?.readableLength).toBeLessThan(1024 * 1024)
    stream?.destroy()
  })

  it.for(encodings.slice(2))('of %s takes its source along when it is destroyed', async ([, encoding]) => {
    const source = new PassThrough()
    const stream = decodedStream(source, encoding) as Transform
    stream.on('error', () => {})
    stream.destroy()
    await new Promise((resolve) => source.once('close', resolve))
    expect(source.destroyed).toBe(true)
  })
})

describe('room for a body', () => {
  const asked = (room: number) => {
    const asks: number[] = []
    return { asks, makeRoom: (bytes: number) => (asks.push(bytes), bytes <= room) }
  }

  it('is asked for once where the length was announced', async () => {
    const { asks, makeRoom } = asked(100)
    expect(await readBody(chunked(Buffer.alloc(100, 'x'), 10), { encoding: null, bytesMax, expectedBytes: 100, makeRoom })).toMatchObject({ kind: 'read' })
    expect(asks).toEqual([100])
  })

  it('is asked for as it comes where it was not, and reading stops where there is none', async () => {
    const { asks, makeRoom } = asked(25)
    expect(await readBody(chunked(Buffer.alloc(100, 'x'), 10), { encoding: null, bytesMax, expectedBytes: null, makeRoom })).toEqual({ kind: 'no-room' })
    expect(asks).toEqual([10, 20, 30])
  })

  it('is asked for what an encoded body becomes, not for what it is sent as', async () => {
    const { asks, makeRoom } = asked(1000)
    const source = Readable.from([gzipSync(Buffer.alloc(100_000, 'x'))])
    expect(await readBody(source, { encoding: 'gzip', bytesMax, expectedBytes: null, makeRoom })).toEqual({ kind: 'no-room' })
    expect(asks).toEqual([65_536])
  })
})
