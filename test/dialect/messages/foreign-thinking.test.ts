import { expect, test } from 'vitest'
import { sealHash } from '../../../src/dialect/question.ts'
import { sealedThinking, withoutForeignThinking } from '../../../src/dialect/messages/foreign-thinking.ts'
import { Body } from '../../../src/lib/body.ts'

function bodyOf(text: string): Body {
  const body = Body.of(Buffer.from(text))
  if (body === null) throw new Error('the test asks nonsense')
  return body
}

function left(text: string): string {
  const body = bodyOf(text)
  return Buffer.concat(body.edited(withoutForeignThinking(body)).pieces).toString('utf8')
}

const own = '{"type":"thinking","thinking":"hm","signature":"EqQB"}'
const sealed = '{ "type":"thinking", "thinking":"", "signature":"turnout.responses.gAAA" }'
const unsigned = '{"type":"thinking","thinking":"hm","signature":""}'
const text = '{"type":"text","text":"a big 12345678901234567890, and \\"signature\\":\\"\\""}'
const of = (...messages: readonly string[]) => `{"model":"m", "messages": [${messages.join(', ')}] ,"max_tokens":5}`
const assistant = (...blocks: readonly string[]) => `{"role": "assistant", "content":[${blocks.join(',')}]}`

test.each([
  ['a dialogue without any', of('{"role":"user","content":"hi"}', assistant(own, text))],
  ['words about it', of(`{"role":"user","content":"what is \\"turnout.responses.\\"?"}`)],
  ['what is no list of messages', '{"messages":"turnout.responses.","signature":""}'],
  ['what has no messages', '{"signature":""}'],
])('%s passes as it is', (_title, question) => expect(left(question)).toBe(question))

test('thinking that no Claude signed stays behind, and every other byte stays', () => {
  const user = '{"role":"user","content":"hi"}'
  expect(left(of(user, assistant(sealed, text), user, assistant(own, unsigned, text)))).toBe(
    `{"model":"m", "messages": [${user},{"role": "assistant", "content":[${text}]},${user},{"role": "assistant", "content":[${own},${text}]}] ,"max_tokens":5}`,
  )
})

test('a message of nothing else stays behind whole', () => {
  const user = '{"role":"user","content":"hi"}'
  expect(left(of(user, assistant(sealed, unsigned), user))).toBe(`{"model":"m", "messages": [${user},${user}] ,"max_tokens":5}`)
})

test('what other services sealed is told by its hash, in order, so that it goes back to them alone', () => {
  const again = sealed.replace('gAAA', 'gAAB')
  const question = of('{"role":"user","content":"hi"}', assistant(own, sealed, text), assistant(unsigned, again))
  expect(sealedThinking(bodyOf(question))).toEqual([
    { index: 0, hash: sealHash('gAAA') },
    { index: 1, hash: sealHash('gAAB') },
  ])
  expect(sealedThinking(bodyOf(of(assistant(own, text))))).toEqual([])
})
