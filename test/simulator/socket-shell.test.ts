import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import { Connection } from '../../src/simulator/connection.ts'
import { InFlight } from '../../src/simulator/in-flight.ts'
import { ReceivedLog } from '../../src/simulator/received.ts'
import { SocketShell } from '../../src/simulator/socket-shell.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { create } from './stand.ts'
import { remembering } from './support.ts'

/** A socket whose reader takes so many bytes and then stops. Its writes are counted as the kernel would see them. */
class SlowSocket extends EventEmitter {
  writes = 0
  bytes = 0
  writableLength = 0
  writableNeedDrain = false
  room: number
  #corks = 0
  #isDirty = false

  constructor(room: number) {
    super()
    this.room = room
  }

  cork(): void {
    this.#corks += 1
  }

  uncork(): void {
    this.#corks -= 1
    if (this.#corks === 0 && this.#isDirty) this.writes += 1
    if (this.#corks === 0) this.#isDirty = false
  }

  write(bytes: Buffer | string): void {
    this.bytes += bytes.length
    this.writableLength = Math.max(0, this.bytes - this.room)
    this.writableNeedDrain = this.writableLength > 0
    this.#isDirty = true
    if (this.#corks === 0) this.uncork()
  }

  drain(room: number): void {
    this.room = room
    this.writableLength = 0
    this.writableNeedDrain = false
    this.emit('drain')
  }
}

class SlowWebSocket extends EventEmitter {
  readonly OPEN = 1
  readyState = 1
  readonly said: string[] = []
  isPaused = false
  closedWith: number | null = null
  readonly #socket: SlowSocket

  constructor(socket: SlowSocket) {
    super()
    this.#socket = socket
  }

  send(bytes: Buffer | string): void {
    this.said.push(bytes.toString())
    this.#socket.write(bytes)
  }

  close(code: number): void {
    this.closedWith = code
    this.readyState = 2
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }
}

function shellWith(room: number, behaviour: BehaviourSpec = {}) {
  const socket = new SlowSocket(room)
  const webSocket = new SlowWebSocket(socket)
  const memory = remembering({ behaviour })
  const clock = new VirtualClock()
  const inFlight = new InFlight()
  const log = new ReceivedLog({ entriesMax: 10, bodyKeptMax: 100, dialoguesKeptMax: 0 })
  const connection = new Connection({ key: 'key-a', number: 1, path: '/v1/responses', headers: {}, memory, log })
  const parts = { webSocket: webSocket as unknown as WebSocket, socket: socket as unknown as Socket }
  const shell = new SocketShell({ ...parts, connection, connectionMs: 1_000_000, memory, clock, inFlight })
  const say = (frame: unknown) => webSocket.emit('message', Buffer.from(JSON.stringify(frame)), false)
  return { shell, socket, webSocket, clock, inFlight, say }
}

describe('the shell of a connection', () => {
  it('says a burst in one write, whatever the number of its events', () => {
    const { socket, webSocket, say } = shellWith(Infinity, { deltas: 100, deltaBytes: 10 })
    say(create())
    expect([webSocket.said.length > 100, socket.writes]).toEqual([true, 1])
  })

  it('says the burst of a fast key in one write as well', () => {
    const { socket, say } = shellWith(Infinity, { fast: 'stream', deltas: 100, deltaBytes: 100 })
    say('anything')
    expect(socket.writes).toBe(1)
  })

  it('holds one event and no more beyond what its reader takes', () => {
    const { socket, webSocket, say } = shellWith(500_000, { deltas: 100, deltaBytes: 100_000 })
    say(create())
    const held = webSocket.said.length
    expect(socket.writableLength).toBeLessThan(101_000)
    socket.drain(900_000)
    expect(webSocket.said.length).toBeGreaterThan(held)
    expect(socket.writableLength).toBeLessThan(101_000)
    socket.drain(Infinity)
    expect(webSocket.said.at(-1)).toContain('response.completed')
  })

  it('hears nobody who does not listen, until they do', () => {
    const { socket, webSocket, say } = shellWith(0)
    for (let at = 0; at < 20_000 && !webSocket.isPaused; at += 1) say({ type: 'odd' })
    expect(webSocket.isPaused).toBe(true)
    expect(socket.writableLength).toBeGreaterThan(1024 * 1024)
    expect(socket.writableLength).toBeLessThan(1024 * 1024 + 1_000)
    socket.drain(Infinity)
    expect(webSocket.isPaused).toBe(false)
  })

  it('hears the answer to a close that it says to who does not listen', () => {
    const { shell, webSocket, say } = shellWith(0)
    for (let at = 0; at < 20_000 && !webSocket.isPaused; at += 1) say({ type: 'odd' })
    shell.close({ code: 1012, reason: '' })
    expect([webSocket.isPaused, webSocket.closedWith]).toEqual([false, 1012])
  })

  it('sets one timer for a turn that waits, even when its socket drains meanwhile', async () => {
    const { socket, webSocket, clock, say } = shellWith(Infinity, { deltas: 2, paceMs: 10 })
    say(create())
    expect(clock.pending).toBe(2)
    socket.drain(Infinity)
    expect([clock.pending, webSocket.said.length]).toEqual([2, 4])
    await clock.advance(20)
    expect([clock.pending, webSocket.said.at(-1)?.includes('response.completed')]).toEqual([1, true])
  })

  it('lets go of everything when it is gone', () => {
    const { webSocket, clock, inFlight, say } = shellWith(Infinity, { paceMs: 10 })
    for (const lane of ['a', 'b']) say(create({ stream_id: lane }))
    expect([clock.pending, inFlight.now('key-a')]).toEqual([3, 2])
    webSocket.readyState = 3
    webSocket.emit('close')
    expect([clock.pending, inFlight.now('key-a')]).toEqual([0, 0])
  })
})
