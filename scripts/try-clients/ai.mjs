// @ts-check
import { key } from '../trial.mjs'
import { bothForms, calling, load, lookUp, models, stepsMax, tool } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */

const version = '7.0.173'
export const aiPackages = { ai: version, '@ai-sdk/openai': '4.0.118', '@ai-sdk/anthropic': '4.0.105', '@ai-sdk/openai-compatible': '3.0.92' }

const same = { forms: bothForms, calling, transport: /** @type {const} */ ('http') }

/** @type {readonly Client[]} */
export const ai = [
  {
    ...same,
    name: `ai ${version}, openai`,
    speaks: 'responses',
    upstreams: ['responses', 'messages'],
    open: opening(async (baseURL) => (await load('@ai-sdk/openai')).createOpenAI({ baseURL, apiKey: key })(models.responses)),
  },
  {
    ...same,
    name: `ai ${version}, anthropic`,
    speaks: 'messages',
    upstreams: ['messages', 'responses'],
    open: opening(async (baseURL) => (await load('@ai-sdk/anthropic')).createAnthropic({ baseURL, apiKey: key })(models.messages)),
  },
  {
    ...same,
    name: `ai ${version}, openai-compatible`,
    speaks: 'chat',
    upstreams: ['chat', 'messages'],
    open: opening(async (baseURL) => (await load('@ai-sdk/openai-compatible')).createOpenAICompatible({ name: 'turnout', baseURL, apiKey: key })(models.chat)),
  },
]

/** @param {(baseURL: string) => Promise<object>} modelAt @returns {Client['open']} */
function opening(modelAt) {
  return async ({ url }, form) => {
    const { generateText, isStepCount, jsonSchema, streamText, tool: toolOf } = await load('ai')
    const model = await modelAt(`${url}/v1`)
    const { name, description, parameters } = tool
    const tools = { [name]: toolOf({ description, inputSchema: jsonSchema(parameters), execute: async (/** @type {unknown} */ asked) => lookUp(asked) }) }
    /** @type {unknown[]} */
    const messages = []
    const streamed = async (/** @type {object} */ asked) => {
      const result = streamText({ ...asked, onError: () => {} })
      let text = ''
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error
        if (part.type === 'text-delta') text += part.text
      }
      return { text, responseMessages: await result.responseMessages }
    }
    const turn = async (/** @type {string} */ text) => {
      messages.push({ role: 'user', content: text })
      const asked = { model, messages, tools, stopWhen: isStepCount(stepsMax) }
      const result = await (form === 'whole' ? generateText(asked) : streamed(asked))
      messages.push(...result.responseMessages)
      return result.text
    }
    return { turn, close: () => {} }
  }
}
