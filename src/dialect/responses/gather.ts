import { Body } from '../../lib/body.ts'
import { EventSplitter, joinedData } from '../../lib/sse.ts'
import type { Gathered, Seen } from '../dialect.ts'
import { ResponsesObserver } from './observe.ts'

/** The whole answer that a stream of events amounts to, for a client that asked for no stream of an upstream that gives nothing else. */
export function gather(bytes: Buffer): Gathered {
  const observer = new ResponsesObserver({ restore: null, framing: 'sse', client: 'sse' })
  let last: Extract<Seen, { kind: 'terminal' | 'failed' }> | null = null
  const splitter = new EventSplitter(bytes.length)
  splitter.push(bytes, (event, start, end) => {
    const seen = last === null ? observer.see(event, start, end) : null
    if (seen?.kind === 'terminal' || seen?.kind === 'failed') last = seen
  })
  return { ...gathered(last), readings: observer.readings() }
}

function gathered(last: Extract<Seen, { kind: 'terminal' | 'failed' }> | null): Told {
  const data = last === null ? null : dataOf(last.bytes)
  if (last === null || data === null) return { kind: 'cut' }
  const response = memberOf(data, 'response')
  if (response !== null) return { kind: 'whole', json: response }
  return last.kind === 'failed' ? { kind: 'told', signal: last.signal, end: last.end, json: errorBody(data) } : { kind: 'cut' }
}

type Told = Gathered extends infer Each ? (Each extends unknown ? Omit<Each, 'readings'> : never) : never

function dataOf(event: Buffer): Body | null {
  const json = joinedData(event, 0, event.length)
  return json === null ? null : Body.of(json)
}

function memberOf(data: Body, member: string): Buffer | null {
  const span = data.span(member)
  return span === null ? null : data.bytes.subarray(span.start, span.end)
}

/** An error event says what an error answer would, beside its own type. */
function errorBody(data: Body): Buffer {
  const error = memberOf(data, 'error')
  return error === null ? Buffer.from(JSON.stringify({ error: { message: data.value('message') ?? '', code: data.value('code') ?? null } })) : wrapped(error)
}

function wrapped(error: Buffer): Buffer {
  return Buffer.concat([Buffer.from('{"error":'), error, Buffer.from('}')])
}
