import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { simulator } from '../../src/cli/simulator.ts'
import { Captured, turnout } from './support.ts'

test('runs until it is told to end, and says how to control it', async () => {
  const surroundings = new Captured()
  const ended = simulator({ host: '127.0.0.1', port: 0, json: true }, surroundings)
  await expect.poll(() => surroundings.printed).toContain('control')
  const { control } = JSON.parse(surroundings.printed) as { control: string }
  const asking = request(control, { agent: false }).end()
  const [response] = (await once(asking, 'response')) as [import('node:http').IncomingMessage]
  expect(response.resume().statusCode).toBe(200)
  surroundings.signal('SIGTERM')
  expect(await ended).toBe(0)
})

test('greets people with a command that can be pasted', async () => {
  const surroundings = new Captured()
  const ended = simulator({ host: '127.0.0.1', port: 0 }, surroundings)
  await expect.poll(() => surroundings.printed).toMatch(/^curl http:\/\/127\.0\.0\.1:\d+\/_control -d '\{"key":"sk-first","faults":\["quota"\]\}'$/m)
  surroundings.signal('SIGINT')
  expect(await ended).toBe(0)
})

test('says that its port is taken, and exits 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const { exit, err } = await turnout(['simulator', '--port', String(port)])
  expect(exit).toBe(1)
  expect(err).toBe(`Port ${port} on 127.0.0.1 is taken by another program. Choose another with --port (0 takes any free one).\n`)
})
