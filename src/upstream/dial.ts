import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Unreachable } from '../core/failure.ts'
import { DialFailed, Guard, type Reach } from './guard.ts'
import { tunnel } from './proxy.ts'

/** Where connections of one account go. */
export interface Destination {
  /** Without brackets. */
  readonly host: string
  readonly port: number
  readonly security: 'plain' | 'tls'
  readonly reach: Reach
  readonly proxy: URL | null
}

/** Remembers a TLS session, so that the next handshake is short. */
export interface Resumption {
  session: Buffer | null
}

const tcpKeepAliveMs = 60_000

/**
 * A connection, ready to be written to: looked up, guarded, tunnelled through the account's proxy, TLS done.
 * Rejects with `DialFailed`, or with the signal's reason.
 */
export async function dial(to: Destination, names: LookupFunction, resumption: Resumption, signal: AbortSignal): Promise<Socket> {
  const guard = new Guard(to.reach, names)
  try {
    guard.checkHost(to.host)
    const socket = await (to.proxy === null ? direct(to, guard, signal) : proxied(to, to.proxy, guard, signal))
    return to.security === 'plain' ? socket : await secured(socket, to, resumption, signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw guard.refusal ?? (error instanceof DialFailed ? error : new DialFailed(whyNotConnected(error), detailOf(error)))
  }
}

async function direct(to: Destination, guard: Guard, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: to.host, port: to.port, lookup: guard.lookup })
  await ready(socket, 'connect', signal)
  return checked(socket, to.host, guard)
}

async function proxied(to: Destination, proxy: URL, guard: Guard, signal: AbortSignal): Promise<Socket> {
  guard.checkHost(proxy.hostname)
  const socket = await tunnel({ proxy, host: to.host, port: to.port, lookup: guard.lookup, signal })
  socket.on('error', ignore)
  return checked(socket, proxy.hostname, guard)
}

/** The last look at who was reached, before anything is said to it. */
function checked(socket: Socket, host: string, guard: Guard): Socket {
  try {
    guard.checkAddress(socket.remoteAddress, host)
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.setNoDelay(true)
  socket.setKeepAlive(true, tcpKeepAliveMs)
  return socket
}

async function secured(socket: Socket, to: Destination, resumption: Resumption, signal: AbortSignal): Promise<TLSSocket> {
  const tls = connectTls({
    socket,
    host: to.host,
    ...(isIP(to.host) === 0 && { servername: to.host }),
    ...(resumption.session !== null && { session: resumption.session }),
    ALPNProtocols: ['http/1.1'],
  })
  tls.on('session', (session: Buffer) => (resumption.session = session))
  try {
    await ready(tls, 'secureConnect', signal)
  } catch (error) {
    resumption.session = null
    socket.destroy()
    throw signal.aborted ? error : new DialFailed('tls', detailOf(error))
  }
  return tls
}

/** Destroys the socket when it fails or is given up. */
function ready(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = () => {
      socket.off(event, ok).off('error', fail).off('close', closed)
      signal.removeEventListener('abort', abort)
    }
    const ok = () => {
      over()
      resolve()
    }
    const fail = (error: Error) => {
      over()
      socket.destroy()
      reject(error)
    }
    const closed = () => fail(new DialFailed('reset', 'the connection was closed before it was ready'))
    const abort = () => fail(signal.reason as Error)
    // Stays for good: between two users of a connection nobody else listens, and an error there is no Bug.
    socket.on('error', ignore)
    socket.on(event, ok).on('error', fail).on('close', closed)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
}

function ignore(): void {}

const refusedCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'EHOSTDOWN', 'ENETDOWN'])

function whyNotConnected(error: unknown): Unreachable {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (syscall === 'getaddrinfo' || code?.startsWith('EAI_') === true || code === 'ENOTFOUND') return 'dns'
  if (code === 'ETIMEDOUT') return 'connect-timeout'
  return code !== undefined && refusedCodes.has(code) ? 'refused' : 'reset'
}

function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = (error as NodeJS.ErrnoException).code
  if (error.message !== '') return error.message
  return code ?? error.name
}
