import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'
import { eventually, Exchange, restOf, wire } from '../support/client.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { gatewayOfThisFile } from '../support/gateway.ts'
import { adminToken, configurationOf, laptopKey, otherKey } from '../support/scene.ts'
import { SessionClient } from '../support/session-client.ts'
import { recordsOf } from '../support/talk.ts'

const MiB = 1024 * 1024
const hello = { model: 'gpt-5.5', store: false, input: 'hello' }

/** A gateway in a process of its own, so that its memory can be seen. */
describe('a gateway is not harmed by', () => {
  let simulator: Simulator
  let gateway: GatewayProcess
  let folder: string
  let url: string

  beforeAll(async () => {
    simulator = await startSimulator()
    folder = mkdtempSync(join(tmpdir(), 'turnout-'))
    const place = { simulator, pool: 'all', credential: (account: string) => `key-${account}` }
    const scene = {
      accounts: { a: { concurrency: 400 }, b: {} },
      pools: ['a', 'b'].map((name) => ({ name, accounts: [name] })),
      keys: [
        { name: 'laptop', key: laptopKey, pools: ['a'] },
        { name: 'other', key: otherKey, pools: ['b'] },
      ],
      times: { first_frame: '1500ms' },
      log: { level: 'error' },
    }
    writeFileSync(join(folder, 'turnout.yaml'), JSON.stringify(configurationOf(scene, place)))
    gateway = new GatewayProcess(folder)
    url = await gateway.says(/(http:\/\/127\.0\.0\.1:\d+)/)
    const warm = await open()
    for (let n = 0; n < 20; n++) await warm.turn({ ...hello, input: 'x'.repeat(100_000) })
    await warm.end()
  })
  afterAll(async () => {
    await gateway.kill()
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => simulator.reset())
  const opened: SessionClient[] = []
  afterEach(() => opened.splice(0).forEach((session) => session.leave()))

  const open = async (key = laptopKey) => {
    const session = await SessionClient.open(`${url}/v1/responses`, { authorization: `Bearer ${key}` })
    opened.push(session)
    return session
  }
  const play = (behaviour: BehaviourSpec) => simulator.set('key-a', behaviour)
  const metrics = async () => (await new Exchange(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } }).whole()).text

  /** Nothing is left: no session, no lease, no byte. */
  async function nothingLeft(): Promise<void> {
    await eventually(metrics, (text) =>
      ['turnout_leases{account="a"} 0', 'turnout_sessions 0', 'turnout_buffered_bytes{owner="bodies"} 0'].every((line) => text.includes(`${line}\n`)),
    )
  }

  /** Does this while another client asks its questions, and tells how much memory it took at the most, until it is over or says that it has seen enough. */
  async function whileOthersAsk(what: string, deed: (enough: () => void) => Promise<void>): Promise<number> {
    const other = await open(otherKey)
    const before = gateway.residentBytes
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, gateway.residentBytes)), 5)
    const done = { is: false }
    const asking = async () => {
      do expect((await other.turn(hello)).last).toMatchObject({ type: 'response.completed' })
      while (!done.is)
    }
    await Promise.all([asking(), deed(() => clearInterval(watch)).finally(() => (done.is = true))]).finally(() => clearInterval(watch))
    await other.end()
    await nothingLeft()
    console.log(`${what}: ${Math.round((peak - before) / MiB)} MiB more than before at the most, ${Math.round(peak / MiB)} MiB in all`)
    return peak - before
  }

  test('clients that send 64 MB in one frame', async () => {
    const grown = await whileOthersAsk('5 times 64 MB in one frame', async () => {
      const sessions = await Promise.all(Array.from({ length: 5 }, () => open()))
      for (const session of sessions) await session.turn(hello)
      const giant = JSON.stringify({ ...hello, type: 'response.create', input: 'x'.repeat(64 * MiB) })
      for (const session of sessions) session.send(giant)
      for (const session of sessions) {
        expect((await session.closed()).code).toBeOneOf([1009, 1006])
        expect(session.left).toEqual([])
      }
    })
    expect(grown).toBeLessThan(200 * MiB)
  })

  test('a client that sends 10,000 frames at once', async () => {
    const grown = await whileOthersAsk('10,000 frames at once', async () => {
      const session = await open()
      for (let n = 0; n < 10_000; n++) session.create(hello)
      await eventually(
        () => session.frames.filter(({ type }) => type === 'error' || type === 'response.completed').length,
        (ended) => ended === 10_000,
      )
      const answered = session.frames.filter(({ type }) => type === 'response.completed')
      const refused = session.frames.filter(({ type }) => type === 'error')
      expect(answered.length).toBeGreaterThanOrEqual(17)
      expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))
      expect((await session.turn({ ...hello, stream_id: 'still-here' })).last).toMatchObject({ type: 'response.completed' })
      await session.end()
    })
    expect(grown).toBeLessThan(100 * MiB)
  })

  test('10,000 frames of a client that reads none of the answers', async () => {
    const grown = await whileOthersAsk('10,000 frames of 5 KB, and nothing read', async () => {
      const session = await open()
      session.socket.pause()
      for (let n = 0; n < 10_000; n++) session.create({ ...hello, input: 'x'.repeat(5_000) })
      session.socket.once('close', () => undefined)
      await eventually(
        () => session.socket.bufferedAmount,
        (bytes) => bytes < 45 * MiB,
      )
      session.leave()
    })
    expect(grown).toBeLessThan(100 * MiB)
  })

  test('200 sockets that are open by half, or say nothing', async () => {
    const grown = await whileOthersAsk('200 sockets open by half', async () => {
      const request = `GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
      const sockets = await Promise.all(Array.from({ length: 200 }, () => wire(url, request)))
      // Half of them end their side; the others neither speak nor answer when they are told that their time is over.
      for (const socket of sockets.slice(100)) socket.end()
      const told = async (socket: Socket): Promise<string> => {
        socket.on('data', (chunk) => String(chunk).includes('\u0088') && socket.destroy())
        return restOf(socket)
      }
      const heard = await Promise.all(sockets.map(told))
      expect(heard.every((text) => text.startsWith('HTTP/1.1 101 '))).toBe(true)
    })
    expect(grown).toBeLessThan(50 * MiB)
  })

  test('clients that stop reading', async () => {
    const grown = await whileOthersAsk('4 clients that stop reading answers whose events come to 75 MB', async (enough) => {
      const stuck = await Promise.all(Array.from({ length: 4 }, () => open()))
      play({ fast: 'stream', deltas: 1_500, deltaBytes: 10_000 })
      for (const session of stuck) {
        session.create(hello)
        session.socket.pause()
      }
      await eventually(metrics, (text) => text.includes('turnout_leases{account="a"} 4\n'))
      const another = await open(otherKey)
      for (let n = 0; n < 100; n++) await another.turn(hello)
      // What their upstreams say from now on is read for the usage only, and thrown away.
      enough()
      for (const session of [...stuck, another]) session.leave()
    })
    expect(grown).toBeLessThan(100 * MiB)
  })
})

describe('a slow client', () => {
  const stage = gatewayOfThisFile()

  // E25
  test.each([['on'], ['off']])(
    'that takes nothing for too long is closed with the reason, and its upstream is called off (websocket: %s)',
    async (websocket) => {
      const on = await stage({ accounts: { a: { plays: { deltas: 1_500, deltaBytes: 10_000 }, websocket } }, times: { client_write: '100ms' } })
      const session = await on.session()
      session.create(hello)
      await session.nextOf('response.created')
      session.socket.pause()
      await eventually(
        () => on.log.some((line) => line.includes('"msg":"turn"')),
        (ended) => ended,
      )
      await on.end()
      expect(on.simulator.inFlight(on.credential('a'))).toBe(0)
      session.socket.resume()
      expect(await session.closed()).toMatchObject({ code: 1008, reason: expect.stringMatching(/taken/) as string })
      expect(await recordsOf(on, 1)).toMatchObject([{ outcome: 'cancelled', attempts: [{ failure: null }] }])
      expect(session.frames.at(-1)).not.toMatchObject({ type: 'response.completed' })
    },
  )

  // E24
  test.each([['on'], ['off']])('holds its upstream back, and misses nothing when it reads again (websocket: %s)', async (websocket) => {
    const on = await stage({
      accounts: { a: { plays: { deltas: 1_000, deltaBytes: 10_000 }, websocket }, b: { models: { small: 'gpt-5.5' }, only_mapped: true, priority: 0 } },
    })
    const session = await on.session()
    session.create(hello)
    await session.nextOf('response.created')
    session.socket.pause()
    const other = await on.session()
    for (let n = 0; n < 10; n++) expect((await other.turn({ ...hello, model: 'small' })).last).toMatchObject({ type: 'response.completed' })
    await other.end()
    expect(on.log.filter((line) => line.includes('"msg":"turn"'))).toHaveLength(10)
    expect(on.simulator.inFlight(on.credential('a'))).toBe(1)
    session.socket.resume()
    const { events, text } = await session.answer()
    expect(text).toHaveLength(1_000 * 10_000)
    const numbers = events.map((event) => Number(event['sequence_number']))
    expect(numbers).toEqual(numbers.map((_, at) => at + 1))
    await session.end()
  })

  // E24
  test.each([['on'], ['off']])('gets an event of 8 MB as it is, and one over the bound ends the turn, not the session (websocket: %s)', async (websocket) => {
    const giant = (megabytes: number) => ({ fault: 'giant', megabytes, times: 1 })
    const on = await stage({ accounts: { a: { plays: { faults: [giant(8)] }, websocket } }, bounds: { frame: '9MiB', transcript: '1MiB' } })
    const session = await on.session()
    const { events } = await session.turn(hello)
    expect(events.at(-1)).toMatchObject({ type: 'response.completed' })
    expect(Math.max(...events.map((event) => JSON.stringify(event).length))).toBeGreaterThanOrEqual(8 * MiB)
    on.play('a', { faults: [giant(10)] })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'error', status: 502 })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })
})
