import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { KeyId, TurnId } from '../../src/core/ids.ts'
import { noLimits } from '../../src/core/key.ts'
import { refusal } from '../../src/core/refusal.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import type { Caller } from '../../src/ports/caller.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import type { Route } from '../../src/ports/routes.ts'
import { Hasher } from '../../src/lib/hasher.ts'
import { KeyRing, Operators } from '../../src/server/identify.ts'
import { OpenTurns } from '../../src/server/open-turns.ts'
import { Refuser } from '../../src/server/refuse.ts'
import { Server, serverLimits, type ServerLimits, type ServerParts } from '../../src/server/server.ts'

export const laptopKey = 'tk-laptop-0123456789'
export const otherKey = 'tk-other-0123456789'
export const adminToken = 'admin-token-0123456789'
export const metricsToken = 'metrics-token-0123456789'

export function caller(name: string, more: Partial<Caller> = {}): Caller {
  return { key: name as KeyId, pools: [], models: [], limits: noLimits, ...more }
}

export interface Line {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly sentence: string
}

export class Observed implements Log, Metrics {
  readonly lines: Line[] = []
  readonly refusals: string[] = []
  debug(fields: object, sentence: string): void {
    this.#keep('debug', fields, sentence)
  }
  info(fields: object, sentence: string): void {
    this.#keep('info', fields, sentence)
  }
  warn(fields: object, sentence: string): void {
    this.#keep('warn', fields, sentence)
  }
  error(fields: object, sentence: string): void {
    this.#keep('error', fields, sentence)
  }
  refused(code: string): void {
    this.refusals.push(code)
  }
  turnEnded(): void {}
  attemptEnded(): void {}
  tierServedAbove(): void {}
  #keep(level: string, fields: object, sentence: string): void {
    this.lines.push({ level, fields: { ...fields }, sentence })
  }
}

export interface Gateway {
  readonly server: Server
  readonly port: number
  readonly url: string
  readonly seen: Observed
  readonly open: OpenTurns
  stop(): Promise<void>
}

export interface GatewayOptions {
  readonly limits?: Partial<ServerLimits>
  readonly clock?: Clock
  readonly open?: OpenTurns
  readonly sessions?: ServerParts['sessions']
}

/** What routes are given to answer with. */
export interface Given {
  readonly refuser: Refuser
  readonly open: OpenTurns
  readonly seen: Observed
}

/** For tests of requests: every upgrade is refused. */
const noSessions: ServerParts['sessions'] = {
  accept: () => refusal('rate_limit_exceeded', 'No session is opened here.'),
  drain: () => {},
  empty: (then) => then(),
  destroyAll: () => {},
}

const gateways = new Set<Gateway>()

/** A server on a free loopback port with the keys `laptop` and `other`. Stopped by `stopAll`. */
export async function start(routes: (given: Given) => readonly Route[], options: GatewayOptions = {}): Promise<Gateway> {
  const seen = new Observed()
  const open = options.open ?? new OpenTurns()
  const refuser = new Refuser({ metrics: seen, log: seen })
  const hasher = new Hasher(Buffer.alloc(32, 7), 'keys')
  const keys = new KeyRing(hasher, options.clock ?? systemClock)
  keys.replace([
    { hash: hasher.hash(laptopKey), caller: caller('laptop'), expiresAtMs: null },
    { hash: hasher.hash(otherKey), caller: caller('other'), expiresAtMs: null },
  ])
  let ids = 0
  const server = new Server({
    routes: routes({ refuser, open, seen }),
    keys,
    operators: new Operators(hasher, { admin: adminToken, metrics: metricsToken }),
    refuser,
    open,
    sessions: options.sessions ?? noSessions,
    clock: options.clock ?? systemClock,
    log: seen,
    limits: { ...serverLimits, ...options.limits },
    newId: () => `turn-${++ids}` as TurnId,
  })
  const { port } = await server.listen('127.0.0.1', 0)
  const gateway: Gateway = { server, port, url: `http://127.0.0.1:${port}`, seen, open, stop: () => server.drain(0) }
  gateways.add(gateway)
  return gateway
}

export async function stopAll(): Promise<void> {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await Promise.all([...gateways].map((gateway) => gateway.stop()))
  gateways.clear()
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly code: string | null
}

export interface Asking {
  readonly method?: string
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** One request on a connection of its own. */
export async function ask(gateway: Gateway, path: string, asking: Asking = {}): Promise<Answer> {
  const authorization = asking.key === null ? {} : { authorization: `Bearer ${asking.key ?? laptopKey}` }
  const request = httpRequest(`${gateway.url}${path}`, { method: asking.method ?? 'GET', agent: false, headers: { ...authorization, ...asking.headers } })
  request.end(asking.body)
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, text, code: codeOf(text) }
}

function codeOf(text: string): string | null {
  try {
    const value = JSON.parse(text) as { error?: { code?: string } }
    return value.error?.code ?? null
  } catch {
    return null
  }
}

const sockets = new Set<Socket>()

/** A bare connection, for what no HTTP client would send. */
export class Wire {
  readonly socket: Socket
  readonly #chunks: string[] = []
  readonly #closed: Promise<void>

  constructor(gateway: Gateway) {
    this.socket = connect(gateway.port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (chunk) => this.#chunks.push(String(chunk)))
    this.socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => this.socket.once('close', () => resolve()))
    sockets.add(this.socket)
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  get text(): string {
    return this.#chunks.join('')
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    await this.#closed
    return this.text
  }

  async until(part: string): Promise<string> {
    while (!this.#chunks.slice(-2).join('').includes(part)) await once(this.socket, 'data')
    return this.text
  }
}

/** A promise and what settles it. */
export function gate(): { readonly promise: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: () => resolve() }
}
