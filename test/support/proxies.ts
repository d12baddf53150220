import { createServer as createHttpServer } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A proxy on loopback that notes where it was asked to go and lets all names lead to this machine. */
export interface TinyProxy {
  readonly port: number
  /** `host:port` of every tunnel asked for. */
  readonly asked: readonly string[]
  /** The credentials that came along, as `user:password`. */
  readonly credentials: readonly string[]
  /** Connections that are open. */
  open(): number
  close(): Promise<void>
}

type ConnectManner = { readonly kind: 'tunnel' } | { readonly kind: 'refuse'; readonly status: string } | { readonly kind: 'silent' }

/** An HTTP proxy that knows `CONNECT` only. */
export async function connectProxy(manner: ConnectManner = { kind: 'tunnel' }): Promise<TinyProxy> {
  const asked: string[] = []
  const credentials: string[] = []
  const server = createHttpServer()
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    const basic = request.headers['proxy-authorization']
    if (basic !== undefined) credentials.push(Buffer.from(basic.replace('Basic ', ''), 'base64').toString())
    if (manner.kind === 'silent') return void socket.on('end', () => socket.end()).resume()
    if (manner.kind === 'refuse') return void socket.end(`HTTP/1.1 ${manner.status}\r\ncontent-length: 0\r\n\r\n`)
    const port = Number(request.url?.split(':').at(-1))
    const there = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      join(socket as Socket, there)
    })
    there.on('error', () => socket.destroy())
  })
  return tinyProxy(server, asked, credentials)
}

/** A SOCKS 5 proxy; `refuse` answers every request with "connection refused". */
export async function socks5Proxy(manner: 'tunnel' | 'refuse' = 'tunnel'): Promise<TinyProxy> {
  const asked: string[] = []
  const credentials: string[] = []
  const server = createTcpServer((socket) => {
    let step: 'greeting' | 'password' | 'request' = 'greeting'
    socket.on('data', function speak(bytes: Buffer) {
      if (step === 'greeting') {
        const withPassword = bytes.subarray(2).includes(2)
        step = withPassword ? 'password' : 'request'
        socket.write(Buffer.from([5, withPassword ? 2 : 0]))
      } else if (step === 'password') {
        const userBytes = bytes[1] ?? 0
        credentials.push(`${bytes.toString('utf8', 2, 2 + userBytes)}:${bytes.toString('utf8', 3 + userBytes)}`)
        step = 'request'
        socket.write(Buffer.from([1, 0]))
      } else {
        socket.off('data', speak)
        const [host, port] = destination(bytes)
        asked.push(`${host}:${port}`)
        if (manner === 'refuse') return void socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]))
        const there = connect(port, '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
          join(socket, there)
        })
        there.on('error', () => socket.destroy())
      }
    })
  })
  return tinyProxy(server, asked, credentials)
}

/** Address and port of a SOCKS 5 request: an IPv4 address or a name. */
function destination(bytes: Buffer): readonly [host: string, port: number] {
  if (bytes[3] === 1) return [[...bytes.subarray(4, 8)].join('.'), bytes.readUInt16BE(8)]
  const length = bytes[4] ?? 0
  return [bytes.toString('utf8', 5, 5 + length), bytes.readUInt16BE(5 + length)]
}

function join(one: Socket, other: Socket): void {
  one.pipe(other)
  other.pipe(one)
  one.on('error', () => other.destroy())
  other.on('error', () => one.destroy())
  one.on('close', () => other.destroy())
  other.on('close', () => one.destroy())
}

async function tinyProxy(server: Server, asked: readonly string[], credentials: readonly string[]): Promise<TinyProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    credentials,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
