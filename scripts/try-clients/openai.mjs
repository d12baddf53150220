// @ts-check
import { OpenAI } from 'openai'
import { VERSION } from 'openai/version'
import { key } from '../trial.mjs'
import { bothForms, calling, lookUp, models, stepsMax, tool } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */
/** @typedef {import('openai/resources/responses/responses').ResponseInput} Input */

const name = `openai ${VERSION}`
const same = { name, forms: bothForms, calling, transport: /** @type {const} */ ('http') }

/** What is thought comes back sealed and goes along with the next turn, to whichever account. */
const reasoning = { reasoning: { effort: /** @type {const} */ ('low') }, include: [/** @type {const} */ ('reasoning.encrypted_content')] }

/** @type {readonly Client[]} */
export const openai = [
  { ...same, speaks: 'responses', upstreams: ['responses', 'messages', 'chat'], open: overResponses },
  { ...same, speaks: 'chat', upstreams: ['chat', 'responses', 'messages'], open: overChat },
]

/** @type {Client['open']} */
async function overResponses({ url }, form) {
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1` })
  const tools = [{ type: /** @type {const} */ ('function'), strict: true, ...tool }]
  /** @type {Input} */
  const input = []
  const step = async () => {
    const asked = { model: models.responses, input, tools, ...reasoning }
    if (form === 'whole') return client.responses.create(asked)
    for await (const event of await client.responses.create({ ...asked, stream: true })) if (event.type === 'response.completed') return event.response
    throw new Error('the stream ended without response.completed')
  }
  const turn = async (/** @type {string} */ text) => {
    let said = ''
    input.push({ role: 'user', content: text })
    for (let steps = 0; steps < stepsMax; steps++) {
      const { output } = await step()
      input.push(.../** @type {Input} */ (output))
      for (const item of output) if (item.type === 'message') said += item.content.map((part) => (part.type === 'output_text' ? part.text : '')).join('')
      const calls = output.filter((item) => item.type === 'function_call')
      if (calls.length === 0) break
      for (const call of calls) input.push({ type: 'function_call_output', call_id: call.call_id, output: lookUp(JSON.parse(call.arguments)) })
    }
    return said
  }
  return { turn, close: () => {} }
}

/** @type {Client['open']} */
async function overChat({ url }, form) {
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1` })
  const tools = [{ type: /** @type {const} */ ('function'), function: { ...tool, parse: JSON.parse, function: lookUp } }]
  /** @type {import('openai/resources/chat/completions').ChatCompletionMessageParam[]} */
  let messages = []
  const turn = async (/** @type {string} */ text) => {
    const asked = {
      model: models.chat,
      reasoning_effort: /** @type {const} */ ('low'),
      tools,
      messages: [...messages, { role: /** @type {const} */ ('user'), content: text }],
    }
    const run = form === 'whole' ? client.chat.completions.runTools(asked) : client.chat.completions.runTools({ ...asked, stream: true })
    const said = await run.finalContent()
    messages = [...run.messages]
    return said ?? ''
  }
  return { turn, close: () => {} }
}
