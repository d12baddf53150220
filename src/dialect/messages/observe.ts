import type { ResponseId } from '../../core/ids.ts'
import type { Items } from '../../core/transcript.ts'
import { readMessagesUsage } from '../../core/usage.ts'
import type { Reading } from '../../core/windows.ts'
import type { Body } from '../../lib/body.ts'
import { eventType } from '../../lib/sse.ts'
import { restored, unknownEnd } from '../answer.ts'
import type { AnswerEnd, EventObserver, Seen, Watched } from '../dialect.ts'
import { JsonEvent } from '../json-event.ts'
import { isObject, type Json } from '../json.ts'
import { endedBy, tierServed } from './answer.ts'
import { errorIn, statusOf } from './error.ts'

const output: Seen = { kind: 'output' }
const none: readonly never[] = []

/** What is remembered of a usage object. */
const told = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'output_tokens',
  'output_tokens_details',
  'service_tier',
  'speed',
] as const

/** Watches a stream of Messages events (protocols.md 5.3). Only the beginning and the end of the message are looked into; its content is passed by its name. */
export class MessagesObserver implements EventObserver {
  readonly #restore: Watched['restore']
  #message: ResponseId | null = null
  #usage: Json = {}
  /** Whether the usage was told that counts what was written. */
  #isCounted = false
  #stopReason: unknown = null
  #hasOutput = false

  constructor({ restore }: Pick<Watched, 'restore'>) {
    this.#restore = restore
  }

  see(bytes: Buffer, start: number, end: number): Seen {
    const type = eventType(bytes, start, end) ?? typeByParsing(parse(bytes, start, end)?.data) ?? ''
    switch (type) {
      case 'content_block_start':
      case 'content_block_delta':
      case 'content_block_stop':
        this.#hasOutput = true
        return output
      case 'message_delta':
        this.#hasOutput = true
        this.#delta(bytes, start, end)
        return output
      case 'message_start':
        return { kind: 'held', bytes: this.#start(bytes, start, end) }
      case 'message_stop':
        return { kind: 'terminal', bytes: bytes.subarray(start, end), end: this.#end(endedBy(this.#stopReason), null) }
      case 'error':
        return this.#failed(bytes, start, end)
      case 'ping':
        return { kind: 'held', bytes: bytes.subarray(start, end) }
      default:
        return this.#hasOutput ? output : { kind: 'held', bytes: bytes.subarray(start, end) }
    }
  }

  /** A stream of this dialect always says that it is over. */
  close(): null {
    return null
  }

  /** A thinking block's signature is bound to no account. */
  sealed(): readonly string[] {
    return none
  }

  response(): ResponseId | null {
    return this.#message
  }

  /** Nothing continues a message by its id, so that nobody asks for its parts. */
  items(): Items | null {
    return null
  }

  turnStates(): readonly string[] {
    return none
  }

  /** What is said of the account's windows stands in the answer's headers. */
  readings(): readonly Reading[] {
    return none
  }

  #start(bytes: Buffer, start: number, end: number): Buffer {
    const event = parse(bytes, start, end)
    const span = event?.data.span('message') ?? null
    const message = span === null ? null : (event?.data.within(span) ?? null)
    if (event === null || message === null) return bytes.subarray(start, end)
    const id = message.value('id')
    if (typeof id === 'string') this.#message = id as ResponseId
    this.#usage = merged(this.#usage, message.value('usage'))
    return event.with(restored(message, this.#restore), message)
  }

  /** Its figures are of the whole answer so far; tier and speed were told at the start. */
  #delta(bytes: Buffer, start: number, end: number): void {
    const data = parse(bytes, start, end)?.data
    const delta = data?.value('delta')
    if (isObject(delta)) this.#stopReason = delta['stop_reason'] ?? this.#stopReason
    const usage = data?.value('usage')
    if (!isObject(usage)) return
    this.#usage = merged(this.#usage, usage)
    this.#isCounted = true
  }

  /** Without the figures of a `message_delta` nobody told what was used: those of the start are of the question alone. */
  #end(status: AnswerEnd['status'], code: string | null): AnswerEnd {
    const usage = this.#isCounted ? readMessagesUsage(this.#usage) : null
    return { ...unknownEnd, status, usage, tierServed: tierServed(this.#usage), code }
  }

  #failed(bytes: Buffer, start: number, end: number): Seen {
    const said = parse(bytes, start, end)?.value()
    const error = errorIn(isObject(said) ? said : {})
    return {
      kind: 'failed',
      bytes: bytes.subarray(start, end),
      end: this.#end('failed', error.code),
      signal: { kind: 'told', status: statusOf(error), headers: {}, error },
    }
  }
}

function parse(bytes: Buffer, start: number, end: number): JsonEvent | null {
  return JsonEvent.parse(bytes, { start, end, framing: 'sse' })
}

/** An error object without a type is an error event too: clients throw on it. */
function typeByParsing(data: Body | undefined): string | null {
  const type = data?.value('type')
  if (typeof type === 'string') return type
  return isObject(data?.value('error')) ? 'error' : null
}

/** What was told later holds; what is absent, or null, was not told. */
function merged(usage: Json, said: unknown): Json {
  if (!isObject(said)) return usage
  const later: Record<string, unknown> = { ...usage }
  for (const name of told) if (said[name] !== undefined && said[name] !== null) later[name] = said[name]
  return later
}
