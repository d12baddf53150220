// @ts-check
import { key } from '../trial.mjs'
import { bothForms, calling, load, lookUp, models, stepsMax, tool } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */

export const langchainPackages = { '@langchain/core': '1.4.0', '@langchain/openai': '1.6.0', '@langchain/anthropic': '1.5.11' }

const same = { forms: bothForms, calling, transport: /** @type {const} */ ('http') }

/** @type {readonly Client[]} */
export const langchain = [
  {
    ...same,
    name: `@langchain/openai ${langchainPackages['@langchain/openai']}`,
    speaks: 'chat',
    upstreams: ['chat', 'responses'],
    open: opening(async (url) => {
      const { ChatOpenAI } = await load('@langchain/openai')
      return new ChatOpenAI({ model: models.chat, apiKey: key, configuration: { baseURL: `${url}/v1` } })
    }),
  },
  {
    ...same,
    name: `@langchain/anthropic ${langchainPackages['@langchain/anthropic']}`,
    speaks: 'messages',
    upstreams: ['messages', 'responses'],
    open: opening(async (url) => {
      const { ChatAnthropic } = await load('@langchain/anthropic')
      return new ChatAnthropic({ model: models.messages, apiKey: key, anthropicApiUrl: url, maxTokens: 1024 })
    }),
  },
]

/** @param {(url: string) => Promise<any>} modelAt @returns {Client['open']} */
function opening(modelAt) {
  return async ({ url }, form) => {
    const { HumanMessage } = await load('@langchain/core/messages')
    const { tool: toolOf } = await load('@langchain/core/tools')
    const { name, description, parameters: schema } = tool
    const found = toolOf(lookUp, { name, description, schema })
    const model = (await modelAt(url)).bindTools([found])
    /** @type {any[]} */
    const messages = []
    const step = async () => {
      if (form === 'whole') return model.invoke(messages)
      let whole
      for await (const chunk of await model.stream(messages)) whole = whole === undefined ? chunk : whole.concat(chunk)
      return whole
    }
    const turn = async (/** @type {string} */ text) => {
      let said = ''
      messages.push(new HumanMessage(text))
      for (let steps = 0; steps < stepsMax; steps++) {
        const message = await step()
        messages.push(message)
        said += message.text
        if (message.tool_calls.length === 0) break
        for (const call of message.tool_calls) messages.push(await found.invoke(call))
      }
      return said
    }
    return { turn, close: () => {} }
  }
}
