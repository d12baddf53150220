import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, question, streamed } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const alias = (body: object) => ({ ...body, model: 'alias-model', input: 'say alias-model and gpt-5.5' })
const mapped = { models: { 'alias-model': 'gpt-5.5' } }

// A11
describe('the model in an answer', () => {
  test("is the client's name where mapping changed it, in every event, and nowhere in the output", async () => {
    const text = 'I am gpt-5.5, "model":"gpt-5.5".'
    const on = await stage({ accounts: { a: { ...mapped, plays: { text, snapshot: '-2026-11-01' } } } })
    const answer = await on.ask(alias(streamed))
    const responses = answer.events.flatMap(({ data }) =>
      typeof data['response'] === 'object' ? [data['response'] as { model: string; output: readonly unknown[] }] : [],
    )
    expect(responses.length).toBeGreaterThanOrEqual(3)
    expect(new Set(responses.map(({ model }) => model))).toEqual(new Set(['alias-model']))
    expect(answer.headers['openai-model']).toBe('alias-model')
    expect(responses.at(-1)?.output).toMatchObject([{ content: [{ text }] }])
    expect(answer.events.flatMap(({ type, data }) => (type === 'response.output_text.delta' ? [data['delta']] : [])).join('')).toBe(text)
  })

  test("is the client's name in JSON too", async () => {
    const on = await stage({ accounts: { a: { ...mapped, plays: { snapshot: '-2026-11-01' } } } })
    const answer = await on.ask(alias(question))
    expect(answer).toMatchObject({
      json: { model: 'alias-model' },
      headers: { 'openai-model': 'alias-model', 'content-length': String(Buffer.byteLength(answer.text)) },
    })
    expect(answer.text).toContain('You asked: say alias-model and gpt-5.5')
  })

  test.each([
    ['streamed', streamed],
    ['whole', question],
  ])("is the upstream's own, dated, where mapping changed nothing: %s", async (_how, body) => {
    const on = await stage({ accounts: { a: { plays: { snapshot: '-2026-11-01' } } } })
    const answer = await on.ask(body)
    expect(answer.text).toContain('"model":"gpt-5.5-2026-11-01"')
    expect(answer.headers['openai-model']).toBe('gpt-5.5-2026-11-01')
  })

  test('is restored from the account that answered, after a failover', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'failed' }] } }, b: mapped } })
    const answer = await on.ask(alias(streamed))
    expect(answer.text).not.toContain('"model":"gpt-5.5"')
    expect(answer.text).toContain('"model":"alias-model"')
  })

  test('an empty output in the terminal event is made whole from the items that came before', async () => {
    const on = await stage({ accounts: { a: { plays: { text: 'all of it', faults: [{ fault: 'empty-output' }] } } } })
    const answer = await on.ask(streamed)
    expect(answer.events.at(-1)?.data).toMatchObject({ response: { output: [{ type: 'message', content: [{ text: 'all of it' }] }] } })
  })
})
