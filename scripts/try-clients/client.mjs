// @ts-check
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installation } from '../trial.mjs'

/** @typedef {import('../trial.mjs').Place} Place */
/** @typedef {'streamed' | 'whole'} Form */
/** @typedef {'responses' | 'chat' | 'messages'} Dialect */
/** A dialogue with a client: says what it printed, or returned, from one thing that its user says to the end of all that follows. @typedef {{ turn: (text: string) => Promise<string>, close: () => unknown }} Dialogue */
/** What makes it run a tool, and what is then to be heard of it. @typedef {{ words: string, heard: readonly string[] }} Calling */
/**
 * @typedef {object} Client
 * @property {string} name with its version
 * @property {Dialect} speaks
 * @property {readonly Form[]} forms
 * @property {readonly Dialect[]} upstreams the native one first
 * @property {Calling} calling
 * @property {'http' | 'websocket'} transport
 * @property {(place: Place, form: Form) => Promise<Dialogue>} open
 */

/** @type {readonly Form[]} */
export const bothForms = ['streamed', 'whole']
export const models = { responses: 'gpt-5.5', chat: 'gpt-5.5', messages: 'claude-opus-4-8' }

/** The tool of those that bring none. */
export const tool = {
  name: 'look_up',
  description: 'Says on which page a word stands.',
  parameters: {
    type: /** @type {const} */ ('object'),
    properties: { word: { type: /** @type {const} */ ('string') } },
    required: ['word'],
    additionalProperties: false,
  },
}
/** @param {any} asked */
export const lookUp = ({ word }) => `${word} stands on page 7`
/** @type {Calling} */
export const calling = { words: 'call:look_up({"word":"lamp"}) please', heard: ['The tool said:', 'lamp stands on page 7'] }
/** How many answers one turn may take: one that calls the tool, one that has heard of it, and one too many. */
export const stepsMax = 3

/** A package that is installed for trials. @param {string} name @returns {Promise<any>} */
export async function load(name) {
  const { load } = await import(pathToFileURL(join(installation, 'load.mjs')).href)
  return load(name)
}
