import { describe, expect, it } from 'vitest'
import { put } from '../dialects.ts'
import { errorOf, jsonOf, remembering } from '../support.ts'

const train = { model: 'gpt-image-1', prompt: 'a train' }
const ask = (body: object, behaviour = {}) => put(remembering({ behaviour }), 'chat', body, { path: '/v1/images/generations' })

describe('images', () => {
  it('are pictures and a usage in the words of Responses', () => {
    const answer = jsonOf(ask({ ...train, n: 2 }))
    expect(answer).toMatchObject({ created: expect.any(Number) as number, usage: { input_tokens: 2, output_tokens: 544, total_tokens: 546 } })
    const pictures = answer['data'] as readonly { readonly b64_json: string }[]
    expect(pictures.map((one) => Buffer.from(one.b64_json, 'base64').toString('latin1', 1, 4))).toEqual(['PNG', 'PNG'])
  })

  it('have the usage that was fixed, and the name of a snapshot in the head', () => {
    const answer = ask(train, { usage: { input_tokens: 9, output_tokens: 1 }, snapshot: '-1' })
    expect(jsonOf(answer)['usage']).toEqual({ input_tokens: 9, output_tokens: 1 })
    expect(answer.head?.headers['openai-model']).toBe('gpt-image-1-1')
  })

  it('of a model of old are addresses, or bytes where so told, and have no usage', () => {
    const old = { ...train, model: 'dall-e-3', n: null }
    expect(jsonOf(ask(old))).toEqual({ created: expect.any(Number) as number, data: [{ url: expect.any(String) as string, revised_prompt: 'a train' }] })
    expect(jsonOf(ask({ ...old, response_format: 'b64_json' }))['data']).toEqual([{ b64_json: expect.any(String) as string }])
  })

  const wrong: readonly (readonly [title: string, more: object, param: string])[] = [
    ['of nothing', { prompt: undefined }, 'prompt'],
    ['of an empty text', { prompt: '' }, 'prompt'],
    ['of what is no text', { prompt: ['a'] }, 'prompt'],
    ['that are none', { n: 0 }, 'n'],
    ['that are too many', { n: 11 }, 'n'],
    ['of a size in numbers', { size: 1024 }, 'size'],
    ['in a stream', { stream: true }, 'stream'],
  ]
  it.each(wrong)('%s are refused', (_, more, param) => {
    const answer = ask({ ...train, ...more })
    expect([answer.head?.status, errorOf(answer)['param']]).toEqual([400, param])
  })

  it('may be as many as the bound', () => expect(jsonOf(ask({ ...train, n: 10 }))['data']).toHaveLength(10))
  it('are struck by faults as any turn', () => expect(ask(train, { faults: [{ fault: 'quota' }] }).head?.status).toBe(429))
})
