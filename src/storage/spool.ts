import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { Log } from '../ports/log.ts'
import type { BatchMessage } from './messages.ts'
import { encode, headBytes, readBatch, readHead } from './spool-record.ts'

/** Written at a time while the file is allocated. */
const stepBytes = 1024 * 1024
/** This share of the file is left to turns that run: no new turn is let in on it. */
const keptShare = 1 / 8

export interface SpoolPlace {
  readonly file: string
  /** What it may hold, allocated at the start. */
  readonly bytes: number
}

export type Spooled = 'synced' | 'full' | 'unwritable'

/** Where batches go that the store does not take in time. */
export interface BatchSpool {
  /** Nothing is in it, and nothing is on its way into it. */
  readonly isEmpty: boolean
  /** Whether new turns may still come to rely on it. */
  readonly hasRoom: boolean
  /** On disk when it says `synced`. Never rejects. */
  append(batch: BatchMessage): Promise<Spooled>
  /** The oldest batch that was not given yet; null where all were, which then begins the file anew. Never rejects. */
  next(): Promise<BatchMessage | null>
}

export const noSpool: BatchSpool = { isEmpty: true, hasRoom: false, append: () => Promise.resolve('unwritable'), next: () => Promise.resolve(null) }

/**
 * Batches in the order in which they came, in a file whose blocks are allocated before they are needed: a disk that has become full still
 * takes them. What a process leaves in it is written into the store at the next start (`spool-recovery.ts`).
 */
export class Spool implements BatchSpool {
  readonly #place: SpoolPlace
  readonly #log: Log
  #handle: FileHandle | null = null
  /** Everything that touches the file, one after another. */
  #last: Promise<unknown> = Promise.resolve()
  #generation = newGeneration()
  #sequence = 0
  #writeAt = 0
  #readAt = 0
  #appending = 0
  #isFull = false
  #isClosing = false
  #trouble: string | null = null

  constructor(place: SpoolPlace, log: Log) {
    this.#place = place
    this.#log = log
  }

  /** Makes room for `bytes`, beside what goes on. The file must hold nothing that is still wanted. Never rejects. */
  allocate(): Promise<void> {
    return this.#then(() => this.#allocate())
  }

  get isEmpty(): boolean {
    return this.#writeAt === 0 && this.#appending === 0
  }

  get hasRoom(): boolean {
    return this.#trouble === null && !this.#isFull && this.#writeAt <= this.#place.bytes * (1 - keptShare)
  }

  append(batch: BatchMessage): Promise<Spooled> {
    this.#appending += 1
    return this.#then(async () => {
      const said = await this.#append(batch)
      this.#appending -= 1
      return said
    })
  }

  next(): Promise<BatchMessage | null> {
    return this.#then(() => this.#next())
  }

  /** Leaves what is in the file to the next start. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#then(async () => {
      await this.#handle?.close()
      this.#handle = null
    })
  }

  async #append(batch: BatchMessage): Promise<Spooled> {
    if (this.#handle === null) return 'unwritable'
    if (this.#isFull) return 'full'
    const record = encode(batch, { generation: this.#generation, sequence: this.#sequence })
    if (this.#writeAt + record.length > this.#place.bytes) {
      this.#isFull = true
      this.#log.error({ bytes: this.#writeAt, file: this.#place.file }, 'the spool is full: new turns wait for the store')
      return 'full'
    }
    try {
      await write(this.#handle, record, this.#writeAt)
      await this.#handle.datasync()
    } catch (error) {
      this.#unwell(error, 'the spool cannot be written')
      return 'unwritable'
    }
    this.#trouble = null
    this.#sequence += 1
    this.#writeAt += record.length
    return 'synced'
  }

  async #next(): Promise<BatchMessage | null> {
    if (this.#handle === null) return null
    try {
      if (this.#readAt === this.#writeAt) {
        await this.#beginAnew(this.#handle)
        return null
      }
      const head = readHead(await read(this.#handle, this.#readAt, headBytes))
      const batch = head === null ? null : readBatch(head, await read(this.#handle, this.#readAt, headBytes + head.bodyBytes))
      if (head === null || batch === null) throw new Error(`the record at byte ${this.#readAt} is damaged`)
      this.#readAt += headBytes + head.bodyBytes
      return batch
    } catch (error) {
      // What cannot be read now stays in the file, behind which nothing is written any more, for the next start to try.
      this.#unwell(error, 'the spool cannot be read: what is in it is tried again at the next start')
      await this.#handle.close().catch(() => {})
      this.#handle = null
      this.#readAt = 0
      this.#writeAt = 0
      return null
    }
  }

  /** The first head is blotted out: behind it nothing is found. */
  async #beginAnew(handle: FileHandle): Promise<void> {
    if (this.#writeAt > 0) {
      await write(handle, Buffer.alloc(headBytes), 0)
      await handle.datasync()
    }
    this.#generation = newGeneration()
    this.#sequence = 0
    this.#writeAt = 0
    this.#readAt = 0
    this.#isFull = false
  }

  async #allocate(): Promise<void> {
    const { file, bytes } = this.#place
    try {
      // Not `a`, which ignores positions, and not `w`, which empties.
      const handle = await open(file, 'r+').catch(() => open(file, 'wx+', 0o600))
      this.#handle = handle
      await grow(handle, bytes, () => this.#isClosing)
    } catch (error) {
      await this.#handle?.close().catch(() => {})
      this.#handle = null
      this.#unwell(error, 'the spool cannot be allocated: while the store does not commit, no turn is served')
    }
  }

  #unwell(error: unknown, sentence: string): void {
    const why = error instanceof Error ? error.message : String(error)
    if (this.#trouble !== why) this.#log.error({ why, file: this.#place.file }, sentence)
    this.#trouble = why
  }

  #then<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done
    return done
  }
}

/** Nonzero with all likelihood, and never that of what an earlier filling left behind. */
function newGeneration(): bigint {
  return randomBytes(8).readBigUInt64LE()
}

async function write(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten
}

/** Zeros are written, since a length alone allocates nothing. */
async function grow(handle: FileHandle, bytes: number, isGivenUp: () => boolean): Promise<void> {
  const { size } = await handle.stat()
  if (size > bytes) await handle.truncate(bytes)
  if (size >= bytes) return
  try {
    const zeros = Buffer.alloc(Math.min(stepBytes, bytes - size))
    for (let at = size; at < bytes && !isGivenUp(); at += zeros.length) await write(handle, zeros.subarray(0, bytes - at), at)
    await handle.datasync()
  } catch (error) {
    // What it has taken of a disk that is too small, the store needs.
    await handle.truncate(size).catch(() => {})
    throw error
  }
}

async function read(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, at + done)
    if (bytesRead === 0) throw new Error('the file is shorter than what was written to it')
    done += bytesRead
  }
  return buffer
}
