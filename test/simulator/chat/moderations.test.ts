import { describe, expect, it } from 'vitest'
import { put } from '../dialects.ts'
import { errorOf, jsonOf, remembering, type Fields } from '../support.ts'

const hello = { model: 'omni-moderation-latest', input: 'hello there' }
const ask = (body: object, behaviour = {}) => put(remembering({ behaviour }), 'chat', body, { path: '/v1/moderations' })
const verdictsOf = (input: unknown) => (jsonOf(ask({ ...hello, input }))['results'] as readonly Fields[]).map((one) => one['flagged'])

describe('moderations', () => {
  it('are a list of verdicts, under an id and the name of a snapshot', () => {
    expect(jsonOf(ask(hello, { snapshot: '-1' }))).toEqual({
      id: expect.stringMatching(/^modr-/) as string,
      model: `${hello.model}-1`,
      results: [expect.objectContaining({ flagged: false })],
    })
  })

  it('find what is named', () => {
    expect(jsonOf(ask({ ...hello, input: 'such violence' }))['results']).toMatchObject([
      { flagged: true, categories: { violence: true, hate: false }, category_scores: { violence: 0.98 }, category_applied_input_types: { violence: ['text'] } },
    ])
  })

  it('judge each text, and the parts of a message together', () => {
    expect(verdictsOf(['hello', 'hate'])).toEqual([false, true])
    expect(
      verdictsOf([
        { type: 'text', text: 'hate' },
        { type: 'image_url', image_url: { url: 'data:,' } },
      ]),
    ).toEqual([true])
  })

  const wrong: readonly (readonly [title: string, input: unknown, param: string])[] = [
    ['without an input', undefined, 'input'],
    ['of what is no text', 7, 'input'],
    ['of an empty list', [], 'input'],
    ['of too much', Array.from({ length: 2049 }, () => 'a'), 'input'],
    ['of a list of all sorts', ['a', {}], 'input[1]'],
  ]
  it.each(wrong)('%s are refused', (_, input, param) => {
    const answer = ask({ ...hello, input })
    expect([answer.head?.status, errorOf(answer)['param']]).toEqual([400, param])
  })

  it('take as many inputs as the bound', () => expect(verdictsOf(Array.from({ length: 2048 }, () => 'a'))).toHaveLength(2048))
  it('are struck by faults as any turn', () => expect(ask(hello, { faults: [{ fault: 'quota' }] }).head?.status).toBe(429))
})
