import { itemDone, type Answer } from './answer.ts'
import { continued } from './dialogue.ts'
import type { Memory, Stored } from './memory.ts'
import { jsonOf } from './responses/events.ts'

/** Notes the items that an answer gives out. */
export function give(said: Answer, memory: Memory, stored: boolean): void {
  const { key } = said.question
  const reasoned = said.items.find((item) => item.kind === 'reasoning')?.id ?? null
  for (const item of said.items) {
    memory.give(item.id, { key, stored, needs: item.kind === 'reasoning' ? null : reasoned, call: item.kind === 'call' ? item.callId : null })
  }
}

/** An answer as its continuations need it. `bytes`: of its question. */
export function storedOf(said: Answer, bytes: number): Stored {
  const { question } = said
  const output = said.items.map(itemDone)
  return {
    id: said.id,
    key: question.key,
    response: () => jsonOf({ ...said, terminalOutput: 'whole' }),
    input: question.input,
    dialogue: continued(question.dialogue, output, JSON.stringify(output).length),
    background: question.fields['background'] === true,
    tokens: question.inputTokens + said.outputTokens,
    items: question.items + said.items.length,
    openCalls: said.items.flatMap((item) => (item.kind === 'call' ? [item.callId] : [])),
    bytes: bytes + said.outputTokens * 4,
  }
}
