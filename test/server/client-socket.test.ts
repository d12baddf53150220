import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ClientSocket, pingMs } from '../../src/server/client-socket.ts'
import { eventually } from '../support/client.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const times = { clientWriteMs: 30_000, pingMs, lingerMs: 5_000 }

/** A client's socket as the server has it, and what became of it. */
async function accepted(
  come: (port: number) => void,
): Promise<{ readonly socket: ClientSocket; readonly wire: Socket; readonly clock: VirtualClock; readonly heard: string[] }> {
  const clock = new VirtualClock()
  const heard: string[] = []
  const protocol = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer()
  const opened = new Promise<{ readonly socket: ClientSocket; readonly wire: Socket }>((resolve) => {
    server.on('upgrade', (request, socket, head) =>
      protocol.handleUpgrade(request, socket, head, (ws) => resolve({ socket: new ClientSocket(ws, socket as Socket, clock, times), wire: socket as Socket })),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  come((server.address() as AddressInfo).port)
  const { socket, wire } = await opened
  const note = (what: string) => () => void heard.push(what)
  socket.listen({ frame: (bytes) => void heard.push(bytes.toString()), binary: note('binary'), gone: note('gone'), stuck: note('stuck') })
  return { socket, wire, clock, heard }
}

const upgrade =
  'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

test('a client that is there answers the pings, and stays for as long as it likes', async () => {
  let client: WebSocket | null = null
  const { clock, heard } = await accepted((port) => (client = new WebSocket(`ws://127.0.0.1:${port}`)))
  const ws = client as WebSocket | null
  if (ws === null) throw new Error('nobody came')
  let pings = 0
  ws.on('ping', () => pings++)
  for (let n = 1; n <= 4; n++) {
    await clock.advance(pingMs)
    await eventually(
      () => pings,
      (count) => count === n,
    )
    // Its answer is on its way when its own socket has handed it over; what it says behind it comes behind it.
    ws.send(`after ${n}`)
    await eventually(
      () => heard.at(-1),
      (last) => last === `after ${n}`,
    )
  }
  ws.close()
  await once(ws, 'close')
  await eventually(
    () => heard.at(-1),
    (last) => last === 'gone',
  )
  expect(clock.pending).toBe(0)
})

test('a connection that is half open, and brings no answer to a ping, is broken off', async () => {
  let raw: Socket | null = null
  const { clock, heard } = await accepted((port) => {
    raw = connect(port, '127.0.0.1', () => raw?.write(upgrade))
    raw.on('error', () => undefined)
  })
  await clock.advance(pingMs)
  expect(heard).toEqual([])
  await clock.advance(pingMs)
  await eventually(
    () => heard,
    (said) => said.includes('gone'),
  )
  expect(clock.pending).toBe(0)
  ;(raw as Socket | null)?.destroy()
})

test('a close that the client does not answer is not waited for longer than it may take', async () => {
  let raw: Socket | null = null
  const { socket, clock, heard } = await accepted((port) => {
    raw = connect(port, '127.0.0.1', () => raw?.write(upgrade))
    raw.on('error', () => undefined)
  })
  socket.close(1008, 'enough')
  await clock.advance(times.lingerMs - 1)
  expect(heard).toEqual([])
  await clock.advance(1)
  await eventually(
    () => heard,
    (said) => said.includes('gone'),
  )
  expect(clock.pending).toBe(0)
  ;(raw as Socket | null)?.destroy()
})

describe('what is said in one tick', () => {
  const frames = [Buffer.from('one'), Buffer.from('two')]

  async function talking() {
    let client: WebSocket | null = null
    const { socket, wire } = await accepted((port) => (client = new WebSocket(`ws://127.0.0.1:${port}`)))
    const ws = client as WebSocket | null
    if (ws === null) throw new Error('nobody came')
    const heard: string[] = []
    ws.on('message', (data: Buffer) => void heard.push(data.toString()))
    const closed = once(ws, 'close')
    if (ws.readyState !== ws.OPEN) await once(ws, 'open')
    const writes = vi.spyOn(wire, '_writev')
    const single = vi.spyOn(wire, '_write')
    return { socket, heard, closed, writes: () => writes.mock.calls.length + single.mock.calls.length }
  }

  it('is one write, also where it is said in several microtasks', async () => {
    const { socket, heard, closed, writes } = await talking()
    socket.say(frames)
    await Promise.resolve()
    socket.say(frames)
    expect(writes()).toBe(0)
    await new Promise<void>((resolve) => process.nextTick(resolve))
    expect(writes()).toBe(1)
    socket.close(1000, '')
    await closed
    expect(heard).toEqual(['one', 'two', 'one', 'two'])
  })

  it('reaches the client before a close in the same tick does', async () => {
    const { socket, heard, closed } = await talking()
    socket.say(frames)
    socket.close(1008, 'enough')
    expect((await closed)[0]).toBe(1008)
    expect(heard).toEqual(['one', 'two'])
  })

  it('is handed over before the connection is broken off in the same tick', async () => {
    const { socket, closed, writes } = await talking()
    socket.say(frames)
    socket.terminate()
    expect(writes()).toBe(1)
    await closed
  })
})
