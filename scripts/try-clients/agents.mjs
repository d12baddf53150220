// @ts-check
import { key } from '../trial.mjs'
import { bothForms, calling, load, lookUp, models, tool } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */

const version = '0.20.0'
export const agentsPackages = { '@openai/agents': version, zod: '4.6.7' }

/** @type {readonly Client[]} */
export const agents = [
  { name: `@openai/agents ${version}`, speaks: 'responses', forms: bothForms, upstreams: ['responses', 'messages'], calling, transport: 'http', open },
]

/** @type {Client['open']} */
async function open({ url }, form) {
  const { Agent, OpenAIProvider, Runner, tool: toolOf } = await load('@openai/agents')
  const modelProvider = new OpenAIProvider({ apiKey: key, baseURL: `${url}/v1`, useResponses: true })
  const runner = new Runner({ modelProvider, tracingDisabled: true })
  const tools = [toolOf({ ...tool, strict: true, execute: async (/** @type {unknown} */ asked) => lookUp(asked) })]
  const agent = new Agent({ name: 'reader', instructions: 'Answer in one sentence.', model: models.responses, tools })
  /** @type {unknown[]} */
  let history = []
  const turn = async (/** @type {string} */ text) => {
    const input = [...history, { role: 'user', content: text }]
    const result = form === 'whole' ? await runner.run(agent, input) : await runner.run(agent, input, { stream: true })
    let said = ''
    if (form === 'streamed') for await (const piece of result.toTextStream()) said += piece
    await result.completed
    history = result.history
    return form === 'streamed' ? said : result.finalOutput
  }
  return { turn, close: () => modelProvider.close() }
}
