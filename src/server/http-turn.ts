import type { IncomingMessage } from 'node:http'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Outcome } from '../core/record.ts'
import { dialectOf, type Endpoint } from '../core/turn.ts'
import type { Dialect } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/registry.ts'
import { assert } from '../lib/assert.ts'
import { Body } from '../lib/body.ts'
import type { Clock } from '../lib/clock.ts'
import { readBody, type ReadBody } from '../lib/decode.ts'
import { free } from '../lib/free.ts'
import { header } from '../lib/headers.ts'
import { Kept } from '../lib/kept.ts'
import type { Route, Visit } from '../ports/routes.ts'
import type { Settings } from '../ports/settings.ts'
import type { Sink } from '../ports/sink.ts'
import { Cancelled } from '../turn/cancel.ts'
import type { Ask } from '../turn/world.ts'
import type { Bodies } from './bodies.ts'
import { HttpSink } from './http-sink.ts'
import type { OpenTurns } from './open-turns.ts'
import type { Refuser } from './refuse.ts'

/** What turns over HTTP need. */
export interface TurnDoor {
  readonly clock: Clock
  readonly refuser: Refuser
  readonly bodies: Bodies
  readonly open: OpenTurns
  /** A client that sends no byte of its body for this long is refused. */
  readonly bodyIdleMs: number
  settings(): Settings
  run(ask: Ask, sink: Sink, signal: AbortSignal): Promise<Outcome>
}

/** The questions that become turns. */
export function turnRoutes(door: TurnDoor): readonly Route[] {
  const row = (path: string, endpoint: Endpoint): Route => ({
    method: 'POST',
    path,
    guard: 'key',
    begins: 'turn',
    handle: (visit) => handleTurn(door, endpoint, visit),
  })
  return [
    row('/v1/responses', 'responses'),
    row('/v1/responses/compact', 'compact'),
    row('/v1/responses/input_tokens', 'input_tokens'),
    row('/v1/chat/completions', 'chat'),
    row('/v1/embeddings', 'embeddings'),
    row('/v1/moderations', 'moderations'),
    row('/v1/images/generations', 'images'),
    row('/v1/messages', 'messages'),
    row('/v1/messages/count_tokens', 'count_tokens'),
  ]
}

async function handleTurn(door: TurnDoor, endpoint: Endpoint, visit: Visit): Promise<void> {
  const controller = door.open.begin()
  const { signal } = controller
  const { response } = visit
  const sink = new HttpSink(response, visit.requestId, door.settings().times.clientWriteMs)
  response.on('close', () => {
    if (!sink.over && !response.writableFinished) controller.abort(new Cancelled('client'))
  })
  const held = new Held(door.bodies, door.settings().bounds.bodiesBytes)
  try {
    const read = await understand(door, endpoint, visit, { held, signal })
    if (read.kind === 'gone') return
    if (read.kind === 'refused') {
      // What is left of the body is read and dropped, within the server's bounds, so that the client gets to see the answer.
      visit.request.resume()
      door.refuser.refuse(visit, read.refusal)
      return
    }
    await door.run(read.ask, sink, signal)
  } finally {
    held.give()
    door.open.end(controller)
  }
}

type Understood = { readonly kind: 'ask'; readonly ask: Ask } | { readonly kind: 'refused'; readonly refusal: Refusal } | { readonly kind: 'gone' }

/** A step of its own, so that nothing but the ask holds on to the body while the turn runs. */
async function understand(
  door: TurnDoor,
  endpoint: Endpoint,
  visit: Visit,
  { held, signal }: { readonly held: Held; readonly signal: AbortSignal },
): Promise<Understood> {
  const dialect = dialectNamed(dialectOf(endpoint))
  const received = await receive(door, visit, { dialect, held, signal })
  if (received.kind !== 'body') return received
  const body = new Kept(received.body, ({ bytes }, lent) => {
    held.give()
    if (lent === 0) free(bytes)
  })
  return toAsk(door, { dialect, endpoint }, visit, body)
}

type Received = { readonly kind: 'body'; readonly body: Body } | { readonly kind: 'refused'; readonly refusal: Refusal } | { readonly kind: 'gone' }

const refused = (no: Refusal): { readonly kind: 'refused'; readonly refusal: Refusal } => ({ kind: 'refused', refusal: no })

/** The bytes of one body, counted among all that the process holds. */
class Held {
  readonly #bodies: Bodies
  readonly #bytesMax: number
  #bytes = 0
  #given = false

  constructor(bodies: Bodies, bytesMax: number) {
    this.#bodies = bodies
    this.#bytesMax = bytesMax
  }

