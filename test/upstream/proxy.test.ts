import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectProxy, socks5Proxy } from '../support/proxies.ts'
import { account, answerOf, callOf, drained, eventually, namesTo, Rig, signalOf } from './rig.ts'

let rig: Rig
beforeEach(() => (rig = new Rig()))
afterEach(() => rig.close())

describe('an account behind a proxy', () => {
  it('tunnels through an HTTP proxy, with its credentials, and keeps the tunnel', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const proxy = rig.add(await connectProxy())
    const transport = rig.transport()
    const main = account(`http://upstream.test:${server.port}/v1`, { proxy: `http://me:pa%40ss@127.0.0.1:${proxy.port}` })
    for (let n = 0; n < 3; n++) expect(await drained(answerOf(await transport.send(callOf(main))).body)).toEqual({ text: 'ok', how: 'end' })
    expect(proxy.asked).toEqual([`upstream.test:${server.port}`])
    expect(proxy.credentials).toEqual(['me:pa@ss'])
  })

  it('tunnels through a SOCKS proxy that looks names up', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const proxy = rig.add(await socks5Proxy())
    const transport = rig.transport()
    const main = account(`http://upstream.test:${server.port}/v1`, { proxy: `socks5h://me:secret@127.0.0.1:${proxy.port}` })
    for (let n = 0; n < 3; n++) expect(await drained(answerOf(await transport.send(callOf(main))).body)).toEqual({ text: 'ok', how: 'end' })
    expect(proxy.asked).toEqual([`upstream.test:${server.port}`])
    expect(proxy.credentials).toEqual(['me:secret'])
  })

  it('looks names up by itself for socks5, and judges where they lead', async () => {
    const server = await rig.http((_request, response) => response.end('ok'))
    const proxy = rig.add(await socks5Proxy())
    const main = account(`http://upstream.test:${server.port}`, { proxy: `socks5://127.0.0.1:${proxy.port}` })
    expect(answerOf(await rig.transport(namesTo('127.0.0.1')).send(callOf(main))).status).toBe(200)
    expect(proxy.asked).toEqual([`127.0.0.1:${server.port}`])
    expect(signalOf(await rig.transport(namesTo('10.0.0.1')).send(callOf(main)))).toMatchObject({ why: 'private-address', handedOver: false })
    expect(proxy.asked).toHaveLength(1)
  })

  it('waits for a tunnel as for a connection, and closes it when it takes too long', async () => {
    const proxy = rig.add(await connectProxy({ kind: 'silent' }))
    const sending = rig.transport().send(callOf(account('http://upstream.test', { proxy: `http://127.0.0.1:${proxy.port}` })))
    await eventually(() => proxy.asked.length === 1)
    await rig.clock.advance(10_000)
    expect(signalOf(await sending)).toMatchObject({ kind: 'unreachable', why: 'connect-timeout', handedOver: false })
    await eventually(() => proxy.open() === 0)
  })

  for (const status of ['407 Proxy Authentication Required', '502 Bad Gateway']) {
    it(`says that the proxy failed when it answers ${status}`, async () => {
      const proxy = rig.add(await connectProxy({ kind: 'refuse', status }))
      const signal = signalOf(await rig.transport().send(callOf(account('http://upstream.test', { proxy: `http://me:secret@127.0.0.1:${proxy.port}` }))))
      expect(signal).toMatchObject({ kind: 'unreachable', why: 'proxy', handedOver: false })
      expect(JSON.stringify(signal)).toContain(status.slice(0, 3))
      expect(JSON.stringify(signal)).not.toContain('secret')
      await eventually(() => proxy.open() === 0)
    })
  }

  it('says that the proxy failed when a SOCKS proxy refuses, without its password', async () => {
    const proxy = rig.add(await socks5Proxy('refuse'))
    const signal = signalOf(await rig.transport().send(callOf(account('http://upstream.test', { proxy: `socks5h://me:secret@127.0.0.1:${proxy.port}` }))))
    expect(signal).toMatchObject({ kind: 'unreachable', why: 'proxy', handedOver: false })
    expect(JSON.stringify(signal)).not.toContain('secret')
  })

  for (const scheme of ['http', 'socks5h']) {
    it(`says that the proxy failed when nobody listens there (${scheme})`, async () => {
      const gone = await connectProxy()
      await gone.close()
      const sent = await rig.transport().send(callOf(account('http://upstream.test', { proxy: `${scheme}://127.0.0.1:${gone.port}` })))
      expect(signalOf(sent)).toMatchObject({ kind: 'unreachable', why: 'proxy', handedOver: false })
    })

    // H4
    it(`lets no proxy be on a private address unless the account allows it (${scheme})`, async () => {
      const proxy = rig.add(await connectProxy())
      const main = account('http://upstream.test', { upstream: 'openai-compatible', proxy: `${scheme}://127.0.0.1:${proxy.port}` })
      expect(signalOf(await rig.transport().send(callOf(main)))).toMatchObject({ why: 'private-address', handedOver: false })
      const named = account('http://upstream.test', { upstream: 'openai-compatible', proxy: `${scheme}://proxy.test:${proxy.port}` })
      expect(signalOf(await rig.transport(namesTo('127.0.0.1')).send(callOf(named)))).toMatchObject({ why: 'private-address', handedOver: false })
      expect(proxy.asked).toEqual([])
    })

    it(`is refused a private address behind the proxy, as it is written (${scheme})`, async () => {
      const proxy = rig.add(await connectProxy())
      const main = account('http://10.0.0.1', { proxy: `${scheme}://127.0.0.1:${proxy.port}` })
      expect(signalOf(await rig.transport().send(callOf(main)))).toMatchObject({ why: 'private-address', handedOver: false })
      expect(proxy.asked).toEqual([])
    })
  }
})
