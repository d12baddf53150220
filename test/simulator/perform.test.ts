import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { perform } from '../../src/simulator/perform.ts'
import type { Scripted } from '../../src/simulator/stage.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A connection whose reader takes `room` pieces and then stops until it is drained. */
class SlowReader extends EventEmitter {
  readonly written: string[] = []
  room: number
  destroyed = false

  constructor(room: number) {
    super()
    this.room = room
  }

  writeHead(status: number): void {
    this.written.push(String(status))
  }

  write(bytes: Buffer): boolean {
    this.written.push(bytes.toString())
    this.room -= 1
    return this.room > 0
  }

  end(bytes: Buffer): void {
    this.written.push(`${bytes.toString()}.`)
  }

  drain(room: number): void {
    this.room = room
    this.emit('drain')
  }
}

const send = (text: string, waitMs = 0) => ({ kind: 'send', waitMs, bytes: Buffer.from(text) }) as const
const scripted = (steps: Scripted['steps']): Scripted => ({ head: { status: 200, headers: {} }, headAfterMs: 0, steps, faults: [], dialogue: null })
const play = (steps: Scripted['steps'], reader: SlowReader, clock = new VirtualClock()) => perform(scripted(steps), reader as unknown as ServerResponse, clock)

describe('a performance', () => {
  it('goes no faster than its reader reads', () => {
    const reader = new SlowReader(2)
    play([send('a'), send('b'), send('c'), send('d'), send('e'), { kind: 'end' }], reader)
    expect(reader.written).toEqual(['200', 'a', 'b'])
    reader.drain(1)
    expect(reader.written).toEqual(['200', 'a', 'b', 'c'])
    reader.drain(9)
    expect(reader.written).toEqual(['200', 'a', 'b', 'c', 'd', 'e.'])
  })

  it('waits before each piece as long as it says, and once', async () => {
    const clock = new VirtualClock()
    const reader = new SlowReader(9)
    play([send('a'), send('b', 10), send('c', 20), { kind: 'end' }], reader, clock)
    expect(reader.written).toEqual(['200', 'a'])
    await clock.advance(10)
    expect(reader.written).toEqual(['200', 'a', 'b'])
    await clock.advance(19)
    expect(reader.written).toEqual(['200', 'a', 'b'])
    await clock.advance(1)
    expect(reader.written).toEqual(['200', 'a', 'b', 'c.'])
    expect(clock.pending).toBe(0)
  })

  it('stops when the connection closes', () => {
    const clock = new VirtualClock()
    const reader = new SlowReader(9)
    play([send('a'), send('b', 10), { kind: 'end' }], reader, clock)
    reader.destroyed = true
    reader.emit('close')
    expect([clock.pending, reader.written]).toEqual([0, ['200', 'a']])
  })
})
