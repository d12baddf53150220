import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/core/account.ts'
import type { ErrorObject } from '../../src/core/failure.ts'
import type { UpstreamModel } from '../../src/core/ids.ts'
import type { DialectName } from '../../src/core/turn.ts'
import type { Headers } from '../../src/lib/headers.ts'
import type { AnswerBody, AnswerReader, Call, Sent, Transport } from '../../src/ports/transport.ts'
import { listModels, modelNames } from '../../src/upstream/models.ts'
import { probe } from '../../src/upstream/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { account } from './rig.ts'

const main = account('https://upstream.test/v1')
const credential = { kind: 'api_key', apiKey: 'sk' } as const
const signal = new AbortController().signal
const list = '{"object":"list","data":[{"id":"b"},{"id":"a"},{"id":"b"},{"id":7},{}]}'

type Answer = Extract<Sent, { kind: 'answer' }>

/** A body that pushes `chunks` and then ends, breaks, or says nothing more. */
class ScriptedBody implements AnswerBody {
  readonly closed = Promise.resolve()
  cancelled = false
  readonly #chunks: readonly Buffer[]
  readonly #how: 'end' | 'broken' | 'silent'

  constructor(text: string | Buffer, how: 'end' | 'broken' | 'silent' = 'end') {
    const bytes = Buffer.from(text)
    this.#chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, at) => bytes.subarray(at * 1000, (at + 1) * 1000))
    this.#how = how
  }

