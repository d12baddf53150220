import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Json } from '../../../src/dialect/json.ts'
import { chatTranslator } from '../../../src/dialect/translate/chat/translator.ts'
import { messagesTranslator } from '../../../src/dialect/translate/messages/translator.ts'
import type { Translator } from '../../../src/dialect/translate/hub.ts'
import { chunk, finish, telling } from './chat/streams.ts'
import { blockStart, delta, start, stop } from './messages/support.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

function settledHeapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

test.each<{ dialect: string; translator: Translator; begun: readonly Json[]; word: (text: string) => Json; end: Json }>([
  { dialect: 'Chat Completions', translator: chatTranslator, begun: [], word: (content) => chunk({ content }), end: finish('stop') },
  {
    dialect: 'Messages',
    translator: messagesTranslator,
    begun: [start(), blockStart(0, { type: 'text', text: '' })],
    word: (text) => delta(0, { type: 'text_delta', text }),
    end: stop,
  },
])('a text of $dialect in very many pieces weighs little more than what it says', ({ translator, begun, word, end }) => {
  const reader = translator.reader(telling)
  for (const event of begun) reader.read(null, event)
  const before = settledHeapBytes()
  for (let index = 0; index < 500_000; index++) reader.read(null, word(String(1_000_000 + index)))
  expect(settledHeapBytes() - before).toBeLessThan(2 * 500_000 * 7)
  expect(JSON.stringify([...reader.read(null, end), ...reader.close()])).toContain('10000001000001')
})
