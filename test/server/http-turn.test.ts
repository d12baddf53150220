import { once } from 'node:events'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import type { Settings } from '../../src/ports/settings.ts'
import { Bodies } from '../../src/server/bodies.ts'
import { turnRoutes, type TurnDoor } from '../../src/server/http-turn.ts'
import type { Ask } from '../../src/turn/world.ts'
import { Cancelled } from '../../src/turn/cancel.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'
import { ask, gate, laptopKey, start, stopAll, Wire, type Gateway } from './support.ts'

afterEach(stopAll)

const bounds = { bodyBytes: 1000, bodiesBytes: 1_000_000 }

interface Options {
  readonly bounds?: Partial<typeof bounds>
  readonly clock?: Clock
  readonly bodies?: Bodies
}

function serve(run: TurnDoor['run'], options: Options = {}): Promise<Gateway> {
  const settings = { bounds: { ...bounds, ...options.bounds }, times: { clientWriteMs: 10_000 } } as Settings
  return start(
    ({ refuser, open }) =>
      turnRoutes({
        clock: options.clock ?? systemClock,
        refuser,
        open,
        bodies: options.bodies ?? new Bodies(),
        bodyIdleMs: 30_000,
        settings: () => settings,
        run,
      }),
    { limits: { lingerMs: 100 } },
  )
}

const asked: Ask[] = []
afterEach(() => void (asked.length = 0))

const answering: TurnDoor['run'] = async (question, sink) => {
  asked.push(question)
  sink.head(200, [['x-turnout-turn', question.id]])
  sink.write([Buffer.from('done')])
  await sink.end()
  return 'completed'
}

const post = (gateway: Gateway, body: string | Buffer, headers: Readonly<Record<string, string>> = {}, path = '/v1/responses') =>
  ask(gateway, path, { method: 'POST', body, headers })