  read(reader: AnswerReader): void {
    queueMicrotask(() => {
      for (const chunk of this.#chunks) if (!this.cancelled) reader.chunk(chunk)
      if (this.cancelled || this.#how === 'silent') return
      if (this.#how === 'end') reader.end()
      else reader.broken('cut')
    })
  }

  pause(): void {}
  resume(): void {}
  cancel(): void {
    this.cancelled = true
  }
}

function answer(status: number, body: string | AnswerBody, headers: Headers = { 'content-type': 'application/json' }): Answer {
  return { kind: 'answer', status, headers, pass: [], body: typeof body === 'string' ? new ScriptedBody(body) : body }
}

/** Answers call after call with what is scripted, and notes the calls. */
function scripted(...answers: Sent[]): Transport & { readonly calls: Call[] } {
  const calls: Call[] = []
  return {
    calls,
    send(call) {
      calls.push(call)
      const next = answers[calls.length - 1]
      return next === undefined ? Promise.reject(new Error('one call too many')) : Promise.resolve(next)
    },
  }
}

const readError = (body: Buffer): ErrorObject | null => {
  if (!body.toString().startsWith('{')) return null
  const { error } = JSON.parse(body.toString()) as { error?: { code?: string; message?: string } }
  return error === undefined ? null : { code: error.code ?? null, type: null, message: error.message ?? '', param: null, resetsAt: null, resetsInSeconds: null }
}

const dialectNamed = (name: DialectName) => ({ path: () => `/${name}`, readError })

function probing(transport: Transport, model: string | null = 'm', of: Account = main) {
  return probe({ transport, clock: new VirtualClock(), dialectNamed }, { account: of, credential, model: model as UpstreamModel | null, signal })
}

describe('a probe of an account', () => {
  it('is well when the upstream lists its models', async () => {
    const transport = scripted(answer(200, list))
    expect(await probing(transport)).toEqual({ kind: 'well' })
    expect(transport.calls.map((call) => `${call.method} ${call.path}`)).toEqual(['GET /models'])
  })

  for (const [what, listed] of [
    ['answers 404', answer(404, '{"error":{"message":"no route"}}')],
    ['answers 405', answer(405, '')],
    ['answers 501', answer(501, '')],
    ['answers with a web page', answer(200, '<html>', { 'content-type': 'text/html' })],
  ] as const) {
    it(`asks for a turn of one token where the list ${what}`, async () => {
      const transport = scripted(listed, answer(200, '{"status":"incomplete"}'))
      expect(await probing(transport)).toEqual({ kind: 'well' })
      const turn = transport.calls[1]
      expect(`${turn?.method} ${turn?.path}`).toBe('POST /responses')
      expect(JSON.parse(Buffer.concat(turn?.body?.pieces ?? []).toString())).toEqual({ model: 'm', input: 'ping', max_output_tokens: 16, store: false })
    })
  }

  const spoken: readonly (readonly [dialects: readonly DialectName[], upstream: Account['upstream'], path: string, question: object, answer: object])[] = [
    [['messages', 'chat', 'responses'], 'simulator', '/responses', { input: 'ping', max_output_tokens: 16, store: false }, { status: 'completed' }],
    [['messages', 'chat'], 'simulator', '/chat', { messages: [{ role: 'user', content: 'ping' }], max_tokens: 1 }, { choices: [{ finish_reason: 'length' }] }],
    [['chat'], 'openai', '/chat', { messages: [{ role: 'user', content: 'ping' }], max_completion_tokens: 16 }, { choices: [{}] }],
    [['messages'], 'anthropic', '/messages', { messages: [{ role: 'user', content: 'ping' }], max_tokens: 1 }, { type: 'message', content: [] }],
  ]
  for (const [dialects, upstream, path, question, said] of spoken) {
    it(`asks an account of ${upstream} that speaks ${dialects.join(', ')} at ${path}, and knows its answer`, async () => {
      const of = { ...main, upstream, dialects }
      const transport = scripted(answer(404, ''), answer(200, JSON.stringify(said)))
      expect(await probing(transport, 'm', of)).toEqual({ kind: 'well' })
      const turn = transport.calls[1]
      expect(turn?.path).toBe(path)
      expect(JSON.parse(Buffer.concat(turn?.body?.pieces ?? []).toString())).toEqual({ model: 'm', ...question })
      const strange = await probing(scripted(answer(404, ''), answer(200, '{"object":"list"}')), 'm', of)
      expect(strange).toMatchObject({
        kind: 'unwell',
        signal: { kind: 'ended', detail: expect.stringMatching(/^the answer to a probe was no \w[\w ]+ answer$/) },
      })
    })
  }

  it('names a version to an upstream that speaks Messages alone, and to no other', async () => {
    const version = async (dialects: readonly DialectName[]) => {
      const transport = scripted(answer(404, ''), answer(404, ''))
      await probing(transport, 'm', { ...main, dialects })
      return transport.calls.map(({ clientHeaders }) => clientHeaders['anthropic-version'])
    }
    expect(await version(['messages'])).toEqual(['2023-06-01', '2023-06-01'])
    expect(await version(['chat', 'messages'])).toEqual([undefined, undefined])
  })

  it('is unwell with the error that the list or the turn gave', async () => {
    const refused = { code: 'token_revoked', type: null, message: 'gone', param: null, resetsAt: null, resetsInSeconds: null }
    const no = () => answer(401, '{"error":{"code":"token_revoked","message":"gone"}}')
    const expected = { kind: 'unwell', signal: { kind: 'answer', status: 401, headers: { 'content-type': 'application/json' }, body: 'json', error: refused } }
    expect(await probing(scripted(no()))).toEqual(expected)
    expect(await probing(scripted(answer(404, ''), no()))).toEqual(expected)
  })

  it('is unwell with what a 200 said of its failure', async () => {
    const probed = await probing(scripted(answer(404, ''), answer(200, '{"status":"failed","error":{"code":"insufficient_quota","message":"spent"}}')))
    expect(probed).toMatchObject({ kind: 'unwell', signal: { kind: 'told', error: { code: 'insufficient_quota' } } })
  })

  it('is unwell when the upstream cannot be reached', async () => {
    const away = { kind: 'unreachable', why: 'refused', handedOver: false, detail: '' } as const
    expect(await probing(scripted({ kind: 'signal', signal: away }))).toEqual({ kind: 'unwell', signal: away })
    expect(await probing(scripted(answer(405, ''), { kind: 'signal', signal: away }))).toEqual({ kind: 'unwell', signal: away })
  })

  it('that is called off while the answer comes says nothing of the account', async () => {
    const off = new AbortController()
    const why = new Error('called off by the test')
    const asking = { account: main, credential, model: null, signal: off.signal }
    const broken = probe({ transport: scripted(answer(500, new ScriptedBody('{', 'broken'))), clock: new VirtualClock(), dialectNamed }, asking)
    off.abort(why)
    await expect(broken).rejects.toBe(why)
  })

  it('is unwell where there is no list, and no model to ask for', async () => {
    expect(await probing(scripted(answer(404, '')), null)).toMatchObject({ kind: 'unwell', signal: { kind: 'answer', status: 404 } })
  })
})

describe('the list of models', () => {
  const listing = (transport: Transport, clock = new VirtualClock()) => listModels({ transport, clock }, main, credential, signal)

  it('is the names, each once', async () => expect(await listing(scripted(answer(200, list)))).toEqual(['b', 'a']))
  it('is unknown when the upstream has none', async () => expect(await listing(scripted(answer(404, '')))).toBeNull())
  it('is unknown when it is not JSON or has another shape', () => {
    expect(modelNames(Buffer.from('<html>'))).toBeNull()
    expect(modelNames(Buffer.from('{"others":[]}'))).toBeNull()
    expect(modelNames(Buffer.from('null'))).toBeNull()
  })

  it('is asked of Anthropic in the largest page, and read as it gives it', async () => {
    const transport = scripted(answer(200, '{"data":[{"type":"model","id":"claude-haiku-4-5","display_name":"Haiku"}],"has_more":false}'))
    const claude = { ...main, upstream: 'anthropic', dialects: ['messages'] } as const
    expect(await listModels({ transport, clock: new VirtualClock() }, claude, credential, signal)).toEqual(['claude-haiku-4-5'])
    expect(transport.calls).toMatchObject([{ path: '/models?limit=1000', clientHeaders: { 'anthropic-version': '2023-06-01' } }])
  })

  it('is read as the Codex backend gives it, too', () => {
    expect(modelNames(Buffer.from('{"models":[{"slug":"gpt-5.5"},{"slug":"gpt-6"},{"title":"x"}]}'))).toEqual(['gpt-5.5', 'gpt-6'])
  })

  it('is unknown, and cancelled, beyond 4 MiB', async () => {
    const body = new ScriptedBody(Buffer.alloc(4 * 1024 * 1024 + 1, ' '))
    expect(await listing(scripted(answer(200, body)))).toBeNull()
    expect(body.cancelled).toBe(true)
  })

  it('is read up to exactly 4 MiB', async () => {
    const body = new ScriptedBody(list.padEnd(4 * 1024 * 1024, ' '))
    expect(await listing(scripted(answer(200, body)))).toEqual(['b', 'a'])
  })

  it('is unknown, and cancelled, when it has not come within 10 s', async () => {
    const clock = new VirtualClock()
    const body = new ScriptedBody('{"data":[', 'silent')
    const waiting = listing(scripted(answer(200, body)), clock)
    await clock.advance(9_999)
    expect(body.cancelled).toBe(false)
    await clock.advance(1)
    expect(await waiting).toBeNull()
    expect(body.cancelled).toBe(true)
  })

  it('leaves out names that are longer than a client may say', () => {
    expect(modelNames(Buffer.from(JSON.stringify({ data: [{ id: 'x'.repeat(256) }, { id: 'x'.repeat(257) }] })))).toEqual(['x'.repeat(256)])
  })
})

describe('the error that a probe is told', () => {
  it('is cancelled beyond 64 KiB, and judged by what came', async () => {
    const body = new ScriptedBody('<html>'.padEnd(64 * 1024 + 1, 'x'))
    expect(await probing(scripted(answer(500, body)))).toMatchObject({ kind: 'unwell', signal: { status: 500, body: 'html', error: null } })
    expect(body.cancelled).toBe(true)
    const whole = new ScriptedBody('<html>'.padEnd(64 * 1024, 'x'))
    expect(await probing(scripted(answer(500, whole)))).toMatchObject({ kind: 'unwell', signal: { status: 500, body: 'html' } })
    expect(whole.cancelled).toBe(false)
  })

  it('is judged by its head alone when its body is late or cut off', async () => {
    const clock = new VirtualClock()
    const asking = { account: main, credential, model: null, signal }
    const late = probe({ transport: scripted(answer(429, new ScriptedBody('{"error":{"message":"no"}}', 'silent'))), clock, dialectNamed }, asking)
    await clock.advance(5_000)
    expect(await late).toMatchObject({ kind: 'unwell', signal: { kind: 'answer', status: 429, error: null } })
    expect(await probing(scripted(answer(429, new ScriptedBody('{"error":', 'broken'))))).toMatchObject({
      kind: 'unwell',
      signal: { status: 429, error: null },
    })
    expect(clock.pending).toBe(0)
  })
})
