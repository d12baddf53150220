import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventsOf, jsonOf } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, question, streamed, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

/** What curl prints. It must be there: a test that is left out proves nothing. */
async function curl(on: Stage, body: object, ...flags: string[]): Promise<string> {
  const words = [...flags, '-sS', '--max-time', '10', '-H', `authorization: Bearer ${laptopKey}`, '-H', 'content-type: application/json', '--data-binary', '@-']
  const child = spawn('curl', [...words, `${on.gateway.url}/v1/responses`], { stdio: 'pipe' })
  child.stdin.on('error', () => undefined).end(JSON.stringify(body))
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(child, 'close').catch((error: Error) => {
    throw new Error(`curl cannot be run (${error.message}): install it`)
  })) as [number]
  if (code !== 0) throw new Error(`curl ended with ${code}: ${err}`)
  return out
}

// A10
test('curl --compressed gets the answer that it can read', async () => {
  const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'gzip' }] } } } })
  expect(jsonOf(await curl(on, question, '--compressed'))).toMatchObject({ status: 'completed' })
  expect(on.sent('a')[0]?.headers['accept-encoding']).toBe('identity')
})

test('curl -N gets a stream, after a failover', async () => {
  const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota' }] } }, b: {} } })
  expect(eventsOf(await curl(on, streamed, '-N', '--compressed')).at(-1)?.type).toBe('response.completed')
})

test('curl that asks before it sends a large body is told to go on', async () => {
  const on = await stage({ accounts: { a: {} } })
  const printed = await curl(on, { ...question, input: 'z'.repeat(2_000_000) }, '-i', '-H', 'expect: 100-continue', '--http1.1')
  expect(printed).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
})

test('curl that offers HTTP/2 by an upgrade is answered over HTTP/1.1', async () => {
  const on = await stage({ accounts: { a: {} } })
  expect(await curl(on, question, '-i', '--http2')).toMatch(/^HTTP\/1\.1 200 OK/)
})
