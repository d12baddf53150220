import { connect, type Socket } from 'node:net'
import { idPlace } from './answer.ts'
import { clientFrame, clientHeadBytes, clientPong, FrameCutter, isPing, isText } from './frames.ts'

/** What a session asks: the first time, and then again and again, each time continuing the answer before. */
export interface Questions {
  readonly first: Buffer
  readonly next: Buffer
  /** Where in `next` the id of the answer before stands, and where in what is masked. */
  readonly idAt: number
  readonly maskedAt: number
}

const mask = Buffer.from([0x5a, 0x17, 0xc3, 0x8e])
const previous = `"previous_response_id":"${idPlace}"`

/** @param members of the `response.create`, as JSON without its braces. */
export function questionsOf(members: string): Questions {
  const first = Buffer.from(`{"type":"response.create",${members}}`)
  const next = Buffer.from(`{"type":"response.create",${previous},${members}}`)
  const maskedAt = next.indexOf(idPlace)
  return { first: clientFrame(first, mask), next: clientFrame(next, mask), idAt: clientHeadBytes(next.length) + maskedAt, maskedAt }
}

const headEnd = Buffer.from('\r\n\r\n')
const completed = Buffer.from('{"type":"response.completed"')
const failed = [Buffer.from('{"type":"error"'), Buffer.from('{"type":"response.failed"')]
const idMember = Buffer.from('"id":"resp_')
const handshakesAtOnce = 100

/** Sessions that stay open, on raw sockets: reading answers must cost far less than making them. */
export class OpenSessions {
  readonly #sessions: readonly Session[]

  private constructor(sessions: readonly Session[]) {
    this.#sessions = sessions
  }

  static async open(port: number, key: string, count: number): Promise<OpenSessions> {
    const sessions: Session[] = []
    while (sessions.length < count) {
      const some = Math.min(handshakesAtOnce, count - sessions.length)
      sessions.push(...(await Promise.all(Array.from({ length: some }, () => Session.open(port, key)))))
    }
    return new OpenSessions(sessions)
  }

  /** Events that came so far, on all of them. */
  get events(): number {
    return this.#sessions.reduce((sum, session) => sum + session.events, 0)
  }

  /** One question each, and its answer. */
  async askOnce(questions: Questions): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.ask(questions)))
  }

  /** One question each; resolves when each answer has begun. */
  async begin(questions: Questions): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.begin(questions)))
  }

  /** A closed loop: each asks again when its answer is whole. Resolves with the number of answers. Fails when one is an error. */
  async loop(questions: Questions, ms: number): Promise<number> {
    const untilMs = performance.now() + ms
    const turns = await Promise.all(this.#sessions.map((session) => session.loop(questions, untilMs)))
    return turns.reduce((sum, n) => sum + n, 0)
  }

  close(): void {
    for (const session of this.#sessions) session.close()
  }
}

class Session {
  events = 0
  readonly #socket: Socket
  readonly #cutter = new FrameCutter((opcode, bytes, start, end) => this.#frame(opcode, bytes, start, end))
  /** The question that continues, of this session alone: the id is written into it. */
  #next: Buffer | null = null
  #id: string | null = null
  #began: () => void = () => {}
  #whole: () => void = () => {}
  #failed: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#cutter.push(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the session was closed')))
  }

  static open(port: number, key: string): Promise<Session> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `GET /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
            'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        ),
      )
      socket.setNoDelay(true)
      socket.once('error', reject)
      let head: Buffer = Buffer.alloc(0)
      const read = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk])
        const end = head.indexOf(headEnd)
        if (end === -1) return
        socket.off('data', read)
        if (!head.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) return reject(new Error(`a session was refused: ${head.toString('latin1', 0, 600)}`))
        const session = new Session(socket)
        session.#cutter.push(head.subarray(end + headEnd.length))
        resolve(session)
      }
      socket.on('data', read)
    })
  }

  async loop(questions: Questions, untilMs: number): Promise<number> {
    let turns = 0
    while (performance.now() < untilMs) {
      await this.ask(questions)
      turns++
    }
    return turns
  }

  ask(questions: Questions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#whole = resolve
      this.#failed = reject
      this.#socket.write(this.#question(questions))
    })
  }

  begin(questions: Questions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#began = resolve
      this.#failed = reject
      this.#socket.write(this.#question(questions))
    })
  }

  close(): void {
    this.#failed = () => {}
    this.#socket.destroy()
  }

  #question({ first, next, idAt, maskedAt }: Questions): Buffer {
    if (this.#id === null) return first
    this.#next ??= Buffer.from(next)
    for (let i = 0; i < this.#id.length; i++) this.#next[idAt + i] = this.#id.charCodeAt(i) ^ (mask[(maskedAt + i) & 3] ?? 0)
    return this.#next
  }

  #frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (isPing(opcode)) this.#socket.write(clientPong)
    if (!isText(opcode)) return
    this.events++
    this.#began()
    if (begins(bytes, start, completed)) {
      const at = bytes.indexOf(idMember, start) + 6
      this.#id = bytes.toString('latin1', at, at + idPlace.length)
      this.#whole()
    } else if (failed.some((one) => begins(bytes, start, one))) this.#failed(new Error(`a turn failed: ${bytes.toString('utf8', start, end).slice(0, 600)}`))
  }
}

function begins(bytes: Buffer, start: number, opening: Buffer): boolean {
  return bytes.length - start >= opening.length && opening.compare(bytes, start, start + opening.length) === 0
}
