import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TurnId } from '../core/ids.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import { expectTurns } from '../lib/collector.ts'
import type { Log } from '../ports/log.ts'
import type { Route } from '../ports/routes.ts'
import type { HeaderList } from '../ports/sink.ts'
import { Connections } from './connections.ts'
import { Doorkeeper } from './doorkeeper.ts'
import type { Keys, Operators } from './identify.ts'
import type { OpenTurns } from './open-turns.ts'
import type { Refuser } from './refuse.ts'
import { newRequestId, requestIdOf } from './request-id.ts'
import { parserRefusal } from './parser-refusal.ts'
import type { Sessions } from './sessions.ts'
import { Router, type Matched } from './router.ts'
import { keyInQuery, readTarget, type Target } from './target.ts'
import { OneVisit } from './visit.ts'

/** What a connection may take of size and time. Node looks for late ones every `headersMs`, at most every 5 s. */
export interface ServerLimits {
  /** The request line and all headers. */
  readonly headerBytes: number
  /** From the first byte of a request, or the opening of a connection, to the last of its headers. */
  readonly headersMs: number
  /** The same to the last byte of its body. */
  readonly requestMs: number
  /** How long an idle connection stays open; longer than proxies in front keep theirs, so that they never use one that is about to close. */
  readonly keepAliveMs: number
  /** How long bytes of a refused request are read and dropped, so that the client gets to see the answer; and how long a cancelled turn may take to say so. */
  readonly lingerMs: number
}

export const serverLimits: ServerLimits = { headerBytes: 16 * 1024, headersMs: 20_000, requestMs: 300_000, keepAliveMs: 75_000, lingerMs: 5_000 }

export interface ServerParts {
  readonly routes: readonly Route[]
  readonly keys: Keys
  readonly operators: Operators
  readonly refuser: Refuser
  readonly open: OpenTurns
  readonly sessions: Pick<Sessions, 'accept' | 'drain' | 'empty' | 'destroyAll'>
  readonly clock: Clock
  readonly log: Log
  readonly limits: ServerLimits
  newId(): TurnId
}

/** Where sessions are opened. A GET here that is no upgrade is told so: 426 sends Codex to HTTP, where a 404 would end it. */
const sessionPaths: ReadonlySet<string> = new Set(['/v1/responses', '/responses'])
const drainingRetryMs = 1000
/** What the parser says when the client has left in the midst of a request: there is nobody to answer. */
const gone: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE'])
const ignore = (): void => undefined

