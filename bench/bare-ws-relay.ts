import { WebSocket, WebSocketServer, type RawData } from 'ws'

// The least that a relay of sessions can do with `ws`: for each client's socket one upstream, and every frame passed on as it comes, in a write of
// its own. Nothing is read, nothing is kept, and nobody waits for anybody.

const upstream = process.argv[2] ?? ''

interface Frame {
  readonly data: RawData
  readonly isBinary: boolean
}

function relay(client: WebSocket): void {
  const up = new WebSocket(upstream, { perMessageDeflate: false })
  const early: Frame[] = []
  client.on('message', (data, isBinary) => {
    if (up.readyState === WebSocket.OPEN) up.send(data, { binary: isBinary })
    else early.push({ data, isBinary })
  })
  up.on('open', () => {
    for (const { data, isBinary } of early.splice(0)) up.send(data, { binary: isBinary })
  })
  up.on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
  for (const [one, other] of [
    [client, up],
    [up, client],
  ] as const) {
    one.on('close', () => other.terminate())
    one.on('error', () => one.terminate())
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false, clientTracking: false })
server.on('connection', relay)
server.on('listening', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`listening http://127.0.0.1:${address.port}\n`)
})
