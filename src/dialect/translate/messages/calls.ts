import { hash } from 'node:crypto'
import { parseExact } from '../../../lib/exact-json.ts'
import { isObject, type Json } from '../../json.ts'

/** Calls of tools: their ids, their input, and custom tools, whose input is text in the hub (protocols.md 5.8). */

/** The one member of a custom tool's input in Messages, where every input is an object. */
const textMember = 'input'

export function inputOfText(text: string): Json {
  return { [textMember]: text }
}

/** What `inputOfText` made, or as much of it as has come. A model that put it otherwise is taken at its words. */
export function textOfInput(json: string): string {
  const input = objectIn(json)
  const text = input?.[textMember]
  return typeof text === 'string' ? text : json
}

/** An input has to be an object there, and a call that was cut or malformed stays in the dialogue: so its text goes along as it is. */
export function inputOf(callArguments: unknown): Json {
  if (typeof callArguments !== 'string' || callArguments.trim() === '') return {}
  return objectIn(callArguments) ?? { arguments: callArguments }
}

/** What is text in the hub becomes a part of the question, whose depth is bounded: beyond it stays text. Unit: levels. */
const depthMax = 256

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1))
}

function objectIn(json: string): Json | null {
  try {
    const value = parseExact(json)
    return isObject(value) && isShallow(value, depthMax) ? value : null
  } catch {
    return null
  }
}

/** What Messages takes for an id. */
const plainId = /^[\w-]+$/

/** Calls and their results are paired by it, so that the same id has to become the same one. */
export function callId(id: string): string {
  return plainId.test(id) ? id : `call_${hash('sha256', id, 'hex').slice(0, 24)}`
}
