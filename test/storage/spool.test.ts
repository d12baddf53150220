import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { BatchMessage } from '../../src/storage/messages.ts'
import { LeftSpool } from '../../src/storage/spool-recovery.ts'
import { Spool } from '../../src/storage/spool.ts'
import { folder, listening } from './samples.ts'

const place = (bytes = 64 * 1024) => ({ file: path.join(folder(), 'turnout.spool'), bytes })

function batch(n: number, text = 'x'.repeat(100)): BatchMessage {
  return { kind: 'batch', n, opens: [[`turn ${n}`, text]], settles: [], owners: [], failovers: [], memories: [] }
}

async function spoolAt(at = place()) {
  const { log, sentences } = listening()
  const spool = new Spool(at, log)
  await spool.allocate()
  return { spool, file: at.file, sentences }
}

const left = (file: string): readonly number[] => [...new LeftSpool(file).batches()].map((found) => found.n)

async function drained(spool: Spool): Promise<readonly number[]> {
  const numbers: number[] = []
  for (let next = await spool.next(); next !== null; next = await spool.next()) numbers.push(next.n)
  return numbers
}

describe('the spool', () => {
  it('is allocated whole at the start, for its owner only, in a file of the size set', async () => {
    const { spool, file } = await spoolAt(place(3 * 1024 * 1024 + 5))
    const stat = fs.statSync(file)
    expect([stat.size, stat.mode & 0o777, stat.blocks * 512 >= stat.size]).toEqual([3 * 1024 * 1024 + 5, 0o600, true])
    await spool.close()
  })

  it('takes the size that is set now: grown or cut', async () => {
    const at = place(8192)
    await (await spoolAt(at)).spool.close()
    for (const bytes of [20_000, 4096]) {
      await (await spoolAt({ ...at, bytes })).spool.close()
      expect(fs.statSync(at.file).size).toBe(bytes)
    }
  })

  it('gives batches in the order in which they came, and begins anew when it has given all', async () => {
    const { spool, file } = await spoolAt()
    expect([await spool.append(batch(1)), await spool.append(batch(2)), spool.isEmpty]).toEqual(['synced', 'synced', false])
    expect((await spool.next())?.opens).toEqual(batch(1).opens)
    await spool.append(batch(3))
    expect(await drained(spool)).toEqual([2, 3])
    expect([spool.isEmpty, left(file)]).toEqual([true, []])
    await spool.append(batch(4, 'short'))
    expect([await drained(spool), spool.isEmpty]).toEqual([[4], true])
    await spool.close()
  })

  it('is full at its last byte: what does not fit is told, and nothing after it is taken until it begins anew', async () => {
    const { spool, file, sentences } = await spoolAt(place(4096))
    let taken = 0
    while ((await spool.append(batch(taken))) === 'synced') taken += 1
    expect(taken).toBeGreaterThan(10)
    expect(await spool.append(batch(99, ''))).toBe('full')
    expect([spool.hasRoom, left(file).length, sentences]).toEqual([false, taken, ['the spool is full: new turns wait for the store']])
    expect((await drained(spool)).length).toBe(taken)
    expect([spool.hasRoom, await spool.append(batch(1))]).toEqual([true, 'synced'])
    await spool.close()
  })

  it('keeps its last eighth for turns that run', async () => {
    const { spool } = await spoolAt(place(8192))
    const sizes: number[] = []
    for (let used = 0; spool.hasRoom; used += 1) {
      await spool.append(batch(used, 'x'.repeat(900)))
      sizes.push(used)
    }
    expect(sizes.length).toBe(7)
    expect(await spool.append(batch(1, ''))).toBe('synced')
    await spool.close()
  })

  it('says so where its file cannot be made, and takes nothing', async () => {
    const { spool, sentences } = await spoolAt({ file: '/nowhere/at all', bytes: 4096 })
    expect([await spool.append(batch(1)), spool.hasRoom, await spool.next()]).toEqual(['unwritable', false, null])
    expect(sentences).toEqual(['the spool cannot be allocated: while the store does not commit, no turn is served'])
    await spool.close()
  })

  it('does not give what was damaged since, and leaves it to the next start', async () => {
    const { spool, file, sentences } = await spoolAt()
    await spool.append(batch(1))
    await spool.append(batch(2))
    damage(file, 40)
    expect([await spool.next(), spool.isEmpty, await spool.append(batch(3))]).toEqual([null, true, 'unwritable'])
    expect(sentences).toEqual(['the spool cannot be read: what is in it is tried again at the next start'])
    await spool.close()
  })
})

function damage(file: string, at: number): void {
  const fd = fs.openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  fs.readSync(fd, byte, 0, 1, at)
  fs.writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at)
  fs.closeSync(fd)
}

describe('what a process left in its spool', () => {
  async function fileWith(batches: number): Promise<{ readonly file: string; readonly ends: readonly number[] }> {
    const { spool, file } = await spoolAt()
    for (let n = 0; n < batches; n++) await spool.append(batch(n))
    await spool.close()
    const bytes = fs.readFileSync(file)
    const ends: number[] = []
    for (let at = 0; bytes.readUInt32LE(at) !== 0; at = ends.at(-1) ?? 0) ends.push(at + 32 + bytes.readUInt32LE(at + 4))
    return { file, ends }
  }

  it('is all there', async () => {
    expect(left((await fileWith(3)).file)).toEqual([0, 1, 2])
  })

  it('is nothing where there is no file, and in one that was only allocated', async () => {
    expect(left(place().file)).toEqual([])
    expect(left((await fileWith(0)).file)).toEqual([])
  })

  it('ends before the record that the process died in, wherever that was cut', async () => {
    const { file, ends } = await fileWith(3)
    const whole = fs.readFileSync(file)
    const [, second = 0, third = 0] = ends
    for (let cut = second; cut < third; cut += 7) {
      fs.writeFileSync(file, Buffer.concat([whole.subarray(0, cut), Buffer.alloc(whole.length - cut)]))
      expect(left(file)).toEqual([0, 1])
      fs.truncateSync(file, cut)
      expect(left(file)).toEqual([0, 1])
    }
  })

  it('ends before a record with any byte changed', async () => {
    const { file, ends } = await fileWith(2)
    const whole = fs.readFileSync(file)
    for (let at = ends[0] ?? 0; at < (ends[1] ?? 0); at++) {
      damage(file, at)
      expect(left(file)).toEqual([0])
      fs.writeFileSync(file, whole)
    }
  })

  it('has nothing of what was written before it was last begun anew', async () => {
    const { spool, file } = await spoolAt()
    for (let n = 0; n < 5; n++) await spool.append(batch(n))
    await drained(spool)
    await spool.append(batch(9))
    await spool.close()
    expect(left(file)).toEqual([9])
  })

  it('is gone when it was cleared', async () => {
    const { file } = await fileWith(3)
    const spool = new LeftSpool(file)
    spool.clear()
    expect([left(file), spool.isEmpty()]).toEqual([[], true])
  })

  it('is not guessed at when another version of Turnout wrote it', async () => {
    const { file } = await fileWith(1)
    const bytes = fs.readFileSync(file)
    bytes.writeUInt8((bytes[12] ?? 0) ^ 1, 12)
    const { crc32 } = await import('node:zlib')
    bytes.writeUInt32LE(crc32(bytes.subarray(12, 32 + bytes.readUInt32LE(4))), 8)
    fs.writeFileSync(file, bytes)
    expect(() => left(file)).toThrow('Start that version once')
  })

  it('is not passed over where it cannot be read', () => {
    expect(() => left(folder())).toThrow('Make it readable; or move it away, and they are lost')
  })
})
