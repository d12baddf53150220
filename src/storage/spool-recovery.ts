import fs from 'node:fs'
import type { BatchMessage } from './messages.ts'
import { goesOn, headBytes, layout, readBatch, readHead } from './spool-record.ts'
import { StoreError } from './store-error.ts'

/** What a process left in its spool: read at the start, while nobody else has the file. */
export class LeftSpool {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /**
   * The batches, oldest first. Ends where a record is not whole, as the last one is when the process died while it wrote it: nobody was told
   * that it is on disk.
   */
  *batches(): Generator<BatchMessage> {
    try {
      yield* this.#read()
    } catch (error) {
      throw error instanceof Error && 'syscall' in error ? this.#unreadable(error) : error
    }
  }

  *#read(): Generator<BatchMessage> {
    const fd = this.#open()
    if (fd === null) return
    try {
      let generation: bigint | null = null
      for (let at = 0, sequence = 0; ; sequence += 1) {
        const head = readHead(read(fd, at, headBytes))
        if (head === null || !goesOn(head, { generation, sequence })) return
        const batch = readBatch(head, read(fd, at, headBytes + head.bodyBytes))
        if (batch === null) return
        if (head.layout !== layout) throw new StoreError('newer', this.#stranger())
        yield batch
        generation = head.generation
        at += headBytes + head.bodyBytes
      }
    } finally {
      fs.closeSync(fd)
    }
  }

  isEmpty(): boolean {
    for (const _ of this.batches()) return false
    return true
  }

  /** Forgets what was left. */
  clear(): void {
    const fd = fs.openSync(this.#file, 'r+')
    try {
      fs.writeSync(fd, Buffer.alloc(headBytes), 0, headBytes, 0)
      fs.fdatasyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  }

  #open(): number | null {
    try {
      return fs.openSync(this.#file, 'r')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  }

  #unreadable(error: Error): StoreError {
    return new StoreError(
      'cannot-open',
      `The spool ${this.#file} cannot be read (${error.message}), and it may hold records that are not in the store yet. Make it readable; or move it away, and they are lost.`,
    )
  }

  #stranger(): string {
    return `The spool ${this.#file} holds records of another version of Turnout. Start that version once, which writes them into the store; or move the file away, and they are lost.`
  }
}

/** Fewer bytes than asked for where the file ends. */
function read(fd: number, at: number, bytes: number): Buffer {
  const left = Math.max(0, Math.min(bytes, fs.fstatSync(fd).size - at))
  const buffer = Buffer.alloc(left)
  let done = 0
  while (done < left) {
    const got = fs.readSync(fd, buffer, done, left - done, at + done)
    if (got === 0) break
    done += got
  }
  return buffer.subarray(0, done)
}
