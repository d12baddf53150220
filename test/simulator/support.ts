import { request, type IncomingHttpHeaders } from 'node:http'
import { Memory, type MemoryOptions } from '../../src/simulator/memory.ts'
import { script, type Scripted } from '../../src/simulator/script.ts'

export type Fields = { readonly [name: string]: unknown }

/** How an answer came to its end, as its reader sees it. */
export interface Heard {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  readonly end: 'whole' | 'broken'
}

export interface Said {
  readonly method?: string
  readonly key?: string | null
  readonly headers?: { readonly [name: string]: string }
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly onHead?: () => void
}

/** One request on a connection of its own. Rejects when no head comes. */
export function say(url: string, said: Said = {}): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const credential: { [name: string]: string } = said.key === null ? {} : { authorization: `Bearer ${said.key ?? 'key-a'}` }
    const options = {
      method: said.method ?? 'POST',
      headers: { ...credential, ...said.headers },
      agent: false as const,
      ...(said.signal && { signal: said.signal }),
    }
    const asked = request(url, options, (answer) => {
      said.onHead?.()
      const chunks: Buffer[] = []
      const done = (end: 'whole' | 'broken') => {
        const body = Buffer.concat(chunks)
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body, text: body.toString('utf8'), end })
      }
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('end', () => done('whole'))
      answer.once('error', () => done('broken'))
    })
    asked.once('error', reject)
    const { body } = said
    asked.end(body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
}

/** The events of a stream. One that is no JSON is told as its text. */
export function eventsIn(text: string): readonly Fields[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const line = block.split('\n').find((one) => one.startsWith('data: ')) ?? ''
      try {
        return JSON.parse(line.slice(6)) as Fields
      } catch {
        return { type: 'malformed', text: line }
      }
    })
}

export const typesIn = (text: string) => eventsIn(text).map((event) => event['type'])

/** A member of what may be an object. */
export const within = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? (inner as { [member: string | number]: unknown })[step] : undefined),
    value,
  )

export const nowMs = 1_795_000_000_000

export function remembering(options: Partial<MemoryOptions> = {}): Memory {
  return new Memory({ dice: () => 0.5, ...options })
}

/** What one turn of `key` is answered, without any connection. */
export function turn(memory: Memory, body: unknown, key = 'key-a', path = '/v1/responses'): Scripted {
  return ask(memory, 'POST', path, key, body)
}

export function ask(memory: Memory, method: string, path: string, key = 'key-a', body?: unknown, atMs = nowMs): Scripted {
  const bytes = Buffer.from(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  return script({ method, path, headers: { authorization: `Bearer ${key}` }, body: bytes, nowMs: atMs }, memory)
}

export const textOf = (scripted: Scripted) =>
  Buffer.concat(scripted.steps.map((step) => (step.kind === 'send' ? step.bytes : Buffer.alloc(0)))).toString('utf8')
export const jsonOf = (scripted: Scripted) => JSON.parse(textOf(scripted)) as Fields
export const errorOf = (scripted: Scripted) => jsonOf(scripted)['error'] as Fields
export const endOf = (scripted: Scripted) => scripted.steps.at(-1)?.kind

export const hello = { model: 'gpt-5.5', input: 'hello there' }
export const helloStream = { ...hello, stream: true }
