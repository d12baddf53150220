import { createServer, type Socket } from 'node:net'
import { burst as burstOf, delta, first as firstEvents, response, type Event } from './answer.ts'
import { otherDialects, type Spoken } from './other-dialects.ts'
import { Pacer } from './pacer.ts'
import { converse, sessionAnswers } from './session-upstream.ts'

// The fast upstream that all programs stand in front of: raw sockets and answers prepared beforehand, so that it costs far less than what is
// measured. Each event of a stream is an HTTP chunk of its own, as real upstreams send them, also where many come at once.

const eventsInBurst = Number(process.argv[2] ?? '2000')
const paceMs = Number(process.argv[3] ?? '20')
/** Where streams are to be open and do little: what they keep in memory is looked at. */
const heldPaceMs = 1000

const chunk = (event: Event): Buffer => chunked(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

function chunked(event: string): Buffer {
  const bytes = Buffer.from(event)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

const streamHead = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n')
const first = Buffer.concat([streamHead, ...firstEvents.map(chunk)])
const burst = Buffer.concat([streamHead, ...burstOf(eventsInBurst).map(chunk), Buffer.from('0\r\n\r\n')])
const one = chunk(delta(1))

function whole(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value) ?? '')
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n`),
    body,
  ])
}

const json = whole(response)
const models = whole({ object: 'list', data: [] })
const headEnd = Buffer.from('\r\n\r\n')
const pacer = new Pacer(paceMs)
const heldPacer = new Pacer(heldPaceMs)
const answersSessions = sessionAnswers({ eventsInBurst, pacer })

/** The same in the dialects that are named by the end of the path. */
const others = Object.entries(otherDialects).map(([end, { first: begins, one: goesOn, last: ends }]: [string, Spoken]) => ({
  end,
  first: Buffer.concat([streamHead, ...begins.map(chunked)]),
  one: chunked(goesOn),
  burst: Buffer.concat([
    streamHead,
    ...[...begins, ...Array.from({ length: eventsInBurst - begins.length - ends.length }, () => goesOn), ...ends].map(chunked),
    Buffer.from('0\r\n\r\n'),
  ]),
}))
const inResponses = { first, one, burst }

/** Goes on until the client leaves. */
function pace(socket: Socket, { first: begins, one: goesOn }: typeof inResponses, pacer: Pacer): void {
  socket.write(begins)
  pacer.pace(socket, goesOn)
}

function answer(socket: Socket, path: string): void {
  const [, what, group] = path.split('/', 3)
  if (what === 'opening') socket.write(whole(pacer.open(Number(group))))
  else if (what === 'speaking') socket.write(whole(pacer.speak(Number(group))))
  else if (path.includes('/models')) socket.write(models)
  else if (path.startsWith('/json/')) socket.write(json)
  else {
    const spoken = others.find(({ end }) => path.endsWith(end)) ?? inResponses
    if (path.startsWith('/burst/')) socket.write(spoken.burst)
    else pace(socket, spoken, path.startsWith('/held/') ? heldPacer : pacer)
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  let path: string | null = null
  let left = 0
  let head: Buffer = Buffer.alloc(0)
  let session: ((chunk: Buffer) => void) | null = null
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    if (session !== null) return session(chunk)
    let body = chunk.length
    if (path === null) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf(headEnd)
      if (end === -1) return
      const lines = head.toString('latin1', 0, end)
      path = lines.split(' ', 2)[1] ?? ''
      const says = /\r\nupgrade: *websocket/i.test(lines) ? answersSessions(path) : null
      if (says !== null) {
        session = converse(socket, lines, says)
        if (head.length > end + headEnd.length) session(head.subarray(end + headEnd.length))
        head = Buffer.alloc(0)
        return
      }
      left = Number(/\r\ncontent-length: (\d+)/i.exec(lines)?.[1] ?? 0)
      body = head.length - end - headEnd.length
      head = Buffer.alloc(0)
    }
    left -= body
    if (left > 0) return
    const asked = path
    path = null
    answer(socket, asked)
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`listening http://127.0.0.1:${address.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
