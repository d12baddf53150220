import type { Behaviour } from './behaviour.ts'
import { refused, type JsonObject, type Refused } from './error.ts'

type Type = 'boolean' | 'string' | 'array' | 'number' | 'object'

/** What a member must be, where it is there. */
export type MemberTypes = readonly (readonly [member: string, is: Type])[]

export const typeOf = (value: unknown) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value)

/** Whether a member says something. */
export const isSet = (value: unknown) => value !== undefined && value !== null

/** The members at the top of a body, as OpenAI checks them: its model, what this upstream does not support, and their types. */
export function checkMembers(fields: JsonObject, types: MemberTypes, { unsupported, models }: Behaviour): Refused | null {
  const { model } = fields
  if (!isSet(model)) return missing('model')
  if (typeof model !== 'string') return wrongType('model', 'string')
  const member = unsupported.find((name) => isSet(fields[name]))
  if (member !== undefined) return notSupported(member, `'${member}' is not supported with this model.`)
  for (const [name, is] of types) if (isSet(fields[name]) && typeOf(fields[name]) !== is) return wrongType(name, is)
  return models !== null && !models.includes(model) ? unknownModel(model) : null
}

export const missing = (param: string) => refused(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
export const wrongType = (param: string, is: string) => refused(400, `Invalid type for '${param}': expected ${is}.`, { param, code: 'invalid_type' })
export const notSupported = (param: string, why: string) => refused(400, `Unsupported parameter: ${why}`, { param, code: 'unsupported_parameter' })

export function unknownModel(model: string): Refused {
  return refused(404, `The model \`${model}\` does not exist or you do not have access to it.`, { param: 'model', code: 'model_not_found' })
}
