import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Which connections are open, and what is being answered on each: known here, so that a stop ends the idle ones and lets the others finish. */
export class Connections {
  /** The latest answer that is not over yet; null: idle. */
  readonly #sockets = new Map<Socket, ServerResponse | null>()
  #closing = false

  opened(socket: Socket): void {
    this.#sockets.set(socket, null)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  /** A session's from now on: it is not HTTP any more, and has its own end. */
  upgraded(socket: Socket): void {
    this.#sockets.delete(socket)
  }

  answering(response: ServerResponse): void {
    this.#sockets.set(response.req.socket, response)
    response.on('close', this.#answered)
  }

  /** Whether what is wrong on this connection may be answered: not where a whole request waits for its answer, which would take this one for its own. */
  mayAnswer(socket: Socket): boolean {
    const response = this.#sockets.get(socket) ?? null
    return socket.writable && (response === null || (!response.req.complete && response.socket !== null && !response.headersSent))
  }

  /** Ends idle connections now, and each other one when its answer is over. */
  close(): void {
    this.#closing = true
    for (const [socket, response] of this.#sockets) if (response === null) socket.destroySoon()
  }

  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  readonly #answered: (this: ServerResponse) => void = (() => {
    const sockets = this.#sockets
    const closing = (): boolean => this.#closing
    return function (this: ServerResponse) {
      const { socket } = this.req
      if (sockets.get(socket) !== this) return
      if (socket.destroyed) sockets.delete(socket)
      else sockets.set(socket, null)
      if (closing()) socket.destroySoon()
    }
  })()
}