/** Talking in: matches a request to its row, decides by the row's guard who may, and hands over. */
export class Server {
  readonly #parts: ServerParts
  readonly #router: Router
  readonly #doorkeeper: Doorkeeper
  readonly #http: HttpServer
  readonly #connections = new Connections()
  /** Connections that were told what was wrong with what they sent, and are on their way out. */
  readonly #dismissed = new WeakSet<Socket>()
  readonly #known: string
  #draining = false

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#router = new Router(parts.routes)
    this.#doorkeeper = new Doorkeeper(parts)
    this.#known = parts.routes
      .filter((route) => route.guard !== 'admin')
      .map((route) => `${route.method} ${route.path}`)
      .join(', ')
    const { headerBytes, headersMs, requestMs, keepAliveMs } = parts.limits
    this.#http = createServer({
      maxHeaderSize: headerBytes,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(headersMs, 5000),
      insecureHTTPParser: false,
      // Answered below, in our shape.
      requireHostHeader: false,
      noDelay: true,
      // Other protocols are declined by answering over HTTP/1.1: clients offer h2c on plain requests.
      shouldUpgradeCallback: (request) => /(^|[,\s])websocket($|[,\s])/i.test(request.headers.upgrade ?? ''),
    })
    // Bounded by bytes already; a bound by number would drop headers silently.
    this.#http.maxHeadersCount = 0
    this.#http.on('connection', (socket: Socket) => this.#connections.opened(socket))
    const receive = (request: IncomingMessage, response: ServerResponse): void => void this.#receive(request, response)
    this.#http.on('request', receive)
    // The body is asked for only when it is wanted: a request that is refused before is not sent in full.
    this.#http.on('checkContinue', receive)
    this.#http.on('checkExpectation', receive)
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#dismiss(error, socket))
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Rejects with the system's error where the address cannot be taken. Port 0 takes a free one. */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }> {
    expectTurns()
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen({ host, port }, () => {
        this.#http.off('error', reject)
        this.#http.on('error', (error) => this.#parts.log.error({ err: error }, 'the listening socket failed'))
        const address = this.#http.address()
        resolve(typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : { host, port })
      })
    })
  }

  /**
   * Takes nothing new, lets what runs finish for `drainMs`, then calls it off. Goes on listening until then, so that whoever comes meanwhile is told, rather
   * than refused a connection. Resolves when it is over, at the latest `lingerMs` after that.
   */
  async drain(drainMs: number): Promise<void> {
    const { clock, open, sessions, limits } = this.#parts
    this.#draining = true
    let stop = (): void => undefined
    const over = new Promise<void>((resolve) => {
      stop = clock.after(drainMs, () => {
        open.cancelAll('shutdown')
        stop = clock.after(limits.lingerMs, resolve)
      })
    })
    this.#connections.close()
    sessions.drain()
    await Promise.race([new Promise<void>((resolve) => open.idle(resolve)), over])
    await Promise.race([new Promise<void>((resolve) => sessions.empty(resolve)), over])
    // Not the close of `node:http`: that one destroys connections whose last answer is still on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#http, () => resolve()))
    this.#connections.close()
    await Promise.race([closed, over])
    stop()
    sessions.destroyAll()
    this.#connections.destroyAll()
    this.#http.close()
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', ignore)
    this.#connections.answering(response)
    const requestId = requestIdOf(request.headers)
    const target = readTarget(request.url ?? '')
    const matched: Matched = target === null ? { kind: 'unknown' } : this.#router.match(request.method ?? '', target.path)
    const turn = matched.kind === 'route' && matched.route.begins === 'turn' ? this.#parts.newId() : null
    const to = { request, response, requestId, caller: null, turn }
    try {
      const no = this.#objection(request, target, matched)
      if (no !== null) this.#parts.refuser.refuse(to, no.refusal, no.headers)
      else if (target !== null && matched.kind === 'route') await this.#enter(matched, target, to)
    } catch (bug) {
      this.#parts.log.error({ err: bug, request: requestId, turn }, 'a bug: the request ends with internal_error, the process goes on')
      this.#parts.refuser.refuse(to, refusal('internal_error', 'Something went wrong inside the gateway; its log says what.'))
    }
    this.#linger(request)
  }

  /** What speaks against a request before it is known who asks. */
  #objection(request: IncomingMessage, target: Target | null, matched: Matched): { readonly refusal: Refusal; readonly headers: HeaderList } | null {
    const said = (no: Refusal, headers: HeaderList = []) => ({ refusal: no, headers })
    if (request.headers.host === undefined && request.httpVersionMinor > 0) return said(refusal('invalid_body', 'The request has no Host header.'))
    const guard = matched.kind === 'route' ? matched.route.guard : null
    const leak = target === null ? null : this.#leak(target, guard)
    if (leak !== null) return said(leak)
    if (this.#draining && guard !== 'open' && guard !== 'metrics') return said(shuttingDown(), [['connection', 'close']])
    if (matched.kind === 'wrong-method') {
      const allow = matched.allow.join(', ')
      return said(refusal('method_not_allowed', `${request.method} is not served at this path; use ${allow}.`), [['allow', allow]])
    }
    if (matched.kind === 'unknown') return said(this.#unknownRoute(request))
    return null
  }

  #leak(target: Target, guard: Route['guard'] | null): Refusal | null {
    const isKey = (value: string): boolean => this.#parts.keys.find(value) !== null
    // Operators filter by `key`, which names one and is none.
    const name = keyInQuery(target.search, isKey, guard === 'admin' ? 'key' : null)
    if (name === null) return null
    return refusal('key_in_query', 'A key was sent in the address, where logs keep it. Send it as "Authorization: Bearer …", and replace it with a new one.', {
      param: name,
    })
  }

  #unknownRoute(request: IncomingMessage): Refusal {
    const path = (request.url ?? '').split('?', 1)[0]?.slice(0, 200) ?? ''
    return refusal('unknown_route', `There is nothing at ${request.method} ${path}. Known here: ${this.#known}.`)
  }

  async #enter(
    matched: Extract<Matched, { kind: 'route' }>,
    target: Target,
    to: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly requestId: string; readonly turn: TurnId | null },
  ): Promise<void> {
    const { route, params } = matched
    const { request, response, requestId, turn } = to
    const allowed = route.guard === 'key' ? this.#doorkeeper.byKey(request) : await this.#doorkeeper.byToken(route.guard, request)
    if (allowed.kind === 'refused') {
      this.#parts.refuser.refuse({ ...to, caller: null }, allowed.refusal, route.guard === 'open' ? [] : [['www-authenticate', 'Bearer']])
      return
    }
    if (route.begins !== 'turn') {
      response.setHeader('x-request-id', requestId)
      if (this.#draining) response.setHeader('connection', 'close')
      if (request.headers.expect !== undefined) response.writeContinue()
    }
    await route.handle(new OneVisit({ request, response, target, params, requestId, caller: allowed.caller, callerNow: allowed.callerNow, turn }))
  }

  /** What a client still sends after its answer is dropped for a while, then the connection is broken off. */
  #linger(request: IncomingMessage): void {
    if (request.complete || request.socket.destroyed) return
    if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) return
    const stop = this.#parts.clock.after(this.#parts.limits.lingerMs, () => {
      if (!request.complete) request.socket.destroy()
    })
    request.once('close', stop)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore)
    // A client that speaks before it was answered might smuggle a second request past whatever stands in front.
    if (head.length > 0) {
      socket.destroy()
      return
    }
    const target = readTarget(request.url ?? '')
    const isSession = target !== null && sessionPaths.has(target.path)
    const leak = target === null ? null : this.#leak(target, null)
    const allowed = isSession ? this.#doorkeeper.byKey(request) : null
    const requestId = requestIdOf(request.headers)
    const answer = (no: Refusal, headers: HeaderList = []): void => this.#part(socket, this.#parts.refuser.raw(no, requestId, headers))
    if (leak !== null) answer(leak)
    else if (this.#draining) answer(shuttingDown())
    else if (allowed === null) answer(this.#unknownRoute(request))
    else if (allowed.kind === 'refused') answer(allowed.refusal, [['www-authenticate', 'Bearer']])
    else if (allowed.caller !== null) {
      const { caller, callerNow } = allowed
      const no = this.#parts.sessions.accept({ request, socket: socket as Socket, caller, requestId, callerNow })
      if (no === null) this.#connections.upgraded(socket as Socket)
      else answer(no)
    }
  }

  /** What the parser would not take, or what did not come in time. */
  #dismiss(error: NodeJS.ErrnoException, duplex: Duplex): void {
    const socket = duplex as Socket
    if (this.#dismissed.has(socket)) return
    this.#dismissed.add(socket)
    if (gone.has(error.code ?? '') || !this.#connections.mayAnswer(socket)) {
      socket.destroy()
      return
    }
    this.#part(socket, this.#parts.refuser.raw(parserRefusal(error), newRequestId()))
  }

  /** Says a last word, drops what still comes, and closes. */
  #part(socket: Duplex, lastWord: Buffer): void {
    socket.end(lastWord)
    socket.resume()
    const stop = this.#parts.clock.after(this.#parts.limits.lingerMs, () => socket.destroy())
    socket.once('close', stop)
  }
}

function shuttingDown(): Refusal {
  return refusal('shutting_down', 'The gateway is shutting down; it, or its successor, will answer soon.', { retryAfterMs: drainingRetryMs })
}
