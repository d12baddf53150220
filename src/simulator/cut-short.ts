import type { Answer, Item } from './answer.ts'
import { isObject } from './error.ts'
import type { Frame } from './frame.ts'

/** What an answer is when it ends behind its first `said` events, at the next place where it can; null where that is its own end. */
export function cutShort(answer: Answer, frames: readonly Frame[], said: number): Answer | null {
  const { begun, deltas, isSaid } = progress(frames.slice(0, said))
  const items = answer.items.slice(0, begun)
  const last = items.at(-1)
  const isOpen = last?.kind === 'message' && !isSaid && deltas < last.pieces.length
  if (items.some((item) => item.kind === 'call') || (items.length === answer.items.length && !isOpen)) return null
  if (isOpen) items[items.length - 1] = { ...last, pieces: last.pieces.slice(0, deltas), whole: false }
  const left = answer.outputTokens - tokensOf(answer.items) + tokensOf(items)
  return { ...answer, items, ending: 'steered', outputTokens: left, usage: counted(answer, left) }
}

function progress(frames: readonly Frame[]): { readonly begun: number; readonly deltas: number; readonly isSaid: boolean } {
  let begun = 0
  let deltas = 0
  let isSaid = false
  for (const { event } of frames) {
    if (event === 'response.output_item.added') {
      begun += 1
      deltas = 0
      isSaid = false
    }
    if (event === 'response.output_text.delta') deltas += 1
    if (event === 'response.output_text.done') isSaid = true
  }
  return { begun, deltas, isSaid }
}

/** Of what is said aloud. */
function tokensOf(items: readonly Item[]): number {
  const bytes = items.reduce((sum, item) => sum + (item.kind === 'message' ? item.pieces.reduce((all, piece) => all + piece.length, 0) : 0), 0)
  return Math.ceil(bytes / 4)
}

function counted({ usage, outputTokens }: Answer, left: number): unknown {
  if (!isObject(usage) || usage['output_tokens'] !== outputTokens) return usage
  const { input_tokens: input } = usage
  return { ...usage, output_tokens: left, ...(typeof input === 'number' ? { total_tokens: input + left } : {}) }
}
