import { expect, test } from 'vitest'
import { keptItemsBytesMax, ResponsesObserver } from '../../../src/dialect/responses/observe.ts'

const event = (type: string, fields: object) => Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
const ended = event('response.completed', { response: { id: 'resp_1', status: 'completed', output: [] } })

/** What the terminal event becomes after finished items of these sizes. */
function terminalAfter(sizes: readonly number[]): Buffer {
  const observer = new ResponsesObserver({ restore: null, framing: 'sse', client: 'sse' })
  sizes.forEach((size, index) => {
    const item = { id: `m${index}`, type: 'message', text: 'x'.repeat(size) }
    const done = event('response.output_item.done', { output_index: index, item })
    observer.see(done, 0, done.length)
  })
  const seen = observer.see(ended, 0, ended.length)
  if (seen.kind !== 'terminal') throw new Error(seen.kind)
  return seen.bytes
}

test('an empty output is rebuilt from items up to a bound, and beyond it the terminal event stays as it came', () => {
  const half = keptItemsBytesMax / 2
  expect(terminalAfter([half - 1000, half - 1000]).length).toBeGreaterThan(keptItemsBytesMax - 2000)
  expect(terminalAfter([half, half, 10]).equals(ended)).toBe(true)
})
