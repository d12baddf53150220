import { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { gatewayOfThisFile } from '../support/gateway.ts'
import { said } from '../support/session-client.ts'
import { answerOf, socketUpstream } from '../support/socket-upstream.ts'

const stage = gatewayOfThisFile()

/** Which sockets of this process write, in order, from now on. */
function writing(): () => readonly Socket[] {
  const spies = [vi.spyOn(Socket.prototype, '_write'), vi.spyOn(Socket.prototype, '_writev')]
  return () => spies.flatMap(({ mock }) => mock.contexts as Socket[])
}

test('a burst of a hundred events costs no more writes to the client than it took reads from the upstream', async () => {
  const events = 100
  const { created, output, completed } = answerOf('resp_burst')
  const [added, delta, done] = output
  const upstream = await socketUpstream((_, end) => end.say(created, added))
  const on = await stage({ accounts: { a: { base_url: upstream.url, websocket: 'on' } } })
  const session = await on.session()
  const client = (session.socket as unknown as { readonly _socket: Socket })._socket.localPort
  const writers = writing()
  try {
    session.create({ model: 'gpt-5.5', store: false, input: [said('talk')] })
    await session.nextOf('response.output_item.added')
    const asking = writers().find(({ remotePort }) => remotePort === Number(new URL(upstream.url).port))
    let reads = 0
    asking?.on('data', () => reads++)
    const written = () => writers().filter(({ remotePort }) => remotePort === client).length
    const before = written()
    const [end] = upstream.ends
    end?.wire.cork()
    for (let i = 0; i < events; i++) end?.say(delta)
    end?.wire.uncork()
    for (let i = 0; i < events; i++) await session.nextOf('response.output_text.delta')
    const writes = written() - before
    expect(reads).toBeGreaterThan(0)
    expect(reads).toBeLessThan(events)
    expect(writes).toBeGreaterThan(0)
    expect(writes).toBeLessThanOrEqual(reads)
    end?.say(done, completed)
    expect((await session.answer()).id).toBe('resp_burst')
  } finally {
    vi.restoreAllMocks()
    await session.end()
  }
})
