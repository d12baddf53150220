import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { TurnId } from '../core/ids.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Dialect, Told } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/registry.ts'
import { responses } from '../dialect/responses/responses.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Caller } from '../ports/caller.ts'
import type { HeaderList } from '../ports/sink.ts'
import { spokenAt } from './spoken.ts'

/** Below here every error has the shape of the admin API, which is no dialect's. */
const operatorPaths = '/admin/'

/** Whom a refusal is said to. */
export interface Refused {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly caller: Caller | null
  readonly turn: TurnId | null
}

/** Says no where no turn has begun: counted and logged, never recorded. */
export class Refuser {
  readonly #metrics: Metrics
  readonly #log: Log

  constructor(parts: { readonly metrics: Metrics; readonly log: Log }) {
    this.#metrics = parts.metrics
    this.#log = parts.log
  }

  /** Answers with the refusal, unless the client has gone or an answer has begun: then the connection is broken off. */
  refuse(to: Refused, refusal: Refusal, more: HeaderList = []): void {
    const { request, response, requestId, turn } = to
    const path = request.url?.split('?', 1)[0] ?? ''
    const dialect = dialectNamed(spokenAt(path, request.headers))
    const said = dialect.refuse(refusal)
    const told = path.startsWith(operatorPaths) ? toOperator(said, refusal) : said
    this.#metrics.refused(refusal.code)
    const key = to.caller?.key ?? null
    this.#log.info({ code: refusal.code, status: told.status, method: request.method, path, key, turn, request: requestId }, 'refused')
    if (response.headersSent) {
      response.destroy()
      return
    }
    response.writeHead(told.status, head(told, requestId, turn, [...more, ...idOf(dialect, requestId)]))
    response.end(told.body)
  }

  /** The same in a session, where it is said in a frame. */
  told(refusal: Refusal, requestId: string): Told {
    const told = responses.refuse(refusal)
    this.#metrics.refused(refusal.code)
    this.#log.info({ code: refusal.code, status: told.status, request: requestId }, 'refused')
    return told
  }

  /** The same as the bytes of a whole HTTP answer, for a connection that has no answer object: what came was no request, or an upgrade. It is closed after it. */
  raw(refusal: Refusal, requestId: string, more: HeaderList = []): Buffer {
    const told = responses.refuse(refusal)
    this.#metrics.refused(refusal.code)
    this.#log.debug({ code: refusal.code, status: told.status, request: requestId }, 'refused')
    const flat = head(told, requestId, null, [['connection', 'close'], ...more])
    let text = `HTTP/1.1 ${told.status} ${STATUS_CODES[told.status] ?? ''}\r\n`
    for (let i = 0; i + 1 < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`
    return Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), told.body])
  }
}

function idOf({ requestIdHeader }: Dialect, requestId: string): HeaderList {
  return requestIdHeader === 'x-request-id' ? [] : [[requestIdHeader, requestId]]
}

function toOperator(said: Told, { code, message, param }: Refusal): Told {
  return { ...said, body: Buffer.from(`${JSON.stringify({ error: { code, message, param } })}\n`) }
}

function head(told: Told, requestId: string, turn: TurnId | null, more: HeaderList): string[] {
  const flat = ['x-request-id', requestId]
  if (turn !== null) flat.push('x-turnout-turn', turn)
  for (const [name, value] of told.headers) if (name !== 'content-length') flat.push(name, value)
  for (const [name, value] of more) flat.push(name, value)
  flat.push('content-length', String(told.body.length))
  return flat
}
