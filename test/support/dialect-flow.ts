import type { ClientModel } from '../../src/core/ids.ts'
import type { EventObserver, Watched } from '../../src/dialect/dialect.ts'
import { dialectNamed, translationBetween } from '../../src/dialect/registry.ts'
import { EventFlow } from '../../src/turn/flow.ts'
import { clients, type Heard, type Spoken, type Way } from './dialect-clients.ts'

/** What an observer knows of an attempt for a client of this dialect. */
export function watched(client: Spoken): Watched {
  return {
    endpoint: client,
    restore: null,
    framing: 'sse',
    client: 'sse',
    model: 'gpt-5.5' as ClientModel,
    wantsUsage: true,
    startedAtS: 1_795_000_000,
    memo: null,
  }
}

function observerOf({ client, upstream }: Way): EventObserver {
  return client === upstream ? dialectNamed(client).observe(watched(client)) : translationBetween(client, upstream).observe(watched(client))
}

/** Larger events are not relayed. */
const eventBytesMax = 32 * 1024 * 1024

export const flowOf = (way: Way): EventFlow => new EventFlow(observerOf(way), eventBytesMax)

export interface Relayed {
  /** All that the client gets, the end included. */
  readonly said: string
  readonly kind: 'terminal' | 'failed' | null
  readonly end: unknown
  readonly committed: boolean
  readonly events: number
}

/** What becomes of a stream that comes in these reads. @param how it is over. */
export function relay(way: Way, reads: readonly Buffer[], how: 'ended' | 'cut' = 'ended'): Relayed {
  const flow = flowOf(way)
  const out: Buffer[] = []
  for (const read of reads) {
    flow.push(read)
    for (const bytes of flow.takeOut()) out.push(bytes)
  }
  if (how === 'ended') flow.close()
  for (const bytes of flow.takeOut()) out.push(bytes)
  if (flow.ended !== null) out.push(flow.ended.bytes)
  return { said: Buffer.concat(out).toString(), kind: flow.ended?.kind ?? null, end: flow.ended?.end, committed: flow.committed, events: flow.events }
}

/** What a client makes of such a stream. */
export function heardIn(client: Spoken, text: string): Heard {
  return clients[client].hear({ status: 200, headers: { 'content-type': 'text/event-stream' }, text, end: 'clean', json: {}, events: [] })
}
