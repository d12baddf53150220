// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, installation, key } from '../trial.mjs'
import { models } from './client.mjs'

/** @typedef {import('./client.mjs').Client} Client */

const version = '2.1.330'
export const claudeCodePackages = { '@anthropic-ai/claude-code': version }

/** @type {readonly Client[]} */
export const claudeCode = [
  {
    name: `Claude Code ${version}`,
    speaks: 'messages',
    forms: ['streamed'],
    upstreams: ['messages', 'responses'],
    calling: { words: 'call:Bash({"command":"echo the tool ran","description":"Say so"}) please', heard: ['ran: the tool ran', 'The tool said:'] },
    transport: 'http',
    open,
  },
]

const quiet = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1', DISABLE_AUTOUPDATER: '1' }
const headless = ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']

/** The program, which the package holds as a placeholder until its own script has put the one of this machine in its place. */
function program() {
  const folder = join(installation, 'node_modules', '@anthropic-ai', 'claude-code')
  const file = join(folder, 'bin', 'claude.exe')
  if (statSync(file).size < 1024 * 1024) spawnSync(process.execPath, [join(folder, 'install.cjs')])
  return file
}

/** One process for the whole dialogue, which takes and gives a line of JSON each. @type {Client['open']} */
async function open({ url, folder }) {
  const home = join(folder, 'claude')
  mkdirSync(home)
  const env = { PATH: process.env['PATH'], HOME: home, CLAUDE_CONFIG_DIR: home, ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, ...quiet }
  const child = spawn(program(), [...headless, '--model', models.messages, '--allowedTools', 'Bash'], { cwd: home, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let complaint = ''
  let said = ''
  let over = Promise.withResolvers()
  child.stdin.on('error', () => {})
  child.stderr.on('data', (piece) => (complaint = `${complaint}${piece}`.slice(-2000)))
  child.on('error', (error) => over.reject(error))
  child.on('exit', (code) => over.reject(new Error(`it ended with ${code}: ${complaint}`)))
  createInterface(child.stdout).on('line', (line) => {
    const message = JSON.parse(line)
    if (message.type === 'assistant' || message.type === 'user') said += heard(message.message.content)
    if (message.type === 'result') over.resolve(message)
  })
  const turn = async (/** @type {string} */ text) => {
    said = ''
    over = Promise.withResolvers()
    child.stdin.write(`${JSON.stringify({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] } })}\n`)
    const result = await over.promise
    if (result.is_error) throw new Error(`${result.subtype}: ${result.result}`)
    return said
  }
  // What is refused once nobody waits any more is no news.
  over.promise.catch(() => {})
  return { turn, close: () => ended(child) }
}

/** @param {any} content */
function heard(content) {
  if (typeof content === 'string') return content
  const result = (/** @type {any} */ block) => `ran: ${typeof block.content === 'string' ? block.content : JSON.stringify(block.content)}\n`
  return content.map((/** @type {any} */ block) => (block.type === 'text' ? block.text : block.type === 'tool_result' ? result(block) : '')).join('')
}
