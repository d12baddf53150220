import { expect, test } from 'vitest'
import { gatewayOfThisFile, streamed } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()
const response = { id: 'resp_cut', object: 'response', model: 'gpt-5.5', status: 'in_progress', output: [] }
const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'ab', annotations: [] }] }
const done = { ...response, status: 'completed', output: [item], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }
const events = [
  { type: 'response.created', response },
  { type: 'response.in_progress', response },
  { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
  { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'a' },
  { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'b' },
  { type: 'response.output_item.done', output_index: 0, item },
  { type: 'response.completed', response: done },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
/** Each event is an HTTP chunk of its own. */
const chunks = (some: readonly string[]): string => some.map((event) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`).join('')

test.each(events.map((_, nth) => nth + 1))('an answer comes whole whose first read brings its head and %i of its events', async (together) => {
  const url = await upstream((_request, { socket }) => {
    socket?.write(`${head}${chunks(events.slice(0, together))}`)
    setTimeout(() => socket?.write(`${chunks(events.slice(together))}0\r\n\r\n`), 20)
  })
  const on = await stage({ accounts: { a: { base_url: url } }, times: { between_events: '2s' } })
  const answer = await on.ask(streamed)
  expect(answer).toMatchObject({ status: 200, end: 'clean' })
  expect(answer.text).toBe(events.join(''))
})