  /** Makes the count `bytes`; false where that is more than fits, or when all was given back: bytes that still come then are nobody's. */
  hold(bytes: number): boolean {
    if (this.#given || !this.#bodies.take(bytes - this.#bytes, this.#bytesMax)) return false
    this.#bytes = bytes
    return true
  }

  give(): void {
    this.#given = true
    this.#bodies.give(this.#bytes)
    this.#bytes = 0
  }
}

interface Receiving {
  readonly dialect: Dialect
  readonly held: Held
  readonly signal: AbortSignal
}

async function receive(door: TurnDoor, visit: Visit, { dialect, held, signal }: Receiving): Promise<Received> {
  const { request, response } = visit
  const { bodyBytes } = door.settings().bounds
  const encoding = header(request.headers, 'content-encoding')
  const length = contentLength(request)
  const tooLarge = (): Received => refused(refusal('body_too_large', `The request body is larger than the ${bodyBytes} bytes that are taken here.`))
  if (length !== null && length > bodyBytes) return tooLarge()
  if (request.headers.expect !== undefined) response.writeContinue()

  const reading = readBody(request, { encoding, bytesMax: bodyBytes, expectedBytes: encoding === null ? length : null, makeRoom: (bytes) => held.hold(bytes) })
  const read = await unlessInterrupted(reading, door, request, signal)
  switch (read.kind) {
    case 'read':
      return parse(dialect, read.bytes)
    case 'no-room':
      return refused(memoryFull())
    case 'too-large':
      return tooLarge()
    case 'bad-encoding':
      return refused(
        refusal('unsupported_encoding', 'The content-encoding is not understood here; send gzip, br, zstd, deflate or none.', { param: 'content-encoding' }),
      )
    case 'corrupt':
      return refused(refusal('invalid_body', `The request body is not valid ${encoding ?? 'content'}.`, { param: 'content-encoding' }))
    case 'late':
      return refused(refusal('request_timeout', `No byte of the request body came for ${door.bodyIdleMs / 1000} s.`))
    case 'cancelled':
      return response.destroyed ? { kind: 'gone' } : refused(refusal('shutting_down', 'The gateway is shutting down.'))
    case 'aborted':
      return { kind: 'gone' }
  }
}

type Interrupted = { readonly kind: 'late' } | { readonly kind: 'cancelled' }

/** What was read, unless the connection brought nothing for `bodyIdleMs` or the turn is called off before. One timer a request, nothing per chunk. */
function unlessInterrupted(reading: Promise<ReadBody>, door: TurnDoor, request: IncomingMessage, signal: AbortSignal): Promise<ReadBody | Interrupted> {
  return new Promise((resolve, reject) => {
    const over = (how: ReadBody | Interrupted): void => {
      stop()
      signal.removeEventListener('abort', cancel)
      resolve(how)
    }
    const cancel = (): void => over({ kind: 'cancelled' })
    let seen = request.socket.bytesRead
    const look = (): void => {
      const { bytesRead } = request.socket
      if (bytesRead === seen) return over({ kind: 'late' })
      seen = bytesRead
      stop = door.clock.after(door.bodyIdleMs, look)
    }
    let stop = door.clock.after(door.bodyIdleMs, look)
    signal.addEventListener('abort', cancel)
    reading.then(over, reject)
  })
}

function parse(dialect: Dialect, bytes: Buffer): Received {
  const parsed = Body.parse(bytes, dialect.governed)
  switch (parsed.kind) {
    case 'body':
      return parsed
    case 'not-json':
      return refused(
        refusal('invalid_json', bytes.length === 0 ? 'The request body is empty; a JSON object is expected.' : 'The request body is not valid JSON.'),
      )
    case 'not-an-object':
      return refused(refusal('invalid_body', 'The request body is JSON, but not an object.'))
    case 'duplicate':
      return refused(refusal('duplicate_member', `The member "${parsed.member}" stands twice in the request body.`, { param: parsed.member }))
  }
}

interface Asked {
  readonly dialect: Dialect
  readonly endpoint: Endpoint
}

function toAsk({ clock }: TurnDoor, { dialect, endpoint }: Asked, visit: Visit, body: Kept<Body>): Exclude<Understood, { kind: 'gone' }> {
  const { turn: id, request, requestId } = visit
  assert(id !== null, 'a route that begins a turn has an id')
  const caller = visit.callerNow()
  if (caller === null) return refused(refusal('invalid_api_key', 'This key was revoked, or expired, while its request was on the way.'))
  const read = dialect.read(body.value, endpoint, request.headers)
  if (read.kind === 'refused') return read
  const { turn } = read
  const search = passedSearch(dialect, visit.url)
  return { kind: 'ask', ask: { id, caller, dialect, turn, body, headers: request.headers, search, receivedAtMs: clock.now(), requestId, session: null } }
}

/** Claude clients ask for what is still being tried out by the address (clients.md); an upstream that speaks Messages is asked in the same way. */
function passedSearch({ name }: Dialect, url: URL): string {
  return name === 'messages' && url.searchParams.get('beta') === 'true' ? '?beta=true' : ''
}

/** Null where the length is not said. The parser has seen to it that it is a number and stands once. */
function contentLength(request: IncomingMessage): number | null {
  const said = request.headers['content-length']
  return said === undefined ? null : Number(said)
}

function memoryFull(): Refusal {
  return refusal('memory_full', 'The gateway holds as many request bodies as it may; try again in a moment.')
}
