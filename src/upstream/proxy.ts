import { EventEmitter } from 'node:events'
import type { ClientRequest } from 'node:http'
import type { LookupFunction, Socket } from 'node:net'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { DialFailed } from './guard.ts'

interface Tunnel {
  /** `http:`, `https:`, `socks5:` (names are looked up here) or `socks5h:` (by the proxy). */
  readonly proxy: URL
  readonly host: string
  readonly port: number
  /** Used for the proxy's own name, and by `socks5:` for the destination's. */
  readonly lookup: LookupFunction
  /** Aborting it gives up. */
  readonly signal: AbortSignal
}

/** A plain connection to the destination, through the proxy. Rejects with `DialFailed`, or with the signal's reason. */
export async function tunnel(to: Tunnel): Promise<Socket> {
  // The libraries open tunnels for a request; they tell it how far they are and ask nothing of it.
  const steps = new EventEmitter()
  const request = steps as unknown as ClientRequest
  let refused: string | null = null
  steps.once('proxyConnect', (answer: { readonly statusCode: number }) => {
    if (answer.statusCode !== 200) refused = `the proxy answered CONNECT with status ${answer.statusCode}`
  })
  try {
    const socket = await abortable(open(to, request), to.signal)
    if (refused === null) return socket
    socket.destroy()
  } catch (error) {
    if (to.signal.aborted || error instanceof DialFailed) throw error
    // Nothing but the message: the error of the SOCKS library carries the proxy's password.
    refused = error instanceof Error ? error.message : 'the proxy failed'
  }
  throw new DialFailed('proxy', refused)
}

function open(to: Tunnel, request: ClientRequest): Promise<Socket> {
  const { host, port, lookup, signal } = to
  if (to.proxy.protocol === 'http:' || to.proxy.protocol === 'https:') {
    const agent = new HttpsProxyAgent(to.proxy, { lookup, signal, keepAlive: true })
    return agent.connect(request, { host, port, secureEndpoint: false })
  }
  // Its own `timeout` would go on to end silent streams; left alone, the library gives up on a proxy after 30 s by itself.
  const agent = new SocksProxyAgent(to.proxy, { socketOptions: { lookup } })
  agent.proxy.host = to.proxy.hostname.replace(/^\[(.*)\]$/, '$1')
  return agent.connect(request, { host, port, lookup, secureEndpoint: false })
}

/** What comes after the signal is destroyed. */
function abortable(opening: Promise<Socket>, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    opening
      .then((socket) => {
        if (signal.aborted) socket.destroy()
        resolve(socket)
      }, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
