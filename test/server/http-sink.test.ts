import { once } from 'node:events'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sink } from '../../src/ports/sink.ts'
import { HttpSink } from '../../src/server/http-sink.ts'
import { ask, gate, start, stopAll, Wire, type Gateway } from './support.ts'

afterEach(stopAll)

const eventStream = [['content-type', 'text/event-stream']] as const

/** A server whose only route hands its sink to `use`. */
function serve(use: (sink: HttpSink) => Promise<void> | void, clientWriteMs = 10_000): Promise<Gateway> {
  return start(() => [
    {
      method: 'POST',
      path: '/v1/responses',
      guard: 'open',
      begins: 'turn',
      handle: async ({ response, requestId }) => use(new HttpSink(response, requestId, clientWriteMs)),
    },
  ])
}
const post = 'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
const event = (text: string) => Buffer.from(`data: ${text}\n\n`)

describe('an answer', () => {
  it('has the head that the turn gave it, beside the request id, and ends cleanly', async () => {
    const gateway = await serve(async (sink) => {
      sink.head(201, [
        ['x-turnout-turn', 'turn-1'],
        ['content-length', '4'],
      ])
      expect(sink.write([Buffer.from('ab'), Buffer.from('cd')])).toBe(true)
      await sink.end()
    })
    const answer = await ask(gateway, '/v1/responses', { method: 'POST', headers: { 'x-request-id': 'mine' } })
    expect(answer).toMatchObject({ status: 201, text: 'abcd' })
    expect(answer.headers).toMatchObject({ 'x-request-id': 'mine', 'x-turnout-turn': 'turn-1', 'content-length': '4' })
    expect(answer.headers['transfer-encoding']).toBeUndefined()
  })

  it('makes one chunk of what is written at once', async () => {
    const gateway = await serve(async (sink) => {
      sink.head(200, eventStream)
      sink.write([event('0')])
      sink.write([event('1'), event('2'), event('3')])
      await sink.end()
    })
    const wire = new Wire(gateway).send(post)
    expect(await wire.until('\r\n0\r\n\r\n')).toContain('\r\n1b\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n\r\n0\r\n\r\n')
  })

  it('reaches the client event by event, without waiting for more', async () => {
    const next = gate()
    const gateway = await serve(async (sink) => {
      sink.head(200, eventStream)
      sink.write([event('1')])
      await next.promise
      await sink.end()
    })
    const wire = new Wire(gateway).send(post)
    await wire.until('data: 1\n\n')
    next.open()
    await wire.until('0\r\n\r\n')
  })
})

describe('an answer that is cut', () => {
  const cutting = (sink: Sink) => {
    sink.head(200, eventStream)
    sink.write([Buffer.from('event: response.created\ndata: {"type":"response.created"}\n\n')])
    sink.cut()
  }

  it('hands over what was written, and has no end', async () => {
    const text = await new Wire(await serve(cutting)).send(post).rest()
    expect(text).toContain('response.created')
    expect(text).not.toContain('\r\n0\r\n')
  })

  it('is broken for node:http and fetch', async () => {
    const gateway = await serve(cutting)
    await expect(ask(gateway, '/v1/responses', { method: 'POST' })).rejects.toThrow()
    const answer = await fetch(`${gateway.url}/v1/responses`, { method: 'POST' })
    await expect(answer.text()).rejects.toThrow('terminated')
  })

  it('is broken for the openai SDK', async () => {
    const client = new OpenAI({ apiKey: 'any', baseURL: `${(await serve(cutting)).url}/v1`, maxRetries: 0 })
    const stream = await client.responses.create({ model: 'm', input: 'hi', stream: true })
    const types: string[] = []
    const read = async () => {
      for await (const each of stream) types.push(each.type)
    }
    await expect(read()).rejects.toThrow()
    expect(types).toEqual(['response.created'])
  })

  it('is broken for a client of HTTP/1.0, which knows no chunks', async () => {
    const wire = new Wire(await serve(cutting))
    const broken = once(wire.socket, 'error')
    wire.send('POST /v1/responses HTTP/1.0\r\nContent-Length: 0\r\n\r\n')
    await broken
  })

  it('before its head is no answer', async () => {
    expect(await new Wire(await serve((sink) => sink.cut())).send(post).rest()).toBe('')
  })
})

