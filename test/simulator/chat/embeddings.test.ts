import { describe, expect, it } from 'vitest'
import { put } from '../dialects.ts'
import { errorOf, jsonOf, remembering, type Fields } from '../support.ts'

const hello = { model: 'text-embedding-3-small', input: 'hello there' }
const ask = (body: object, behaviour = {}, key = 'key-a') => put(remembering({ behaviour }), 'chat', body, { path: '/v1/embeddings', key })
const vectorsOf = (body: object, key?: string) => (jsonOf(ask(body, {}, key))['data'] as readonly Fields[]).map((one) => one['embedding'])

describe('embeddings', () => {
  it('are a list of vectors and a usage', () => {
    const answer = jsonOf(ask({ ...hello, input: ['hello there', 'and you'] }))
    expect(answer).toMatchObject({ object: 'list', model: hello.model, usage: { prompt_tokens: 5, total_tokens: 5 } })
    expect(answer['data']).toMatchObject([
      { object: 'embedding', index: 0 },
      { object: 'embedding', index: 1 },
    ])
  })

  it('are of one length, of as many dimensions as told, and the same for whoever asks', () => {
    const [vector] = vectorsOf({ ...hello, dimensions: 5 }) as readonly number[][]
    expect(vector).toHaveLength(5)
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1)
    expect(vectorsOf({ ...hello, dimensions: 5 }, 'key-b')).toEqual([vector])
    expect(vectorsOf({ ...hello, input: 'another', dimensions: 5 })).not.toEqual([vector])
  })

  it('are the same in base64', () => {
    const [text] = vectorsOf({ ...hello, encoding_format: 'base64' })
    const bytes = Buffer.from(String(text), 'base64')
    expect([...new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))]).toEqual(vectorsOf(hello)[0])
  })

  it('take tokens, one list or many', () => {
    expect(vectorsOf({ ...hello, input: [1, 2, 3] })).toHaveLength(1)
    expect(vectorsOf({ ...hello, input: [[1, 2], [3]] })).toHaveLength(2)
  })

  it('have the usage that was fixed, and the name of a snapshot', () => {
    expect(jsonOf(ask(hello, { usage: { input_tokens: 9 }, snapshot: '-1' }))).toMatchObject({
      model: `${hello.model}-1`,
      usage: { prompt_tokens: 9, total_tokens: 9 },
    })
  })

  const wrong: readonly (readonly [title: string, more: object, param: string])[] = [
    ['without an input', { input: undefined }, 'input'],
    ['of nothing', { input: '' }, 'input'],
    ['of an empty list', { input: [] }, 'input'],
    ['of too much', { input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
    ['of what is no text', { input: ['a', {}] }, 'input[1]'],
    ['in a form that nobody knows', { encoding_format: 'hex' }, 'encoding_format'],
    ['of no dimension', { dimensions: 0 }, 'dimensions'],
  ]
  it.each(wrong)('%s are refused', (_, more, param) => {
    const answer = ask({ ...hello, ...more })
    expect([answer.head?.status, errorOf(answer)['param']]).toEqual([400, param])
  })

  it('take as many inputs as the bound', () => {
    expect(vectorsOf({ ...hello, dimensions: 1, input: Array.from({ length: 2048 }, () => 'a') })).toHaveLength(2048)
  })

  it('are struck by faults as any turn', () => {
    expect(ask(hello, { faults: [{ fault: 'quota' }] }).head?.status).toBe(429)
  })
})
