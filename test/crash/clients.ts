import { Agent, request } from 'node:http'
import { WebSocket } from 'ws'

/** What one client has seen of one turn, which goes by a model's name that no other turn has. */
export interface Seen {
  readonly model: string
  readonly transport: 'http' | 'websocket'
  hasOutput: boolean
  /** The terminal event of an answer that ended well; null: none was seen. */
  usage: { readonly input: number; readonly output: number; readonly cached: number; readonly reasoning: number } | null
  /** The client was told "no", or the answer ended in an error. */
  refused: string | null
}

export interface Crowd {
  /** Turns that were begun, whatever became of them. */
  readonly seen: readonly Seen[]
  /** Turns that have begun and have no end, at this moment. */
  running(): readonly Seen[]
  /** Answers that ended well so far. */
  ended(): number
  /** Calls back the very moment that a client sees the end of an answer. */
  onEnd(then: () => void): void
  /** Begins no more turns, and lets go of the connections. */
  leave(): void
}

export interface CrowdOptions {
  readonly url: string
  readonly key: string
  /** Begins every model's name. */
  readonly name: string
  readonly httpClients: number
  readonly sessions: number
}

/** Clients that ask one turn after another, over HTTP and in sessions, and write down what they see. */
export function gather(options: CrowdOptions): Crowd {
  const seen: Seen[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  const sockets: WebSocket[] = []
  let hasLeft = false
  let ends = (): void => undefined
  const listen = (turn: Seen, text: string): 'over' | 'goes on' => {
    const said = hear(turn, text)
    if (said === 'over') ends()
    return said
  }
  const begin = (transport: Seen['transport']): Seen => {
    const turn: Seen = { model: `${options.name}-${seen.length}`, transport, hasOutput: false, usage: null, refused: null }
    seen.push(turn)
    return turn
  }
  const again = (next: () => void): void => {
    // Whoever was refused comes back a little later, as clients do.
    if (!hasLeft) setTimeout(() => (hasLeft ? undefined : next()), 20)
  }
  const httpClient = (): void => void httpTurn({ options, agent, listen }, begin('http')).then((next) => (next === 'gone' ? undefined : again(httpClient)))
  for (let i = 0; i < options.httpClients; i++) httpClient()
  for (let i = 0; i < options.sessions; i++)
    sockets.push(
      session(
        { options, listen },
        () => begin('websocket'),
        () => hasLeft,
      ),
    )
  return {
    seen,
    running: () => seen.filter(({ usage, refused }) => usage === null && refused === null),
    ended: () => seen.filter(({ usage }) => usage !== null).length,
    onEnd: (then) => void (ends = then),
    leave() {
      hasLeft = true
      agent.destroy()
      for (const socket of sockets) socket.terminate()
    },
  }
}

interface Client {
  readonly options: CrowdOptions
  readonly listen: (turn: Seen, text: string) => 'over' | 'goes on'
}

function httpTurn({ options: { url, key }, agent, listen }: Client & { readonly agent: Agent }, turn: Seen): Promise<'done' | 'gone'> {
  const body = JSON.stringify({ model: turn.model, input: `hello from ${turn.model}`, stream: true, store: false })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve) => {
    const asking = request(`${url}/v1/responses`, { method: 'POST', agent, headers }, (answer) => {
      if (answer.statusCode !== 200) turn.refused = String(answer.statusCode)
      let rest = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line.startsWith('data: ')) listen(turn, line.slice('data: '.length))
      })
      answer.on('error', () => undefined)
      answer.on('close', () => resolve(answer.complete ? 'done' : 'gone'))
    })
    asking.on('error', () => resolve('gone'))
    asking.end(body)
  })
}

function session({ options: { url, key }, listen }: Client, begin: () => Seen, hasLeft: () => boolean): WebSocket {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/responses`, { headers: { authorization: `Bearer ${key}` }, perMessageDeflate: false })
  let turn: Seen | null = null
  const ask = (): void => {
    if (hasLeft()) return
    turn = begin()
    socket.send(JSON.stringify({ type: 'response.create', model: turn.model, input: `hello from ${turn.model}`, store: false }))
  }
  socket.on('open', ask)
  socket.on('error', () => undefined)
  socket.on('message', (bytes: Buffer) => {
    if (turn !== null && listen(turn, bytes.toString('utf8')) === 'over') setTimeout(ask, 20)
  })
  return socket
}

function hear(turn: Seen, text: string): 'over' | 'goes on' {
  // Most events are deltas: they need no parsing.
  if (text.includes('"response.output_text.delta"')) {
    turn.hasOutput = true
    return 'goes on'
  }
  const event = JSON.parse(text) as {
    readonly type?: string
    readonly response?: { readonly usage?: Usage; readonly error?: unknown }
    readonly error?: unknown
  }
  if (event.type === 'response.completed') {
    const usage = event.response?.usage
    turn.usage = {
      input: usage?.input_tokens ?? -1,
      output: usage?.output_tokens ?? -1,
      cached: usage?.input_tokens_details?.cached_tokens ?? 0,
      reasoning: usage?.output_tokens_details?.reasoning_tokens ?? 0,
    }
    return 'over'
  }
  if (event.type !== 'response.failed' && event.type !== 'error') return 'goes on'
  turn.refused = JSON.stringify(event.response?.error ?? event.error)
  return 'over'
}

interface Usage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly input_tokens_details?: { readonly cached_tokens?: number }
  readonly output_tokens_details?: { readonly reasoning_tokens?: number }
}