describe('a question', () => {
  it.each([
    ['/v1/responses', 'responses'],
    ['/responses', 'responses'],
    ['/v1/responses/compact', 'compact'],
    ['/responses/input_tokens', 'input_tokens'],
  ])('at %s becomes a turn of the endpoint %s', async (path, endpoint) => {
    const gateway = await serve(answering)
    const answer = await post(gateway, '{"model":"m", "big":12345678901234567890}', { 'x-request-id': 'mine' }, path)
    expect(answer).toMatchObject({ status: 200, text: 'done' })
    expect(answer.headers).toMatchObject({ 'x-turnout-turn': 'turn-1', 'x-request-id': 'mine' })
    expect(asked).toMatchObject([{ id: 'turn-1', caller: { key: 'laptop' }, turn: { endpoint, model: 'm' }, requestId: 'mine' }])
    expect(asked[0]?.body.value.bytes.toString()).toBe('{"model":"m", "big":12345678901234567890}')
    expect(gateway.open.size).toBe(0)
  })

  // A10
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ])('may come as %s', async (encoding, encode) => {
    await post(await serve(answering), encode('{"model":"m"}'), { 'content-encoding': encoding })
    expect(asked[0]?.body.value.bytes.toString()).toBe('{"model":"m"}')
  })

  it('may come in chunks of unknown number', async () => {
    const gateway = await serve(answering)
    const wire = new Wire(gateway).send(
      `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
    )
    wire.send('8\r\n{"model"\r\n').send('5\r\n:"m"}\r\n0\r\n\r\n')
    expect(await wire.rest()).toContain('done')
  })
})

describe('before it is a turn, a question is refused', () => {
  it.each([
    ['empty', '', {}, 400, 'invalid_json', null],
    ['not JSON', '{"model":', {}, 400, 'invalid_json', null],
    ['not an object', '[1]', {}, 400, 'invalid_body', null],
    ['ambiguous', '{"model":"a","mod\\u0065l":"b"}', {}, 400, 'duplicate_member', 'model'],
    ["not to the dialect's liking", '{"model":""}', {}, 400, 'invalid_body', 'model'],
    ['in an unknown encoding', '{}', { 'content-encoding': 'lzma' }, 415, 'unsupported_encoding', 'content-encoding'],
    ['not in the encoding it names', '{"model":"m"}', { 'content-encoding': 'gzip' }, 400, 'invalid_body', 'content-encoding'],
    ['too large', 'x'.repeat(1001), {}, 413, 'body_too_large', null],
    ['too large in chunks', 'x'.repeat(1001), { 'transfer-encoding': 'chunked' }, 413, 'body_too_large', null],
    ['too large once it is decoded', gzipSync('x'.repeat(100_000)), { 'content-encoding': 'gzip' }, 413, 'body_too_large', null],
  ] as const)('where it is %s', async (_, body, headers, status, code, param) => {
    const bodies = new Bodies()
    const gateway = await serve(answering, { bodies })
    const answer = await post(gateway, body, headers)
    expect(answer).toMatchObject({ status, code })
    expect((JSON.parse(answer.text) as { error: { param: unknown } }).error.param).toBe(param)
    expect(answer.headers).toMatchObject({ 'x-turnout-turn': 'turn-1', 'x-should-retry': 'false' })
    expect(gateway.seen.refusals).toEqual([code])
    expect(gateway.seen.lines).toMatchObject([{ level: 'info', fields: { code, key: 'laptop', turn: 'turn-1' } }])
    expect(asked).toEqual([])
    expect(bodies.bytes).toBe(0)
    expect(gateway.open.size).toBe(0)
  })

  it('and a body at the very bound is not', async () => {
    const body = `{"model":"m","x":"${'x'.repeat(980)}"}`
    expect(body).toHaveLength(1000)
    const gateway = await serve(answering)
    expect(await post(gateway, body)).toMatchObject({ status: 200 })
    expect(await post(gateway, gzipSync(body), { 'content-encoding': 'gzip' })).toMatchObject({ status: 200 })
    expect(await post(gateway, `${body} `)).toMatchObject({ status: 413 })
  })

  // H3
  it('before a byte of it is read, where its length says that it is too large', async () => {
    const wire = new Wire(await serve(answering)).send(
      `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n`,
    )
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 413 /)
  })

  it('when no byte of its body came for too long, but not while it comes slowly', async () => {
    const clock = new VirtualClock()
    const gateway = await serve(answering, { clock })
    const wire = new Wire(gateway).send(
      `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{`,
    )
    await begun(gateway)
    await clock.advance(29_999)
    wire.send('"model"')
    await arrived(gateway)
    await clock.advance(30_000)
    expect(wire.text).toBe('')
    await clock.advance(1)
    expect(await wire.rest()).toMatch(/^HTTP\/1.1 408 [^]*x-turnout-turn: turn-1[^]*"request_timeout"/)
    expect(clock.pending).toBe(0)
  })
})

/** Until a request is inside. */
async function begun(gateway: Gateway): Promise<void> {
  while (gateway.open.size === 0) await settled()
}

/** Until what was sent has been read: another connection's whole request takes longer. */
async function arrived(gateway: Gateway): Promise<void> {
  await ask(gateway, '/nowhere')
}

describe('the memory for bodies', () => {
  it('is bounded over all of them, and free again when each turn is over', async () => {
    const bodies = new Bodies()
    const first = gate()
    const inside = gate()
    const gateway = await serve(
      async (question, sink, signal) => {
        if (question.body.value.bytes.length > 500) {
          inside.open()
          await first.promise
        }
        return answering(question, sink, signal)
      },
      { bodies, bounds: { bodiesBytes: 1000 } },
    )
    const large = post(gateway, `{"model":"m","x":"${'x'.repeat(580)}"}`)
    await inside.promise
    expect(bodies.bytes).toBe(600)
    const refused = await post(gateway, `{"model":"m","x":"${'x'.repeat(392)}"}`)
    expect(refused).toMatchObject({ status: 503, code: 'memory_full' })
    expect(refused.headers['retry-after']).toBe('1')
    expect(refused.headers['x-turnout-turn']).toBe('turn-2')
    expect(await post(gateway, '{"model":"m"}')).toMatchObject({ status: 200 })
    first.open()
    expect(await large).toMatchObject({ status: 200 })
    expect(bodies.bytes).toBe(0)
    expect(await post(gateway, `{"model":"m","x":"${'x'.repeat(392)}"}`)).toMatchObject({ status: 200 })
  })

  it('is free again when a turn lets its body go, however long it still runs', async () => {
    const bodies = new Bodies()
    const end = gate()
    const letGo = gate()
    const gateway = await serve(
      async (question, sink, signal) => {
        question.body.letGo()
        letGo.open()
        await end.promise
        return answering(question, sink, signal)
      },
      { bodies },
    )
    const answer = post(gateway, '{"model":"m"}')
    await letGo.promise
    expect(bodies.bytes).toBe(0)
    end.open()
    expect(await answer).toMatchObject({ status: 200 })
    expect(bodies.bytes).toBe(0)
  })

  it.each([
    ['is used for something else once the body was let go', false],
    ['stays while the body is lent', true],
  ])('%s', async (_title, isLent) => {
    let bytes: Buffer = Buffer.alloc(0)
    const run: TurnDoor['run'] = (question, sink, signal) => {
      ;({ bytes } = question.body.value)
      if (isLent) question.body.lend()
      question.body.letGo()
      return answering(question, sink, signal)
    }
    const gateway = await serve(run, { bounds: { bodyBytes: 100_000 } })
    const question = JSON.stringify({ model: 'm', padding: 'x'.repeat(50_000) })
    expect(await post(gateway, question)).toMatchObject({ status: 200 })
    expect(bytes.toString()).toBe(isLent ? question : '')
  })

  it('is taken by what a body is when decoded', async () => {
    const bodies = new Bodies()
    const held: number[] = []
    const gateway = await serve(
      (question, sink, signal) => {
        held.push(bodies.bytes)
        return answering(question, sink, signal)
      },
      { bodies, bounds: { bodyBytes: 500_000 } },
    )
    const body = `{"model":"m","x":"${'x'.repeat(299_992)}"}`
    expect(await post(gateway, gzipSync(body), { 'content-encoding': 'gzip' })).toMatchObject({ status: 200 })
    expect(held).toEqual([body.length])
    expect(bodies.bytes).toBe(0)
  })
})

describe('a client that goes', () => {
  const waiting = () => {
    const inside = gate()
    const reasons: unknown[] = []
    const over = gate()
    const run: TurnDoor['run'] = async (_, sink, signal) => {
      sink.head(200, [])
      sink.write([Buffer.from('begun')])
      inside.open()
      await once(signal, 'abort')
      reasons.push(signal.reason)
      over.open()
      return 'cancelled'
    }
    return { run, inside, over, reasons }
  }

  it('cancels its turn, and the turn alone', async () => {
    const { run, inside, over, reasons } = waiting()
    const gateway = await serve(run)
    const wire = new Wire(gateway).send(
      `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 13\r\n\r\n{"model":"m"}`,
    )
    await inside.promise
    wire.socket.destroy()
    await over.promise
    expect(reasons).toEqual([new Cancelled('client')])
    await settled()
    expect(gateway.open.size).toBe(0)
    expect(gateway.seen.refusals).toEqual([])
  })

  it('in the midst of its body is answered by nobody, and forgotten', async () => {
    const bodies = new Bodies()
    const gateway = await serve(answering, { bodies })
    const wire = new Wire(gateway).send(`POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 13\r\n\r\n{`)
    await begun(gateway)
    wire.socket.destroy()
    while (gateway.open.size > 0) await settled()
    expect(bodies.bytes).toBe(0)
    expect(gateway.seen.refusals).toEqual([])
    expect(asked).toEqual([])
  })

  it('is not waited for by a stop: who is in the midst of a body is told to come again', async () => {
    const gateway = await serve(answering)
    const wire = new Wire(gateway).send(`POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 13\r\n\r\n{`)
    await begun(gateway)
    gateway.open.cancelAll('shutdown')
    expect(await wire.until('shutting_down')).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1/)
  })

  it('after its answer cancels nothing', async () => {
    const signals: AbortSignal[] = []
    const gateway = await serve((question, sink, signal) => {
      signals.push(signal)
      return answering(question, sink, signal)
    })
    await post(gateway, '{"model":"m"}')
    await settled()
    expect(signals.map((signal) => signal.aborted)).toEqual([false])
  })

  it('because the turn broke it off cancels nothing', async () => {
    const signals: AbortSignal[] = []
    const done = gate()
    const gateway = await serve(async (_, sink, signal) => {
      signals.push(signal)
      sink.head(200, [])
      sink.write([Buffer.from('begun')])
      sink.cut()
      await done.promise
      return 'failed'
    })
    await expect(post(gateway, '{"model":"m"}')).rejects.toThrow()
    await settled()
    done.open()
    expect(signals.map((signal) => signal.aborted)).toEqual([false])
  })
})

describe('a bug inside a turn', () => {
  it('is answered with internal_error and the id of the turn, and nothing stays behind', async () => {
    const bodies = new Bodies()
    const gateway = await serve(
      async () => {
        throw new Error('broken')
      },
      { bodies },
    )
    const answer = await post(gateway, '{"model":"m"}')
    expect(answer).toMatchObject({ status: 500, code: 'internal_error' })
    expect(answer.headers['x-turnout-turn']).toBe('turn-1')
    expect(gateway.seen.lines.map((line) => line.level)).toEqual(['error', 'info'])
    expect(gateway.open.size).toBe(0)
    expect(bodies.bytes).toBe(0)
  })
})
