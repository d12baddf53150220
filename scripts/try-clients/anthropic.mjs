// @ts-check
import { Anthropic } from '@anthropic-ai/sdk'
import { VERSION } from '@anthropic-ai/sdk/version'
import { key } from '../trial.mjs'
import { bothForms, calling, lookUp, models, stepsMax, tool } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */

/** What is thought comes back signed and goes along with the next turn, to whichever account. */
const thinking = { type: /** @type {const} */ ('adaptive'), display: /** @type {const} */ ('summarized') }

/** @type {readonly Client[]} */
export const anthropic = [
  {
    name: `@anthropic-ai/sdk ${VERSION}`,
    speaks: 'messages',
    forms: bothForms,
    upstreams: ['messages', 'responses', 'chat'],
    calling,
    transport: 'http',
    open,
  },
]

/** @type {Client['open']} */
async function open({ url }, form) {
  const client = new Anthropic({ apiKey: key, baseURL: url })
  const { name, description, parameters } = tool
  const tools = [{ name, description, input_schema: parameters }]
  /** @type {import('@anthropic-ai/sdk/resources/messages').MessageParam[]} */
  const messages = []
  const step = () => {
    const asked = { model: models.messages, max_tokens: 4096, thinking, tools, messages }
    return form === 'whole' ? client.messages.create(asked) : client.messages.stream(asked).finalMessage()
  }
  const turn = async (/** @type {string} */ text) => {
    let said = ''
    messages.push({ role: 'user', content: text })
    for (let steps = 0; steps < stepsMax; steps++) {
      const { content, stop_reason } = await step()
      messages.push({ role: 'assistant', content })
      for (const block of content) if (block.type === 'text') said += block.text
      if (stop_reason !== 'tool_use') break
      const calls = content.filter((block) => block.type === 'tool_use')
      const results = calls.map(({ id, input }) => ({ type: /** @type {const} */ ('tool_result'), tool_use_id: id, content: lookUp(input) }))
      messages.push({ role: 'user', content: results })
    }
    return said
  }
  return { turn, close: () => {} }
}
