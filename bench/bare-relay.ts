import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { Body } from '../src/lib/body.ts'

// The least that a relay of this kind can do with node:http: the body read, one member spliced, the credential set, the answer piped. What a
// gateway's real work costs is told by comparing with this, not with a server in another language.

const upstream = new URL(process.argv[2] ?? '')
const model = process.argv[3] ?? ''
const agent = new Agent({ keepAlive: true, scheduling: 'lifo', maxSockets: Infinity, maxFreeSockets: 4096 })
const governed = new Set(['model'])

function relay(incoming: IncomingMessage, answer: ServerResponse): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => send(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks), answer))
}

function send(bytes: Buffer, answer: ServerResponse): void {
  const parsed = Body.parse(bytes, governed)
  if (parsed.kind !== 'body') {
    answer.writeHead(400).end()
    return
  }
  const { pieces, bytes: length } = parsed.body.edited([{ kind: 'set', member: 'model', json: JSON.stringify(model) }])
  const outgoing = request(
    {
      agent,
      host: upstream.hostname,
      port: upstream.port,
      method: 'POST',
      path: `${upstream.pathname}/responses`,
      headers: ['host', upstream.host, 'content-type', 'application/json', 'authorization', 'Bearer bench-upstream', 'content-length', String(length)],
    },
    (incoming) => {
      answer.writeHead(
        incoming.statusCode ?? 502,
        incoming.rawHeaders.filter((_, i, raw) => !hop.has((raw[i - (i % 2)] ?? '').toLowerCase())),
      )
      incoming.pipe(answer)
    },
  )
  outgoing.on('error', () => answer.destroy())
  outgoing.cork()
  for (const piece of pieces) outgoing.write(piece)
  outgoing.end()
  outgoing.uncork()
}

const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date'])
const server = createServer({ noDelay: true }, relay)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`listening http://127.0.0.1:${address.port}\n`)
})
