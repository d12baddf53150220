import { Transform, pipeline, type Readable, type TransformCallback } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { free } from './free.ts'

export type ReadBody =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  /** Decoded or as it came, the body exceeds the bound. */
  | { readonly kind: 'too-large' }
  /** It would have been taken, were there room for it. */
  | { readonly kind: 'no-room' }
  /** An encoding that we do not know, or several on top of each other. */
  | { readonly kind: 'bad-encoding' }
  | { readonly kind: 'corrupt' }
  /** The sender went before the end. */
  | { readonly kind: 'aborted' }

export interface ReadOptions {
  /** The value of `content-encoding`. */
  readonly encoding: string | null
  /** Bounds the body both as it comes and as it is when decoded. */
  readonly bytesMax: number
  /** The value of `content-length`: what will come, before it is decoded. */
  readonly expectedBytes: number | null
  /** Asked before so many bytes in all are kept; false ends the reading. Left out: there is always room. */
  readonly makeRoom?: (bytes: number) => boolean
}

type Objection = Extract<ReadBody, { kind: 'too-large' | 'no-room' }>

/** What RFC 9659 grants a sender: 8 MiB. Larger windows would let a few bytes claim much memory. */
const zstdWindowLog = 23

/** Unit: bytes. Larger than the library's own, because each piece of output costs a turn of the event loop. */
const chunkSize = 64 * 1024

const decoders: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', () => createGunzip({ chunkSize })],
  ['x-gzip', () => createGunzip({ chunkSize })],
  ['br', () => createBrotliDecompress({ chunkSize })],
  ['zstd', () => createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })],
  ['deflate', () => new Inflate()],
])

/**
 * Collects a body, decoded. Chunks are its own from then on: what was copied from them is freed. When the answer comes before the body's end the source is
 * left paused, neither drained nor destroyed: what becomes of the connection is the caller's to say.
 */
export function readBody(source: Readable, options: ReadOptions): Promise<ReadBody> {
  const coding = codingOf(options.encoding)
  if (coding === null) return Promise.resolve({ kind: 'bad-encoding' })
  if ((options.expectedBytes ?? 0) > options.bytesMax) return Promise.resolve({ kind: 'too-large' })
  if (source.destroyed || source.readableEnded) return Promise.resolve({ kind: 'aborted' })
  return coding === 'identity' ? collect(source, options) : decode(source, coding(), options)
}

/** A stream of what `source` says, decoded; null where the encoding is unknown. Destroying it destroys the source; trouble of the source is its own. */
export function decodedStream(source: Readable, encoding: string | null): Readable | null {
  const coding = codingOf(encoding)
  if (coding === null || coding === 'identity') return coding === null ? null : source
  return pipeline(source, coding(), () => {})
}

/** The decoder's maker; 'identity' where there is nothing to decode; null where we cannot. */
function codingOf(encoding: string | null): (() => Transform) | 'identity' | null {
  const names = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const name = names[0]
  if (name === undefined) return 'identity'
  return names.length === 1 ? (decoders.get(name) ?? null) : null
}

function collect(source: Readable, options: ReadOptions): Promise<ReadBody> {
  return new Promise((resolve) => {
    const gathered = new Gathered(options)
    const done = (read: ReadBody) => {
      deafen()
      source.pause()
      resolve(read)
    }
    const deafen = listen(source, {
      chunk(bytes) {
        const objection = gathered.add(bytes)
        if (objection !== null) done(objection)
      },
      end: () => done({ kind: 'read', bytes: gathered.whole() }),
      gone: () => done({ kind: 'aborted' }),
    })
  })
}

/** Nothing at all is an empty body in every encoding. Bytes behind the end of the encoded body are read and ignored, so that the connection stays in order. */
function decode(source: Readable, decoder: Transform, options: ReadOptions): Promise<ReadBody> {
  const { bytesMax } = options
  return new Promise((resolve) => {
    const gathered = new Gathered({ ...options, expectedBytes: null })
    let encodedBytes = 0
    const done = (read: ReadBody) => {
      deafen()
      source.pause()
      decoder.off('drain', resume).destroy()
      resolve(read)
    }
    const resume = () => source.resume()
    const finish = () => source.readableEnded && decoder.readableEnded && done({ kind: 'read', bytes: gathered.whole() })
    const deafen = listen(source, {
      chunk(bytes) {
        encodedBytes += bytes.length
        if (encodedBytes > bytesMax) done({ kind: 'too-large' })
        else if (!decoder.readableEnded && !decoder.write(bytes)) source.pause()
      },
      end() {
        if (encodedBytes === 0) return done({ kind: 'read', bytes: gathered.whole() })
        decoder.end()
        finish()
      },
      gone: () => done({ kind: 'aborted' }),
    })
    decoder.on('data', (bytes: Buffer) => {
      const objection = gathered.add(bytes)
      if (objection !== null) done(objection)
    })
    decoder.on('error', () => done({ kind: 'corrupt' }))
    decoder.on('drain', resume)
    decoder.on('end', () => {
      resume()
      finish()
    })
  })
}

