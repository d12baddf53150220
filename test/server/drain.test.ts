import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Route } from '../../src/ports/routes.ts'
import { Cancelled, wasCancelled } from '../../src/turn/cancel.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'
import { gate, laptopKey, start, stopAll, Wire, type Gateway } from './support.ts'

afterEach(stopAll)

/** A server whose turns end when `end` is opened, or say `cancelled by` when they are called off. */
async function serve(clock = new VirtualClock()) {
  const end = gate()
  const reasons: unknown[] = []
  const gateway = await start(
    ({ open }): readonly Route[] => [
      {
        method: 'POST',
        path: '/v1/responses',
        guard: 'key',
        begins: 'turn',
        handle: async ({ response }) => {
          const controller = open.begin()
          response.write('begun;')
          await Promise.race([end.promise, once(controller.signal, 'abort')])
          reasons.push(wasCancelled(controller.signal))
          response.end(controller.signal.aborted ? 'called off' : 'ended')
          open.end(controller)
        },
      },
      { method: 'GET', path: '/readyz', guard: 'open', handle: async ({ response }) => void response.end('said') },
    ],
    { clock, limits: { lingerMs: 5000 } },
  )
  return { gateway, end, reasons, clock }
}
const post = `POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\nContent-Length: 0\r\n\r\n`
const get = 'GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n'

async function running(gateway: Gateway): Promise<Wire> {
  const wire = new Wire(gateway).send(post)
  await wire.until('begun;')
  return wire
}

async function idle(gateway: Gateway): Promise<Wire> {
  const wire = new Wire(gateway).send(get)
  await wire.until('said')
  return wire
}

describe('a graceful stop', () => {
  it('of an idle server is over at once, and idle connections are closed', async () => {
    const { gateway, clock } = await serve()
    const wire = await idle(gateway)
    await gateway.server.drain(30_000)
    await wire.rest()
    expect(clock.pending).toBe(0)
  })

  it('tells whoever comes meanwhile that it is shutting down, instead of refusing the connection', async () => {
    const { gateway, end } = await serve()
    const first = await running(gateway)
    const stopped = gateway.server.drain(30_000)
    const late = new Wire(gateway).send(post)
    expect(await late.rest()).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n[^]*"shutting_down"/i)
    end.open()
    await stopped
    await first.rest()
  })

  it('takes no new connection when it is over', async () => {
    const { gateway } = await serve()
    await gateway.server.drain(30_000)
    const wire = new Wire(gateway)
    await expect(once(wire.socket, 'connect')).rejects.toThrow('ECONNREFUSED')
  })

  it('lets what runs finish, and closes its connection then', async () => {
    const { gateway, end, reasons, clock } = await serve()
    const wire = await running(gateway)
    const stopped = gateway.server.drain(30_000)
    await clock.advance(29_999)
    end.open()
    await stopped
    expect(await wire.rest()).toMatch(/ended\r\n0\r\n\r\n$/)
    expect(reasons).toEqual([null])
    expect(clock.pending).toBe(0)
  })

  it('answers a new request on a connection that is still open with shutting_down', async () => {
    const { gateway, end } = await serve()
    const first = await running(gateway)
    const stopped = gateway.server.drain(30_000)
    first.send(post)
    while (!gateway.seen.refusals.includes('shutting_down')) await settled()
    end.open()
    await stopped
    expect(await first.rest()).toMatch(
      /ended\r\n0\r\n\r\nHTTP\/1.1 503 [^]*x-turnout-turn: turn-2[^]*retry-after: 1\r\n[^]*connection: close[^]*"shutting_down"/i,
    )
  })

  it('calls off what still runs after its time, and waits until it has said so', async () => {
    const { gateway, reasons, clock } = await serve()
    const wire = await running(gateway)
    const stopped = gateway.server.drain(30_000)
    await clock.advance(30_000)
    await stopped
    expect(reasons).toEqual([new Cancelled('shutdown')])
    expect(await wire.rest()).toContain('called off')
  })

  it('ends although something never ends', async () => {
    const clock = new VirtualClock()
    const end = gate()
    const gateway = await start(
      ({ open }) => [
        {
          method: 'POST',
          path: '/v1/responses',
          guard: 'key',
          handle: async ({ response }) => {
            const controller = open.begin()
            response.write('begun;')
            await end.promise
            open.end(controller)
          },
        },
      ],
      { clock },
    )
    const wire = await running(gateway)
    const stopped = gateway.server.drain(30_000)
    await clock.advance(30_000)
    await settled()
    expect(wire.socket.closed).toBe(false)
    await clock.advance(5_000)
    await stopped
    await wire.rest()
    end.open()
  })
})
