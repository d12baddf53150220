import { isObject, type Json } from '../../json.ts'
import type { Telling } from '../hub.ts'
import { chatPrefix, finishOf, hubPrefix, madeOf } from './answer.ts'
import { annotationsFromHub, logprobsFromHub, objectsOf } from './asides.ts'
import { textOf, toolCallOf } from './items.ts'
import { listed } from '../unsaid.ts'
import { usageFromHub } from './usage.ts'

/** The hub's response object as a whole answer of Chat Completions (protocols.md 4.5). */
export function answerFromHub(response: Json, telling: Telling): Json {
  const { stem, atS, model } = madeOf(response, response['created_at'], hubPrefix, telling)
  const { service_tier: tier, incomplete_details: details } = response
  const said = saidIn(response['output'])
  const usage = usageFromHub(response['usage'])
  const finish = finishOf(response['status'] !== 'incomplete', isObject(details) ? details['reason'] : null, said.calls.length > 0)
  return {
    id: `${chatPrefix}${stem}`,
    object: 'chat.completion',
    created: atS,
    model,
    choices: [{ index: 0, message: messageOf(said), logprobs: tokensOf(said.logprobs), finish_reason: finish }],
    ...(usage === null ? {} : { usage }),
    ...(typeof tier === 'string' ? { service_tier: tier } : {}),
  }
}

interface Said {
  readonly text: string
  readonly refusal: string
  readonly annotations: readonly Json[]
  readonly logprobs: readonly Json[]
  readonly calls: readonly Json[]
}

/** What of the items Chat has words for; messages are said as one. */
export function saidIn(output: unknown): Said {
  const items = objectsOf(output)
  const parts = items.flatMap((item) => (item['type'] === 'message' ? objectsOf(item['content']) : []))
  const texts = parts.filter((part) => part['type'] === 'output_text')
  return {
    text: texts.map((part) => textOf(part['text'])).join(''),
    refusal: parts.map((part) => (part['type'] === 'refusal' ? textOf(part['refusal']) : '')).join(''),
    annotations: texts.flatMap((part) => annotationsFromHub(part['annotations'])),
    logprobs: texts.flatMap((part) => logprobsFromHub(part['logprobs'])),
    calls: items.flatMap((item, index) => listed(toolCallOf(item, `call_${index}`))),
  }
}

function messageOf({ text, refusal, annotations, calls }: Said): Json {
  const saysNothing = text === '' && (calls.length > 0 || refusal !== '')
  return {
    role: 'assistant',
    content: saysNothing ? null : text,
    refusal: refusal === '' ? null : refusal,
    annotations,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

/** Log probabilities as a choice has them. */
export function tokensOf(logprobs: readonly Json[]): Json | null {
  return logprobs.length === 0 ? null : { content: logprobs, refusal: null }
}