interface Listener {
  readonly chunk: (bytes: Buffer) => void
  readonly end: () => void
  /** Closed or failed before its end. */
  readonly gone: () => void
}

/**
 * Starts to read. The answer stops it: what comes later is dropped, an error too, for one that nobody hears would end the process. The listeners stay on
 * the stream, because taking them off costs more than all the rest here.
 */
function listen(source: Readable, listener: Listener): () => void {
  let hearing: Listener | null = listener
  let ended = false
  source.on('error', () => hearing?.gone())
  source.on('close', () => {
    if (!ended) hearing?.gone()
  })
  source.on('end', () => {
    ended = true
    hearing?.end()
  })
  source.on('data', (bytes: Buffer) => hearing?.chunk(bytes))
  return () => {
    hearing = null
  }
}

/** Chunks on their way to being one buffer: without a copy where one chunk is all, else with one. */
class Gathered {
  /** So many have come. */
  bytes = 0
  #chunks: Buffer[] = []
  /** Allocated once for all that is expected. */
  #room: Buffer | null = null
  #expectedBytes: number | null
  /** For so many there is room. */
  #granted = 0
  readonly #bytesMax: number
  readonly #makeRoom: (bytes: number) => boolean

  constructor({ bytesMax, expectedBytes, makeRoom = () => true }: ReadOptions) {
    this.#bytesMax = bytesMax
    this.#expectedBytes = expectedBytes
    this.#makeRoom = makeRoom
  }

  /** Null: it was taken. */
  add(chunk: Buffer): Objection | null {
    const at = this.bytes
    const bytes = at + chunk.length
    if (bytes > this.#bytesMax) return { kind: 'too-large' }
    if (bytes > this.#granted) {
      // What was announced is asked for once; what was not, as it comes.
      const wanted = Math.max(bytes, this.#expectedBytes ?? 0)
      if (!this.#makeRoom(wanted)) return { kind: 'no-room' }
      this.#granted = wanted
    }
    this.bytes = bytes
    if (this.#expectedBytes !== null && this.bytes > this.#expectedBytes) this.#expectNothing(at)
    if (this.#expectedBytes === null || chunk.length === this.#expectedBytes) {
      this.#chunks.push(chunk)
      return null
    }
    this.#room ??= Buffer.allocUnsafeSlow(this.#expectedBytes)
    chunk.copy(this.#room, at)
    free(chunk)
    return null
  }

  whole(): Buffer {
    if (this.#room !== null) return this.#room.subarray(0, this.bytes)
    return this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks, this.bytes)
  }

  /** More came than was announced, so the announcement is worth nothing. */
  #expectNothing(bytesSoFar: number): void {
    if (this.#room !== null) this.#chunks.push(this.#room.subarray(0, bytesSoFar))
    this.#room = this.#expectedBytes = null
  }
}

/** What is called deflate comes in two forms; the first byte tells the one that RFC 9110 means (zlib's) from the bare one that some send. */
class Inflate extends Transform {
  #inner: Transform | null = null

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#inner ??= this.#begin(chunk)
    this.#inner.write(chunk, (error) => done(error ?? null))
  }

  override _flush(done: TransformCallback): void {
    if (this.#inner === null || this.#inner.readableEnded) return done()
    this.#inner.once('end', () => done())
    this.#inner.end()
  }

  override _read(size: number): void {
    this.#inner?.resume()
    super._read(size)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy()
    done(error)
  }

  #begin(chunk: Buffer): Transform {
    const isZlib = ((chunk[0] ?? 0) & 0x0f) === 8
    const inner: Transform = isZlib ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize })
    inner.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) inner.pause()
    })
    inner.on('error', (error) => this.destroy(error))
    return inner
  }
}
