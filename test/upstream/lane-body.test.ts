import { describe, expect, it } from 'vitest'
import { holdsFromBytes, LaneBody } from '../../src/upstream/lane-body.ts'
import { settled } from '../support/virtual-clock.ts'
import { Reading } from './socket-rig.ts'

function made(bytesMax = 100) {
  const told = { abandoned: 0, held: 0 }
  const body = new LaneBody({ held: () => told.held++, abandoned: () => told.abandoned++ }, bytesMax)
  return { body, told, read: new Reading() }
}
const frame = (text: string) => Buffer.from(text)

describe('the answer of one turn on a lane', () => {
  it('gives each frame as it comes, and then its end', () => {
    const { body, read } = made()
    body.read(read)
    for (const text of ['a', 'b']) body.push(frame(text))
    body.finish()
    expect(read.frames).toEqual(['a', 'b'])
    expect(read.how).toBe('end')
  })

  it('keeps what comes before it is read, and gives it afterwards, never inside of the call', async () => {
    const { body, read } = made()
    body.push(frame('a'))
    body.push(frame('b'))
    body.finish()
    body.read(read)
    expect(read.frames).toEqual([])
    await settled()
    expect(read.frames).toEqual(['a', 'b'])
    expect(read.how).toBe('end')
  })

  it('gives nothing while it is paused, and then everything in its order', async () => {
    const { body, read } = made()
    body.read(read)
    body.pause()
    for (const text of ['a', 'b']) body.push(frame(text))
    expect(read.frames).toEqual([])
    body.resume()
    body.push(frame('c'))
    await settled()
    expect(read.frames).toEqual(['a', 'b', 'c'])
  })

  it('holds its socket up from a bound on, and until its reader has taken that', async () => {
    const { body, told, read } = made(2 * holdsFromBytes)
    body.read(read)
    body.pause()
    body.push(frame('x'.repeat(holdsFromBytes - 1)))
    expect([body.holds, told.held]).toEqual([false, 0])
    body.push(frame('y'))
    body.push(frame('z'))
    expect([body.holds, told.held]).toEqual([true, 1])
    body.resume()
    expect(body.holds).toBe(true)
    await settled()
    expect(read.frames.length).toBe(3)
    expect([body.holds, told.held]).toEqual([false, 2])
    body.pause()
    body.push(frame('x'.repeat(holdsFromBytes)))
    body.cancel()
    expect([body.holds, told.held]).toEqual([false, 4])
  })

  it('gives each frame as it comes again, once it has caught up', async () => {
    const { body, read } = made()
    body.read(read)
    body.pause()
    body.push(frame('a'))
    body.resume()
    await settled()
    body.push(frame('b'))
    expect(read.frames).toEqual(['a', 'b'])
    expect(body.holds).toBe(false)
  })

  it('stops giving when its reader pauses in the middle', async () => {
    const { body, read } = made()
    for (const text of ['a', 'b', 'c']) body.push(frame(text))
    const chunk = read.chunk.bind(read)
    read.chunk = (bytes) => {
      chunk(bytes)
      if (read.frames.length === 2) body.pause()
    }
    body.read(read)
    await settled()
    expect(read.frames).toEqual(['a', 'b'])
    body.finish()
    expect(read.how).toBeNull()
    body.resume()
    await settled()
    expect(read.frames).toEqual(['a', 'b', 'c'])
    expect(read.how).toBe('end')
  })

  it('tells that it broke, behind what had come', async () => {
    const { body, read } = made()
    body.push(frame('a'))
    body.fail('cut')
    body.fail('twice')
    body.finish()
    body.read(read)
    await settled()
    expect(read.frames).toEqual(['a'])
    expect(read.how).toBe('broken: cut')
  })

  it('takes one frame of any size while it is not read, and several up to the bound', () => {
    const { body } = made(100)
    expect(body.push(Buffer.alloc(1000))).toBe(true)
    expect(body.push(Buffer.alloc(1))).toBe(false)
    const other = made(100).body
    expect(other.push(Buffer.alloc(60))).toBe(true)
    expect(other.push(Buffer.alloc(40))).toBe(true)
    expect(other.push(Buffer.alloc(1))).toBe(false)
  })

  it('counts only what waits towards the bound', async () => {
    const { body, read } = made(100)
    body.read(read)
    for (let n = 0; n < 5; n++) {
      body.pause()
      expect(body.push(Buffer.alloc(100))).toBe(true)
      body.resume()
      await settled()
    }
    expect(read.bytes).toBe(500)
  })

  it('tells its lane once that it was given up, and its reader nothing more', async () => {
    const { body, told, read } = made()
    body.push(frame('a'))
    body.read(read)
    body.cancel()
    body.cancel()
    body.push(frame('b'))
    body.finish()
    await settled()
    expect(told.abandoned).toBe(1)
    expect(read.frames).toEqual([])
    expect(read.how).toBeNull()
    expect(body.holds).toBe(false)
  })

  it('gives up nothing where upstream has ended already', () => {
    const { body, told, read } = made()
    body.read(read)
    body.pause()
    body.push(frame('a'))
    body.finish()
    expect(body.holds).toBe(false)
    body.cancel()
    expect(told.abandoned).toBe(0)
  })

  it('is broken and given up when the call is called off', () => {
    const { body, told, read } = made()
    body.read(read)
    body.breakOff('called off')
    body.breakOff('called off')
    expect(read.how).toBe('broken: called off')
    expect(told.abandoned).toBe(1)
  })
})