describe('a client that takes no more', () => {
  /** More than any system takes on its own behalf. */
  const large = Buffer.alloc(8 * 1024 * 1024, 'x')

  const fill = (sink: Sink) => expect(sink.write([large, large])).toBe(false)

  it('is waited for, and told when it takes bytes again', async () => {
    const stalled = gate()
    const drained = gate()
    const gateway = await serve(async (sink) => {
      sink.head(200, eventStream)
      fill(sink)
      sink.drained(() => drained.open())
      stalled.open()
      await drained.promise
      expect(sink.write([event('last')])).toBe(true)
      await sink.end()
    })
    const wire = new Wire(gateway)
    wire.socket.pause()
    wire.send(post)
    await stalled.promise
    wire.socket.resume()
    await wire.until('data: last')
    expect(gateway.seen.lines).toEqual([])
  })

  it('is told at once where it has taken them meanwhile', async () => {
    const gateway = await serve(async (sink) => {
      sink.head(200, eventStream)
      sink.write([event('1')])
      await new Promise<void>((resolve) => sink.drained(resolve))
      await sink.end()
    })
    expect(await ask(gateway, '/v1/responses', { method: 'POST' })).toMatchObject({ text: 'data: 1\n\n' })
  })

  it.each([
    ['in the midst of it', async (sink: Sink) => new Promise<void>((resolve) => sink.drained(resolve))],
    ['at its end', async (sink: Sink) => sink.end()],
    ['after a cut', async (sink: HttpSink) => sink.cut()],
  ])('for too long is gone, %s', async (_, then) => {
    const over = gate()
    const gateway = await serve(async (sink) => {
      sink.head(200, eventStream)
      fill(sink)
      await then(sink)
      over.open()
    }, 60)
    const wire = new Wire(gateway)
    wire.socket.pause()
    wire.send(post)
    await over.promise
    wire.socket.resume()
    expect(await wire.rest()).not.toContain('\r\n0\r\n')
  })

  it('has its time for the rest of an answer too, however little is left', async () => {
    const over = gate()
    const gateway = await start(() => [
      {
        method: 'POST',
        path: '/v1/responses',
        guard: 'open',
        handle: async ({ response, requestId }) => {
          const sink = new HttpSink(response, requestId, 60)
          sink.head(200, eventStream)
          fill(sink)
          response.socket?.setTimeout(0)
          await sink.end()
          over.open()
        },
      },
    ])
    const wire = new Wire(gateway)
    wire.socket.pause()
    wire.send(post)
    await over.promise
  })

  it('and takes bytes again has all the time of an upstream', async () => {
    const timeouts: (number | undefined)[] = []
    const gateway = await start(() => [
      {
        method: 'POST',
        path: '/v1/responses',
        guard: 'open',
        handle: async ({ request, response, requestId }) => {
          const sink = new HttpSink(response, requestId, 10_000)
          sink.head(200, eventStream)
          fill(sink)
          timeouts.push(request.socket.timeout)
          await new Promise<void>((resolve) => sink.drained(resolve))
          timeouts.push(request.socket.timeout)
          await sink.end()
        },
      },
    ])
    await new Wire(gateway).send(post).until('\r\n0\r\n\r\n')
    expect(timeouts).toEqual([10_000, 0])
  })

  it('leaves nothing listening on a connection that goes on', async () => {
    const counts: number[] = []
    const gateway = await start(() => [
      {
        method: 'POST',
        path: '/v1/responses',
        guard: 'open',
        handle: async ({ request, response, requestId }) => {
          counts.push(request.socket.listenerCount('drain'))
          const sink = new HttpSink(response, requestId, 10_000)
          sink.head(200, eventStream)
          fill(sink)
          await new Promise<void>((resolve) => sink.drained(resolve))
          await sink.end()
        },
      },
    ])
    const wire = new Wire(gateway).send(post)
    await wire.until('\r\n0\r\n\r\n')
    await wire.send(post.replace('Host', 'Connection: close\r\nHost')).rest()
    expect(counts).toHaveLength(2)
    expect(counts[1]).toBe(counts[0])
  })
})

describe('a client that is gone', () => {
  it('is written to in vain, and nothing fails', async () => {
    const inside = gate()
    const done = gate()
    const gateway = await start(() => [
      {
        method: 'POST',
        path: '/v1/responses',
        guard: 'open',
        handle: async ({ response, requestId }) => {
          const sink = new HttpSink(response, requestId, 10_000)
          const closed = once(response, 'close')
          inside.open()
          await closed
          sink.head(200, eventStream)
          expect(sink.write([event('1')])).toBe(true)
          await new Promise<void>((resolve) => sink.drained(resolve))
          await sink.end()
          sink.cut()
          done.open()
        },
      },
    ])
    const wire = new Wire(gateway).send(post)
    await inside.promise
    wire.socket.destroy()
    await done.promise
    expect(gateway.seen.lines).toEqual([])
  })
})
