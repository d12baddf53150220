import { createServer, type Socket } from 'node:net'

// The fast upstream that all programs stand in front of: raw sockets and answers prepared beforehand, so that it costs far less than what is
// measured. Each event of a stream is an HTTP chunk of its own, as real upstreams send them, also where many come at once.

const eventsInBurst = Number(process.argv[2] ?? '2000')
const paceMs = Number(process.argv[3] ?? '20')
/** Where streams are to be open and do little: what they keep in memory is looked at. */
const heldPaceMs = 1000

const usage = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 800, cache_write_tokens: 0 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 10 },
  total_tokens: 1050,
}
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(9)
const item = { id: 'msg_bench', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] }
const response = {
  id: 'resp_bench',
  object: 'response',
  created_at: 1795000000,
  status: 'completed',
  model: 'upstream-model',
  service_tier: 'default',
  output: [item],
  usage,
}
const started = { ...response, status: 'in_progress', output: [], usage: null }

function event(type: string, fields: object): Buffer {
  const bytes = Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

const delta = (i: number): Buffer =>
  event('response.output_text.delta', {
    sequence_number: i,
    item_id: 'msg_bench',
    output_index: 0,
    content_index: 0,
    delta: 'word ',
    logprobs: [],
    obfuscation: 'abcdefgh',
  })
const streamHead = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n')
const first = Buffer.concat([streamHead, event('response.created', { response: started }), event('response.in_progress', { response: started })])
const last = Buffer.concat([event('response.completed', { response }), Buffer.from('0\r\n\r\n')])
const burst = Buffer.concat([first, ...Array.from({ length: eventsInBurst - 3 }, (_, i) => delta(i + 2)), last])
const one = delta(1)

function whole(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n`),
    body,
  ])
}

const json = whole(response)
const models = whole({ object: 'list', data: [] })
const headEnd = Buffer.from('\r\n\r\n')

/** Goes on until the client leaves. */
function pace(socket: Socket, everyMs: number): void {
  socket.write(first)
  const timer = setInterval(() => socket.write(one), everyMs)
  socket.once('close', () => clearInterval(timer))
}

function answer(socket: Socket, path: string): void {
  if (path.includes('/models')) socket.write(models)
  else if (path.startsWith('/json/')) socket.write(json)
  else if (path.startsWith('/burst/')) socket.write(burst)
  else pace(socket, path.startsWith('/held/') ? heldPaceMs : paceMs)
}

const server = createServer({ noDelay: true }, (socket) => {
  let path: string | null = null
  let left = 0
  let head: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let body = chunk.length
    if (path === null) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf(headEnd)
      if (end === -1) return
      const lines = head.toString('latin1', 0, end)
      path = lines.split(' ', 2)[1] ?? ''
      left = Number(/\r\ncontent-length: (\d+)/i.exec(lines)?.[1] ?? 0)
      body = head.length - end - headEnd.length
      head = Buffer.alloc(0)
    }
    left -= body
    if (left > 0) return
    const asked = path
    path = null
    answer(socket, asked)
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`listening http://127.0.0.1:${address.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
