import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { burst, delta, first, idPlace, message, type Event } from './answer.ts'
import { FrameCutter, isPing, isText, serverFrame, serverPong } from './frames.ts'
import type { Pacer } from './pacer.ts'

// The fast upstream's sessions: frames prepared beforehand, of which only the ids are fresh.

/** Frames of one answer, joined, and where in them the ids stand. */
class Prepared {
  readonly #bytes: Buffer
  readonly #places: readonly number[]

  constructor(events: readonly Event[]) {
    this.#bytes = Buffer.concat(events.map((event) => serverFrame(Buffer.from(JSON.stringify(event)))))
    const places: number[] = []
    for (let at = this.#bytes.indexOf(idPlace); at !== -1; at = this.#bytes.indexOf(idPlace, at + 1)) places.push(at)
    this.#places = places
  }

  fresh(): Buffer {
    const id = freshId()
    const bytes = Buffer.from(this.#bytes)
    for (const at of this.#places) bytes.write(id, at, 'latin1')
    return bytes
  }
}

let ids = 0
const freshId = (): string => `resp_${String(++ids).padStart(idPlace.length - 5, '0')}`

export interface Saying {
  readonly eventsInBurst: number
  readonly pacer: Pacer
}

/** How sessions are answered, by the first part of the path. Null: no session is answered there. */
export function sessionAnswers({ eventsInBurst, pacer }: Saying): (path: string) => ((socket: Socket) => void) | null {
  const prepared = {
    message: new Prepared(message),
    short: new Prepared(burst(3)),
    hundred: new Prepared(burst(100)),
    burst: new Prepared(burst(eventsInBurst)),
  }
  const begun = new Prepared(first)
  const one = serverFrame(Buffer.from(JSON.stringify(delta(2))))
  const pace = (socket: Socket): void => {
    socket.write(begun.fresh())
    pacer.pace(socket, one)
  }
  return (path) => {
    const way = path.split('/', 2)[1] ?? ''
    if (way === 'ws-paced') return pace
    const answer = Object.entries(prepared).find(([name]) => way === `ws-${name}`)?.[1]
    return answer === undefined ? null : (socket) => void socket.write(answer.fresh())
  }
}

const websocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Agrees to an upgrade and answers every message from now on. @param head of the request. */
export function converse(socket: Socket, head: string, answer: (socket: Socket) => void): (chunk: Buffer) => void {
  const key = /\r\nsec-websocket-key: *([^\r]+)/i.exec(head)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}${websocketGuid}`).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`)
  const cutter = new FrameCutter((opcode) => {
    if (isText(opcode)) answer(socket)
    else if (isPing(opcode)) socket.write(serverPong)
  })
  return (chunk) => cutter.push(chunk)
}
