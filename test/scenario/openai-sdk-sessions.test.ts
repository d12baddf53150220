import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import type { Response, ResponseInputItem, ResponsesClientEvent, Tool } from 'openai/resources/responses/responses'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startSimulator } from '../../src/simulator/server.ts'
import { eventually } from '../support/client.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { gatewayOfThisFile, triedBy } from '../support/gateway.ts'
import { configurationOf, laptopKey } from '../support/scene.ts'
import { reached, recordsOf } from '../support/talk.ts'

type Create = Extract<ResponsesClientEvent, { type: 'response.create' }>

const lookup: Tool = { type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }

/** A session by the official client. */
class SdkSession {
  readonly ws: ResponsesWS
  readonly errors: Error[] = []
  readonly closed: Promise<unknown>

  constructor(url: string) {
    this.ws = new ResponsesWS(new OpenAI({ apiKey: laptopKey, baseURL: `${url}/v1`, maxRetries: 0 }))
    this.ws.on('error', (error) => this.errors.push(error))
    this.closed = new Promise((resolve) => this.ws.on('close', (code, reason) => resolve({ code, reason })))
  }

  /** One turn; rejects where the answer is an error. */
  async turn(input: readonly ResponseInputItem[], more: Partial<Create> = {}): Promise<Response> {
    const answered = new Promise<Response>((resolve, reject) => {
      this.ws.once('response.completed', (event) => resolve(event.response))
      this.ws.once('error', reject)
    })
    this.ws.send({ type: 'response.create', model: 'gpt-5.5', store: false, tools: [lookup], input: [...input], ...more })
    return answered
  }

  async end(): Promise<void> {
    this.ws.close()
    await this.closed
  }
}

/** Asks, lets a tool be called, gives what it said, and asks once more; `meanwhile` happens between two turns. */
async function converse(session: SdkSession, meanwhile: (turn: number) => void): Promise<readonly string[]> {
  const first = await session.turn([{ role: 'user', content: 'hello' }])
  meanwhile(1)
  const called = await session.turn([{ role: 'user', content: 'call:lookup' }], { previous_response_id: first.id })
  const call = called.output.find((item) => item.type === 'function_call')
  meanwhile(2)
  const told = await session.turn([{ type: 'function_call_output', call_id: call?.call_id ?? '', output: '42' }], { previous_response_id: called.id })
  meanwhile(3)
  const last = await session.turn([{ role: 'user', content: 'and now?' }], { previous_response_id: told.id })
  return [first, told, last].map(textOf)
}

const textOf = ({ output }: Response): string =>
  output.map((item) => (item.type === 'message' ? item.content.map((part) => (part.type === 'output_text' ? part.text : '')).join('') : '')).join('')

const conversation = ['Hello from first. You asked: hello', 'Hello from second. The tool said: 42', 'Hello from second. You asked: and now?']

describe("the official client's WebSocket", () => {
  const stage = gatewayOfThisFile()

  test.each([['on'], ['off']])('works through several turns and a call, though its account is exhausted in between (websocket: %s)', async (websocket) => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' }, websocket }, b: { plays: { label: 'second' }, websocket } } })
    const session = new SdkSession(on.gateway.url)
    const said = await converse(session, (turn) => {
      if (turn === 2) on.play('a', { faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] })
    })
    expect(said).toEqual(conversation)
    expect(session.errors).toEqual([])
    expect(reached(on, 'b')[0]?.dialogue).toMatchObject([
      { role: 'user', content: 'hello' },
      { role: 'assistant' },
      { role: 'user', content: 'call:lookup' },
      { type: 'function_call' },
      { type: 'function_call_output', output: '42' },
    ])
    expect((await recordsOf(on, 4)).map(triedBy)).toEqual([['a'], ['a'], ['a', 'b'], ['b']])
    await session.end()
  })

  test('knows what it is told: an error of its own, and why it was closed', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'flex', action: 'block', message: 'Not here.' }] })
    const session = new SdkSession(on.gateway.url)
    await expect(session.turn([{ role: 'user', content: 'hello' }], { previous_response_id: 'resp_none' })).rejects.toThrow(/resp_none/)
    expect((await session.turn([{ role: 'user', content: 'hello' }])).status).toBe('completed')
    await expect(session.turn([{ role: 'user', content: 'hello' }], { service_tier: 'flex' })).rejects.toThrow('Not here.')
    expect(await session.closed).toMatchObject({ code: 1008, reason: 'Not here.' })
  })
})

test('the official client works with a gateway that was started as its operator starts it', async () => {
  const simulator = await startSimulator({ keys: { 'key-a': { label: 'first' }, 'key-b': { label: 'second' } } })
  const folder = mkdtempSync(join(tmpdir(), 'turnout-'))
  const place = { simulator, pool: 'all', credential: (account: string) => `key-${account}` }
  writeFileSync(join(folder, 'turnout.yaml'), JSON.stringify(configurationOf({ accounts: { a: {}, b: {} }, log: { level: 'error' } }, place)))
  const gateway = new GatewayProcess(folder)
  onTestFinished(async () => {
    await gateway.kill()
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const session = new SdkSession(await gateway.says(/(http:\/\/127\.0\.0\.1:\d+)/))
  const said = await converse(session, (turn) => {
    if (turn === 2) simulator.set('key-a', { faults: [{ fault: 'token-invalidated' }] })
  })
  expect(said).toEqual(conversation)
  expect(session.errors).toEqual([])
  const ended = gateway.terminate()
  expect(await session.closed).toMatchObject({ code: 1012 })
  expect(await ended).toBe(0)
  await eventually(
    () => simulator.connections('key-b'),
    (open) => open === 0,
  )
})
