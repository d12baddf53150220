import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { eventually, type Json } from './client.ts'

/** One WebSocket as the upstream has it. */
export interface UpstreamEnd {
  readonly ws: WebSocket
  readonly wire: Socket
  /** As they came. */
  readonly frames: string[]
  say(...events: readonly Json[]): void
}

export interface SocketUpstream {
  readonly url: string
  readonly ends: readonly UpstreamEnd[]
  /** All frames of all sockets, once there are so many. */
  heard(count: number): Promise<readonly string[]>
}

/** A WebSocket upstream that does what no fault of the simulator does. Gone when the test is. */
export async function socketUpstream(hear: (frame: Json, end: UpstreamEnd) => void): Promise<SocketUpstream> {
  const server = createServer((_, response) => response.writeHead(404).end())
  const granter = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 })
  const ends: UpstreamEnd[] = []
  const frames: string[] = []
  granter.on('connection', (ws, request) => {
    const say = (...events: readonly Json[]): void => events.forEach((event) => ws.send(JSON.stringify(event)))
    const end: UpstreamEnd = { ws, wire: request.socket, frames: [], say }
    ends.push(end)
    ws.on('error', () => undefined)
    ws.on('message', (bytes: Buffer) => {
      const text = bytes.toString('utf8')
      end.frames.push(text)
      frames.push(text)
      hear(JSON.parse(text) as Json, end)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        for (const { ws } of ends) ws.terminate()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    ends,
    heard: (count) =>
      eventually(
        () => frames,
        (seen) => seen.length >= count,
      ),
  }
}

export const usage = { input_tokens: 5, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, output_tokens: 7, total_tokens: 12 }

/** The events of one answer: it begins, says one thing, and ends. */
export function answerOf(id: string, more: { readonly text?: string; readonly response?: Json } = {}) {
  const { text = 'well', response } = more
  const item = { id: `msg_${id}`, type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] }
  const at = { item_id: item.id, output_index: 0, content_index: 0 }
  const base = { id, object: 'response', status: 'in_progress', model: 'gpt-5.5', output: [] }
  const done = { ...base, status: 'completed', output: [item], usage, ...response }
  return {
    created: { type: 'response.created', response: base },
    output: [
      { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
      { type: 'response.output_text.delta', ...at, delta: text },
      { type: 'response.output_item.done', output_index: 0, item },
    ],
    completed: { type: 'response.completed', response: done },
  } as const
}

/** All of them, in order. */
export function wholeAnswer(id: string, more: Parameters<typeof answerOf>[1] = {}): readonly Json[] {
  const { created, output, completed } = answerOf(id, more)
  return [created, ...output, completed]
}
